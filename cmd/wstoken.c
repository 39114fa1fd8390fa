/* SPDX-License-Identifier: MIT */
/*
 * wstoken - makes and checks access tokens, and what belongs to them: for each
 * command a table of options, what it checks of them, and what it does.
 */
#include "clock.h"
#include "diag.h"
#include "exits.h"
#include "keyfile.h"
#include "keygen.h"
#include "mint.h"
#include "options.h"
#include "secrecy.h"
#include "secretfile.h"
#include "tokenlike.h"
#include "tokenlist.h"
#include "tokens.h"
#include "utf8.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FOR_DEFAULT (UINT64_C(60) * 60 * 1000) /* ms */
#define FOR_MIN 1000			       /* ms: a token counts seconds */

/* A shorter one can be found from its hash by trying. */
#define HASHED_MIN 16

#define TOKEN_ENV "WSD_TOKEN"

#define NO_ARGUMENT                                                            \
	"a token is no argument, where others could see it, but comes from "

struct settings {
	struct option_base options;
	const char *key;
	const char *kid;
	struct option_texts rights[RIGHTS_KINDS];
	bool admin;
	uint64_t lifetime;
	const char *audience;
	const char *issuer;
	const char *subject;
	const char *token_file;
	struct option_texts jwt_keys;
	struct option_texts lists;
	const char *tenant_claim;
	unsigned type;
	const char *name;
};

#define FIELD(name) .offset = offsetof(struct settings, name)

/* What options may say */

static const char *pattern_wrong(const char *text)
{
	return rights_pattern_valid(text, strlen(text))
		       ? NULL
		       : rights_strerror(RIGHTS_BAD_PATTERN);
}

static const char *text_wrong(const char *text)
{
	if (!utf8_valid(text, strlen(text)))
		return "it is not UTF-8";
	return *text ? NULL : "it is empty";
}

static const char *subject_wrong(const char *text)
{
	_Static_assert(CLAIMS_SUBJECT_MAX == 1024, "a message says so");
	if (strlen(text) > CLAIMS_SUBJECT_MAX)
		return "it has at most 1024 bytes";
	return text_wrong(text);
}

static const char *kid_wrong(const char *text)
{
	if (strlen(text) > JWT_KID_MAX)
		return "a kid has at most 256 bytes";
	return text_wrong(text);
}

static const char *name_wrong(const char *text)
{
	return tokenlist_name_valid(text, strlen(text))
		       ? NULL
		       : "a name is 1 to 128 of A-Z a-z 0-9 . _ : @ -";
}

#define RIGHTS_ROWS                                                            \
	{0,                                                                    \
	 "subscribe",                                                          \
	 OPTION_TEXTS,                                                         \
	 FIELD(rights[RIGHTS_SUBSCRIBE]),                                      \
	 "PATTERN",                                                            \
	 "may subscribe to this tenant, acme-* or *; repeatable",              \
	 .wrong = pattern_wrong},                                              \
		{0,                                                            \
		 "publish",                                                    \
		 OPTION_TEXTS,                                                 \
		 FIELD(rights[RIGHTS_PUBLISH]),                                \
		 "PATTERN",                                                    \
		 "may publish to such tenants; repeatable",                    \
		 .wrong = pattern_wrong},                                      \
	{                                                                      \
		0, "admin", OPTION_FLAG, FIELD(admin), NULL,                   \
			"may see what concerns all tenants"                    \
	}

#define TOKEN_FILE_ROW                                                         \
	{                                                                      \
		0, "token-file", OPTION_TEXT, FIELD(token_file), "FILE",       \
			"the token is in FILE, - is stdin (default: "          \
			"WSD_TOKEN, else stdin)"                               \
	}

static const struct option make_options[] = {
	{0, "key", OPTION_TEXT, FIELD(key), "FILE",
	 "sign with this secret or private key (PEM)"},
	{0, "kid", OPTION_TEXT, FIELD(kid), "NAME", "the name of the key",
	 .wrong = kid_wrong},
	RIGHTS_ROWS,
	{0, "for", OPTION_DURATION, FIELD(lifetime), "T",
	 "it expires after this time (default 1h)", .min = FOR_MIN},
	{0, "sub", OPTION_TEXT, FIELD(subject), "NAME",
	 "whose it is, for the log of the server", .wrong = subject_wrong},
	{0, "aud", OPTION_TEXT, FIELD(audience), "NAME", "whom it is for",
	 .wrong = text_wrong},
	{0, "iss", OPTION_TEXT, FIELD(issuer), "NAME", "who has made it",
	 .wrong = text_wrong},
	{.name = NULL},
};

static const struct option check_options[] = {
	TOKEN_FILE_ROW,
	{0, "jwt-key", OPTION_TEXTS, FIELD(jwt_keys), "FILE",
	 "check with this public key (PEM), JWK Set or secret, or KID=FILE; "
	 "repeatable"},
	{0, "jwt-aud", OPTION_TEXT, FIELD(audience), "NAME",
	 "it must be for this audience"},
	{0, "jwt-iss", OPTION_TEXT, FIELD(issuer), "NAME",
	 "it must be by this issuer"},
	{0, "tenant-claim", OPTION_TEXT, FIELD(tenant_claim), "NAME",
	 "this claim names a tenant that may be subscribed to"},
	{0, "tokens", OPTION_TEXTS, FIELD(lists), "FILE",
	 "FILE has static tokens; repeatable"},
	{.name = NULL},
};

static const struct option show_options[] = {
	TOKEN_FILE_ROW,
	{.name = NULL},
};

static const struct option keygen_options[] = {
	{0, "type", OPTION_CHOICE, FIELD(type), "TYPE",
	 "hmac (default), rsa, ec or ed25519", "hmac|rsa|ec|ed25519"},
	{.name = NULL},
};

static const struct option hash_options[] = {
	{0, "name", OPTION_TEXT, FIELD(name), "NAME",
	 "whose it is, for the log of the server", .wrong = name_wrong},
	RIGHTS_ROWS,
	{.name = NULL},
};

static const struct option no_options[] = {{.name = NULL}};

enum { MAKE, CHECK, SHOW, KEYGEN, HASH, COMMANDS };

static const struct option_program commands[] = {
	[MAKE] = {.name = "wstoken make",
		  .synopsis = "[option ...] --key FILE",
		  .summary = "Prints a new token, a JWT.",
		  .options = make_options,
		  .examples = "wstoken make --key k --subscribe acme "
			      "--for 10m\n"},
	[CHECK] = {.name = "wstoken check",
		   .synopsis = "[option ...]",
		   .summary = "Checks a token, and prints what it allows.",
		   .options = check_options,
		   .examples = "wstoken check --jwt-key k.pub <token\n"},
	[SHOW] = {.name = "wstoken show",
		  .synopsis = "[option ...]",
		  .summary = "Prints what a JWT says, without checking it.",
		  .options = show_options,
		  .examples = "wstoken show <token | jq .\n"},
	[KEYGEN] = {.name = "wstoken keygen",
		    .synopsis = "[option ...] file",
		    .summary = "Makes a secret, or a pair of keys.",
		    .options = keygen_options,
		    .examples = "wstoken keygen --type ed25519 key.pem\n"},
	[HASH] = {.name = "wstoken hash",
		  .synopsis = "[option ...] --name NAME",
		  .summary = "Prints the line of a static token that it reads.",
		  .options = hash_options,
		  .examples = "wstoken hash --name ci --publish '*' "
			      "<token >>tokens\n"},
	{.name = NULL},
};

static const struct option_program program = {
	.name = "wstoken",
	.synopsis = "command [option ...]",
	.summary = "Makes and checks access tokens of a wsd.",
	.options = no_options,
	.examples = "wstoken keygen --type hmac key\n"
		    "WSD_TOKEN=$(wstoken make --key key --subscribe acme)\n",
	.commands = commands,
};

/* What the commands share */

static struct diag diag_of(const struct option_program *command)
{
	return (struct diag){command->name, DIAG_WARN};
}

/* Says why something cannot be done; `status` goes through. */
static int cannot(const struct option_program *command, int status,
		  const char *what, const char *why)
{
	struct diag d = diag_of(command);

	diag(&d, DIAG_ERROR, "%s: %s", what, why);
	return status;
}

/*
 * Prints and wipes, as it may be a token; `status` goes through, unless that
 * fails. Without a buffer of stdio, in which it would stay.
 */
static int print(const struct option_program *command, struct buf *out,
		 int status)
{
	if (out->failed) {
		status = cannot(command, EXIT_OTHER, "cannot write",
				"out of memory");
	} else {
		setvbuf(stdout, NULL, _IONBF, 0);
		fwrite(buf_bytes(out), 1, buf_len(out), stdout);
		if (ferror(stdout))
			status = cannot(command, EXIT_OTHER, "cannot write",
					strerror(errno));
	}
	buf_wipe(out);
	return status;
}

/* 0, or the exit status. */
static int read_rights(struct rights *rights, const struct settings *s,
		       const struct option_program *command)
{
	rights->admin = s->admin;
	for (unsigned i = 0; i < RIGHTS_KINDS; i++) {
		const struct option_texts *texts = &s->rights[i];
		enum rights_what what = (enum rights_what)i;

		for (size_t n = 0; n < texts->count; n++) {
			const char *text = texts->items[n];
			enum rights_result result =
				rights_allow(rights, what, text, strlen(text));

			if (result != RIGHTS_OK)
				return options_wrong(command, "--%s: %s",
						     rights_name(what),
						     rights_strerror(result));
		}
	}
	return 0;
}

/* NULL: said why. Goes to forget(). */
static char *read_token(const struct settings *s,
			const struct option_program *command)
{
	const char *from = s->token_file;
	char *token = from ? NULL : getenv(TOKEN_ENV);
	struct diag d = diag_of(command);
	char why[SECRETFILE_WHY_MAX];

	if (token && *token)
		return token;
	if (!from || strcmp(from, "-") == 0) {
		token = secretfile_read_fd(STDIN_FILENO, why);
		from = "standard input";
	} else {
		token = secretfile_read(from, why);
	}
	if (!token)
		diag(&d, DIAG_ERROR, "cannot read the token from '%s': %s",
		     tokenlike_hidden(from), why);
	return token;
}

/* Wipes it where it is, also in the environment. NULL is allowed. */
static void forget(char *token)
{
	if (token && token == getenv(TOKEN_ENV))
		explicit_bzero(token, strlen(token));
	else
		secretfile_free(token);
}

/* make */

static int print_token(const struct settings *s, const struct rights *rights,
		       const struct jwtkey *key)
{
	const struct option_program *command = &commands[MAKE];
	int64_t now = clock_wall_ms() / 1000;
	const struct claims claims = {
		.rights = rights,
		.issued = now,
		.expires = now + (int64_t)(s->lifetime / 1000),
		.subject = s->subject,
		.audience = s->audience,
		.issuer = s->issuer,
	};
	enum mint_result result;
	struct buf token;

	buf_init(&token);
	buf_reserve(&token, JWT_MAX + 1); /* and a newline */
	result = mint_token(&token, key, s->kid, &claims);
	if (result != MINT_OK) {
		buf_release(&token);
		return cannot(command, EXIT_OTHER, "cannot make a token",
			      mint_strerror(result));
	}
	buf_putc(&token, '\n');
	return print(command, &token, EXIT_DONE);
}

static int make(const struct settings *s, char **operands)
{
	const struct option_program *command = &commands[MAKE];
	char why[KEYFILE_WHY_MAX];
	struct diag d = diag_of(command);
	struct jwtkey *key;
	struct rights rights;
	int status;

	if (*operands)
		return options_wrong(command, "'%s' is no option",
				     tokenlike_hidden(*operands));
	if (!s->key)
		return options_wrong(command, "--key: which FILE?");
	rights_init(&rights);
	status = read_rights(&rights, s, command);
	if (!status) {
		key = keyfile_signer(s->key, why);
		status = key ? print_token(s, &rights, key) : EXIT_USAGE;
		if (!key)
			diag(&d, DIAG_ERROR, "cannot use '%s': %s",
			     tokenlike_hidden(s->key), why);
		jwtkey_free(key);
	}
	rights_release(&rights);
	return status;
}

/* check */

static int judge(const struct tokens *tokens, const char *token)
{
	const struct option_program *command = &commands[CHECK];
	struct grant *grant;
	struct buf out;
	enum refusal refusal = tokens_check(tokens, token, strlen(token),
					    clock_wall_ms() / 1000, &grant);

	if (refusal != REFUSAL_NONE)
		return cannot(command,
			      refusal == REFUSAL_NO_MEMORY ? EXIT_OTHER
							   : EXIT_REFUSED,
			      "refused", refusal_strerror(refusal));
	buf_init(&out);
	mint_put_grant(&out, grant);
	grant_free(grant);
	return print(command, &out, EXIT_DONE);
}

static int check(const struct settings *s, char **operands)
{
	const struct option_program *command = &commands[CHECK];
	const struct tokens_config config = {
		.keys = s->jwt_keys.items,
		.keys_count = s->jwt_keys.count,
		.lists = s->lists.items,
		.lists_count = s->lists.count,
		.expected = {s->audience, s->issuer, s->tenant_claim},
	};
	char why[TOKENS_WHY_MAX];
	struct tokens *tokens;
	char *token;
	int status = EXIT_USAGE;

	if (*operands)
		return options_wrong(command, NO_ARGUMENT "--token-file");
	if (!config.keys_count && !config.lists_count)
		return options_wrong(command, "with which --jwt-key or "
					      "--tokens?");
	tokens = tokens_new(&config, why);
	if (!tokens)
		return cannot(command, EXIT_USAGE, "cannot use", why);
	token = read_token(s, command);
	if (token)
		status = judge(tokens, token);
	forget(token);
	tokens_free(tokens);
	return status;
}

/* show */

static int print_jwt(const struct jwt *jwt)
{
	const struct option_program *command = &commands[SHOW];
	struct diag d = diag_of(command);
	enum mint_result result;
	struct buf out;

	buf_init(&out);
	result = mint_put_parts(&out, jwt, isatty(STDOUT_FILENO));
	if (result == MINT_OK) {
		diag(&d, DIAG_WARN, "not checked: anybody can have written it");
		return print(command, &out, EXIT_DONE);
	}
	buf_release(&out);
	return cannot(command, EXIT_OTHER, "cannot show it",
		      mint_strerror(result));
}

static int show(const struct settings *s, char **operands)
{
	const struct option_program *command = &commands[SHOW];
	int status = EXIT_USAGE;
	enum refusal refusal;
	char *token;
	struct jwt jwt;

	if (*operands)
		return options_wrong(command, NO_ARGUMENT "--token-file");
	token = read_token(s, command);
	if (token) {
		refusal = jwt_decode(&jwt, token, strlen(token));
		status = refusal == REFUSAL_NONE
				 ? print_jwt(&jwt)
				 : cannot(command, EXIT_OTHER, "cannot show it",
					  refusal_strerror(refusal));
		if (refusal == REFUSAL_NONE)
			jwt_release(&jwt);
	}
	forget(token);
	return status;
}

/* keygen */

static int keygen(const struct settings *s, char **operands)
{
	const struct option_program *command = &commands[KEYGEN];
	struct diag d = diag_of(command);
	char why[KEYGEN_WHY_MAX];

	if (!operands[0] || operands[1])
		return options_wrong(command, "which file? Name one");
	if (keygen_write((enum keygen_type)s->type, operands[0], why) == 0)
		return EXIT_DONE;
	diag(&d, DIAG_ERROR, "%s", why);
	return EXIT_OTHER;
}

/* hash */

static int print_hash(const struct settings *s, const struct rights *rights,
		      const char *token)
{
	const struct option_program *command = &commands[HASH];
	struct diag d = diag_of(command);
	struct buf out;

	if (strlen(token) > TOKENS_MAX)
		return cannot(command, EXIT_USAGE, "the token",
			      refusal_strerror(REFUSAL_TOO_LONG));
	if (strlen(token) < HASHED_MIN)
		diag(&d, DIAG_WARN, "so short a token can be guessed");
	buf_init(&out);
	if (tokenlist_put(&out, token, strlen(token), s->name, rights) == 0)
		return print(command, &out, EXIT_DONE);
	buf_release(&out);
	return cannot(command, EXIT_OTHER, "cannot hash", "out of memory");
}

static int hash(const struct settings *s, char **operands)
{
	const struct option_program *command = &commands[HASH];
	char why[SECRETFILE_WHY_MAX];
	struct rights rights;
	char *token = NULL;
	int status;

	if (*operands)
		return options_wrong(command, NO_ARGUMENT "standard input");
	if (!s->name)
		return options_wrong(command, "--name: whose token is it?");
	rights_init(&rights);
	status = read_rights(&rights, s, command);
	if (!status) {
		token = secretfile_read_fd(STDIN_FILENO, why);
		status = token ? print_hash(s, &rights, token)
			       : cannot(command, EXIT_USAGE,
					"cannot read the token", why);
	}
	secretfile_free(token);
	rights_release(&rights);
	return status;
}

int main(int argc, char **argv)
{
	static int (*const runs[])(const struct settings *, char **) = {
		[MAKE] = make,	   [CHECK] = check, [SHOW] = show,
		[KEYGEN] = keygen, [HASH] = hash,
	};
	struct settings settings = {.lifetime = FOR_DEFAULT};
	const struct option_program *command;
	enum options_outcome outcome;
	int operands;
	int status;

	secrecy_begin();
	command = options_command(&program, argc, argv, &outcome);
	if (!command)
		return options_status(outcome);
	argv++;
	if (!options_begin(command, argc - 1, argv, &settings.options,
			   &operands, &status))
		return status;
	status = runs[command - commands](&settings, argv + operands);
	options_release(command, &settings.options);
	return status;
}

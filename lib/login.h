/* SPDX-License-Identifier: MIT */
/*
 * login - what a client has beside the URL of a wsd to be let in, and to know
 * whom it lets itself in with: its token, and whom it trusts.
 */
#ifndef LOGIN_H
#define LOGIN_H

#include "bearer.h"
#include "diag.h"
#include "option.h"
#include "trust.h"

/* What the options of a tool say. */
struct login_options {
	const char *token_file; /* NULL: what WSD_TOKEN has, if anything */
	const char *cacert;	/* NULL: the authorities of the system */
	bool insecure;		/* no certificate is checked */
};

/* Their rows in a table of options; `member` of `type` is that struct. */
#define LOGIN_ROWS(type, member)                                               \
	{.name = "token-file",                                                 \
	 .kind = OPTION_TEXT,                                                  \
	 .offset = offsetof(type, member.token_file),                          \
	 .arg = "FILE",                                                        \
	 .help = "show the token in FILE, which others cannot read "           \
		 "(WSD_TOKEN)"},                                               \
		{.name = "cacert",                                             \
		 .kind = OPTION_TEXT,                                          \
		 .offset = offsetof(type, member.cacert),                      \
		 .arg = "FILE",                                                \
		 .help = "the authorities that may sign the certificate "      \
			 "of a wss server, as PEM (default: those of the "     \
			 "system)"},                                           \
	{                                                                      \
		.name = "insecure", .kind = OPTION_FLAG,                       \
		.offset = offsetof(type, member.insecure),                     \
		.help = "do not check the certificate of a wss server"         \
	}

struct login {
	struct bearer bearer;
	struct trust trust; /* without TLS when the URL is not a wss one */
};

/* Room for a reason, with its NUL. */
#define LOGIN_WHY_MAX 800

/*
 * For the server at `url`. The token is not to be found in the environment any
 * more, nor in a core of the process (see secrecy.h). Tells with `d` when its
 * certificate is not to be checked. The options' texts are borrowed. 0, or -1
 * and why, beginning with the option; in both cases login_release() it.
 */
int login_init(struct login *l, const struct login_options *options,
	       const char *url, const struct diag *d, char why[LOGIN_WHY_MAX]);

/* Behind loop_release() of the loop that has its trust. */
void login_release(struct login *l);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * wspub - publishes JSON documents from arguments, files or stdin to tenants:
 * options → publisher → exit status.
 */
#include "diag.h"
#include "exits.h"
#include "json.h"
#include "login.h"
#include "options.h"
#include "publisher.h"
#include "tenant.h"
#include "url.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct settings {
	struct option_base options;
	const char *url;
	struct login_options login;
	struct option_texts files;
	bool slurp;
	bool raw;
	const char *tenant_field;
	const char *key_field;
	bool ack;
	bool no_ack;
	uint64_t window;
	uint64_t rate;
	uint64_t count;
	bool no_retry;
	unsigned on_error;
	const char *rejects;
	bool progress;
	uint64_t timeout;
	bool json;
	int verbose;
	bool quiet;
};

enum { ON_ERROR_STOP, ON_ERROR_SKIP };

#define FIELD(name) .offset = offsetof(struct settings, name)
#define WINDOW_DEFAULT 65536

static const struct option options[] = {
	{'u', "url", OPTION_TEXT, FIELD(url), "URL",
	 "server (WSD_URL, default ws://localhost:3000/ws)", NULL, 0, 0},
	LOGIN_ROWS(struct settings, login),
	{'f', "file", OPTION_TEXTS, FIELD(files), "FILE",
	 "publish the lines of FILE, - is stdin; repeatable", NULL, 0, 0},
	{'s', "slurp", OPTION_FLAG, FIELD(slurp), NULL,
	 "stdin, or each FILE, is one document", NULL, 0, 0},
	{0, "tenant-field", OPTION_TEXT, FIELD(tenant_field), "PATH",
	 "take the tenant out of each document, from a member such as a.b",
	 NULL, 0, 0},
	{0, "key-field", OPTION_TEXT, FIELD(key_field), "PATH",
	 "member with a key: the server publishes each key once", NULL, 0, 0},
	{0, "raw-string", OPTION_FLAG, FIELD(raw), NULL,
	 "input is plain text, sent as JSON strings", NULL, 0, 0},
	{0, "ack", OPTION_FLAG, FIELD(ack), NULL,
	 "exit 2 where the server has no acknowledgements", NULL, 0, 0},
	{0, "no-ack", OPTION_FLAG, FIELD(no_ack), NULL,
	 "do not ask for acknowledgements, and resend nothing", NULL, 0, 0},
	{0, "window", OPTION_NUMBER, FIELD(window), "N",
	 "updates in flight at most (default 65536)", NULL, 1, 1 << 24},
	{0, "rate", OPTION_RATE, FIELD(rate), "N/s",
	 "publish at most so many updates (default: no limit)", NULL, 1,
	 1000000000},
	{'c', "count", OPTION_NUMBER, FIELD(count), "N", "end after N updates",
	 NULL, 1, 0},
	{0, "no-retry", OPTION_FLAG, FIELD(no_retry), NULL,
	 "exit 3 when the connection is lost", NULL, 0, 0},
	{0, "on-error", OPTION_CHOICE, FIELD(on_error), "ACTION",
	 "after a document that is refused: stop (default) or skip it",
	 "stop|skip", 0, 0},
	{0, "rejects", OPTION_TEXT, FIELD(rejects), "FILE",
	 "write the documents that are refused to FILE", NULL, 0, 0},
	{0, "progress", OPTION_FLAG, FIELD(progress), NULL,
	 "show progress even when stderr is no terminal", NULL, 0, 0},
	{'W', "timeout", OPTION_DURATION, FIELD(timeout), "T",
	 "exit 124 when it takes longer than this", NULL, 0, 0},
	{'J', "json", OPTION_FLAG, FIELD(json), NULL,
	 "print a summary as a JSON object at the end", NULL, 0, 0},
	{'v', "verbose", OPTION_TALLY, FIELD(verbose), NULL,
	 "say what happens, and a summary at the end", NULL, 0, 0},
	{'q', "quiet", OPTION_FLAG, FIELD(quiet), NULL, "only errors on stderr",
	 NULL, 0, 0},
	{.name = NULL},
};

static const struct option_program program = {
	.name = "wspub",
	.synopsis = "[option ...] tenant [document ...]",
	.summary = "Publishes JSON to the subscribers of a tenant of a wsd.",
	.options = options,
	.examples = "wspub tenant-1 '{\"done\":true}'\n"
		    "producer | wspub tenant-1\n"
		    "make 2>&1 | wspub --raw-string build\n"
		    "wspub --tenant-field tenantId -f updates.jsonl\n",
};

static bool is_json(const char *text)
{
	struct json_value value;
	size_t where;

	return json_parse(&value, text, strlen(text), &where) == JSON_OK;
}

/* What people mean by an operand that is no document. 0, or the exit status. */
static int check_documents(const struct settings *s, char **documents)
{
	if (s->raw)
		return 0;
	for (char **doc = documents; *doc; doc++)
		if (strcmp(*doc, "-") == 0)
			return options_wrong(&program,
					     "'-' is no JSON; standard input "
					     "is -f -, or no document at all");
	if (s->tenant_field && *documents && !is_json(*documents) &&
	    tenant_valid(*documents, strlen(*documents)))
		return options_wrong(&program,
				     "'%s' is no JSON: with --tenant-field all "
				     "operands are documents",
				     *documents);
	return 0;
}

/* What the table of options cannot check. 0, or the exit status. */
static int check(const struct settings *s, const char *tenant, int documents)
{
	struct route route;

	if (s->tenant_field && s->raw)
		return options_wrong(&program,
				     "--tenant-field: plain text has no "
				     "members; not with --raw-string");
	if (s->key_field && s->raw)
		return options_wrong(&program,
				     "--key-field: plain text has no members; "
				     "not with --raw-string");
	if (s->ack && s->no_ack)
		return options_wrong(&program, "--ack: not with --no-ack");
	if (s->slurp && documents)
		return options_wrong(&program,
				     "--slurp: an argument is one document "
				     "anyway");
	if (route_init(&route, s->tenant_field, s->key_field) != 0)
		return options_wrong(&program,
				     "--tenant-field, --key-field: a path is "
				     "names with dots between, such as a.b");
	if (s->tenant_field)
		return 0;
	if (!tenant)
		return options_wrong(
			&program, "which tenant? Name it, or --tenant-field");
	if (!tenant_valid(tenant, strlen(tenant)))
		return options_wrong(&program,
				     "'%s' is not a tenant id (1 to 128 of "
				     "A-Z a-z 0-9 . _ : @ -; not . or ..)",
				     tenant);
	return 0;
}

static void configure(struct publisher_config *c, const struct settings *s,
		      const char *tenant, struct login *login,
		      const struct diag *d)
{
	*c = (struct publisher_config){
		.feed =
			{
				.tenant = tenant,
				.tenant_field = s->tenant_field,
				.key_field = s->key_field,
				.rejects = s->rejects,
				.raw = s->raw,
				.whole = s->slurp,
				.skip = s->on_error == ON_ERROR_SKIP,
				.count = s->count,
				.rate = s->rate,
			},
		.url = s->url,
		.login = login,
		.acks = s->no_ack ? PUBLISHER_NO_ACKS
			: s->ack  ? PUBLISHER_ACKS_NEEDED
				  : PUBLISHER_ACKS,
		.no_retry = s->no_retry,
		.progress = s->progress,
		.window = s->window,
		.timeout_ms = s->timeout,
		.diag = d,
	};
}

static int cannot(const struct diag *d, const char *what, const char *name)
{
	diag(d, DIAG_ERROR, "cannot %s '%s': %s", what, name, strerror(errno));
	return EXIT_USAGE;
}

/* Documents, then files; stdin when there is neither. */
static int add_input(struct feed *feed, const struct settings *s,
		     char **documents, const struct diag *d)
{
	for (char **doc = documents; *doc; doc++)
		if (feed_add_argument(feed, *doc) != 0)
			return cannot(d, "read", *doc);
	for (size_t i = 0; i < s->files.count; i++)
		if (feed_add_file(feed, s->files.items[i]) != 0)
			return cannot(d, "open", s->files.items[i]);
	if (!*documents && !s->files.count && feed_add_file(feed, "-") != 0)
		return cannot(d, "read", "standard input");
	if (!s->rejects || feed_open_rejects(feed) == 0)
		return 0;
	if (errno != EEXIST)
		return cannot(d, "write", s->rejects);
	return options_wrong(&program, "--rejects: '%s' is input", s->rejects);
}

static void summarize(const struct settings *s, const struct diag *d,
		      const struct progress_figures *figures)
{
	struct buf b;

	buf_init(&b);
	progress_put_text(&b, figures);
	if (!b.failed)
		diag(d, DIAG_NOTE, "%.*s", (int)buf_len(&b), buf_bytes(&b));
	buf_clear(&b, SIZE_MAX);
	progress_put_json(&b, figures);
	if (s->json && !b.failed)
		fwrite(buf_bytes(&b), 1, buf_len(&b), stdout);
	buf_release(&b);
}

static int publish(struct publisher *p, const struct settings *s,
		   char **documents, const struct diag *d)
{
	struct progress_figures figures = {0};
	int status = add_input(&p->feed, s, documents, d);

	if (!status && publisher_start(p) == 0)
		loop_run(p->loop);
	publisher_figures(p, &figures);
	publisher_release(p);
	if (status)
		return status;
	summarize(s, d, &figures);
	return p->status;
}

static int run(const struct settings *s, const char *tenant, char **documents,
	       struct login *login, const struct diag *d)
{
	struct publisher_config config;
	struct publisher publisher;
	struct loop loop;
	struct log log;
	int status;
	bool clean;

	configure(&config, s, tenant, login, d);
	log_init(&log, d, LOG_TEXT);
	if (client_loop(&loop, &log, login) != 0)
		return EXIT_OTHER;
	if (publisher_init(&publisher, &config, &loop) != 0) {
		diag(d, DIAG_ERROR, "cannot begin: %s", strerror(errno));
		status = EXIT_OTHER;
		publisher_release(&publisher);
	} else {
		status = publish(&publisher, s, documents, d);
	}
	clean = loop_release(&loop) == 0;
	if (fflush(stdout) != 0) {
		diag(d, DIAG_ERROR, "cannot write to stdout: %s",
		     strerror(errno));
		status = EXIT_OTHER;
	}
	if (publisher.signal)
		exits_by_signal(publisher.signal);
	if (!clean)
		_exit(status);
	return status;
}

static int log_in(const struct settings *s, const char *tenant,
		  char **documents)
{
	struct diag d = {"wspub",
			 s->quiet ? DIAG_ERROR : DIAG_WARN + s->verbose};
	char why[LOGIN_WHY_MAX];
	struct login login;
	int status;

	if (login_init(&login, &s->login, s->url, &d, why) == 0)
		status = run(s, tenant, documents, &login, &d);
	else
		status = options_wrong(&program, "%s", why);
	login_release(&login);
	return status;
}

int main(int argc, char **argv)
{
	struct settings settings = {
		.url = getenv("WSD_URL"),
		.window = WINDOW_DEFAULT,
	};
	const char *tenant = NULL;
	int operands;
	int status;

	if (!options_begin(&program, argc, argv, &settings.options, &operands,
			   &status))
		return status;
	if (!settings.url || !*settings.url)
		settings.url = URL_DEFAULT;
	if (!settings.tenant_field && operands < argc)
		tenant = argv[operands++];
	status = check(&settings, tenant, argc - operands);
	if (!status)
		status = check_documents(&settings, argv + operands);
	if (!status)
		status = log_in(&settings, tenant, argv + operands);
	options_release(&program, &settings.options);
	return status;
}

/* SPDX-License-Identifier: MIT */
/*
 * wssub - writes the updates of tenants to stdout, one JSON a line:
 * options → subscriber → exit status.
 */
#include "diag.h"
#include "exits.h"
#include "login.h"
#include "options.h"
#include "subscriber.h"
#include "tenant.h"
#include "url.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NO_FD UINT64_MAX

struct settings {
	struct option_base options;
	const char *url;
	struct login_options login;
	bool envelope;
	uint64_t count;
	uint64_t timeout;
	uint64_t idle;
	const char *since;
	const char *state;
	bool strict;
	bool no_reconnect;
	uint64_t ready_fd;
	int verbose;
	bool quiet;
};

#define FIELD(name) .offset = offsetof(struct settings, name)

static const struct option options[] = {
	{'u', "url", OPTION_TEXT, FIELD(url), "URL",
	 "server (WSD_URL, default ws://localhost:3000/ws)", NULL, 0, 0},
	LOGIN_ROWS(struct settings, login),
	{'e', "envelope", OPTION_FLAG, FIELD(envelope), NULL,
	 "write whole UPDATE and GAP messages, with tenant, seq and time", NULL,
	 0, 0},
	{'c', "count", OPTION_NUMBER, FIELD(count), "N", "exit after N updates",
	 NULL, 1, 0},
	{'W', "timeout", OPTION_DURATION, FIELD(timeout), "T",
	 "exit 124 when it takes longer than this", NULL, 0, 0},
	{0, "idle", OPTION_DURATION, FIELD(idle), "T",
	 "exit 0 when no update came for so long", NULL, 0, 0},
	{0, "since", OPTION_TEXT, FIELD(since), "POINT",
	 "begin in the past: all, a number of last updates, an age such as 10m, "
	 "or EPOCH:SEQ (default: only what comes)",
	 NULL, 0, 0},
	{0, "state", OPTION_TEXT, FIELD(state), "FILE",
	 "go on where the run before ended, and remember in FILE", NULL, 0, 0},
	{0, "strict", OPTION_FLAG, FIELD(strict), NULL,
	 "exit 7 as soon as updates were lost", NULL, 0, 0},
	{0, "no-reconnect", OPTION_FLAG, FIELD(no_reconnect), NULL,
	 "exit 3 when the connection is lost", NULL, 0, 0},
	{0, "ready-fd", OPTION_NUMBER, FIELD(ready_fd), "N",
	 "write a line to descriptor N once every subscription is confirmed",
	 NULL, 0, INT16_MAX, OPTION_TYPED},
	{'v', "verbose", OPTION_TALLY, FIELD(verbose), NULL,
	 "say what happens, and a summary at the end", NULL, 0, 0},
	{'q', "quiet", OPTION_FLAG, FIELD(quiet), NULL, "only errors on stderr",
	 NULL, 0, 0},
	{.name = NULL},
};

static const struct option_program program = {
	.name = "wssub",
	.synopsis = "[option ...] tenant ...",
	.summary = "Writes the updates of tenants of a wsd to stdout, one JSON "
		   "a line.",
	.options = options,
	.examples = "wssub tenant-1 | jq .progress\n"
		    "wssub -c 1 -W 10s --since all tenant-1\n"
		    "wssub --state ~/.wssub --idle 2s tenant-1 tenant-2\n"
		    "wssub '*' | jq -c '[.tenantId, .data]'\n",
};

static bool is_all(const char *tenant)
{
	return strcmp(tenant, TENANT_ALL) == 0;
}

static int check_tenants(char **tenants, int count)
{
	if (!count)
		return options_wrong(&program, "which tenant? Name at least "
					       "one");
	for (int i = 0; i < count; i++) {
		if (is_all(tenants[i]) && count > 1)
			return options_wrong(&program,
					     "'*' is all tenants: name no "
					     "other");
		if (!is_all(tenants[i]) &&
		    !tenant_valid(tenants[i], strlen(tenants[i])))
			return options_wrong(
				&program,
				"'%s' is not a tenant id (1 to "
				"128 of A-Z a-z 0-9 . _ : @ -; not . "
				"or ..)",
				tenants[i]);
	}
	return 0;
}

/* What the table of options cannot check. 0, or the exit status. */
static int check(const struct settings *s, bool all, struct proto_since *since)
{
	if (all && (s->since || s->state))
		return options_wrong(&program, "%s: of '*' nothing is retained",
				     s->since ? "--since" : "--state");
	if (s->since && proto_since_parse(since, s->since) < 0)
		return options_wrong(&program,
				     "--since: '%s' is not all, a number, an "
				     "age such as 10m, or EPOCH:SEQ",
				     s->since);
	if (s->ready_fd != NO_FD && fcntl((int)s->ready_fd, F_GETFD) < 0)
		return options_wrong(&program,
				     "--ready-fd: descriptor %" PRIu64
				     " is not open",
				     s->ready_fd);
	if (s->ready_fd == STDOUT_FILENO)
		return options_wrong(&program, "--ready-fd: 1 is stdout, which "
					       "carries only updates");
	return 0;
}

static void summarize(const struct subscriber *s, const struct diag *d)
{
	diag(d, DIAG_NOTE,
	     "updates %" PRIu64 ", gaps %" PRIu64
	     " (updates known to be lost %" PRIu64 "), reconnects %" PRIu64,
	     s->updates, s->losses.gaps, s->losses.lost, s->reconnects);
}

static int subscribe(const struct subscriber_config *config)
{
	struct subscriber s;
	struct loop loop;
	struct log log;
	bool clean;

	log_init(&log, config->diag, LOG_TEXT);
	if (client_loop(&loop, &log, config->login) != 0)
		return EXIT_OTHER;
	if (subscriber_init(&s, config, &loop) == 0)
		loop_run(&loop);
	subscriber_release(&s);
	clean = loop_release(&loop) == 0;
	summarize(&s, config->diag);
	if (s.signal)
		exits_by_signal(s.signal);
	if (!clean)
		_exit(s.status);
	return s.status;
}

static int log_in(struct login *login, const struct settings *s,
		  const struct subscriber_config *config)
{
	char why[LOGIN_WHY_MAX];
	int status;

	if (login_init(login, &s->login, s->url, config->diag, why) == 0)
		status = subscribe(config);
	else
		status = options_wrong(&program, "%s", why);
	login_release(login);
	return status;
}

static int run(const struct settings *s, char **tenants, int count)
{
	struct proto_since since = {.kind = PROTO_SINCE_HEAD};
	struct diag d = {"wssub",
			 s->quiet ? DIAG_ERROR : DIAG_WARN + s->verbose};
	struct subscriber_config config;
	struct login login;
	int status = check_tenants(tenants, count);

	if (!status)
		status = check(s, is_all(*tenants), &since);
	if (status)
		return status;
	config = (struct subscriber_config){
		.url = s->url,
		.login = &login,
		.tenants = (const char **)tenants,
		.tenants_count = (size_t)count,
		.since = since,
		.since_given = s->since,
		.state = s->state,
		.count = s->count,
		.timeout_ms = s->timeout,
		.idle_ms = s->idle,
		.envelope = s->envelope || is_all(*tenants),
		.strict = s->strict,
		.no_reconnect = s->no_reconnect,
		.ready_fd = s->ready_fd == NO_FD ? -1 : (int)s->ready_fd,
		.diag = &d,
	};
	return log_in(&login, s, &config);
}

int main(int argc, char **argv)
{
	struct settings settings = {
		.url = getenv("WSD_URL"),
		.ready_fd = NO_FD,
	};
	int operands;
	int status;

	if (!options_begin(&program, argc, argv, &settings.options, &operands,
			   &status))
		return status;
	if (!settings.url || !*settings.url)
		settings.url = URL_DEFAULT;
	status = run(&settings, argv + operands, argc - operands);
	options_release(&program, &settings.options);
	return status;
}

/* SPDX-License-Identifier: MIT */
/*
 * wsbench - load, latency and correctness of any server that fans out updates
 * to the subscribers of a tenant: options → loader_run() → report.
 */
#include "diag.h"
#include "exits.h"
#include "loader.h"
#include "loadmark.h"
#include "loadreport.h"
#include "options.h"
#include "secretfile.h"
#include "tenant.h"
#include "url.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum dialect {
	DIALECT_PLAIN,
	DIALECT_V1,
	DIALECT_BULK,
	DIALECT_SSE, /* of subscribers alone */
	DIALECT_SAME
};

struct settings {
	struct option_base options;
	const char *url;
	struct trust_config trust;
	const char *token_file;
	char *token; /* owned; NULL: none */
	uint64_t subscribers;
	uint64_t stalled;
	uint64_t tenants;
	const char *prefix;
	uint64_t publishers;
	uint64_t size;
	uint64_t rate;
	uint64_t window;
	uint64_t duration;
	uint64_t count;
	unsigned dialect;
	unsigned publish_dialect;
	uint64_t batch;
	bool send_each;
	uint64_t drain;
	bool no_ack;
	bool idle;
	uint64_t sources;
	uint64_t ready_fd;
	uint64_t pid;
	uint64_t timeout;
	bool json;
	int verbose;
	bool quiet;
};

#define FIELD(name) .offset = offsetof(struct settings, name)
#define MANY 1000000
#define NO_FD UINT64_MAX
#define YEAR 31536000000 /* ms */

static const struct option options[] = {
	{'u', "url", OPTION_TEXT, FIELD(url), "URL",
	 "server (WSD_URL, default ws://localhost:3000/ws)", NULL, 0, 0},
	{0, "cacert", OPTION_TEXT, FIELD(trust.cacert), "FILE",
	 "the authorities that may sign the certificate of a wss server, as PEM "
	 "(default: those of the system)"},
	{0, "insecure", OPTION_FLAG, FIELD(trust.insecure), NULL,
	 "do not check the certificate of a wss server"},
	{0, "token-file", OPTION_TEXT, FIELD(token_file), "FILE",
	 "show the token in this file (default WSD_TOKEN, if set)"},
	{0, "subscribers", OPTION_NUMBER, FIELD(subscribers), "N",
	 "connections that receive (default 1)", NULL, 0, MANY},
	{0, "stalled", OPTION_NUMBER, FIELD(stalled), "N",
	 "more that subscribe and never read, and count for nothing (default "
	 "0)",
	 NULL, 0, MANY},
	{0, "publishers", OPTION_NUMBER, FIELD(publishers), "N",
	 "connections that publish (default 1)", NULL, 1, MANY},
	{0, "tenants", OPTION_NUMBER, FIELD(tenants), "N",
	 "tenants bench-0, bench-1, ... that both are spread over (default 1)",
	 NULL, 1, MANY},
	{0, "prefix", OPTION_TEXT, FIELD(prefix), "TEXT",
	 "the tenants are TEXT0, TEXT1, ... instead", NULL, 0, 0},
	{0, "size", OPTION_SIZE, FIELD(size), "BYTES",
	 "of the JSON of an update (default 128)", NULL, LOADMARK_MIN,
	 16 << 20},
	{0, "rate", OPTION_RATE, FIELD(rate), "N/s",
	 "updates of all publishers, at fixed times (default: as many as the "
	 "window allows)",
	 NULL, 1, 100000000},
	{0, "window", OPTION_NUMBER, FIELD(window), "N",
	 "updates of a publisher that not everybody has yet (default 1000)",
	 NULL, 1, 1 << 30},
	{0, "duration", OPTION_DURATION, FIELD(duration), "T",
	 "publish for this long (default 5s; with --idle 0)", NULL, 0, YEAR},
	{'c', "count", OPTION_NUMBER, FIELD(count), "N",
	 "publish this many updates instead", NULL, 1, UINT32_MAX},
	{0, "dialect", OPTION_CHOICE, FIELD(dialect), "DIALECT",
	 "what the connections speak (default plain); bulk is wsd.v1.bulk; "
	 "sse: subscribers follow by HTTP, publishers are plain",
	 "plain|v1|bulk|sse", 0, 0},
	{0, "publish-dialect", OPTION_CHOICE, FIELD(publish_dialect), "DIALECT",
	 "another one for the publishers", "plain|v1|bulk", 0, 0},
	{0, "batch", OPTION_NUMBER, FIELD(batch), "N",
	 "most updates in a frame, not for plain (default 100)", NULL, 1,
	 100000},
	{0, "send-each", OPTION_FLAG, FIELD(send_each), NULL,
	 "a system call for each frame, as most clients do it", NULL, 0, 0},
	{0, "no-ack", OPTION_FLAG, FIELD(no_ack), NULL,
	 "without subscribers: settle updates by PING and PONG, not by ACK",
	 NULL, 0, 0},
	{0, "idle", OPTION_FLAG, FIELD(idle), NULL,
	 "connect and subscribe, publish nothing", NULL, 0, 0},
	{0, "drain-timeout", OPTION_DURATION, FIELD(drain), "T",
	 "give up when nothing has arrived for so long (default 5s)", NULL, 0,
	 YEAR},
	{0, "source-addresses", OPTION_NUMBER, FIELD(sources), "N",
	 "connect from N addresses, 127.0.1.1 and on", NULL, 1, 60000},
	{0, "ready-fd", OPTION_NUMBER, FIELD(ready_fd), "N",
	 "write a line to this descriptor once all are connected and "
	 "subscribed",
	 NULL, 0, INT32_MAX, OPTION_TYPED},
	{0, "pid", OPTION_NUMBER, FIELD(pid), "PID",
	 "of the server: shows its processor time and memory", NULL, 1,
	 INT32_MAX},
	{'W', "timeout", OPTION_DURATION, FIELD(timeout), "T",
	 "exit 124 when it takes longer than this", NULL, 0, YEAR},
	{'J', "json", OPTION_FLAG, FIELD(json), NULL,
	 "print the result as a JSON object", NULL, 0, 0},
	{'v', "verbose", OPTION_TALLY, FIELD(verbose), NULL,
	 "also show how the connecting went and what the load cost", NULL, 0,
	 0},
	{'q', "quiet", OPTION_FLAG, FIELD(quiet), NULL, "only errors on stderr",
	 NULL, 0, 0},
	{.name = NULL},
};

static const struct option_program program = {
	.name = "wsbench",
	.synopsis = "[option ...]",
	.summary = "Measures load, latency and correctness of a wsd.",
	.options = options,
	.examples = "wsbench --subscribers 1000 --pid \"$(pidof wsd)\"\n"
		    "wsbench --subscribers 100 --rate 1000/s --duration 10s\n"
		    "wsbench --subscribers 9000 --idle --source-addresses 2\n",
};

static const char *protocol_of(unsigned dialect)
{
	switch (dialect) {
	case DIALECT_V1:
		return "wsd.v1";
	case DIALECT_BULK:
		return "wsd.v1.bulk";
	default:
		return NULL;
	}
}

/* Whether the last tenant has a valid id; the others have the same letters. */
static bool prefix_valid(const struct settings *s)
{
	char id[TENANT_MAX + 1];
	int n = snprintf(id, sizeof(id), "%s%" PRIu64, s->prefix,
			 s->tenants - 1);

	return n > 0 && tenant_valid(id, (size_t)n);
}

/* What the table of options cannot check. NULL, or what is wrong. */
static const char *check(const struct settings *s)
{
	if (!prefix_valid(s))
		return "--prefix: such tenants cannot be, see wsd-protocol(7)";
	if (s->subscribers && s->subscribers < s->tenants)
		return "--tenants: more than --subscribers";
	if (s->subscribers && s->no_ack)
		return "--no-ack: only with --subscribers 0";
	if (!s->subscribers && !s->stalled && s->idle)
		return "--idle: needs --subscribers or --stalled";
	if (s->idle && (s->rate || s->count))
		return "--idle: publishes nothing, so no --rate or --count";
	if (s->ready_fd != NO_FD && fcntl((int)s->ready_fd, F_GETFD) < 0)
		return "--ready-fd: this descriptor is not open";
	if (s->ready_fd == STDOUT_FILENO)
		return "--ready-fd: 1 is stdout, which has the result";
	return NULL;
}

static void configure(struct loadrig_config *c, const struct settings *s)
{
	unsigned same = s->dialect == DIALECT_SSE ? DIALECT_PLAIN : s->dialect;
	unsigned publish =
		s->publish_dialect == DIALECT_SAME ? same : s->publish_dialect;

	*c = (struct loadrig_config){
		.url = s->url,
		.token = s->token,
		.trust = s->trust,
		.subscribers = (uint32_t)s->subscribers,
		.stalled = (uint32_t)s->stalled,
		.publishers = s->idle ? 0 : (uint32_t)s->publishers,
		.tenants = (uint32_t)s->tenants,
		.prefix = s->prefix,
		.size = (uint32_t)s->size,
		.rate = s->rate,
		.window = (uint32_t)s->window,
		.batch = publish == DIALECT_PLAIN ? 1 : (uint32_t)s->batch,
		.send_each = s->send_each,
		.count = s->count,
		.duration_ms = s->duration == UINT64_MAX ? (s->idle ? 0 : 5000)
							 : s->duration,
		.drain_ms = s->drain,
		.timeout_ms = s->timeout,
		.settle = s->subscribers ? LOADPUB_DELIVERED
			  : s->no_ack	 ? LOADPUB_PONGED
					 : LOADPUB_ACKED,
		.subscriber_protocol = protocol_of(s->dialect),
		.publisher_protocol = protocol_of(publish),
		.events = s->dialect == DIALECT_SSE,
		.sources = (uint32_t)s->sources,
		.pid = (pid_t)s->pid,
		.ready_fd = s->ready_fd == NO_FD ? -1 : (int)s->ready_fd,
	};
}

static int exit_of(const struct loader_result *result)
{
	switch (result->outcome) {
	case LOADER_DONE:
		return loader_clean(result) ? EXIT_DONE : EXIT_REJECTED;
	case LOADER_USAGE:
		return EXIT_USAGE;
	case LOADER_CONNECTION:
		return EXIT_CONNECTION;
	case LOADER_TIMEOUT:
		return EXIT_TIMEOUT;
	case LOADER_SYSTEM:
		break;
	}
	return EXIT_OTHER;
}

static int report(const struct settings *s, const struct diag *d,
		  const struct loadrig_config *config,
		  const struct loader_result *result)
{
	if (s->json)
		loadreport_json(config, result, stdout);
	else
		loadreport_text(config, result, s->verbose > 0, stdout);
	if (result->why[0])
		diag(d, DIAG_WARN, "%s", result->why);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		diag(d, DIAG_ERROR, "cannot write the result");
		return EXIT_OTHER;
	}
	return exit_of(result);
}

/* 0, or the exit status. */
static int read_token(struct settings *s)
{
	const char *given = getenv("WSD_TOKEN");
	char why[SECRETFILE_WHY_MAX];

	if (s->token_file) {
		s->token = secretfile_read(s->token_file, why);
		if (!s->token)
			return options_wrong(&program, "--token-file: '%s': %s",
					     s->token_file, why);
	} else if (given && *given) {
		s->token = strdup(given);
	}
	if (s->token && (strlen(s->token) > LOADTARGET_TOKEN_MAX ||
			 s->token[strcspn(s->token, " \t\r\n")]))
		return options_wrong(&program, "the token is too long, or has "
					       "blanks in it");
	return 0;
}

static int bench(const struct settings *s)
{
	struct diag d = {"wsbench", s->quiet ? DIAG_ERROR : DIAG_WARN};
	const char *wrong = check(s);
	struct loadrig_config config;
	struct loader_result result;

	if (wrong)
		return options_wrong(&program, "%s", wrong);
	configure(&config, s);
	loader_run(&config, &result);
	if (result.outcome == LOADER_DONE)
		return report(s, &d, &config, &result);
	diag(&d, DIAG_ERROR, "%s", result.why);
	return exit_of(&result);
}

int main(int argc, char **argv)
{
	struct settings s = {
		.url = getenv("WSD_URL"),
		.subscribers = 1,
		.tenants = 1,
		.prefix = "bench-",
		.publishers = 1,
		.size = 128,
		.window = 1000,
		.duration = UINT64_MAX, /* not given */
		.publish_dialect = DIALECT_SAME,
		.batch = 100,
		.drain = 5000,
		.ready_fd = NO_FD,
	};
	int operands;
	int status;

	if (!options_begin(&program, argc, argv, &s.options, &operands,
			   &status))
		return status;
	if (!s.url || !*s.url)
		s.url = URL_DEFAULT;
	if (operands < argc)
		status = options_wrong(&program, "'%s': takes no operands",
				       argv[operands]);
	else
		status = read_token(&s);
	if (!status)
		status = bench(&s);
	secretfile_free(s.token);
	options_release(&program, &s.options);
	return status;
}

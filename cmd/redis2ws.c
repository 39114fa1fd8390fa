/* SPDX-License-Identifier: MIT */
/*
 * redis2ws - publishes what is published in Redis to the tenants of a wsd:
 * options → bridge → exit status.
 */
#include "bridge.h"
#include "diag.h"
#include "exits.h"
#include "jsonput.h"
#include "login.h"
#include "options.h"
#include "proto.h"
#include "redisurl.h"
#include "secrecy.h"
#include "secretfile.h"
#include "url.h"
#include "utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NO_FD UINT64_MAX
#define FIELD_DEFAULT "tenantId"
#define BUFFER_DEFAULT (64 << 20)
#define WINDOW_DEFAULT 262144
#define CLAIM_DEFAULT 60000 /* ms */

struct settings {
	struct option_base options;
	const char *url;
	struct login_options login;
	const char *redis;
	const char *password_file;
	const char *password; /* of Redis; NULL: what the URL has */
	char *secret;	      /* owned: out of the file */
	struct option_texts channels;
	struct option_texts patterns;
	struct option_texts streams;
	const char *group;
	const char *consumer;
	const char *group_start;
	const char *source;
	const char *field;
	uint64_t claim_after;
	const char *tenant_field;
	const char *tenant_channel;
	uint64_t max_buffer;
	uint64_t window;
	const char *rejects;
	bool print;
	bool dry_run;
	uint64_t count;
	uint64_t timeout;
	uint64_t ready_fd;
	bool json;
	int verbose;
	bool quiet;
};

#define FIELD(name) .offset = offsetof(struct settings, name)

static const struct option options[] = {
	{'u', "url", OPTION_TEXT, FIELD(url), "URL",
	 "server (WSD_URL, default ws://localhost:3000/ws)", NULL, 0, 0},
	LOGIN_ROWS(struct settings, login),
	{0, "redis", OPTION_TEXT, FIELD(redis), "URL",
	 "Redis (REDIS_URL, default redis://127.0.0.1:6379)", NULL, 0, 0},
	{0, "redis-password-file", OPTION_TEXT, FIELD(password_file), "FILE",
	 "its password is in FILE, which others cannot read (REDIS_PASSWORD, "
	 "or what the URL has)",
	 NULL, 0, 0},
	{0, "channel", OPTION_TEXTS, FIELD(channels), "NAME",
	 "subscribe to this channel; repeatable", NULL, 0, 0},
	{0, "pattern", OPTION_TEXTS, FIELD(patterns), "PATTERN",
	 "subscribe to all channels that match, such as 'jobs:*'; repeatable",
	 NULL, 0, 0},
	{0, "stream", OPTION_TEXTS, FIELD(streams), "NAME",
	 "read this stream, as a consumer of a group; repeatable", NULL, 0, 0},
	{0, "group", OPTION_TEXT, FIELD(group), "NAME",
	 "the group; it is made when it is missing", NULL, 0, 0},
	{0, "consumer", OPTION_TEXT, FIELD(consumer), "NAME",
	 "the consumer in it (default: the name of the host)", NULL, 0, 0},
	{0, "group-start", OPTION_TEXT, FIELD(group_start), "ID",
	 "where a group begins that is made: 0 (default) is the oldest entry, "
	 "$ the next",
	 NULL, 0, 0},
	{0, "source", OPTION_TEXT, FIELD(source), "NAME",
	 "what keys begin with (default: the URL of the Redis)", NULL, 0, 0},
	{0, "field", OPTION_TEXT, FIELD(field), "NAME",
	 "the field of an entry that has the message (default: all of them are "
	 "an object)",
	 NULL, 0, 0},
	{0, "claim-after", OPTION_DURATION, FIELD(claim_after), "T",
	 "take over what other consumers have left lying for so long (default "
	 "1m)",
	 NULL, 1, 0},
	{0, "tenant-field", OPTION_TEXT, FIELD(tenant_field), "PATH",
	 "take the tenant out of each message, from a member such as a.b "
	 "(default tenantId)",
	 NULL, 0, 0},
	{0, "tenant-from-channel", OPTION_TEXT, FIELD(tenant_channel),
	 "TEMPLATE",
	 "the tenant is what stands for {} in the name of the channel, as in "
	 "'jobs:{}'",
	 NULL, 0, 0},
	{0, "max-buffer", OPTION_SIZE, FIELD(max_buffer), "SIZE",
	 "hold at most so much while the server is away (default 64M)", NULL, 1,
	 UINT64_C(1) << 34},
	{0, "window", OPTION_NUMBER, FIELD(window), "N",
	 "and at most so many messages (default 262144)", NULL, 1, 1 << 24},
	{0, "rejects", OPTION_TEXT, FIELD(rejects), "FILE",
	 "append the messages that are refused to FILE, as JSON lines", NULL, 0,
	 0},
	{0, "stdout", OPTION_FLAG, FIELD(print), NULL,
	 "print what would be published, as lines that name their tenant", NULL,
	 0, 0},
	{0, "dry-run", OPTION_FLAG, FIELD(dry_run), NULL,
	 "the same, and change nothing anywhere", NULL, 0, 0},
	{'c', "count", OPTION_NUMBER, FIELD(count), "N",
	 "exit after N messages were published", NULL, 1, 0},
	{'W', "timeout", OPTION_DURATION, FIELD(timeout), "T",
	 "exit 124 when it takes longer than this", NULL, 0, 0},
	{0, "ready-fd", OPTION_NUMBER, FIELD(ready_fd), "N",
	 "write a line to descriptor N once every subscription is confirmed",
	 NULL, 0, INT16_MAX, OPTION_TYPED},
	{'J', "json", OPTION_FLAG, FIELD(json), NULL,
	 "print the counters as a JSON object at the end and on SIGUSR1", NULL,
	 0, 0},
	{'v', "verbose", OPTION_TALLY, FIELD(verbose), NULL,
	 "say what happens, and the counters at the end", NULL, 0, 0},
	{'q', "quiet", OPTION_FLAG, FIELD(quiet), NULL, "only errors on stderr",
	 NULL, 0, 0},
	{.name = NULL},
};

static const struct option_program program = {
	.name = "redis2ws",
	.synopsis = "[option ...]",
	.summary = "Publishes what is published in Redis to the tenants of a "
		   "wsd.",
	.options = options,
	.examples = "redis2ws --channel job_updates\n"
		    "redis2ws --stream jobs --group live --field data\n"
		    "redis2ws --pattern 'jobs:*' --tenant-from-channel "
		    "'jobs:{}'\n"
		    "redis2ws --stdout --channel jobs | jq -c --unbuffered "
		    "'select(.status==\"done\")' | wspub --tenant-field "
		    "tenantId\n"
		    "redis2ws --channel job_updates -c 1 -W 10s\n",
};

/* What the table of options cannot check. 0, or the exit status. */
static int check_source(const struct settings *s)
{
	bool channels = s->channels.count || s->patterns.count;

	if (!channels && !s->streams.count)
		return options_wrong(&program,
				     "which channel? Name at least one, with "
				     "--channel, --pattern or --stream");
	if (channels && s->streams.count)
		return options_wrong(&program,
				     "--stream: not with --channel or "
				     "--pattern, as streams are read at least "
				     "once and channels at most once");
	if (s->streams.count && !s->group)
		return options_wrong(&program, "--stream needs --group");
	if (!s->streams.count &&
	    (s->group || s->consumer || s->field || s->source ||
	     s->group_start || s->claim_after))
		return options_wrong(&program,
				     "--group, --consumer, --field, --source, "
				     "--group-start and --claim-after need "
				     "--stream");
	return 0;
}

static bool is_twice(const struct option_texts *texts, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (strcmp(texts->items[i], texts->items[j]) == 0)
			return true;
	return false;
}

/* Names of streams go into keys: "<source>:<stream>:<id>". */
static int check_keys(const struct settings *s)
{
	for (size_t i = 0; i < s->streams.count; i++) {
		size_t len = strlen(s->source) + strlen(s->streams.items[i]) +
			     ENTRYID_TEXT_MAX + 1;

		if (is_twice(&s->streams, i))
			return options_wrong(&program,
					     "--stream: '%s' is named twice",
					     s->streams.items[i]);
		if (!utf8_valid(s->streams.items[i],
				strlen(s->streams.items[i])))
			return options_wrong(&program,
					     "--stream: a name must be UTF-8");
		if (!utf8_valid(s->source, strlen(s->source)))
			return options_wrong(&program,
					     "--source: a name must be UTF-8");
		if (len > PROTO_KEY_MAX)
			return options_wrong(
				&program,
				"--source: '%s' and '%s' are too long together "
				"for a key; name a shorter source",
				s->source, s->streams.items[i]);
	}
	return 0;
}

static int check_routes(const struct settings *s)
{
	struct channel_template template;
	struct route route;

	if (s->tenant_field && s->tenant_channel)
		return options_wrong(&program, "--tenant-from-channel: not "
					       "with --tenant-field");
	if (s->tenant_channel && channel_init(&template, s->tenant_channel))
		return options_wrong(&program,
				     "--tenant-from-channel: '%s' does not "
				     "have {} exactly once",
				     s->tenant_channel);
	if (route_init(&route, s->tenant_field, NULL) != 0)
		return options_wrong(&program,
				     "--tenant-field: a path is names with "
				     "dots between, such as a.b");
	return 0;
}

/* The password of Redis, where it is in a file. */
static int read_password(struct settings *s)
{
	char why[SECRETFILE_WHY_MAX];

	if (!s->password_file)
		return 0;
	s->secret = secretfile_read(s->password_file, why);
	if (!s->secret)
		return options_wrong(&program,
				     "--redis-password-file: '%s': %s",
				     s->password_file, why);
	s->password = s->secret;
	return 0;
}

/* Why one cannot connect to it; without the URL, which may have a password. */
static const char *check_redis(const struct settings *s)
{
	struct redisurl url;
	const char *why;

	if (redisurl_parse(&url, s->redis, &why) != 0)
		return why;
	if (url.tls)
		return "there is no TLS for Redis (rediss://); have a proxy "
		       "here speak it, such as stunnel, and name that: "
		       "redis://127.0.0.1:PORT or unix:PATH";
	return redisurl_login(&url, NULL, s->password);
}

/* What does not go with lines on stdout. */
static int check_stdout(const struct settings *s)
{
	const char *name = s->print ? "--stdout" : "--dry-run";

	if (s->print && s->url)
		return options_wrong(&program, "--stdout: not with -u, as "
					       "nothing is published");
	if (s->json && (s->print || s->dry_run))
		return options_wrong(&program,
				     "-J: not with %s, which has stdout for "
				     "its lines; SIGUSR1 and -v show the "
				     "counters on stderr",
				     name);
	if (s->ready_fd == STDOUT_FILENO)
		return options_wrong(&program,
				     "--ready-fd: 1 is stdout, which "
				     "carries only %s",
				     s->print || s->dry_run ? "messages"
							    : "counters");
	return 0;
}

static int check(const struct settings *s)
{
	const char *why = check_redis(s);
	int status;

	if (why)
		return options_wrong(&program, "--redis: %s", why);
	if (s->ready_fd != NO_FD && fcntl((int)s->ready_fd, F_GETFD) < 0)
		return options_wrong(&program,
				     "--ready-fd: descriptor %" PRIu64
				     " is not open",
				     s->ready_fd);
	status = check_stdout(s);
	if (!status)
		status = check_source(s);
	return status ? status : check_routes(s);
}

/* Counters */

struct reporter {
	const struct diag *diag;
	bool json;
};

static void put_json(struct buf *b, const struct bridge_figures *f)
{
	buf_putc(b, '{');
	jsonput_u64(b, "received", f->received);
	jsonput_u64(b, "published", f->published);
	jsonput_u64(b, "rejected", f->rejected);
	jsonput_u64(b, "lost", f->lost);
	jsonput_u64(b, "held", f->held);
	jsonput_u64(b, "gaps", f->gaps);
	jsonput_u64(b, "breaks", f->breaks);
	jsonput_u64(b, "reconnects", f->reconnects);
	buf_puts(b, "}\n");
}

static void print_json(const struct bridge_figures *f)
{
	struct buf b;

	buf_init(&b);
	put_json(&b, f);
	if (!b.failed)
		fwrite(buf_bytes(&b), 1, buf_len(&b), stdout);
	buf_release(&b);
}

static void tell(const struct diag *d, enum diag_level level,
		 const struct bridge_figures *f)
{
	diag(d, level,
	     "received %" PRIu64 ", published %" PRIu64 ", rejected %" PRIu64
	     ", lost %" PRIu64 ", held %" PRIu64 "; gaps %" PRIu64
	     ", breaks of Redis %" PRIu64 ", reconnects %" PRIu64,
	     f->received, f->published, f->rejected, f->lost, f->held, f->gaps,
	     f->breaks, f->reconnects);
}

/* It was asked for, so -q does not keep it back. */
static void report(void *user, const struct bridge_figures *figures)
{
	const struct reporter *r = user;

	if (r->json) {
		print_json(figures);
		fflush(stdout);
	} else {
		tell(r->diag, DIAG_ERROR, figures);
	}
}

static void summarize(const struct bridge *b, const struct reporter *r)
{
	struct bridge_figures figures;

	bridge_figures(b, &figures);
	tell(r->diag, DIAG_NOTE, &figures);
	if (r->json)
		print_json(&figures);
}

/* Running */

static void configure(struct bridge_config *c, const struct settings *s,
		      struct login *login, struct reporter *reporter)
{
	const struct diag *diag = reporter->diag;

	*c = (struct bridge_config){
		.rejects = s->rejects,
		.print = s->print,
		.dry_run = s->dry_run,
		.count = s->count,
		.timeout_ms = s->timeout,
		.ready_fd = s->ready_fd == NO_FD ? -1 : (int)s->ready_fd,
		.diag = diag,
		.report = report,
		.user = reporter,
	};
	c->pubsub = (struct pubsub_config){
		.url = s->redis,
		.password = s->password,
		.name = "redis2ws",
		.channels = s->channels.items,
		.channels_count = s->channels.count,
		.patterns = s->patterns.items,
		.patterns_count = s->patterns.count,
		.diag = diag,
	};
	c->streams = (struct streams_config){
		.url = s->redis,
		.password = s->password,
		.name = "redis2ws",
		.read =
			{
				.streams = s->streams.items,
				.count = s->streams.count,
				.group = s->group,
				.consumer = s->consumer,
				.begin = s->group_start ? s->group_start : "0",
				.peek = s->dry_run,
			},
		.source = s->source,
		.field = s->field,
		.claim_ms = s->claim_after ? s->claim_after : CLAIM_DEFAULT,
		.diag = diag,
	};
	c->routing = (struct routing_config){
		.tenant_field = s->tenant_field	    ? s->tenant_field
				: s->tenant_channel ? NULL
						    : FIELD_DEFAULT,
		.tenant_channel = s->tenant_channel,
	};
	c->delivery = (struct delivery_config){
		.url = s->url,
		.login = login,
		.max_bytes = s->max_buffer,
		.max_messages = s->window,
		.keep = s->streams.count,
		.whole = s->rejects,
		.diag = diag,
	};
}

static int bridge(struct bridge *b, const struct bridge_config *config,
		  struct loop *loop, const struct reporter *reporter)
{
	if (bridge_init(b, config, loop) != 0) {
		diag(config->diag, DIAG_ERROR, "cannot begin: %s",
		     strerror(errno));
		bridge_release(b);
		return EXIT_OTHER;
	}
	if (bridge_start(b) == 0)
		loop_run(loop);
	bridge_release(b);
	summarize(b, reporter);
	return b->status;
}

/*
 * Before anything is opened: it would get the number of a stdout that is
 * closed, and the lines.
 */
static int look_at_stdout(const struct settings *s, const struct diag *d)
{
	if (!(s->print || s->dry_run) || fcntl(STDOUT_FILENO, F_GETFD) >= 0)
		return 0;
	diag(d, DIAG_ERROR, "cannot write to stdout: %s", strerror(errno));
	return EXIT_OTHER;
}

static int run(const struct settings *s, struct login *login,
	       const struct diag *d)
{
	struct reporter reporter = {d, s->json};
	struct bridge_config config;
	struct bridge b;
	struct loop loop;
	struct log log;
	int status;
	bool clean;

	configure(&config, s, login, &reporter);
	log_init(&log, d, LOG_TEXT);
	if (client_loop(&loop, &log, login) != 0)
		return EXIT_OTHER;
	status = bridge(&b, &config, &loop, &reporter);
	clean = loop_release(&loop) == 0;
	if (fflush(stdout) != 0 || ferror(stdout)) {
		diag(d, DIAG_ERROR, "cannot write to stdout: %s",
		     strerror(errno));
		status = EXIT_OTHER;
	}
	if (b.signal)
		exits_by_signal(b.signal);
	if (!clean)
		_exit(status);
	return status;
}

/* Without a server nobody is to be let in. */
static int log_in(const struct settings *s)
{
	struct diag d = {"redis2ws",
			 s->quiet ? DIAG_ERROR : DIAG_WARN + s->verbose};
	struct login login = {0};
	char why[LOGIN_WHY_MAX];
	int status;

	if (look_at_stdout(s, &d))
		return EXIT_OTHER;
	if (s->print || s->dry_run ||
	    login_init(&login, &s->login, s->url, &d, why) == 0)
		status = run(s, &login, &d);
	else
		status = options_wrong(&program, "%s", why);
	login_release(&login);
	return status;
}

static const char *from_environment(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value && *value ? value : otherwise;
}

/* What names this Redis and this host, where nobody says otherwise. */
struct names {
	char source[REDISURL_SHOW_MAX];
	char consumer[256];
};

static void name_defaults(struct settings *s, struct names *names)
{
	struct redisurl url;
	const char *why;

	if (!s->url)
		s->url = from_environment("WSD_URL", URL_DEFAULT);
	if (!s->consumer) {
		if (gethostname(names->consumer, sizeof(names->consumer)) != 0)
			strcpy(names->consumer, "redis2ws");
		names->consumer[sizeof(names->consumer) - 1] = '\0';
		s->consumer = names->consumer;
	}
	if (!s->source && redisurl_parse(&url, s->redis, &why) == 0)
		s->source = redisurl_show(&url, names->source);
	explicit_bzero(&url, sizeof(url));
}

int main(int argc, char **argv)
{
	struct settings settings = {
		.redis = from_environment("REDIS_URL", REDISURL_DEFAULT),
		.password = from_environment("REDIS_PASSWORD", NULL),
		.max_buffer = BUFFER_DEFAULT,
		.window = WINDOW_DEFAULT,
		.ready_fd = NO_FD,
	};
	struct names names;
	int operands;
	int status;

	secrecy_begin();
	if (!options_begin(&program, argc, argv, &settings.options, &operands,
			   &status))
		return status;
	if (operands < argc)
		status = options_wrong(&program,
				       "'%s': no operand is expected; a "
				       "channel is --channel '%s'",
				       argv[operands], argv[operands]);
	else
		status = read_password(&settings);
	if (!status)
		status = check(&settings);
	if (!status) {
		name_defaults(&settings, &names);
		status = check_keys(&settings);
	}
	if (!status)
		status = log_in(&settings);
	secretfile_free(settings.secret);
	options_release(&program, &settings.options);
	return status;
}

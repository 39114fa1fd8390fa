/* SPDX-License-Identifier: MIT */
/*
 * wsd - the server: options → configuration → server_run(). On SIGHUP the
 * same once more, up to a configuration that takes the place of the one before.
 */
#include "address.h"
#include "diag.h"
#include "exits.h"
#include "num.h"
#include "options.h"
#include "server.h"
#include "settings.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

struct settings {
	struct option_base options;
	struct server_config server;
	struct option_texts listen;
	struct option_texts hosts;
	struct option_texts origins;
	uint64_t ready_fd;
	uint64_t per_address; /* 0: the default, by where it is */
	unsigned slow;	      /* 1: skip */
	unsigned log_format;  /* enum log_format */
	int verbose;
	bool quiet;
	bool check_config;
	bool print_config;
};

struct wsd {
	int argc;
	char **argv;
	struct option_program program; /* says to the log, when it reloads */
	struct settings *settings;     /* owned; those that count */
	struct diag diag;	       /* until the server has its log */
	struct log *log;	       /* of the server, when that reloads */
	size_t changes;		       /* options that a reload found changed */
};

#define NO_FD UINT64_MAX
#define FIELD(name) .offset = offsetof(struct settings, name)
#define MESSAGE_LIMIT (256 << 20)
#define PER_ADDRESS 1000
#define ENVELOPE_MAX (4 << 10) /* what a PUBLISH has beside its data */

static const char *wrong_host(const char *text)
{
	return access_host_valid(text) ? NULL
				       : "not a host as in example.com, "
					 "example.com:8080 or [2001:db8::1]";
}

static const char *wrong_origin(const char *text)
{
	return access_origin_valid(text)
		       ? NULL
		       : "not an origin as browsers send it: "
			 "https://example.com, http://example.com:8080 (no "
			 "path, no default port) or null";
}

static const char *wrong_listen(const char *text)
{
	struct address a;

	return address_parse(&a, text, true);
}

static const struct option options[] = {
	{'l', "listen", OPTION_TEXTS, FIELD(listen), "ADDRESS",
	 "ADDR:PORT or unix:PATH, repeatable; port 0 picks one (default "
	 "localhost:3000)",
	 NULL, 0, 0, OPTION_FIXED, wrong_listen},
	{0, "ready-fd", OPTION_NUMBER, FIELD(ready_fd), "FD",
	 "write a line with each URL to this descriptor once it listens", NULL,
	 0, INT32_MAX, OPTION_TYPED},
	{0, "host", OPTION_TEXTS, FIELD(hosts), "NAME",
	 "a host name of this server, repeatable (loopback always is)",
	 .wrong = wrong_host},
	{0, "origin", OPTION_TEXTS, FIELD(origins), "ORIGIN",
	 "allow web pages of this origin, repeatable (loopback and the own "
	 "host are)",
	 .wrong = wrong_origin},
	{0, "tls-cert", OPTION_TEXT, FIELD(server.tls_cert), "FILE",
	 "speak TLS on all TCP addresses, with the PEM certificates in this "
	 "file",
	 .flags = OPTION_FIXED},
	{0, "tls-key", OPTION_TEXT, FIELD(server.tls_key), "FILE",
	 "the PEM key of the first of them", .flags = OPTION_FIXED},
	{0, "no-access-control", OPTION_FLAG, FIELD(server.any_address), NULL,
	 "listen off loopback although anyone may subscribe and publish", NULL,
	 0, 0, OPTION_FIXED},
	{0, "history-count", OPTION_NUMBER, FIELD(server.hub.history.count),
	 "N", "updates kept for each tenant (default 1000)", NULL, 0, 0},
	{0, "history-size", OPTION_SIZE, FIELD(server.hub.history.bytes),
	 "BYTES", "bytes kept for each tenant (default 1M)", NULL, 0, 0},
	{0, "history-age", OPTION_DURATION, FIELD(server.hub.history.age_ms),
	 "T", "how long updates are kept (default 10m)", NULL, 1, 0},
	{0, "max-lag", OPTION_SIZE, FIELD(server.hub.max_lag), "BYTES",
	 "a subscriber further behind is closed with 4108 (default 16M)", NULL,
	 1, 0},
	{0, "slow", OPTION_CHOICE, FIELD(slow), "WHAT",
	 "close who is further behind, or skip what it missed and tell it, in "
	 "wsd.v1 (default close)",
	 "close|skip", 0, 0},
	{0, "max-memory", OPTION_SIZE, FIELD(server.hub.max_memory), "BYTES",
	 "for updates and what waits (default a quarter of the machine's)",
	 NULL, 1 << 20, 0},
	{0, "tenant-rate", OPTION_RATE, FIELD(server.hub.tenant_rate), "RATE",
	 "updates a second that one tenant may have (default no limit)", NULL,
	 0, 0},
	{0, "connection-rate", OPTION_RATE, FIELD(server.hub.message_rate),
	 "RATE",
	 "requests a second that are read from a connection (default no "
	 "limit)",
	 NULL, 0, 0},
	{0, "connection-bytes", OPTION_SIZE, FIELD(server.hub.byte_rate),
	 "BYTES", "the same in bytes a second (default no limit)", NULL, 0, 0},
	{0, "max-message", OPTION_SIZE, FIELD(server.hub.message_max), "BYTES",
	 "largest update (default 1M)", NULL, 16, MESSAGE_LIMIT},
	{0, "max-frame", OPTION_SIZE, FIELD(server.hub.frame_max), "BYTES",
	 "largest message of wsd.v1, of one or more lines (default 2M, or twice "
	 "--max-message)",
	 NULL, 1024, 2 * MESSAGE_LIMIT},
	{0, "max-body", OPTION_SIZE, FIELD(server.body_max), "BYTES",
	 "largest body of an HTTP request (default 16M)", NULL, 16,
	 MESSAGE_LIMIT},
	{0, "max-subscriptions", OPTION_NUMBER,
	 FIELD(server.hub.subscriptions_max), "N",
	 "tenants that one connection may subscribe to (default 1000)", NULL, 1,
	 0},
	{0, "max-tenants", OPTION_NUMBER, FIELD(server.hub.tenants_max), "N",
	 "tenants that are remembered (default 100000)", NULL, 1, UINT32_MAX},
	{0, "max-connections", OPTION_NUMBER,
	 FIELD(server.admission.connections), "N",
	 "connections in all (default: what the limit of descriptors allows)",
	 NULL, 0, 0},
	{0, "max-per-address", OPTION_NUMBER, FIELD(per_address), "N",
	 "connections from one address, IPv6 from one /64 (default 1000, and no "
	 "limit for loopback)",
	 NULL, 0, 0},
	{0, "max-half-open", OPTION_NUMBER, FIELD(server.admission.half_open),
	 "N", "connections whose request has not come (default 1000)", NULL, 1,
	 0},
	{0, "handshake-timeout", OPTION_DURATION, FIELD(server.times.handshake),
	 "T", "time for a request to come whole (default 5s)", NULL, 100, 0},
	{0, "message-timeout", OPTION_DURATION, FIELD(server.times.message),
	 "T", "time for a message that has begun to end (default 60s)", NULL,
	 100, 0},
	{0, "ping", OPTION_DURATION, FIELD(server.times.ping), "T",
	 "a peer that was quiet for so long is sent a ping (default 25s)", NULL,
	 100, 0},
	{0, "dead-after", OPTION_DURATION, FIELD(server.times.dead), "T",
	 "a peer that was quiet for so long is dropped (default 60s)", NULL,
	 200, 0},
	{0, "keys", OPTION_NUMBER, FIELD(server.hub.keys_max), "N",
	 "keys of updates that are remembered (default 1000000)", NULL, 1,
	 1 << 30},
	{0, "max-producers", OPTION_NUMBER, FIELD(server.hub.producers_max),
	 "N", "producers that are remembered (default 100000)", NULL, 1,
	 UINT32_MAX},
	{0, "sndbuf", OPTION_SIZE, FIELD(server.sndbuf), "BYTES",
	 "send buffer of each connection in the kernel (default 256k)", NULL,
	 4096, 1 << 30, OPTION_FIXED},
	{0, "drain-timeout", OPTION_DURATION, FIELD(server.drain_ms), "T",
	 "time to close the connections when shutting down (default 10s)", NULL,
	 1, 0},
	{0, "log-format", OPTION_CHOICE, FIELD(log_format), "FORMAT",
	 "how events are logged on stderr, as text or as JSON (default text)",
	 "text|json", 0, 0},
	{'v', "verbose", OPTION_TALLY, FIELD(verbose), NULL,
	 "also say where it listens and when it shuts down", NULL, 0, 0},
	{'q', "quiet", OPTION_FLAG, FIELD(quiet), NULL, "only errors on stderr",
	 NULL, 0, 0},
	{0, "check-config", OPTION_FLAG, FIELD(check_config), NULL,
	 "check the options and exit; what is wrong is said, with exit 2", NULL,
	 0, 0, OPTION_TYPED},
	{0, "print-config", OPTION_FLAG, FIELD(print_config), NULL,
	 "check, then print the values of all options as JSON that --config takes",
	 NULL, 0, 0, OPTION_TYPED},
	{.name = NULL},
};

static const struct option_program program = {
	.name = "wsd",
	.synopsis = "[option ...]",
	.summary = "Sends each tenant's updates to everyone who watches it.",
	.options = options,
	.examples = "wsd -v\n"
		    "wsd --listen 127.0.0.1:0 --ready-fd 3 3>url\n"
		    "wsd --listen unix:/run/wsd.sock\n"
		    "wsd --print-config >wsd.json; wsd --config wsd.json\n",
};

static enum diag_level level_of(const struct settings *s)
{
	if (s->quiet)
		return DIAG_ERROR;
	return s->verbose > 1 ? DIAG_DEBUG : s->verbose ? DIAG_NOTE : DIAG_WARN;
}

/* So many are allowed, or can be: the soft limit is raised to this one. */
static int check_descriptors(const struct settings *s)
{
	struct rlimit limit;

	if (s->ready_fd != NO_FD && fcntl((int)s->ready_fd, F_GETFD) < 0)
		return options_wrong(&program,
				     "--ready-fd: descriptor %" PRIu64
				     " is not open",
				     s->ready_fd);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
	    limit.rlim_max < SERVER_DESCRIPTORS_MIN)
		return options_wrong(&program,
				     "%ju descriptors (ulimit -Hn) are too "
				     "few, it needs %d",
				     (uintmax_t)limit.rlim_max,
				     SERVER_DESCRIPTORS_MIN);
	return 0;
}

/* Sets the limits that were not given; an update must fit into a message. */
static int set_limits(const struct option_program *p, struct hub_config *hub)
{
	char message[NUM_TEXT_MAX], frame[NUM_TEXT_MAX];

	if (!hub->message_max)
		hub->message_max = hub_defaults.message_max;
	if (!hub->frame_max)
		hub->frame_max = 2 * hub->message_max > hub_defaults.frame_max
					 ? 2 * hub->message_max
					 : hub_defaults.frame_max;
	if (hub->frame_max >= hub->message_max + ENVELOPE_MAX)
		return 0;
	return options_wrong(p,
			     "--max-frame: %s are too few for a --max-message "
			     "of %s, which takes 4 KiB more",
			     num_show_size(frame, hub->frame_max),
			     num_show_size(message, hub->message_max));
}

/* Where nobody is asked who they are, nobody comes from elsewhere. */
static int check_listen(const struct option_program *p,
			const struct settings *s)
{
	struct address a;

	for (size_t i = 0; i < s->listen.count; i++) {
		const char *why = address_parse(&a, s->listen.items[i],
						s->server.any_address);

		if (why)
			return options_wrong(p, "--listen: '%s': %s",
					     s->listen.items[i], why);
	}
	return 0;
}

/*
 * What the table of options cannot check; sets what was not given. 0, or the
 * exit status.
 */
static int check(const struct option_program *p, struct settings *s)
{
	int status = check_listen(p, s);

	if (!status && s->server.times.dead <= s->server.times.ping)
		status = options_wrong(p, "--dead-after must be longer than "
					  "--ping, as a ping must be answered");
	if (!status && !s->server.tls_cert != !s->server.tls_key)
		status = options_wrong(p, "--tls-cert and --tls-key: one needs "
					  "the other");
	return status ? status : set_limits(p, &s->server.hub);
}

/* When it starts: what a reload finds wrong with them is no reason to end. */
static int check_tls(const struct settings *s)
{
	char why[CERTIFICATE_WHY_MAX];
	struct certificate c;

	if (!s->server.tls_cert)
		return 0;
	if (certificate_open(&c, s->server.tls_cert, s->server.tls_key, why) <
	    0)
		return options_wrong(&program, "TLS: %s", why);
	certificate_close(&c);
	return 0;
}

static uint64_t quarter_of_memory(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);

	return pages < 0 || size < 0 ? 0 : (uint64_t)pages * (uint64_t)size / 4;
}

/* The defaults, and what the server has from the options. */
static void set_defaults(struct settings *s)
{
	memset(s, 0, sizeof(*s));
	s->server.hub = hub_defaults;
	s->server.hub.message_max = 0;
	s->server.hub.frame_max = 0;
	s->server.body_max = 16 << 20;
	s->server.hub.max_memory = quarter_of_memory();
	s->server.sndbuf = 256 << 10;
	s->server.drain_ms = 10 * 1000;
	s->server.admission.half_open = 1000;
	s->server.times = (struct caller_times){
		.handshake = 5 * 1000,
		.message = 60 * 1000,
		.ping = 25 * 1000,
		.dead = 60 * 1000,
	};
	s->ready_fd = NO_FD;
}

/* A limit that was given counts for everybody, loopback included. */
static void set_per_address(struct admission_limits *limits, uint64_t given)
{
	limits->local_too = given > 0;
	limits->per_address = given ? given : PER_ADDRESS;
}

static void configure(struct settings *s)
{
	struct server_config *config = &s->server;

	config->hub.slow_skip = s->slow == 1;
	set_per_address(&config->admission, s->per_address);
	config->listen = s->listen.items;
	config->listen_count = s->listen.count;
	config->access.hosts = s->hosts.items;
	config->access.hosts_count = s->hosts.count;
	config->access.origins = s->origins.items;
	config->access.origins_count = s->origins.count;
	config->ready_fd = s->ready_fd == NO_FD ? -1 : (int)s->ready_fd;
	config->log_format = (enum log_format)s->log_format;
	config->log_level = level_of(s);
}

static void free_settings(struct settings *s)
{
	if (s)
		options_release(&program, &s->options);
	free(s);
}

static void cannot_reload(const struct wsd *w)
{
	log_event(w->log, LOG_CONFIG_REFUSED, NULL, "cannot reload: %s",
		  strerror(errno));
}

/*
 * Command line and file, checked; owned. NULL when there is nothing to run:
 * `*status` is the exit status then.
 */
static struct settings *read_settings(struct wsd *w, int *status)
{
	struct settings *s = malloc(sizeof(*s));
	int operands = w->argc;

	*status = EXIT_OTHER;
	if (!s) {
		if (w->log)
			cannot_reload(w);
		else
			diag(&w->diag, DIAG_ERROR, "cannot begin: %s",
			     strerror(errno));
		return NULL;
	}
	set_defaults(s);
	switch (options_parse(&w->program, w->argc, w->argv, &s->options,
			      &operands)) {
	case OPTIONS_RUN:
		*status = operands < w->argc
				  ? options_wrong(&w->program,
						  "unexpected operand '%s'",
						  w->argv[operands])
				  : check(&w->program, s);
		break;
	case OPTIONS_WRONG:
		*status = EXIT_USAGE;
		break;
	case OPTIONS_DONE:
		*status = EXIT_DONE;
		free(s);
		return NULL;
	case OPTIONS_FAILED:
		break;
	}
	if (*status == 0)
		return s;
	free_settings(s);
	return NULL;
}

/*
 * Segments and bodies come and go all the time: by default every few of them
 * are given back to the system and asked for again, page by page.
 */
static void tune_heap(void)
{
#ifdef __GLIBC__
	mallopt(M_TRIM_THRESHOLD, 2 << 20);
	mallopt(M_TOP_PAD, 256 << 10);
	mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
}

/* Reload */

static void tell_change(void *user, const struct option *o, const char *was,
			const char *is)
{
	struct wsd *w = user;

	w->changes++;
	log_event(w->log, LOG_CONFIG, NULL, "%s: %s -> %s%s", o->name, was, is,
		  o->flags & OPTION_FIXED ? " only after a restart" : "");
}

/* What was read anew takes the place of what was; takes it. */
static void renew(struct wsd *w, struct server *server, struct settings *fresh)
{
	struct settings *old = w->settings;

	w->changes = 0;
	if (settings_renew(options, &fresh->options, &old->options, tell_change,
			   w) < 0) {
		cannot_reload(w);
		free_settings(fresh);
		return;
	}
	if (!w->changes)
		log_event(w->log, LOG_CONFIG, NULL,
			  "the configuration has not changed");
	configure(fresh);
	fresh->server.hangup = old->server.hangup;
	fresh->server.user = old->server.user;
	w->settings = fresh;
	server_reconfigure(server, &fresh->server);
	free_settings(old);
}

/* A pipe could keep everybody waiting, and has been read. */
static bool can_reload(const struct wsd *w)
{
	const char *path = w->settings->options.file;
	struct stat file;

	if (!path && w->settings->server.tls_cert)
		return false; /* the certificate is read anew */
	if (!path)
		log_event(w->log, LOG_CONFIG, NULL,
			  "nothing to reload: there is no --config");
	else if (stat(path, &file) == 0 && !S_ISREG(file.st_mode))
		log_event(w->log, LOG_CONFIG, NULL,
			  "nothing to reload: '%s' is no regular file", path);
	else
		return true;
	return false;
}

static void say_refused(void *user, const char *message)
{
	struct wsd *w = user;

	log_event(w->log, LOG_CONFIG_REFUSED, NULL, "%s", message);
}

static void on_hangup(void *user, struct server *server)
{
	struct wsd *w = user;
	struct settings *fresh;
	int status;

	w->log = &server->log;
	w->program.say = say_refused;
	w->program.user = w;
	if (!can_reload(w))
		return;
	fresh = read_settings(w, &status);
	if (fresh)
		renew(w, server, fresh);
	else
		log_event(w->log, LOG_CONFIG_REFUSED, NULL,
			  "the configuration stays as it was");
}

/* The start */

static int print(const struct wsd *w)
{
	struct settings *s = w->settings;

	if ((s->listen.count ||
	     option_add_text(&s->listen, LISTENERS_DEFAULT) == 0) &&
	    settings_print(options, &s->options, stdout) == 0)
		return EXIT_DONE;
	diag(&w->diag, DIAG_ERROR, "cannot print the configuration: %s",
	     strerror(errno));
	return EXIT_OTHER;
}

static int run(struct wsd *w)
{
	struct settings *s = w->settings;
	int status = check_descriptors(s);

	if (!status)
		status = check_tls(s);
	if (status)
		return status;
	if (s->print_config)
		return print(w);
	if (s->check_config)
		return EXIT_DONE;
	configure(s);
	s->server.hangup = on_hangup;
	s->server.user = w;
	w->diag.level = level_of(s);
	tune_heap();
	return (int)server_run(&s->server, &w->diag);
}

int main(int argc, char **argv)
{
	struct wsd w = {
		.argc = argc,
		.argv = argv,
		.program = program,
		.diag = {program.name, DIAG_WARN},
	};
	int status;

	w.settings = read_settings(&w, &status);
	if (w.settings)
		status = run(&w);
	free_settings(w.settings);
	return status;
}

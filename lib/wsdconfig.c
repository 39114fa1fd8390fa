/* SPDX-License-Identifier: MIT */
#include "wsdconfig.h"

#include "address.h"
#include "num.h"
#include "secrecy.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIELD(name) .offset = offsetof(struct wsdconfig, name)
#define MESSAGE_LIMIT (256 << 20)
#define PER_ADDRESS 1000
#define AUTH_FAILURES 30
#define ENVELOPE_MAX (4 << 10) /* what a PUBLISH has beside its data */

static const char *wrong_host(const char *text)
{
	return access_host_valid(text) ? NULL
				       : "not a host as in example.com, "
					 "example.com:8080 or [2001:db8::1]";
}

static const char *wrong_origin(const char *text)
{
	if (access_origin_shared(text))
		return "frames and files of anybody have this origin, so it is "
		       "never allowed";
	return access_origin_valid(text)
		       ? NULL
		       : "not an origin as browsers send it: "
			 "https://example.com or http://example.com:8080 (no "
			 "path, no default port)";
}

static const char *wrong_proxy(const char *text)
{
	struct netaddr_block block;

	return netaddr_parse_block(&block, text);
}

static const char *wrong_listen(const char *text)
{
	struct address a;

	return address_parse(&a, text, true);
}

const struct option wsdconfig_options[] = {
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
	{0, "jwt-key", OPTION_TEXTS, FIELD(jwt_keys), "FILE",
	 "ask for tokens; take JWTs that are signed by this key (PEM, JWKS or "
	 "HMAC secret; or KID=FILE), repeatable"},
	{0, "jwt-aud", OPTION_TEXT, FIELD(jwt_audience), "AUDIENCE",
	 "take only JWTs that are meant for this audience"},
	{0, "jwt-iss", OPTION_TEXT, FIELD(jwt_issuer), "ISSUER",
	 "take only JWTs of this issuer"},
	{0, "tenant-claim", OPTION_TEXT, FIELD(tenant_claim), "CLAIM",
	 "this claim of a JWT names a tenant that it may subscribe to"},
	{0, "tokens", OPTION_TEXTS, FIELD(token_lists), "FILE",
	 "ask for tokens; take those in this file, a line each (see wstoken "
	 "hash), repeatable"},
	{0, "allow-query-token", OPTION_FLAG, FIELD(server.query_token), NULL,
	 "take a token in the URL, too: ?access_token=TOKEN"},
	{0, "auth-timeout", OPTION_DURATION, FIELD(server.times.auth), "T",
	 "time for a WebSocket to show a token (default 10s)", NULL, 100, 0},
	{0, "auth-failures", OPTION_NUMBER, FIELD(auth_failures), "N",
	 "bad tokens of an address in a minute before none is looked at "
	 "(default 30, and no limit for loopback; 0: no limit)",
	 NULL, 0, INT32_MAX},
	{0, "tls-cert", OPTION_TEXT, FIELD(server.tls_cert), "FILE",
	 "speak TLS on all TCP addresses, with the PEM certificates in this "
	 "file",
	 .flags = OPTION_FIXED},
	{0, "tls-key", OPTION_TEXT, FIELD(server.tls_key), "FILE",
	 "the PEM key of the first of them", .flags = OPTION_FIXED},
	{0, "no-access-control", OPTION_FLAG, FIELD(no_access_control), NULL,
	 "listen off loopback although anyone may subscribe and publish", NULL,
	 0, 0, OPTION_FIXED},
	{0, "behind-proxy", OPTION_TEXTS, FIELD(proxies), "CIDR",
	 "believe the X-Forwarded-For and -Proto of these addresses (10.0.0.0/8 "
	 "or unix), repeatable",
	 .wrong = wrong_proxy},
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
	 "N",
	 "connections whose request, or token, has not come (default 1000)",
	 NULL, 1, 0},
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

enum diag_level wsdconfig_level(const struct wsdconfig *s)
{
	if (s->quiet)
		return DIAG_ERROR;
	return s->verbose > 1 ? DIAG_DEBUG : s->verbose ? DIAG_NOTE : DIAG_WARN;
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
			const struct wsdconfig *c)
{
	bool any = c->no_access_control || c->tokens;
	struct address a;

	for (size_t i = 0; i < c->listen.count; i++) {
		const char *why = address_parse(&a, c->listen.items[i], any);

		if (why)
			return options_wrong(p, "--listen: '%s': %s",
					     c->listen.items[i], why);
	}
	return 0;
}

static int read_proxies(const struct option_program *p, struct wsdconfig *c)
{
	if (!c->proxies.count)
		return 0;
	c->blocks = calloc(c->proxies.count, sizeof(*c->blocks));
	if (!c->blocks)
		return options_wrong(p, "--behind-proxy: out of memory");
	for (size_t i = 0; i < c->proxies.count; i++)
		netaddr_parse_block(&c->blocks[i], c->proxies.items[i]);
	return 0;
}

/* Reads the files of keys and tokens, if there are any. */
static int read_tokens(const struct option_program *p, struct wsdconfig *c)
{
	struct tokens_config config = {
		.keys = c->jwt_keys.items,
		.keys_count = c->jwt_keys.count,
		.lists = c->token_lists.items,
		.lists_count = c->token_lists.count,
		.expected = {c->jwt_audience, c->jwt_issuer, c->tenant_claim},
	};
	char why[TOKENS_WHY_MAX];

	if (!config.keys_count && !config.lists_count)
		return 0;
	secrecy_begin();
	c->tokens = tokens_new(&config, why);
	return c->tokens ? 0 : options_wrong(p, "tokens: %s", why);
}

/* What is of no use without keys would give a false sense of safety. */
static int check_access(const struct option_program *p,
			const struct wsdconfig *c)
{
	if (c->tokens && c->no_access_control)
		return options_wrong(p, "--no-access-control does not go with "
					"--jwt-key or --tokens");
	if ((c->jwt_audience || c->jwt_issuer || c->tenant_claim) &&
	    !c->jwt_keys.count)
		return options_wrong(p, "--jwt-aud, --jwt-iss and "
					"--tenant-claim need a --jwt-key");
	if (c->server.query_token && !c->tokens)
		return options_wrong(p, "--allow-query-token needs a --jwt-key "
					"or --tokens");
	return 0;
}

static int check_tls(const struct option_program *p, const struct wsdconfig *c)
{
	if (!c->server.tls_cert == !c->server.tls_key)
		return 0;
	return options_wrong(p,
			     "--tls-cert and --tls-key: one needs the other");
}

/* A reload does not ask: what is wrong then is no reason to refuse the rest. */
int wsdconfig_check_files(const struct wsdconfig *c,
			  const struct option_program *p)
{
	char why[CERTIFICATE_WHY_MAX];
	struct certificate certificate;

	if (!c->server.tls_cert)
		return 0;
	secrecy_begin();
	if (certificate_open(&certificate, c->server.tls_cert,
			     c->server.tls_key, why) < 0)
		return options_wrong(p, "TLS: %s", why);
	certificate_close(&certificate);
	return 0;
}

int wsdconfig_check(struct wsdconfig *c, const struct option_program *p)
{
	int status = read_tokens(p, c);

	if (!status)
		status = read_proxies(p, c);
	if (!status)
		status = check_access(p, c);
	if (!status)
		status = check_tls(p, c);
	if (!status)
		status = check_listen(p, c);
	if (!status && c->server.times.dead <= c->server.times.ping)
		status = options_wrong(p, "--dead-after must be longer than "
					  "--ping, as a ping must be answered");
	return status ? status : set_limits(p, &c->server.hub);
}

static uint64_t quarter_of_memory(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);

	return pages < 0 || size < 0 ? 0 : (uint64_t)pages * (uint64_t)size / 4;
}

void wsdconfig_defaults(struct wsdconfig *c)
{
	memset(c, 0, sizeof(*c));
	c->server.hub = hub_defaults;
	c->server.hub.message_max = 0;
	c->server.hub.frame_max = 0;
	c->server.body_max = 16 << 20;
	c->server.hub.max_memory = quarter_of_memory();
	c->server.sndbuf = 256 << 10;
	c->server.drain_ms = 10 * 1000;
	c->server.admission.half_open = 1000;
	c->server.times = (struct caller_times){
		.handshake = 5 * 1000,
		.message = 60 * 1000,
		.ping = 25 * 1000,
		.dead = 60 * 1000,
		.auth = 10 * 1000,
	};
	c->auth_failures = UINT64_MAX;
	c->ready_fd = WSDCONFIG_NO_FD;
}

/* A limit that was given counts for everybody, loopback included. */
static void set_per_address(struct wsdconfig *c)
{
	struct admission_limits *limits = &c->server.admission;
	bool given = c->auth_failures != UINT64_MAX;

	limits->local_too = c->per_address > 0;
	limits->per_address = c->per_address ? c->per_address : PER_ADDRESS;
	c->server.auth_failures = given ? c->auth_failures : AUTH_FAILURES;
	c->server.auth_failures_local = given;
}

void wsdconfig_apply(struct wsdconfig *c)
{
	struct server_config *config = &c->server;

	config->hub.slow_skip = c->slow == 1;
	set_per_address(c);
	config->listen = c->listen.items;
	config->listen_count = c->listen.count;
	config->any_address = c->no_access_control || c->tokens;
	config->access.hosts = c->hosts.items;
	config->access.hosts_count = c->hosts.count;
	config->access.origins = c->origins.items;
	config->access.origins_count = c->origins.count;
	config->proxies.blocks = c->blocks;
	config->proxies.count = c->proxies.count;
	config->tokens = c->tokens;
	config->ready_fd =
		c->ready_fd == WSDCONFIG_NO_FD ? -1 : (int)c->ready_fd;
	config->log_format = (enum log_format)c->log_format;
	config->log_level = wsdconfig_level(c);
}

void wsdconfig_release(struct wsdconfig *c)
{
	tokens_free(c->tokens);
	c->tokens = NULL;
	free(c->blocks);
	c->blocks = NULL;
}

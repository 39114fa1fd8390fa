/* SPDX-License-Identifier: MIT */
/*
 * The client is always in one state, which says what is under way: dialling, a
 * connection, or only the timer. A loss is told when nothing of the old attempt
 * is left.
 */
#include "client.h"

#include "backoff.h"
#include "conn.h"
#include "dial.h"
#include "hash.h"
#include "login.h"
#include "loop.h"
#include "renewal.h"
#include "url.h"
#include "verdict.h"

#include <stdlib.h>
#include <string.h>

#define CONNECT_MS 10000
#define BACKOFF_MS 250
#define BACKOFF_MAX_MS 30000
#define MESSAGE_MAX (64 << 20)

/*
 * wsd sends it at once. Who answers a ping and has not sent it by the first
 * time is not wsd, of which Bun agrees to any subprotocol. Who does neither is
 * waited for, of which people are told.
 */
#define WELCOME_MS 3000
#define WELCOME_LATE_MS 500
#define CLOSE_MS 1000 /* for the answer to our close frame */

/* Silence: after two ticks of it a ping, dead after three more. */
#define TICK_MS 15000
#define TICKS_TO_PING 2
#define TICKS_TO_DEATH 5

/* A server that says "back off" is left alone as after so many attempts. */
#define ATTEMPTS_WHEN_BUSY 4

enum state {
	DIALING,  /* dial, up to the handshake */
	GREETING, /* conn is open; WELCOME is due */
	READY,	  /* conn is open */
	DYING,	  /* conn is to end; `failure` says why */
	WAITING,  /* the timer, until the next attempt */
	CLOSING,  /* client_close() was called */
};

struct client {
	struct loop *loop;
	struct client_config config;
	const struct client_events *events;
	void *user;
	struct url url;
	enum state state;
	bool ever_ready;
	bool was_ready; /* in this attempt */
	bool late;	/* in this attempt: WELCOME */
	bool paused;
	bool overheard; /* that was told */
	enum client_dialect dialect;
	uint32_t sent; /* messages, on this connection */
	struct conn conn;
	struct dial dial;
	struct renewal renewal;
	uv_timer_t timer;
	unsigned handles_open;
	unsigned silent_ticks;
	struct backoff backoff;
	uint64_t delay_ms; /* the server asked for */
	struct failure failure;
};

static void timer_rang(uv_timer_t *timer);

static void set_timer(struct client *c, uint64_t ms)
{
	uv_timer_start(&c->timer, timer_rang, ms, 0);
}

/* Losing */

static uint64_t random_number(void)
{
	uint64_t n = 0;

	hash_random(&n, sizeof(n));
	return n;
}

static uint64_t next_delay(struct client *c)
{
	uint64_t ms = backoff_next(&c->backoff, random_number());

	if (ms < c->delay_ms)
		ms = c->delay_ms;
	c->delay_ms = 0;
	return ms;
}

/* Whether trying again cannot help. */
static bool is_final(struct client *c)
{
	if (!c->config.retry || !c->ever_ready)
		return true;
	if (c->failure.token)
		return !renewal_hopes(&c->renewal);
	return c->failure.final;
}

/* Nothing of the attempt is left; `failure` says why. */
static void lost(struct client *c, unsigned close_code)
{
	bool final = is_final(c);
	struct client_loss loss = {
		.text = c->failure.text,
		.status = c->failure.status,
		.close_code = close_code,
		.connected = c->was_ready,
		.final = final,
	};

	uv_timer_stop(&c->timer);
	c->state = WAITING;
	/* A token that is refused only after WELCOME would be shown forever. */
	if (c->failure.busy || (c->failure.token && c->was_ready))
		backoff_raise(&c->backoff, ATTEMPTS_WHEN_BUSY);
	if (!final) {
		loss.retry_ms = next_delay(c);
		set_timer(c, loss.retry_ms);
	}
	c->events->lost(c->user, &loss);
}

/* Ends the connection for the reason that `failure` has. */
static void die(struct client *c)
{
	c->state = DYING;
	conn_kill(&c->conn);
}

static void dial(struct client *c)
{
	c->was_ready = c->late = false;
	if (renewal_begin(&c->renewal, &c->failure) < 0) {
		lost(c, 0);
		return;
	}
	c->state = DIALING;
	dial_start(&c->dial, c->config.connect_ms);
}

static void dial_failed(void *user)
{
	struct client *c = user;

	c->failure = c->dial.failure;
	lost(c, 0);
}

static void conn_gone(void *user)
{
	struct client *c = user;
	struct verdict_case v = {c->config.url, &c->url, &c->conn};

	if (c->state == DIALING) {
		dial_gone(&c->dial);
	} else if (c->state == DYING) {
		lost(c, 0);
	} else if (c->state != CLOSING) {
		verdict_gone(&c->failure, &v);
		renewal_closed(&c->renewal, c->conn.close_code, &c->failure);
		lost(c, c->conn.close_code);
	}
}

/* An open connection */

static void become_ready(struct client *c, enum client_dialect dialect,
			 const struct answer *welcome)
{
	c->state = READY;
	c->sent = 0;
	c->dialect = dialect;
	c->ever_ready = c->was_ready = true;
	c->silent_ticks = 0;
	backoff_reset(&c->backoff);
	set_timer(c, TICK_MS);
	conn_pause(&c->conn, c->paused);
	c->events->ready(c->user, dialect, welcome);
}

static void tell_overheard(struct client *c)
{
	char text[FAILURE_TEXT_MAX];

	if (!c->conn.exposed || c->overheard)
		return;
	c->overheard = true;
	snprintf(text, sizeof(text),
		 "the token goes to '%s' as clear text, which others on the "
		 "way can read: use a wss URL",
		 c->config.url);
	c->events->warn(c->user, text);
}

static void conn_opened(void *user)
{
	struct client *c = user;

	if (c->state == CLOSING)
		return;
	dial_opened(&c->dial);
	c->state = GREETING;
	renewal_opened(&c->renewal);
	tell_overheard(c);
	if (strncmp(c->conn.protocol, PROTO_V1, strlen(PROTO_V1)) != 0) {
		become_ready(c, CLIENT_PLAIN, NULL);
		return;
	}
	c->conn.heard = false;
	conn_ping(&c->conn);
	set_timer(c, WELCOME_LATE_MS);
}

/* Whether the first line is WELCOME; if not, the server speaks plain. */
static bool greeted(struct client *c, const char *text, size_t len)
{
	struct answer answer;

	if (answer_parse(&answer, text, len) == JSON_OK &&
	    answer.type == ANSWER_WELCOME) {
		become_ready(c, CLIENT_V1, &answer);
		return true;
	}
	become_ready(c, CLIENT_PLAIN, NULL);
	return false;
}

static size_t line_length(const char *text, const char *end)
{
	const char *newline = memchr(text, '\n', (size_t)(end - text));

	return (size_t)((newline ? newline : end) - text);
}

static void lines(struct client *c, const char *text, const char *end)
{
	for (size_t n; text < end && c->state == READY; text += n + 1) {
		n = line_length(text, end);
		if (n)
			c->events->message(c->user, text, n);
	}
}

static void conn_message(void *user, const char *text, size_t len)
{
	struct client *c = user;
	const char *end = text + len;

	if (c->state == GREETING && greeted(c, text, line_length(text, end)))
		text += line_length(text, end);
	if (c->state != READY)
		return;
	if (c->dialect == CLIENT_V1)
		lines(c, text, end);
	else
		c->events->message(c->user, text, len);
}

/* The token that takes the place of the one that the server knows. */
static void send_auth(struct client *c)
{
	struct buf b;

	buf_init(&b);
	renewal_put(&c->renewal, &b);
	if (conn_send_secret(&c->conn, &b) == 0)
		c->sent++;
}

static void send_if_due(struct client *c)
{
	if (c->renewal.due && client_can_send(c))
		send_auth(c);
}

void client_renew(struct client *c)
{
	if (c->state != READY || c->dialect != CLIENT_V1)
		return;
	renewal_again(&c->renewal);
	send_if_due(c);
}

bool client_answer(struct client *c, const struct answer *a)
{
	char text[FAILURE_TEXT_MAX];

	if (!renewal_answer(&c->renewal, a, text))
		return false;
	send_if_due(c);
	if (*text)
		c->events->warn(c->user, text);
	return true;
}

void client_deny(struct client *c, enum proto_code code, const char *text)
{
	if (c->state != READY)
		return;
	failure_denied(&c->failure, code, text, conn_token(&c->conn));
	die(c);
}

static void conn_writable(void *user)
{
	struct client *c = user;

	if (c->state != READY)
		return;
	if (c->renewal.due)
		send_auth(c);
	else
		c->events->writable(c->user);
}

static const struct conn_events conn_events = {
	.open = conn_opened,
	.message = conn_message,
	.writable = conn_writable,
	.gone = conn_gone,
};

/* Nobody may be there any more: a cable, a NAT, a machine that stopped. */
static void tick(struct client *c)
{
	set_timer(c, TICK_MS);
	if (c->conn.heard || c->conn.paused) {
		c->conn.heard = false;
		c->silent_ticks = 0;
		return;
	}
	c->silent_ticks++;
	if (c->silent_ticks == TICKS_TO_PING)
		conn_ping(&c->conn);
	if (c->silent_ticks >= TICKS_TO_DEATH) {
		failure_lost(&c->failure, c->config.url,
			     "no sign of life for %d s",
			     TICKS_TO_DEATH * TICK_MS / 1000);
		die(c);
	}
}

static void no_welcome_yet(struct client *c)
{
	if (c->late || c->conn.heard) {
		become_ready(c, CLIENT_PLAIN, NULL);
		return;
	}
	c->late = true;
	set_timer(c, WELCOME_MS - WELCOME_LATE_MS);
	c->events->late(c->user);
}

static void timer_rang(uv_timer_t *timer)
{
	struct client *c = timer->data;

	switch (c->state) {
	case DIALING:
		break; /* dial has a timer of its own */
	case GREETING:
		no_welcome_yet(c);
		break;
	case READY:
		tick(c);
		break;
	case WAITING:
		dial(c);
		break;
	case DYING:
	case CLOSING:
		conn_kill(&c->conn);
		break;
	}
}

/* The interface */

static void set_defaults(struct client_config *config)
{
	if (!config->protocol)
		config->protocol = PROTO_V1;
	if (!config->message_max)
		config->message_max = MESSAGE_MAX;
	if (!config->connect_ms)
		config->connect_ms = CONNECT_MS;
	if (!config->backoff_ms)
		config->backoff_ms = BACKOFF_MS;
	if (!config->backoff_max_ms)
		config->backoff_max_ms = BACKOFF_MAX_MS;
}

static const char *offer(const struct client_config *config)
{
	if (strcmp(config->protocol, PROTO_V1_BULK) == 0)
		return PROTO_V1_BULK ", " PROTO_V1;
	return PROTO_V1;
}

static int init_dial(struct client *c, const char **why)
{
	if (url_parse(&c->url, c->config.url, why) < 0)
		return -1;
	if (dial_init(&c->dial, c->loop, &c->conn, c->config.url, &c->url,
		      offer(&c->config), dial_failed, c) == 0)
		return 0;
	*why = "the path of the socket is too long";
	return -1;
}

static void use_login(struct client *c)
{
	struct login *login = c->config.login;

	c->renewal.url = c->config.url;
	c->renewal.patient = c->config.patient;
	if (!login)
		return;
	c->renewal.bearer = &login->bearer;
	c->conn.bearer = &login->bearer;
	if (login->trust.tls)
		c->conn.trust = &login->trust;
}

struct client *client_new(struct loop *loop, const struct client_config *config,
			  const struct client_events *events, void *user,
			  const char **why)
{
	struct client *c = calloc(1, sizeof(*c));

	*why = "out of memory";
	if (!c)
		return NULL;
	c->loop = loop;
	c->config = *config;
	c->events = events;
	c->user = user;
	set_defaults(&c->config);
	if (init_dial(c, why) < 0) {
		free(c);
		return NULL;
	}
	c->backoff.first_ms = c->config.backoff_ms;
	c->backoff.max_ms = c->config.backoff_max_ms;
	conn_init(&c->conn, loop, &conn_events, c, c->config.message_max);
	use_login(c);
	uv_timer_init(&loop->uv, &c->timer);
	c->timer.data = c;
	c->handles_open = 3; /* and those of dial and conn */
	c->state = WAITING;
	set_timer(c, 0);
	return c;
}

bool client_can_send(const struct client *c)
{
	return c->state == READY && !c->conn.sending && !c->conn.closing;
}

int client_send(struct client *c, struct buf *message)
{
	if (!client_can_send(c))
		return -1;
	c->sent++;
	return conn_send(&c->conn, message);
}

uint32_t client_sent(const struct client *c)
{
	return c->sent;
}

void client_pause(struct client *c, bool paused)
{
	c->paused = paused;
	if (c->state == READY)
		conn_pause(&c->conn, paused);
}

void client_delay(struct client *c, uint64_t ms)
{
	c->delay_ms = ms;
}

const char *client_why_not(struct client *c, uint64_t ms)
{
	if (c->state == READY)
		return NULL;
	if (c->state != WAITING) /* its failure is the one to tell */
		dial_explain(&c->dial, &c->failure, ms);
	return c->failure.text;
}

void client_close(struct client *c)
{
	if (c->state == CLOSING)
		return;
	c->state = CLOSING;
	dial_stop(&c->dial);
	conn_close(&c->conn, PROTO_CLOSE_NORMAL);
	set_timer(c, CLOSE_MS);
}

bool client_closed(const struct client *c)
{
	return c->state == CLOSING && !c->conn.wsi && dial_stopped(&c->dial);
}

static void handle_closed(uv_handle_t *handle)
{
	struct client *c = handle->data;

	c->handles_open--;
}

void client_free(struct client *c)
{
	if (!c)
		return;
	client_close(c);
	while (!client_closed(c))
		uv_run(&c->loop->uv, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&c->timer, handle_closed);
	dial_release(&c->dial, handle_closed, c);
	conn_release(&c->conn, handle_closed, c);
	while (c->handles_open)
		uv_run(&c->loop->uv, UV_RUN_ONCE);
	free(c);
}

int client_loop(struct loop *loop, struct log *log, const struct login *login)
{
	static const struct lws_protocols protocols[] = {
		CONN_PROTOCOL,
		{.name = NULL},
	};

	return loop_init_client(loop, log, protocols, login->trust.tls);
}

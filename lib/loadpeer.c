/* SPDX-License-Identifier: MIT */
#include "loadpeer.h"

#include "clock.h"
#include "masked.h"
#include "tenant.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

static const char *role_of(const struct loadpeer *peer)
{
	if (peer->stalls)
		return "stalled subscriber";
	return peer->pub ? "publisher" : "subscriber";
}

/* The connection is over, for the reason that errno has. */
static int over(const struct loadpeer *peer, struct loadpeer_env *env,
		const char *doing)
{
	snprintf(env->why, sizeof(env->why), "%s %u: %s: %s", role_of(peer),
		 peer->number, doing,
		 errno ? strerror(errno) : "the server ended the connection");
	return -1;
}

static int protocol_error(const struct loadpeer *peer, struct loadpeer_env *env,
			  const char *what)
{
	snprintf(env->why, sizeof(env->why), "%s %u: the server sent %s",
		 role_of(peer), peer->number, what);
	return -1;
}

static void put_frame(struct loadpeer *peer, struct loadpeer_env *env,
		      enum wsframe_opcode opcode, const char *payload,
		      size_t len)
{
	masked_put(&peer->conn.out, opcode, payload, len,
		   loadpub_mask(&env->plan));
}

static void get_ready(struct loadpeer *peer, struct loadpeer_env *env)
{
	peer->ready = true;
	env->ready++;
}

/* The first frames of a connection. */
static void greet(struct loadpeer *peer, struct loadpeer_env *env)
{
	char line[64 + TENANT_MAX];
	int n;

	if (peer->conn.follows) {
		get_ready(peer, env);
		return;
	}
	if (!peer->pub) {
		n = snprintf(line, sizeof(line),
			     "{\"type\":\"SUBSCRIBE\",\"tenantId\":"
			     "\"%s%u\"}",
			     env->plan.prefix, peer->tenant);
		put_frame(peer, env, WSFRAME_TEXT, line, (size_t)n);
	}
	put_frame(peer, env, WSFRAME_PING, "", 0);
}

/* A line that is not an update of this run. */
static void take_other(struct loadpeer *peer, struct loadpeer_env *env,
		       const char *text, size_t len)
{
	if (memmem(text, len, "\"type\":\"ERROR\"", 14)) {
		env->errors++;
		snprintf(env->why, sizeof(env->why), "the server answered %.*s",
			 (int)(len & 0xff), text);
	} else if (!peer->conn.subprotocol ||
		   memmem(text, len, "\"type\":\"UPDATE\"", 15)) {
		env->foreign++;
	}
}

/* The updates of a batch have one time, and those of a read arrive at one. */
static void record_lag(struct loadpeer_env *env)
{
	if (env->lagging)
		histogram_record(&env->latency, env->lag, env->lagging);
	env->lagging = 0;
}

static void count_lag(struct loadpeer_env *env, uint64_t lag)
{
	if (lag != env->lag) {
		record_lag(env);
		env->lag = lag;
	}
	env->lagging++;
}

static bool read_mark(const struct loadpeer *peer, struct loadpeer_env *env,
		      struct loadmark *mark, const char *text, size_t len)
{
	size_t size = env->plan.size;

	if (peer->conn.subprotocol)
		return loadmark_find(mark, &env->reader, text, len, size);
	return len == size && loadmark_read(mark, &env->reader, text, len);
}

static void take_update(struct loadpeer *peer, struct loadpeer_env *env,
			const char *text, size_t len, uint64_t now)
{
	struct loadmark mark;

	if (!read_mark(peer, env, &mark, text, len) ||
	    !loadtally_expects(&env->tally, peer->tenant, mark.flow)) {
		take_other(peer, env, text, len);
		return;
	}
	loadtally_receive(&env->tally, peer->number, mark.flow, mark.seq);
	count_lag(env, now > mark.time ? now - mark.time : 0);
	env->last = now;
}

static void take_line(struct loadpeer *peer, struct loadpeer_env *env,
		      const char *text, size_t len, uint64_t now)
{
	uint64_t settled;

	if (!peer->pub) {
		take_update(peer, env, text, len, now);
		return;
	}
	settled = peer->pub->settled;
	loadpub_answer(peer->pub, text, len, now);
	if (peer->pub->settled > settled)
		env->last = now;
}

/* In wsd.v1 a frame has one or more lines; a plain one is one message. */
static void take_text(struct loadpeer *peer, struct loadpeer_env *env,
		      const char *text, size_t len, uint64_t now)
{
	const char *end = text + len;
	const char *newline;

	if (!peer->conn.subprotocol) {
		take_line(peer, env, text, len, now);
		return;
	}
	while ((newline = memchr(text, '\n', (size_t)(end - text)))) {
		take_line(peer, env, text, (size_t)(newline - text), now);
		text = newline + 1;
	}
	if (text < end)
		take_line(peer, env, text, (size_t)(end - text), now);
}

static void take_pong(struct loadpeer *peer, struct loadpeer_env *env,
		      uint64_t now)
{
	if (!peer->ready) {
		get_ready(peer, env);
	} else if (peer->pub && peer->pub->fence) {
		loadpub_pong(peer->pub, now);
		env->last = now;
	}
}

static int take_close(struct loadpeer *peer, struct loadpeer_env *env,
		      const char *payload, size_t len)
{
	char what[160];
	unsigned code = 0;

	if (len >= 2)
		code = (unsigned)((unsigned char)payload[0] << 8 |
				  (unsigned char)payload[1]);
	snprintf(what, sizeof(what), "close %u %.*s", code,
		 len > 2 ? (int)len - 2 : 0, payload + (len > 2 ? 2 : 0));
	return protocol_error(peer, env, what);
}

static int take_frame(struct loadpeer *peer, struct loadpeer_env *env,
		      const struct loadframe_walk *walk, uint64_t now)
{
	const struct wsframe *frame = &walk->frame;
	const char *payload = walk->payload;
	size_t len = (size_t)frame->payload;

	if (frame->masked || frame->rsv)
		return protocol_error(peer, env, "a masked or extended frame");
	if (!frame->fin)
		return protocol_error(peer, env, "a fragmented message");
	switch (frame->opcode) {
	case WSFRAME_TEXT:
		take_text(peer, env, payload, len, now);
		return 0;
	case WSFRAME_PING:
		put_frame(peer, env, WSFRAME_PONG, payload, len);
		return 0;
	case WSFRAME_PONG:
		take_pong(peer, env, now);
		return 0;
	case WSFRAME_CLOSE:
		return take_close(peer, env, payload, len);
	case WSFRAME_BINARY:
	case WSFRAME_CONTINUATION:
		break;
	}
	return protocol_error(peer, env, "a frame that is not text");
}

static int take_frames(struct loadpeer *peer, struct loadpeer_env *env,
		       struct loadframe_walk *walk)
{
	uint64_t now = (uint64_t)clock_mono_ns();
	enum wsframe_result result;
	int rc = 0;

	while (!rc && (result = loadframe_next(walk)) == WSFRAME_OK)
		rc = take_frame(peer, env, walk, now);
	record_lag(env);
	if (!rc && result != WSFRAME_SHORT)
		rc = protocol_error(peer, env, wsframe_strerror(result));
	return rc;
}

/* One event. Of other types than updates only the end means something. */
static int take_event(struct loadpeer *peer, struct loadpeer_env *env,
		      const char *text, size_t len, uint64_t now)
{
	static const char id[] = "id: ", event[] = "event: ", data[] = "data: ";
	const char *at = memchr(text, '\n', len);
	size_t left = at ? len - (size_t)(at + 1 - text) : 0;

	if (len >= sizeof(event) && memcmp(text, event, sizeof(event) - 1) == 0)
		return protocol_error(peer, env, "an event that is no update");
	if (left < sizeof(data) || memcmp(text, id, sizeof(id) - 1) != 0 ||
	    memcmp(at + 1, data, sizeof(data) - 1) != 0)
		return 0; /* a comment, or where it begins */
	take_update(peer, env, at + sizeof(data), left + 1 - sizeof(data), now);
	return 0;
}

/*
 * Where the event at `at` ends, of which `end - at` bytes are there; NULL: it
 * is not whole. Of an update that is known without looking at it.
 */
static const char *end_of_event(const struct loadpeer_env *env, const char *at,
				const char *end)
{
	static const char data[] = "\ndata: ", last[] = "\n\n";
	const char *line = memchr(at, '\n', (size_t)(end - at));
	size_t known = sizeof(data) - 1 + env->plan.size;

	if (line && (size_t)(end - line) >= known + 2 &&
	    memcmp(line, data, sizeof(data) - 1) == 0 &&
	    memcmp(line + known, last, 2) == 0)
		return line + known;
	return memmem(at, (size_t)(end - at), last, 2);
}

static int take_events(struct loadpeer *peer, struct loadpeer_env *env,
		       struct loadframe_walk *walk)
{
	uint64_t now = (uint64_t)clock_mono_ns();
	const char *end;
	int rc = 0;

	while (!rc && (end = end_of_event(env, walk->at, walk->end))) {
		rc = take_event(peer, env, walk->at, (size_t)(end - walk->at),
				now);
		walk->at = end + 2;
	}
	record_lag(env);
	return rc;
}

static int take_all(struct loadpeer *peer, struct loadpeer_env *env,
		    struct loadframe_walk *walk)
{
	return peer->conn.follows ? take_events(peer, env, walk)
				  : take_frames(peer, env, walk);
}

static int receive(struct loadpeer *peer, struct loadpeer_env *env)
{
	struct loadframe_walk walk;
	int rc = loadconn_read(&peer->conn, &env->conn, &walk);

	if (rc < 0)
		return over(peer, env, "read");
	if (rc == 0)
		return 0;
	if (peer->conn.state == LOADCONN_UPGRADING) {
		rc = loadconn_upgrade(&peer->conn, &env->conn, &walk, env->why,
				      sizeof(env->why));
		if (rc < 0)
			return -1;
		if (rc > 0)
			greet(peer, env);
	}
	if (peer->conn.state == LOADCONN_OPEN &&
	    take_all(peer, env, &walk) != 0)
		return -1;
	if (loadconn_keep(&peer->conn, &env->conn, &walk) != 0)
		return over(peer, env, "read");
	return 0;
}

static int flush(struct loadpeer *peer, struct loadpeer_env *env)
{
	if (loadconn_flush(&peer->conn, &env->conn, peer) != 0)
		return over(peer, env, "write");
	return 0;
}

/* What is there to read; of one that reads no more, only its end is told. */
static int take_input(struct loadpeer *peer, struct loadpeer_env *env)
{
	if (peer->conn.deaf) {
		errno = 0;
		return over(peer, env, "stalled");
	}
	if (receive(peer, env) != 0)
		return -1;
	if (!peer->stalls || !peer->ready)
		return 0;
	if (loadconn_deafen(&peer->conn, &env->conn, peer) != 0)
		return over(peer, env, "stall");
	return 0;
}

/* The handshake of TLS. */
static int shake(struct loadpeer *peer, struct loadpeer_env *env)
{
	char why[TRUST_WHY_MAX];

	if (loadconn_shake(&peer->conn, &env->conn, why, sizeof(why)) == 0)
		return 0;
	snprintf(env->why, sizeof(env->why), "%s %u: %.200s", role_of(peer),
		 peer->number, why);
	return -1;
}

static int go_on(struct loadpeer *peer, struct loadpeer_env *env,
		 uint32_t events)
{
	switch (peer->conn.state) {
	case LOADCONN_CONNECTING:
		if (loadconn_connected(&peer->conn, &env->conn) != 0)
			return over(peer, env, "connect");
		return peer->conn.tls ? shake(peer, env) : 0;
	case LOADCONN_SHAKING:
		return shake(peer, env);
	default:
		break;
	}
	return events & ~(uint32_t)EPOLLOUT ? take_input(peer, env) : 0;
}

int loadpeer_event(struct loadpeer *peer, struct loadpeer_env *env,
		   uint32_t events)
{
	if (go_on(peer, env, events) != 0)
		return -1;
	if (buf_len(&peer->conn.out) || peer->conn.want_out)
		return flush(peer, env);
	return 0;
}

int loadpeer_pump(struct loadpeer *peer, struct loadpeer_env *env, uint64_t now)
{
	uint64_t made;

	do {
		if (peer->conn.want_out)
			return 0;
		made = peer->pub->made;
		loadpub_fill(peer->pub, &peer->conn.out, now);
		if (buf_len(&peer->conn.out) && flush(peer, env) != 0)
			return -1;
	} while (env->plan.each && peer->pub->made > made);
	return 0;
}

void loadpeer_close(struct loadpeer *peer, struct loadpeer_env *env)
{
	static const char normal[] = {0x03, (char)0xe8}; /* 1000 */

	if (peer->conn.state == LOADCONN_OPEN && !peer->conn.want_out &&
	    !peer->conn.follows) {
		put_frame(peer, env, WSFRAME_CLOSE, normal, sizeof(normal));
		loadconn_flush(&peer->conn, &env->conn, peer);
	}
	loadconn_release(&peer->conn);
}

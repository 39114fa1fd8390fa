/* SPDX-License-Identifier: MIT */
/*
 * A script of events for four sessions of one hub, two of each dialect: text
 * in whole and in pieces, partial writes, room again, time that passes, limits
 * that change, tokens and their ends, drain, ends and new beginnings. Whatever
 * happens, frames are whole, the ledger adds up, memory is bounded and given
 * back, a wsd.v1 peer gets what it was promised, and where tokens are asked for
 * (input of odd length) nobody gets more than they allow.
 */
#include "../unit/fakeconn.h"
#include "answer.h"
#include "fanout.h"
#include "script.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CONNECTIONS 4
#define TENANTS 4 /* "0" to "3" */
#define CONTROL_MAX (66 * 1024)
#define STEP_MS 100

/* What a wsd.v1 peer knows of a tenant. */
struct watch {
	bool subscribed;
	uint64_t next; /* the seq that must come next */
	char epoch[PROTO_EPOCH_MAX + 1];
};

struct peer {
	struct fakeconn conn;
	struct watch watches[TENANTS];
	struct watch all;	/* of all tenants */
	uint64_t last[TENANTS]; /* seq by that; 0: any may come */
	bool mixed;		/* had both, so who knows what came why */
	uint64_t acked;		/* id of the last ACK */
	long takes[8];		/* its script */
	bool welcomed;
	bool open; /* in the middle of a message */
	bool rude; /* input came although it was paused */
};

struct world {
	struct hub hub;
	struct peer peers[CONNECTIONS];
	uint64_t id; /* of the next PUBLISH: rises */
};

static bool is_v1(const struct peer *p)
{
	return p->conn.session.dialect == SESSION_V1;
}

static void forget_last(struct peer *p)
{
	for (int i = 0; i < TENANTS; i++)
		p->last[i] = 0;
}

static bool has_any(const struct peer *p)
{
	for (int i = 0; i < TENANTS; i++)
		if (p->watches[i].subscribed)
			return true;
	return false;
}

static void hear_subscribed(struct peer *p, struct watch *w,
			    const struct answer *a)
{
	must(!w->subscribed || p->mixed ||
	     (a->next == w->next && !a->replayed));
	if (w == &p->all && !w->subscribed)
		forget_last(p);
	w->subscribed = true;
	w->next = a->next;
	strcpy(w->epoch, a->epoch);
	p->mixed |= p->all.subscribed && has_any(p);
}

/* Of all tenants: each one's numbers rise by one, unless there was a GAP. */
static void hear_one_of_all(struct peer *p, const struct answer *a)
{
	uint64_t *last = &p->last[(*a->tenant - '0') & 3];

	must(!*last || a->seq == *last + 1 || a->seq == 1);
	*last = a->seq;
	p->all.next++;
}

/* What has a number must be the next one. */
static void hear_number(struct peer *p, struct watch *w, const struct answer *a)
{
	if (p->mixed)
		return;
	if (p->all.subscribed) {
		hear_one_of_all(p, a);
		return;
	}
	must(w->subscribed && a->seq == w->next &&
	     strcmp(a->epoch, w->epoch) == 0);
	w->next++;
}

/* What was skipped begins where one stands. */
static void hear_gap(struct peer *p, struct watch *w, const struct answer *a)
{
	must(w->subscribed);
	if (strcmp(a->reason, "slow") != 0)
		return;
	must(p->mixed || a->from == w->next);
	must(a->to >= a->from);
	w->next = a->to + 1;
	if (w == &p->all)
		forget_last(p);
}

static void hear(struct peer *p, const char *line, size_t len)
{
	struct answer a;
	struct watch *w;

	must(answer_parse(&a, line, len) == JSON_OK);
	must(p->welcomed == (a.type != ANSWER_WELCOME));
	p->welcomed = true;
	w = *a.tenant == '*' ? &p->all : &p->watches[(*a.tenant - '0') & 3];
	switch (a.type) {
	case ANSWER_SUBSCRIBED:
		hear_subscribed(p, w, &a);
		break;
	case ANSWER_UNSUBSCRIBED:
		w->subscribed = false;
		break;
	case ANSWER_UPDATE:
		hear_number(p, w, &a);
		break;
	case ANSWER_GAP:
		if (a.seq)
			hear_number(p, w, &a);
		else
			hear_gap(p, w, &a);
		break;
	case ANSWER_ACK:
		must(a.id > p->acked);
		p->acked = a.id;
		break;
	default:
		must(a.type != ANSWER_UNKNOWN);
	}
}

static void listen_to(struct peer *p)
{
	const char *at, *end;
	size_t left;

	must(fakeconn_sound(&p->conn));
	at = buf_bytes(&p->conn.heard);
	left = buf_len(&p->conn.heard);
	while (is_v1(p) && left) {
		end = memchr(at, '\n', left);
		hear(p, at, (size_t)(end - at));
		left -= (size_t)(end + 1 - at);
		at = end + 1;
	}
	buf_clear(&p->conn.heard, 0);
	must(p->conn.closings <= 1U + p->conn.session.outlet.dead);
	must(p->rude ||
	     buf_len(&p->conn.session.outlet.control) <= CONTROL_MAX);
}

/* Nobody keeps a subscription that no token of his allows. */
static bool entitled(const struct session *s)
{
	if (!s->outlet.hub->guarded || s->outlet.closing)
		return true;
	list_for_each (node, &s->outlet.subscriptions) {
		const struct hub_tenant *t =
			list_entry(node, struct subscription, in_outlet)
				->tenant;

		if (!pass_may(&s->pass, RIGHTS_SUBSCRIBE, t->id, t->id_len))
			return false;
	}
	return pass_count(&s->pass) <= PASS_MAX;
}

static void check(struct world *w)
{
	must(fakeconn_ledger(&w->hub));
	must(w->hub.tenants.count <= w->hub.config.tenants_max);
	must(w->hub.keys.count <= w->hub.config.keys_max);
	must(!w->hub.overview.stream || stream_readers(w->hub.overview.stream));
	for (int i = 0; i < CONNECTIONS; i++) {
		listen_to(&w->peers[i]);
		must(entitled(&w->peers[i].conn.session));
	}
}

static void open_peer(struct world *w, int i)
{
	struct peer *p = &w->peers[i];

	memset(p, 0, sizeof(*p));
	fakeconn_open(&p->conn, &w->hub, i & 1 ? SESSION_V1 : SESSION_PLAIN);
}

/* PUBLISH or GAP: with an id that rises, without, or with an old one. */
static void put_publish(struct world *w, struct buf *b, uint8_t what,
			uint8_t more)
{
	unsigned tenant = more & 3, any = more >> 2;

	if (what < 2)
		buf_printf(b,
			   "{\"type\":\"PUBLISH\",\"id\":%u,\"tenantId\":%u,"
			   "\"data\":[%*u]}",
			   (unsigned)++w->id, tenant, more >> 1, 1U);
	else if (what == 2)
		buf_printf(b,
			   "{\"type\":\"PUBLISH\",\"tenantId\":%u,\"data\":1,"
			   "\"key\":\"%u\"}",
			   tenant, any & 7);
	else if (what == 3)
		buf_printf(b, "{\"type\":\"GAP\",\"id\":%u,\"tenantId\":%u}",
			   (unsigned)++w->id, tenant);
	else
		buf_printf(b,
			   "{\"type\":\"PUBLISH\",\"id\":%u,\"tenantId\":%u,"
			   "\"data\":1}",
			   any, tenant);
}

/* A token of fakeconn.h: for some tenants, good for up to 15 steps of time. */
static void put_token(const struct world *w, struct buf *b, uint8_t more)
{
	static const char *const patterns[] = {"0", "1", "*", "2*"};
	long long now = w->hub.now.wall_ms / 1000;

	if (more & 8)
		buf_puts(b, ",\"token\":\"bad\"");
	else
		buf_printf(b, ",\"token\":\"who:%s:%lld\"", patterns[more & 3],
			   now + (more >> 4));
}

/* Appends a message from a few bytes of the script. */
static void put_message(struct world *w, struct script *s, struct buf *b)
{
	static const char *const since[] = {
		"",
		",\"since\":\"all\"",
		",\"since\":2",
		",\"since\":{\"age\":\"300ms\"}",
		",\"since\":{\"epoch\":\"run.0\",\"seq\":1}",
		",\"since\":{\"epoch\":\"run.1\",\"seq\":3}",
		",\"since\":{\"epoch\":\"run.0\",\"seq\":9}",
		",\"id\":[7]",
	};
	uint8_t what = script_byte(s) & 15, more = script_byte(s);
	unsigned tenant = more & 3;

	switch (what) {
	case 0:
	case 1:
		buf_printf(b, "{\"type\":\"SUBSCRIBE\",\"tenantId\":%u%s",
			   tenant, since[more >> 2 & 7]);
		if (more & 128)
			put_token(w, b, script_byte(s));
		buf_putc(b, '}');
		break;
	case 2:
		buf_printf(b, "{\"type\":\"UNSUBSCRIBE\",\"tenantId\":\"%u\"}",
			   tenant);
		break;
	case 3:
		buf_printf(b, "{\"type\":\"PRODUCER\",\"producer\":\"%u\"}",
			   tenant);
		break;
	case 4:
		for (unsigned i = 0; i < more * 8U; i++)
			buf_puts(b,
				 "{\"type\":\"PING\",\"id\":\"01234567\"}\n");
		break;
	case 5:
		buf_puts(b, "{\"type\":\"AUTH\"");
		put_token(w, b, more);
		buf_putc(b, '}');
		break;
	case 6:
		buf_puts(b, "{\"type\":\"PING\"}");
		break;
	case 14:
	case 15:
		buf_printf(b, "{\"type\":\"%sSUBSCRIBE\",\"tenantId\":\"*\"}",
			   what & 1 ? "" : "UN");
		break;
	default:
		put_publish(w, b, what - 7, more);
		break;
	}
}

/* A connection that is paused brings nothing, unless it is rude. */
static void piece(struct peer *p, const char *bytes, size_t len, bool final,
		  bool rude)
{
	if (p->conn.paused && !rude)
		return;
	p->rude |= p->conn.paused;
	fakeconn_piece(&p->conn, bytes, len, !p->open, final);
	p->open = !final;
}

/* Whole messages, one or several in a frame, or a piece that ends anywhere. */
static void say(struct world *w, struct peer *p, struct script *s,
		uint8_t flags)
{
	struct buf b;
	size_t len;
	bool final;

	buf_init(&b);
	for (int i = 0; i <= (flags & 3); i++) {
		if (i)
			buf_putc(&b, '\n');
		put_message(w, s, &b);
	}
	len = buf_len(&b);
	final = !(flags & 4);
	buf_reserve(&b, 1); /* there are bytes, though none may be used */
	if (!final)
		len = len * script_byte(s) / 256;
	piece(p, buf_bytes(&b), len, final, flags & 16);
	if (flags & 8)
		piece(p, buf_bytes(&b) + len, buf_len(&b) - len, true,
		      flags & 16);
	buf_release(&b);
}

/* Bytes as they are. */
static void say_raw(struct peer *p, struct script *s, uint8_t flags)
{
	size_t len = script_byte(s);
	const char *bytes = script_bytes(s, &len);
	char *copy = malloc(len + 1);

	memcpy(copy, bytes, len);
	piece(p, copy, len, !(flags & 4), flags & 8);
	free(copy);
}

static void plan_writes(struct peer *p, struct script *s)
{
	for (int i = 0; i < 8; i++) {
		uint8_t byte = script_byte(s);

		p->takes[i] = byte == 255 ? -1
			      : byte < 64 ? byte
					  : (byte - 63L) * 16;
	}
	fakeconn_script(&p->conn, p->takes, 8);
}

static void pass(struct world *w, uint8_t amount)
{
	struct stream_time *now = &w->hub.now;
	int64_t ms = (amount + 1) * (int64_t)STEP_MS;

	hub_set_time(&w->hub, now->mono_ms + ms, now->wall_ms + ms);
	for (int i = 0; i < CONNECTIONS; i++)
		session_watch(&w->peers[i].conn.session);
	hub_sweep(&w->hub, 2);
}

/* Little memory, or as much as wanted; skipping; rates; rounds in slices. */
static void limit(struct world *w, uint8_t memory, uint8_t flags)
{
	struct hub_config config = w->hub.config;

	config.max_memory = memory * 64U;
	config.slow_skip = flags & 1;
	config.tenant_rate = flags & 2 ? 5 : 0;
	config.message_rate = flags & 4 ? 5 : 0;
	config.byte_rate = flags & 8 ? 200 : 0;
	config.flush_ns = flags & 16 ? 0 : 1000 * 1000 * 1000;
	hub_reconfigure(&w->hub, &config);
}

static void event(struct world *w, struct script *s)
{
	uint8_t op = script_byte(s), memory;
	struct peer *p = &w->peers[op & 3];

	switch (op >> 2 & 15) {
	case 0:
		say_raw(p, s, op >> 4);
		break;
	case 1:
		plan_writes(p, s);
		break;
	case 2:
	case 3:
		fakeconn_writable(&p->conn);
		break;
	case 4:
	case 5:
	case 6:
		fanout_run(&w->hub);
		break;
	case 7:
		pass(w, script_byte(s));
		break;
	case 8:
		fakeconn_close(&p->conn);
		open_peer(w, op & 3);
		break;
	case 10:
		p->conn.wake_ms = 0;
		session_wake(&p->conn.session);
		break;
	case 11:
		memory = script_byte(s);
		limit(w, memory, script_byte(s));
		break;
	case 9:
		w->hub.draining = script_byte(s) > 200;
		if (!p->conn.session.draining && w->hub.draining)
			session_drain(&p->conn.session, 100);
		break;
	default:
		say(w, p, s, script_byte(s));
		break;
	}
}

/* All have room; in the end nobody is behind, and nothing is left. */
static void finish(struct world *w)
{
	limit(w, 0, 0);
	for (int i = 0; i < CONNECTIONS; i++) {
		fakeconn_script(&w->peers[i].conn, NULL, 0);
		session_wake(&w->peers[i].conn.session);
	}
	for (bool again = true; again;) {
		again = false;
		fakeconn_run(&w->hub);
		must(!fanout_due(&w->hub));
		for (int i = 0; i < CONNECTIONS; i++) {
			again |= w->peers[i].conn.wants_write;
			fakeconn_writable(&w->peers[i].conn);
		}
	}
	check(w);
	must(fakeconn_pending(&w->hub) == 0);
	for (int i = 0; i < CONNECTIONS; i++) {
		struct session *session = &w->peers[i].conn.session;

		must(session->outlet.closing || outlet_idle(&session->outlet));
		must(!w->peers[i].conn.paused || session->outlet.dead);
		must(!session->draining || session->outlet.closing);
		must(!w->peers[i].conn.code || w->peers[i].conn.closings);
		fakeconn_close(&w->peers[i].conn);
	}
	must(list_empty(&w->hub.ready) && fakeconn_ledger(&w->hub));
	hub_set_time(&w->hub, INT32_MAX, INT32_MAX);
	hub_sweep(&w->hub, 1000);
	hub_set_time(&w->hub, 2 * (int64_t)INT32_MAX, INT32_MAX);
	hub_sweep(&w->hub, 1000);
	must(w->hub.tenants.count == 0 && w->hub.producers.map.count == 0);
	must(w->hub.meter.total == 0 && list_empty(&w->hub.meter.holders));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct hub_config config = {
		.history = {.count = 5, .bytes = 1000, .age_ms = 1000},
		.max_lag = 2000,
		.message_max = 120,
		.frame_max = 100 * 1000,
		.subscriptions_max = 2,
		.tenants_max = 3,
		.record_age_ms = 2000,
		.keys_max = 3,
		.producers_max = 3,
		.memory_ms = 1000,
	};
	struct script s = {data, size};
	struct world w;

	memset(&w, 0, sizeof(w));
	must(fakeconn_hub(&w.hub, &config) == 0);
	w.hub.guarded = size & 1;
	for (int i = 0; i < CONNECTIONS; i++)
		open_peer(&w, i);
	while (s.left) {
		event(&w, &s);
		check(&w);
	}
	finish(&w);
	hub_release(&w.hub);
	return 0;
}

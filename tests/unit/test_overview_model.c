/* SPDX-License-Identifier: MIT */
/*
 * Subscribers to all tenants beside a naive list of what was published, among
 * subscribers of tenants: random updates, partial writes, stalls, joins, leaves
 * and ends, little memory and failing allocations. What each one of them hears
 * must be exactly what the list says, and the ledger must always add up.
 *
 * MODEL_SEED repeats a run, MODEL_ROUNDS makes it longer.
 */
#include "fakeconn.h"
#include "fanout.h"
#include "hash.h"
#include "num.h"
#include "reclaim.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 60
#define STEPS 1500
#define TENANTS 4
#define PEERS 6 /* the first half subscribes to all, the others to tenants */
#define JOINS 64
#define DATA_MAX 3000
#define LAG_MAX 5000

/* What the list knows of an update. */
struct entry {
	unsigned tenant;
	uint64_t seq;
	size_t len; /* of its data; 0: a GAP of a source */
};

/* Where a subscription to all begins; numbers count from `base`. */
struct join {
	size_t base;
	size_t at; /* in the list */
};

struct peer {
	struct fakeconn conn;
	long takes[8];
	struct join joins[JOINS]; /* asked for and not yet confirmed */
	unsigned asked, confirmed;
	bool wants; /* by what was said last */
	bool has;   /* by what was heard last: */
	struct join here;
	uint64_t next[TENANTS]; /* of the others: what must come; 0: nothing */
};

struct model {
	uint64_t random;
	const char *failure; /* NULL: none yet */
	struct hub hub;
	struct entry *list;
	size_t count; /* of the list */
	size_t base;  /* where numbers of all tenants count from now */
	struct peer peers[PEERS];
	unsigned long heard;   /* updates by those who have all */
	unsigned long skipped; /* by them */
};

static char scratch[DATA_MAX];

static void must(struct model *m, bool condition, const char *what)
{
	if (!condition && !m->failure)
		m->failure = what;
}

/* xorshift64*: from 0 to n - 1. */
static uint64_t below(struct model *m, uint64_t n)
{
	m->random ^= m->random >> 12;
	m->random ^= m->random << 25;
	m->random ^= m->random >> 27;
	return (m->random * UINT64_C(2685821657736338717) >> 11) % n;
}

static bool one_in(struct model *m, uint64_t n)
{
	return below(m, n) == 0;
}

static bool has_all(const struct model *m, const struct peer *p)
{
	return p - m->peers < PEERS / 2;
}

/* The data of an update: a number, known by its tenant, seq and length. */
static const char *data_of(const struct entry *e)
{
	memset(scratch, '1' + (int)((e->tenant + e->seq) % 9), e->len);
	return scratch;
}

static void publish(struct model *m)
{
	struct entry e = {.tenant = (unsigned)below(m, TENANTS)};
	char id[2] = {(char)('0' + e.tenant), '\0'};
	struct hub_receipt receipt;
	struct hub_update update;
	struct hub_tenant *t = hub_tenant(&m->hub, id, 1);

	e.len = one_in(m, 10) ? 0 : 1 + below(m, one_in(m, 9) ? DATA_MAX : 100);
	e.seq = (t->stream ? t->stream->seq : t->seq) + 1;
	update = (struct hub_update){e.len ? data_of(&e) : NULL, e.len, NULL,
				     false};
	if (!reclaim_room(&m->hub, e.len))
		return;
	if (one_in(m, 20))
		oom_once(1 + (long)below(m, 3));
	if (hub_publish(&m->hub, t, &update, &receipt) == HUB_PUBLISHED) {
		must(m, receipt.seq == e.seq, "numbers have no holes");
		m->list[m->count++] = e;
	}
	oom_off();
}

/* --- What is heard ----------------------------------------------------- */

static void hear_update(struct model *m, struct peer *p, const struct answer *a,
			unsigned tenant)
{
	const struct entry *e;

	if (!has_all(m, p)) {
		must(m, p->next[tenant] && a->seq == p->next[tenant],
		     "who has a tenant hears its next update");
		p->next[tenant]++;
		return;
	}
	must(m, p->has && p->here.at < m->count, "an update was published");
	if (m->failure)
		return;
	e = &m->list[p->here.at++];
	must(m, e->tenant == tenant && e->seq == a->seq,
	     "who has all hears the next one of all");
	must(m,
	     a->type == ANSWER_GAP
		     ? !e->len
		     : a->data.len == e->len &&
			       !memcmp(a->data.text, data_of(e), e->len),
	     "as it was published");
	m->heard++;
}

static void hear_gap(struct model *m, struct peer *p, const struct answer *a)
{
	must(m, a->from && a->to >= a->from && !strcmp(a->reason, "slow"),
	     "a GAP has numbers");
	if (!has_all(m, p)) {
		must(m, a->from == p->next[(*a->tenant - '0') & 3],
		     "of a tenant it begins where one stands");
		p->next[(*a->tenant - '0') & 3] = a->to + 1;
		return;
	}
	must(m,
	     p->has && !strcmp(a->tenant, "*") &&
		     p->here.base + a->from == p->here.at + 1,
	     "of all it begins where one stands");
	p->here.at = p->here.base + a->to;
	m->skipped += a->to - a->from + 1;
}

static void hear_subscribed(struct model *m, struct peer *p,
			    const struct answer *a)
{
	uint64_t *next = &p->next[(*a->tenant - '0') & 3];

	if (!has_all(m, p)) {
		must(m, !*next || *next == a->next, "nothing moves");
		*next = a->next;
		return;
	}
	must(m, p->confirmed < p->asked, "it was asked for");
	p->here = p->joins[p->confirmed++ % JOINS];
	p->has = true;
	must(m,
	     !strcmp(a->tenant, "*") &&
		     a->next == p->here.at - p->here.base + 1,
	     "SUBSCRIBED tells what comes next");
}

static void hear_refusal(struct model *m, struct peer *p,
			 const struct answer *a)
{
	must(m, a->code == PROTO_OVER_CAPACITY && m->hub.config.max_memory,
	     "only where there is little memory a subscription is refused");
	p->confirmed += has_all(m, p);
}

static void hear(struct model *m, struct peer *p, const char *text, size_t len)
{
	struct answer a;

	must(m, answer_parse(&a, text, len) == JSON_OK, "it is JSON");
	if (a.type == ANSWER_SUBSCRIBED)
		hear_subscribed(m, p, &a);
	else if (a.type == ANSWER_UNSUBSCRIBED)
		p->has = false;
	else if (a.type == ANSWER_ERROR)
		hear_refusal(m, p, &a);
	else if (a.type == ANSWER_UPDATE || (a.type == ANSWER_GAP && a.seq))
		hear_update(m, p, &a, (unsigned)(*a.tenant - '0') & 3);
	else if (a.type == ANSWER_GAP)
		hear_gap(m, p, &a);
	else
		must(m, a.type == ANSWER_WELCOME, "there is nothing else");
}

static void listen_to(struct model *m, struct peer *p)
{
	const char *at, *end;
	size_t left;

	must(m, fakeconn_sound(&p->conn), "frames are whole");
	at = buf_bytes(&p->conn.heard);
	left = buf_len(&p->conn.heard);
	while (left && !m->failure) {
		end = memchr(at, '\n', left);
		hear(m, p, at, (size_t)(end - at));
		left -= (size_t)(end + 1 - at);
		at = end + 1;
	}
	buf_clear(&p->conn.heard, 0);
}

/* --- What is done ------------------------------------------------------ */

static void open_peer(struct model *m, struct peer *p)
{
	memset(p, 0, sizeof(*p));
	fakeconn_open(&p->conn, &m->hub, SESSION_V1);
}

/* Making room for it may end all who had it before. */
static void subscribe_to_all(struct model *m, struct peer *p)
{
	const struct hub *h = &m->hub;
	uint32_t epoch = h->overview.stream ? h->all->generation : UINT32_MAX;

	if (p->asked - p->confirmed == JOINS)
		return;
	fakeconn_say(&p->conn, "{'type':'SUBSCRIBE','tenantId':'*'}");
	if (h->overview.stream && h->all->generation != epoch)
		m->base = m->count;
	p->joins[p->asked++ % JOINS] =
		(struct join){.base = m->base, .at = m->count};
}

static void come_or_go(struct model *m, struct peer *p)
{
	char text[64];

	if (p->conn.session.outlet.closing)
		return;
	if (!has_all(m, p)) {
		snprintf(text, sizeof(text),
			 "{'type':'SUBSCRIBE','tenantId':'%u'}",
			 (unsigned)below(m, TENANTS));
		fakeconn_say(&p->conn, text);
		return;
	}
	if (p->wants)
		fakeconn_say(&p->conn, "{'type':'UNSUBSCRIBE','tenantId':'*'}");
	else
		subscribe_to_all(m, p);
	p->wants = !p->wants;
}

static void plan_writes(struct model *m, struct peer *p)
{
	for (int i = 0; i < 8; i++)
		p->takes[i] = one_in(m, 200) ? -1 : (long)below(m, 400);
	fakeconn_script(&p->conn, p->takes, 8);
}

static void begin_anew(struct model *m, struct peer *p)
{
	listen_to(m, p);
	fakeconn_close(&p->conn);
	open_peer(m, p);
}

static void check(struct model *m)
{
	const struct hub *h = &m->hub;
	const struct stream *all = h->overview.stream;

	must(m, fakeconn_ledger(h), "the ledger adds up");
	must(m, !all || all->views[STREAM_V1].readers > 0,
	     "it is there only while somebody reads it");
	must(m, h->all ? all == h->all->stream : !all, "and goes with them");
	for (struct peer *p = m->peers; p < m->peers + PEERS; p++)
		listen_to(m, p);
}

static void step(struct model *m)
{
	struct peer *p = &m->peers[below(m, PEERS)];

	switch (below(m, 12)) {
	case 0:
	case 1:
	case 2:
	case 3:
		publish(m);
		break;
	case 4:
		if (one_in(m, 3))
			come_or_go(m, p);
		break;
	case 5:
		plan_writes(m, p);
		break;
	case 6:
	case 7:
		fakeconn_writable(&p->conn);
		break;
	case 8:
		if (p->conn.session.outlet.closing || one_in(m, 20))
			begin_anew(m, p);
		break;
	case 9:
		hub_sweep(&m->hub, 10);
		break;
	default:
		fanout_run(&m->hub);
	}
	check(m);
}

/* All have room: who is still there has heard all. */
static void finish(struct model *m)
{
	bool again = true;

	for (int i = 0; i < PEERS; i++)
		fakeconn_script(&m->peers[i].conn, NULL, 0);
	while (again && !m->failure) {
		fakeconn_run(&m->hub);
		again = false;
		for (int i = 0; i < PEERS; i++) {
			again |= m->peers[i].conn.wants_write;
			fakeconn_writable(&m->peers[i].conn);
		}
	}
	check(m);
	must(m, fakeconn_pending(&m->hub) == 0, "nothing is pending");
	for (struct peer *p = m->peers; p < m->peers + PEERS; p++) {
		must(m,
		     !p->has || p->conn.session.outlet.closing ||
			     p->here.at == m->count,
		     "in the end all was heard");
		fakeconn_close(&p->conn);
	}
	must(m, fakeconn_ledger(&m->hub) && !m->hub.overview.stream,
	     "nothing is left");
	while (hub_drop_unread(&m->hub))
		;
	must(m, m->hub.meter.total == 0, "nor any memory");
	hub_release(&m->hub);
}

static void play(struct model *m)
{
	struct hub_config config = hub_defaults;

	config.history.count = below(m, 20);
	config.max_lag = LAG_MAX;
	config.slow_skip = one_in(m, 2);
	config.max_memory = one_in(m, 2) ? 30000 + below(m, 50000) : 0;
	if (one_in(m, 3))
		config.flush_ns = 0; /* rounds in slices */
	fakeconn_hub(&m->hub, &config);
	m->count = 0;
	for (int i = 0; i < PEERS; i++)
		open_peer(m, &m->peers[i]);
	for (int i = 0; i < STEPS && !m->failure; i++)
		step(m);
	finish(m);
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);
	uint64_t value;

	if (text && num_parse_u64(text, strlen(text), &value) == 0)
		return value;
	return otherwise;
}

int main(void)
{
	static struct model m;
	uint64_t rounds = from_environment("MODEL_ROUNDS", ROUNDS), seed = 1;

	hash_random(&seed, sizeof(seed));
	seed = from_environment("MODEL_SEED", seed);
	printf("# MODEL_SEED=%llu\n", (unsigned long long)seed);
	m.list = calloc(STEPS + 1, sizeof(*m.list));
	m.random = seed ? seed : 1;
	for (uint64_t i = 0; i < rounds && !m.failure; i++)
		play(&m);
	free(m.list);
	printf("# %lu were heard, %lu skipped\n", m.heard, m.skipped);
	ok(!m.failure,
	   m.failure ? m.failure
		     : "who has all tenants hears what the list says");
	return tap_end();
}

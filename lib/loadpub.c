/* SPDX-License-Identifier: MIT */
#include "loadpub.h"

#include "loadmark.h"
#include "masked.h"
#include "num.h"

#include <stdlib.h>
#include <string.h>

#define OUT_HIGH ((size_t)256 * 1024)  /* fills `out` to about this */
#define FRAME_HIGH ((size_t)64 * 1024) /* a frame ends above this */
#define LINE_EXTRA 128 /* bytes of a line beside prefix and update */

int loadpub_init(struct loadpub *p, struct loadpub_plan *plan, uint32_t number,
		 uint64_t quota)
{
	uint32_t flows = (plan->flows - number + plan->publishers - 1) /
			 plan->publishers;

	*p = (struct loadpub){
		.plan = plan,
		.number = number,
		.flow = number,
		.share = plan->window / flows ? plan->window / flows : 1,
		.quota = quota,
		.update = malloc(plan->size),
	};
	buf_init(&p->lines);
	if (!p->update)
		return -1;
	loadmark_make(p->update, plan->size, plan->run);
	return 0;
}

void loadpub_release(struct loadpub *p)
{
	free(p->update);
	buf_release(&p->lines);
}

/*
 * RFC 6455 wants a key that nobody can predict, so that a page cannot make a
 * browser send bytes of its choice through a proxy. Here both ends are ours,
 * and the kernel's random numbers would cost more than the rest of a frame.
 */
uint32_t loadpub_mask(struct loadpub_plan *plan)
{
	uint64_t x = plan->random;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	plan->random = x;
	return (uint32_t)(x >> 16);
}

/* Update n of this publisher is number n * publishers + p of all. */
uint64_t loadpub_due(const struct loadpub *p)
{
	const struct loadpub_plan *plan = p->plan;
	uint64_t n = p->made * plan->publishers + p->number;

	if (loadpub_done(p))
		return UINT64_MAX;
	return plan->start + n / plan->rate * 1000000000 +
	       n % plan->rate * 1000000000 / plan->rate;
}

static bool window_open(struct loadpub *p)
{
	const struct loadpub_plan *plan = p->plan;

	if (plan->settle != LOADPUB_DELIVERED)
		return p->made - p->settled < plan->window;
	if (p->room == 0)
		p->room = loadtally_room(plan->tally, p->flow, p->share);
	return p->room > 0;
}

static bool may_go(struct loadpub *p, uint64_t now)
{
	if (loadpub_done(p))
		return false;
	return p->plan->rate ? loadpub_due(p) <= now : window_open(p);
}

static char *put(char *at, const char *text, size_t len)
{
	memcpy(at, text, len);
	return at + len;
}

#define PUT(at, literal) put(at, literal, sizeof(literal) - 1)

static void put_line(struct loadpub *p, uint64_t time)
{
	const struct loadpub_plan *plan = p->plan;
	char *line = buf_reserve(&p->lines,
				 LINE_EXTRA + plan->prefix_len + plan->size);
	char *at = line;

	if (!line)
		return;
	at = PUT(at, "{\"type\":\"PUBLISH\",");
	if (plan->settle == LOADPUB_ACKED) {
		at = PUT(at, "\"id\":");
		at += num_put_u64(at, p->made);
		at = PUT(at, ",");
	}
	at = PUT(at, "\"tenantId\":\"");
	at = put(at, plan->prefix, plan->prefix_len);
	at += num_put_u64(at, p->flow % plan->tenants);
	at = PUT(at, "\",\"data\":");
	loadmark_set(p->update,
		     &(struct loadmark){
			     .flow = p->flow,
			     .seq = loadtally_publish(plan->tally, p->flow),
			     .time = time,
		     });
	at = put(at, p->update, plan->size);
	at = PUT(at, "}\n");
	buf_added(&p->lines, (size_t)(at - line));
}

/* The next update is of the next flow, whose room is not known yet. */
static void next_flow(struct loadpub *p)
{
	if (p->plan->flows <= p->plan->publishers) {
		p->room -= p->room > 0;
		return;
	}
	p->room = 0;
	p->flow += p->plan->publishers;
	if (p->flow >= p->plan->flows)
		p->flow = p->number;
}

static void make_one(struct loadpub *p, uint64_t now)
{
	uint64_t time = p->plan->rate ? loadpub_due(p) : now;

	p->made++;
	if (!p->probe && p->plan->settle != LOADPUB_DELIVERED) {
		p->probe = p->made;
		p->probed = time;
	}
	put_line(p, time);
	next_flow(p);
}

/* The newline behind the last line is optional, and plain has none. */
static void put_frame(struct loadpub *p, struct buf *out)
{
	if (p->lines.failed)
		out->failed = true;
	else
		masked_put(out, WSFRAME_TEXT, buf_bytes(&p->lines),
			   buf_len(&p->lines) - 1, loadpub_mask(p->plan));
	buf_clear(&p->lines, FRAME_HIGH * 2);
}

/* One PING in flight: a server may answer only the last of several. */
static void put_fence(struct loadpub *p, struct buf *out)
{
	if (p->fence || p->made == p->settled)
		return;
	p->fence = p->made;
	masked_put(out, WSFRAME_PING, "", 0, loadpub_mask(p->plan));
}

void loadpub_fill(struct loadpub *p, struct buf *out, uint64_t now)
{
	size_t high = p->plan->each ? 1 : OUT_HIGH;

	while (buf_len(out) < high && !out->failed && may_go(p, now)) {
		for (unsigned n = 0;
		     n < p->plan->batch && buf_len(&p->lines) < FRAME_HIGH &&
		     may_go(p, now);
		     n++)
			make_one(p, now);
		put_frame(p, out);
	}
	if (p->plan->settle == LOADPUB_PONGED)
		put_fence(p, out);
}

void loadpub_stop(struct loadpub *p)
{
	p->quota = p->made;
}

/* Both ACK and PONG settle all up to one. */
static void settle(struct loadpub *p, uint64_t id, uint64_t now)
{
	if (id <= p->settled || id > p->made)
		return;
	p->settled = id;
	if (p->probe && p->probe <= id) {
		histogram_record(p->plan->latency, now - p->probed, 1);
		p->probe = 0;
	}
}

static uint64_t id_of(const char *text, size_t len)
{
	const char *at = memmem(text, len, "\"id\":", 5);
	const char *end = text + len;
	uint64_t id = 0;

	if (!at)
		return 0;
	for (at += 5; at < end && *at >= '0' && *at <= '9'; at++)
		id = id * 10 + (uint64_t)(*at - '0');
	return id;
}

void loadpub_answer(struct loadpub *p, const char *text, size_t len,
		    uint64_t now)
{
	if (memmem(text, len, "\"type\":\"ACK\"", 12)) {
		settle(p, id_of(text, len), now);
	} else if (memmem(text, len, "\"type\":\"ERROR\"", 14)) {
		p->rejected++;
		settle(p, id_of(text, len), now);
	}
}

void loadpub_pong(struct loadpub *p, uint64_t now)
{
	settle(p, p->fence, now);
	p->fence = 0;
}

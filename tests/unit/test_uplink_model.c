/* SPDX-License-Identifier: MIT */
/*
 * What uplink promises in all: through cut connections, frames and answers that
 * are lost, and servers that drain, a naive server that knows each producer's
 * last id publishes every message once and in order, and the owner is told of
 * each once, and of none that was not published.
 */
#include "fakeclient.h"
#include "tap.h"
#include "uplink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGES 50000
#define REFUSED_EVERY 31 /* an id that the server has something against */

/* The server, and what its publisher knows. */
struct world {
	struct uplink u;
	uint64_t last;	/* id that this run of the server has seen */
	uint64_t total; /* ids seen by all runs: they come in order */
	unsigned run;
	bool draining;
	bool right; /* so far */
	bool settled[MESSAGES + 1];
	uint64_t count; /* of those */
};

static bool refuses(uint64_t id)
{
	return id % REFUSED_EVERY == 0;
}

static void on_tell(void *user, enum diag_level level, const char *text)
{
	(void)user;
	(void)level;
	(void)text;
}

static void on_ready(void *user, uint64_t max)
{
	(void)user;
	(void)max;
}

static void settle(struct world *w, uint64_t id, bool refused)
{
	w->right &= id && id <= w->total && !w->settled[id] &&
		    refuses(id) == refused;
	w->settled[id] = true;
	w->count++;
}

static void on_settled(void *user, uint64_t first, uint64_t last,
		       const struct answer *ack)
{
	struct world *w = user;

	w->right &= first <= last && ack != NULL;
	for (uint64_t id = first; id <= last; id++)
		settle(w, id, false);
}

static void on_rejected(void *user, const struct window_line *line,
			enum proto_code code, const char *why)
{
	struct world *w = user;

	(void)why;
	w->right &= line->id == line->number && code == PROTO_FORBIDDEN;
	settle(w, line->id, true);
}

static void on_complaint(void *user, enum proto_code code, const char *why)
{
	(void)code;
	(void)why;
	((struct world *)user)->right = false;
}

static void on_changed(void *user)
{
	struct world *w = user;

	w->right &= w->u.window.open == w->u.window.next - 1 - w->count;
}

static void on_ended(void *user, enum exits status)
{
	(void)status;
	((struct world *)user)->right = false;
}

static const struct uplink_events events = {
	.tell = on_tell,
	.ready = on_ready,
	.settled = on_settled,
	.rejected = on_rejected,
	.complaint = on_complaint,
	.changed = on_changed,
	.ended = on_ended,
};

static void answer_error(struct world *w, uint64_t id, const char *code)
{
	fakeclient_says(w->u.client, "{'type':'ERROR','id':%d,'code':'%s'}",
			(int)id, code);
}

static void answer_ack(struct world *w, uint64_t id)
{
	fakeclient_says(w->u.client,
			"{'type':'ACK','id':%d,'tenantId':'t',"
			"'epoch':'r%u.0','seq':1}",
			(int)id, w->run);
}

/* A message arrives; one that the server had seen is no other message. */
static void see(struct world *w, uint64_t id, bool answers)
{
	if (w->draining) {
		answer_error(w, id, "DRAINING");
		return;
	}
	if (id > w->last) {
		w->last = id;
		w->right &= id == w->total + 1;
		w->total = id;
	}
	if (answers && refuses(id))
		answer_error(w, id, "FORBIDDEN");
}

/*
 * What was sent arrives: all of it or, if the connection breaks before, some.
 * `answers` says whether answers come back.
 */
static void arrive(struct world *w, bool broken, bool answers)
{
	static char text[1 << 17];
	uint64_t acked = 0;
	char *at = text;

	fakeclient_sent(w->u.client, text, sizeof(text));
	while ((at = strpbrk(at, "123456789"))) {
		uint64_t id = strtoull(at, &at, 10);

		if (broken && rand() % 20 == 0)
			return;
		see(w, id, answers);
		if (!refuses(id))
			acked = id;
	}
	if (answers && acked && !w->draining)
		answer_ack(w, acked);
}

static void put(struct world *w)
{
	uint64_t id = w->u.window.next;

	if (uplink_full(&w->u) || id > MESSAGES)
		return;
	uplink_put(&w->u, &(struct uplink_message){
				  .tenant = {"t", 1},
				  .data = id % 7 ? "1" : NULL,
				  .len = 1,
				  .number = id,
			  });
}

/* A server that drains has answered what it published, then refuses. */
static void drain(struct world *w)
{
	w->draining = true;
	for (int i = 0; i < 5; i++)
		put(w);
	uplink_flush(&w->u);
	arrive(w, false, true);
	fakeclient_lose(w->u.client, EXIT_DONE);
	w->draining = false;
	w->run++;
	w->last = 0;
	fakeclient_welcome(w->u.client, 0, 0);
}

static void step(struct world *w)
{
	switch (rand() % 40) {
	case 0:
		arrive(w, true, rand() % 2);
		fakeclient_lose(w->u.client, EXIT_DONE);
		fakeclient_welcome(w->u.client, 0, 0);
		break;
	case 1:
		arrive(w, false, true);
		if (w->u.sender.introduced && !w->u.window.open)
			drain(w);
		break;
	case 2:
	case 3:
	case 4:
		arrive(w, false, true);
		fakeclient_written(w->u.client);
		break;
	default:
		put(w);
		if (rand() % 4 == 0)
			uplink_flush(&w->u);
	}
}

int main(void)
{
	static const struct uplink_config config = {
		.url = "ws:",
		.acks = true,
		.retry = true,
		.max_lines = 100,
		.max_bytes = 1 << 20,
	};
	static struct world w = {.right = true};

	srand(1);
	uplink_init(&w.u, &config, &events, &w);
	uplink_start(&w.u, NULL);
	fakeclient_welcome(w.u.client, 0, 0);
	for (int i = 0; i < 100 * MESSAGES && w.right && w.count < MESSAGES;
	     i++)
		step(&w);
	ok(w.right && w.total == MESSAGES, "each is published once, in order");
	ok(w.right && w.count == MESSAGES && uplink_drained(&w.u),
	   "and its owner told once");
	ok(w.u.reconnects > 1000 && w.run > 50, "through many breaks");
	printf("# %d reconnects, %u drained servers\n", (int)w.u.reconnects,
	       w.run);
	uplink_release(&w.u);
	return tap_end();
}

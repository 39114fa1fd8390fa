/* SPDX-License-Identifier: MIT */
/* What redisqueue and redisreply promise, one line a promise. */
#include "redisqueue.h"
#include "tap.h"

#include <errno.h>
#include <string.h>

#define LITERAL(t, s)                                                          \
	{                                                                      \
		.type = (t), .text = (s), .len = sizeof(s) - 1                 \
	}
#define BULK(s) LITERAL(REDISREPLY_BULK, s)
#define INTEGER(n)                                                             \
	{                                                                      \
		.type = REDISREPLY_INTEGER, .integer = (n)                     \
	}
#define ARRAY(i)                                                               \
	{                                                                      \
		.type = REDISREPLY_ARRAY, .items = (i),                        \
		.count = sizeof(i) / sizeof((i)[0])                            \
	}

static struct redisreply ok_status = LITERAL(REDISREPLY_STATUS, "OK");
static struct redisreply pong_status = LITERAL(REDISREPLY_STATUS, "PONG");
static struct redisreply noperm =
	LITERAL(REDISREPLY_ERROR, "NOPERM no permissions");
static struct redisreply nil = {.type = REDISREPLY_NIL};

static struct redisreply message_items[] = {BULK("message"), BULK("jobs"),
					    BULK("{}\0{}")};
static struct redisreply message = ARRAY(message_items);
static struct redisreply pmessage_items[] = {BULK("pmessage"), BULK("j*"),
					     BULK("jobs"), BULK("{}")};
static struct redisreply pmessage = ARRAY(pmessage_items);
static struct redisreply pong_items[] = {BULK("pong"), BULK("")};
static struct redisreply pong = ARRAY(pong_items);
static struct redisreply first_items[] = {BULK("subscribe"), BULK("jobs"),
					  INTEGER(1)};
static struct redisreply first = ARRAY(first_items);
static struct redisreply second_items[] = {BULK("psubscribe"), BULK("j*"),
					   INTEGER(2)};
static struct redisreply second = ARRAY(second_items);
static struct redisreply pless_items[] = {BULK("punsubscribe"), BULK("j*"),
					  INTEGER(1)};
static struct redisreply pless = ARRAY(pless_items);
static struct redisreply less_items[] = {BULK("unsubscribe"), BULK("jobs"),
					 INTEGER(0)};
static struct redisreply less = ARRAY(less_items);

/* Adds an entry whose user is the number `id`. */
static int add(struct redisqueue *q, enum redisqueue_kind kind, uintptr_t id)
{
	const struct redisqueue_entry entry = {.kind = kind,
					       .user = (void *)id};

	return redisqueue_add(q, &entry);
}

static struct redispush push;

/* Whether the reply is the answer for `id`; 0: a push; -1: unasked. */
static bool goes_to(struct redisqueue *q, const struct redisreply *reply,
		    intptr_t id)
{
	struct redisqueue_entry entry;

	memset(&push, 0, sizeof(push));
	switch (redisqueue_route(q, reply, &entry, &push)) {
	case REDISQUEUE_ANSWER:
		return id > 0 && (intptr_t)entry.user == id;
	case REDISQUEUE_PUSH:
		return id == 0;
	case REDISQUEUE_UNASKED:
		return id == -1;
	}
	return false;
}

static void test_reply(void)
{
	ok(redisreply_is(&ok_status, "OK") &&
		   redisreply_is(&message_items[1], "jobs"),
	   "the text of a status and of a bulk string");
	ok(!redisreply_is(&ok_status, "O") &&
		   !redisreply_is(&ok_status, "ok") &&
		   !redisreply_is(&nil, "") &&
		   !redisreply_is(&noperm, "NOPERM"),
	   "another text, or none");
	ok(redisreply_is_nocase(&ok_status, "ok"), "whatever the case");
	ok(redisreply_is_error(&noperm, "NOPERM") &&
		   redisreply_is_error(&noperm, NULL) &&
		   !redisreply_is_error(&noperm, "NOP") &&
		   !redisreply_is_error(&ok_status, NULL) &&
		   !redisreply_is_error(NULL, NULL),
	   "the code of an error");
}

static void test_order(void)
{
	struct redisqueue q;
	bool right = true;

	redisqueue_init(&q, 1000);
	ok(!redisqueue_head(&q) && goes_to(&q, &ok_status, -1),
	   "what comes to an empty queue is unasked");
	/* In and out at different rates, so that the ring goes around. */
	for (uintptr_t in = 1, out = 1; in <= 1000; in++) {
		right &= add(&q, REDISQUEUE_COMMAND, in) == 0;
		if (in % 3)
			right &= goes_to(&q, &ok_status, (intptr_t)out++);
	}
	ok(right && q.count == 333, "replies go to commands in order");
	redisqueue_restart(&q);
	add(&q, REDISQUEUE_COMMAND, 7);
	ok(goes_to(&q, &message, 7),
	   "an array that looks like a message is an answer when there is no "
	   "subscription");
	add(&q, REDISQUEUE_COMMAND, 8);
	ok(goes_to(&q, &first, 8), "as is one that looks like a confirmation");
	add(&q, REDISQUEUE_PING, 9);
	ok(goes_to(&q, &pong_status, 9), "PING without subscriptions");
	redisqueue_release(&q);
}

static void test_subscriptions(void)
{
	struct redisqueue q;

	redisqueue_init(&q, 100);
	add(&q, REDISQUEUE_SUBSCRIBE, 1);
	add(&q, REDISQUEUE_PSUBSCRIBE, 2);
	ok(goes_to(&q, &first, 1), "the confirmation of a channel");
	ok(goes_to(&q, &message, 0) && push.kind == REDISPUSH_MESSAGE &&
		   !push.pattern && redisreply_is(push.channel, "jobs") &&
		   push.payload->len == 5,
	   "a message comes before the next confirmation");
	ok(goes_to(&q, &second, 2), "the confirmation of a pattern");
	ok(goes_to(&q, &pmessage, 0) && redisreply_is(push.pattern, "j*") &&
		   redisreply_is(push.channel, "jobs") &&
		   redisreply_is(push.payload, "{}"),
	   "a message of a pattern");
	add(&q, REDISQUEUE_PING, 3);
	ok(goes_to(&q, &message, 0) && goes_to(&q, &pong, 3),
	   "PING while subscribed");
	add(&q, REDISQUEUE_SUBSCRIBE, 4);
	ok(goes_to(&q, &message, 0) && goes_to(&q, &noperm, 4),
	   "a subscription that is refused");
	add(&q, REDISQUEUE_PUNSUBSCRIBE, 5);
	ok(goes_to(&q, &message, 0) && goes_to(&q, &pless, 5),
	   "the end of a subscription");
	ok(goes_to(&q, &less, 0) && push.kind == REDISPUSH_UNSUBSCRIBED &&
		   redisreply_is(push.channel, "jobs") && !push.pattern,
	   "an end that nobody asked for");
	add(&q, REDISQUEUE_COMMAND, 6);
	ok(goes_to(&q, &message, 6),
	   "without a subscription an array is an answer again");
	redisqueue_release(&q);
}

static void test_out_of_step(void)
{
	struct redisqueue q;

	redisqueue_init(&q, 100);
	add(&q, REDISQUEUE_SUBSCRIBE, 1);
	ok(goes_to(&q, &ok_status, -1) && goes_to(&q, &message, -1),
	   "neither a confirmation nor an error for SUBSCRIBE");
	ok(goes_to(&q, &second, -1), "the confirmation of something else");
	redisqueue_restart(&q);
	add(&q, REDISQUEUE_SUBSCRIBE, 1);
	goes_to(&q, &first, 1);
	ok(goes_to(&q, &first, -1), "a confirmation that nobody asked for");
	ok(goes_to(&q, &ok_status, -1) && goes_to(&q, &nil, -1) &&
		   goes_to(&q, &noperm, -1) && goes_to(&q, &pong, -1),
	   "what is no push, with nothing asked");
	message_items[2].type = REDISREPLY_ARRAY;
	ok(goes_to(&q, &message, -1), "a message without a text");
	message_items[2].type = REDISREPLY_BULK;
	first_items[2].integer = -1;
	ok(goes_to(&q, &first, -1), "a negative number of subscriptions");
	first_items[2].integer = 1;
	redisqueue_restart(&q);
	ok(goes_to(&q, &message, -1), "a new connection has no subscription");
	redisqueue_release(&q);
}

static void test_limits(void)
{
	struct redisqueue q;
	struct redisqueue_entry entry;

	redisqueue_init(&q, 2);
	add(&q, REDISQUEUE_COMMAND, 1);
	add(&q, REDISQUEUE_COMMAND, 2);
	ok(add(&q, REDISQUEUE_COMMAND, 3) == -1 && errno == ENOBUFS &&
		   q.count == 2,
	   "no more than max");
	ok(redisqueue_take(&q, &entry) && redisqueue_take(&q, &entry) &&
		   !redisqueue_take(&q, &entry),
	   "taken out one by one");
	redisqueue_release(&q);
	oom_after(1);
	ok(add(&q, REDISQUEUE_COMMAND, 1) == -1 && errno == ENOMEM,
	   "out of memory");
	oom_off();
	ok(add(&q, REDISQUEUE_COMMAND, 1) == 0, "and after it");
	redisqueue_release(&q);
}

int main(void)
{
	test_reply();
	test_order();
	test_subscriptions();
	test_out_of_step();
	test_limits();
	return tap_end();
}

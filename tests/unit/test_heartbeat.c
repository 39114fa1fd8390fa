/* SPDX-License-Identifier: MIT */
/* What heartbeat promises, one line a promise. */
#include "heartbeat.h"
#include "tap.h"

static bool looks(struct heartbeat *h, uint64_t now, bool waiting,
		  uint64_t patience, enum heartbeat_verdict want, uint64_t due)
{
	return heartbeat_look(h, now, waiting, patience) == want &&
	       h->due == due;
}

static struct heartbeat begun(void)
{
	struct heartbeat h = {.interval = 2000, .timeout = 5000};

	heartbeat_start(&h, 10000);
	return h;
}

static void test_idle(void)
{
	struct heartbeat h = begun();

	ok(h.due == 12000, "the first look is after an interval");
	heartbeat_heard(&h, 11500);
	ok(looks(&h, 12000, false, 0, HEARTBEAT_FINE, 13500),
	   "who was heard is not asked before an interval of silence");
	ok(looks(&h, 13500, false, 0, HEARTBEAT_ASK, 15500),
	   "then it is asked, and looked after as often as before");
	heartbeat_asked(&h, 13500, 0);
	ok(looks(&h, 15500, true, 0, HEARTBEAT_FINE, 17500) &&
		   looks(&h, 17500, true, 0, HEARTBEAT_FINE, 18500),
	   "it has its time to answer");
	ok(looks(&h, 18499, true, 0, HEARTBEAT_FINE, 18500),
	   "up to the last moment");
	ok(heartbeat_look(&h, 18500, true, 0) == HEARTBEAT_DEAD,
	   "and is dead when none came");
}

static void test_answers(void)
{
	struct heartbeat h = begun();

	heartbeat_asked(&h, 12000, 0);
	heartbeat_heard(&h, 16000);
	h.due = 17000;
	ok(looks(&h, 17000, true, 0, HEARTBEAT_FINE, 19000) &&
		   looks(&h, 19000, true, 0, HEARTBEAT_FINE, 21000),
	   "anything that comes is a sign of life");
	h = begun();
	heartbeat_asked(&h, 12000, 0);
	h.due = 17000;
	ok(looks(&h, 17000, true, 60000, HEARTBEAT_FINE, 19000),
	   "who may take longer is given longer");
	h.due = 77000;
	ok(heartbeat_look(&h, 77000, true, 60000) == HEARTBEAT_DEAD,
	   "but not for ever");
}

static void test_due(void)
{
	struct heartbeat h = {.interval = 60000, .timeout = 5000};

	heartbeat_start(&h, 10000);
	ok(heartbeat_asked(&h, 20000, 1000) && h.due == 26000,
	   "a question is looked after in its own time");
	ok(!heartbeat_asked(&h, 22000, 0) && h.due == 26000,
	   "which never makes a look later");
}

static void test_late(void)
{
	struct heartbeat h = begun();

	heartbeat_asked(&h, 12000, 0);
	h.due = 17000;
	ok(looks(&h, 90000, true, 0, HEARTBEAT_FINE, 92000),
	   "time in which this process did not run is left out");
	h.due = 95000;
	ok(heartbeat_look(&h, 95000, true, 0) == HEARTBEAT_DEAD,
	   "and counts from then on");
	h = begun();
	ok(looks(&h, 90000, false, 0, HEARTBEAT_FINE, 92000),
	   "also while nothing was asked");
}

int main(void)
{
	test_idle();
	test_answers();
	test_due();
	test_late();
	return tap_end();
}

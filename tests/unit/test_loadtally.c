/* SPDX-License-Identifier: MIT */
/* What loadtally promises, one line a promise. Prints TAP. */
#include "loadtally.h"
#include "tap.h"

static struct loadtally t;

static void begin(uint32_t flows, uint32_t tenants, uint32_t subscribers)
{
	loadtally_release(&t);
	loadtally_init(&t, flows, tenants, subscribers);
}

static void publish(uint32_t flow, unsigned n)
{
	while (n--)
		loadtally_publish(&t, flow);
}

static void receive(uint32_t subscriber, uint32_t flow, uint32_t from,
		    uint32_t to)
{
	for (uint32_t seq = from; seq < to; seq++)
		loadtally_receive(&t, subscriber, flow, seq);
}

static bool counts(uint64_t received, uint64_t lost, uint64_t reordered,
		   uint64_t duplicated)
{
	return t.received == received && loadtally_lost(&t) == lost &&
	       t.reordered == reordered && t.duplicated == duplicated;
}

static void test_order(void)
{
	begin(1, 1, 1);
	publish(0, 10);
	receive(0, 0, 0, 10);
	ok(counts(10, 0, 0, 0), "all in order: nothing to report");
	receive(0, 0, 3, 4);
	ok(counts(10, 0, 0, 1), "one that came already is a duplicate");

	begin(1, 1, 1);
	publish(0, 10);
	receive(0, 0, 0, 2);
	receive(0, 0, 4, 10);
	ok(counts(8, 2, 0, 0), "a gap is lost");
	receive(0, 0, 3, 4);
	ok(counts(9, 1, 1, 0), "unless it comes late: then it is reordered");
	receive(0, 0, 3, 4);
	ok(counts(9, 1, 1, 1), "and once more is a duplicate");

	begin(1, 1, 1);
	publish(0, 1000);
	receive(0, 0, 0, 1);
	receive(0, 0, 999, 1000);
	receive(0, 0, 500, 501);
	ok(counts(3, 997, 1, 0), "late by far is late too");

	begin(1, 1, 1);
	publish(0, 5);
	receive(0, 0, 0, 3);
	ok(counts(3, 2, 0, 0), "the end is lost when it doesn't come");
}

static void test_tenants(void)
{
	begin(4, 2, 3); /* tenant 0 has subscribers 0 and 2, flows 0 and 2 */
	publish(0, 2);
	publish(2, 3);
	publish(1, 4);
	ok(loadtally_due(&t) == 2 * 2 + 3 * 2 + 4, "due to those who watch");
	ok(loadtally_expects(&t, 0, 2) && !loadtally_expects(&t, 0, 1) &&
		   !loadtally_expects(&t, 0, 4),
	   "a tenant's subscribers expect its flows and no others");
	receive(0, 0, 0, 2);
	receive(2, 0, 0, 2);
	receive(0, 2, 0, 3);
	receive(2, 2, 0, 3);
	ok(counts(10, 4, 0, 0), "flows are counted apart");
	receive(1, 1, 0, 4);
	ok(loadtally_lost(&t) == 0 && t.received == loadtally_due(&t),
	   "and all that was due has come");
}

static void test_window(void)
{
	begin(1, 1, 2);
	ok(loadtally_room(&t, 0, 10) == 10, "at first the window is open");
	publish(0, 10);
	ok(loadtally_room(&t, 0, 10) == 0, "when it is full there is no room");
	receive(0, 0, 0, 10);
	ok(loadtally_room(&t, 0, 10) == 0, "the slowest one counts");
	receive(1, 0, 0, 4);
	ok(loadtally_room(&t, 0, 10) == 0, "it waits for half of the window");
	receive(1, 0, 4, 5);
	ok(loadtally_room(&t, 0, 10) == 5, "and then that half is free");

	publish(0, 5);
	ok(loadtally_room(&t, 0, 10) == 0, "full again");
	receive(1, 0, 12, 13);
	receive(0, 0, 10, 15);
	ok(loadtally_room(&t, 0, 10) == 8, "a gap does not stop the loop");

	publish(0, 8);
	ok(loadtally_room(&t, 0, 10) == 0, "full once more");
	receive(0, 0, 15, 23);
	loadtally_leave(&t, 1);
	loadtally_leave(&t, 1);
	ok(loadtally_room(&t, 0, 10) == 10, "who is gone is not waited for");
	ok(loadtally_lost(&t) == 17, "but what it missed is lost");

	begin(1, 1, 1);
	publish(0, 1);
	ok(loadtally_room(&t, 0, 1) == 0, "a window of one: ping-pong");
	receive(0, 0, 0, 1);
	ok(loadtally_room(&t, 0, 1) == 1, "and on");
}

int main(void)
{
	test_order();
	test_tenants();
	test_window();
	loadtally_release(&t);
	oom_after(2);
	ok(loadtally_init(&t, 1, 1, 1) == -1 && oom_off() > 0,
	   "without memory it says so and leaks nothing");
	return tap_end();
}

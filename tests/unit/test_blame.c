/* SPDX-License-Identifier: MIT */
/* What blame promises, one line a promise. */
#include "blame.h"
#include "tap.h"

#include <string.h>

static struct netaddr v4(uint32_t host)
{
	struct netaddr a = {.family = NETADDR_V4, .port = 1};

	a.bytes[0] = 192;
	a.bytes[1] = (uint8_t)(host >> 16);
	a.bytes[2] = (uint8_t)(host >> 8);
	a.bytes[3] = (uint8_t)host;
	return a;
}

static struct netaddr v6(uint8_t network, uint8_t host)
{
	struct netaddr a = {.family = NETADDR_V6, .port = 1};

	a.bytes[0] = 0x20;
	a.bytes[7] = network;
	a.bytes[15] = host;
	return a;
}

static void limits(void)
{
	struct netaddr a = v4(1), other = v4(2), port = v4(1);
	struct blame b;

	blame_init(&b);
	ok(!blame_failed(&b, &a, 0) && blame_wait(&b, &a, 0) == 0,
	   "without a limit nobody has to wait");
	b.max = 3;
	ok(!blame_failed(&b, &a, 1000) && !blame_failed(&b, &a, 2000) &&
		   blame_wait(&b, &a, 2000) == 0,
	   "below the limit neither");
	ok(blame_failed(&b, &a, 3000), "the one that reaches it is told");
	ok(blame_wait(&b, &a, 3000) == 58000,
	   "then its tokens wait until the minute is over");
	port.port = 2;
	ok(blame_wait(&b, &port, 3000) == 58000, "on any port");
	ok(blame_wait(&b, &other, 3000) == 0, "but no other address");
	ok(blame_wait(&b, &a, 60999) == 1 && blame_wait(&b, &a, 61000) == 0,
	   "and no longer");
	ok(!blame_failed(&b, &a, 61000) && blame_wait(&b, &a, 61000) == 0,
	   "a new minute begins at nothing");
	blame_release(&b);
}

static void families(void)
{
	struct netaddr a = v6(1, 1), same = v6(1, 2), other = v6(2, 1);
	struct netaddr local = {.family = NETADDR_V4, .bytes = {127, 0, 0, 1}};
	struct blame b;

	blame_init(&b);
	b.max = 1;
	blame_failed(&b, &a, 0);
	ok(blame_wait(&b, &same, 0) && !blame_wait(&b, &other, 0),
	   "a /64 of IPv6 is one address");
	ok(!blame_failed(&b, &local, 0) && !blame_wait(&b, &local, 0),
	   "loopback has no limit");
	b.local_too = true;
	ok(blame_failed(&b, &local, 0) && blame_wait(&b, &local, 0),
	   "unless it counts too");
	blame_release(&b);
}

static void bounds(void)
{
	struct netaddr first = v4(0), second = v4(1), a;
	struct blame b;

	blame_init(&b);
	b.max = 1;
	for (uint32_t i = 0; i < BLAME_MAX; i++) {
		a = v4(i);
		blame_failed(&b, &a, 0);
	}
	ok(blame_wait(&b, &first, 0) && b.addresses.count == BLAME_MAX,
	   "many addresses are known");
	blame_failed(&b, &first, 1);
	a = v4(BLAME_MAX);
	blame_failed(&b, &a, 1);
	ok(b.addresses.count == BLAME_MAX && blame_wait(&b, &a, 1),
	   "but not more than so many");
	ok(!blame_wait(&b, &second, 1) && blame_wait(&b, &first, 1),
	   "the one that failed longest ago is forgotten");
	oom_after(1);
	a = v4(BLAME_MAX + 1);
	ok(!blame_failed(&b, &a, 1) && !blame_wait(&b, &a, 1),
	   "without memory a failure is not counted");
	oom_off();
	blame_release(&b);
}

int main(void)
{
	limits();
	families();
	bounds();
	return tap_end();
}

/* SPDX-License-Identifier: MIT */
/* What admission promises, one line a promise. */
#include "admission.h"
#include "tap.h"

#include <string.h>

static struct netaddr from(uint8_t last)
{
	struct netaddr a = {.bytes = {192, 0, 2, last}, .family = NETADDR_V4};

	return a;
}

static const struct netaddr loopback = {.bytes = {127, 0, 0, 1},
					.family = NETADDR_V4};

static enum admission_verdict enter(struct admission *a,
				    struct admission_entry *e,
				    struct netaddr where)
{
	return admission_enter(a, e, &where);
}

static void in_all(void)
{
	struct admission_limits limits = {.connections = 2, .half_open = 9};
	struct admission_entry e[3];
	struct admission a;

	admission_init(&a, &limits);
	ok(enter(&a, &e[0], from(1)) == ADMITTED &&
		   enter(&a, &e[1], from(1)) == ADMITTED &&
		   enter(&a, &e[2], from(2)) == ADMISSION_FULL,
	   "so many connections in all");
	admission_leave(&a, &e[0]);
	ok(enter(&a, &e[2], from(2)) == ADMITTED, "who leaves makes room");
	limits.connections = 1;
	admission_set_limits(&a, &limits);
	ok(a.count == 2 && enter(&a, &e[0], from(1)) == ADMISSION_FULL,
	   "a lower limit throws nobody out");
	admission_leave(&a, &e[1]);
	admission_leave(&a, &e[2]);
	ok(a.count == 0 && a.half_open_now == 0 && a.addresses.count == 0,
	   "nothing is left of those who left");
	admission_release(&a);
}

static void of_one_address(void)
{
	struct admission_limits limits = {
		.connections = 99, .per_address = 2, .half_open = 99};
	struct admission_entry e[6];
	struct admission a;

	admission_init(&a, &limits);
	enter(&a, &e[0], from(1));
	enter(&a, &e[1], from(1));
	ok(enter(&a, &e[2], from(1)) == ADMISSION_ADDRESS_FULL && a.count == 2,
	   "so many of one address");
	ok(enter(&a, &e[2], from(2)) == ADMITTED, "another one has its own");
	ok(enter(&a, &e[3], loopback) == ADMITTED &&
		   enter(&a, &e[4], loopback) == ADMITTED &&
		   enter(&a, &e[5], loopback) == ADMITTED,
	   "loopback is not counted");
	admission_leave(&a, &e[5]);
	limits.local_too = true;
	admission_set_limits(&a, &limits);
	enter(&a, &e[5], loopback);
	ok(a.addresses.count == 3, "unless it is to be");
	for (int i = 0; i < 6; i++)
		admission_leave(&a, &e[i]);
	ok(a.addresses.count == 0, "no address is kept without connections");
	admission_release(&a);
}

static enum admission_verdict locate(struct admission *a,
				     struct admission_entry *e,
				     struct netaddr where)
{
	return admission_locate(a, e, &where);
}

static void known_later(void)
{
	struct admission_limits limits = {
		.connections = 99, .per_address = 2, .half_open = 99};
	struct admission_entry e[5];
	struct admission a;

	admission_init(&a, &limits);
	for (int i = 0; i < 4; i++)
		admission_enter(&a, &e[i], NULL);
	ok(a.count == 4 && a.half_open_now == 4 && a.addresses.count == 0,
	   "who comes for somebody yet unknown counts for no address");
	ok(locate(&a, &e[0], from(1)) == ADMITTED &&
		   locate(&a, &e[1], from(1)) == ADMITTED &&
		   locate(&a, &e[2], from(1)) == ADMISSION_ADDRESS_FULL &&
		   locate(&a, &e[3], from(2)) == ADMITTED,
	   "and then for that one, as far as there is room");
	ok(locate(&a, &e[3], from(3)) == ADMITTED && a.addresses.count == 2 &&
		   locate(&a, &e[0], loopback) == ADMITTED &&
		   enter(&a, &e[4], from(1)) == ADMITTED,
	   "not for the one before any more");
	for (int i = 0; i < 5; i++)
		admission_leave(&a, &e[i]);
	ok(a.count == 0 && a.half_open_now == 0 && a.addresses.count == 0,
	   "nothing is left, of one without room neither");
	admission_release(&a);
}

static void half_open(void)
{
	struct admission_limits limits = {.connections = 99, .half_open = 2};
	struct admission_entry e[4];
	struct admission a;

	admission_init(&a, &limits);
	enter(&a, &e[0], from(1));
	enter(&a, &e[1], from(1));
	ok(!admission_excess(&a), "some may be half open");
	enter(&a, &e[2], from(1));
	ok(admission_excess(&a) == &e[0], "of too many the oldest has to go");
	admission_established(&a, &e[0]);
	admission_established(&a, &e[0]);
	ok(!admission_excess(&a) && a.half_open_now == 2 && a.count == 3,
	   "who is established is not half open; twice is once");
	enter(&a, &e[3], from(1));
	ok(admission_excess(&a) == &e[1], "then the next oldest");
	for (int i = 0; i < 4; i++)
		admission_leave(&a, &e[i]);
	ok(a.half_open_now == 0 && a.count == 0, "all leave");
	admission_release(&a);
}

static void without_memory(void)
{
	struct admission_limits limits = {
		.connections = 9, .per_address = 2, .half_open = 9};
	struct admission_entry e;
	struct admission a;

	admission_init(&a, &limits);
	oom_after(1);
	ok(enter(&a, &e, from(1)) == ADMISSION_NO_MEMORY && a.count == 0,
	   "without memory nobody enters");
	oom_off();
	ok(enter(&a, &e, from(1)) == ADMITTED, "and later one does");
	admission_leave(&a, &e);
	admission_release(&a);
}

int main(void)
{
	in_all();
	of_one_address();
	known_later();
	half_open();
	without_memory();
	return tap_end();
}

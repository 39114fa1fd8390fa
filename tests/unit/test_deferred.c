/* SPDX-License-Identifier: MIT */
/* What deferred promises: whose turn it is, and that its figures add up. */
#include "deferred.h"
#include "tap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct deferred d;

static struct request_text text(const char *s)
{
	return (struct request_text){s, s ? strlen(s) : 0};
}

static void begin(void)
{
	if (deferred_init(&d) != 0)
		abort();
}

static int add(const char *tenant, uint64_t serial, const char *data)
{
	return deferred_add(&d, serial,
			    &(struct deferred_parts){
				    .tenant = text(tenant),
				    .key = text("key"),
				    .data = text(data),
				    .origin = text("here"),
			    });
}

/* Flying: what took off is in `flown`, as text in `took_off`. */
static struct deferred_message *flown[64];
static size_t flights;
static size_t flights_max;
static char took_off[1024];

static bool fly(void *user, const struct deferred_message *m)
{
	struct request_text tenant = deferred_tenant_of(m);
	size_t len = strlen(took_off);

	(void)user;
	if (flights == flights_max)
		return false;
	flown[flights++] = (struct deferred_message *)(uintptr_t)m;
	snprintf(took_off + len, sizeof(took_off) - len, "%.*s%d ",
		 (int)tenant.len, tenant.bytes, (int)m->serial);
	return true;
}

/* Whether these fly now, and no others do. */
static bool flies(size_t burst, const char *want)
{
	bool right;

	flights = 0;
	*took_off = '\0';
	deferred_try(&d, burst, fly, NULL);
	right = strcmp(took_off, want) == 0;
	if (!right)
		printf("# '%s'\n", took_off);
	return right;
}

static void remove_all(void)
{
	for (size_t i = 0; i < flights; i++)
		deferred_remove(&d, flown[i]);
}

static bool nothing_left(void)
{
	return d.count == 0 && d.flying == 0 && d.bytes == 0 &&
	       d.map.count == 0 && list_empty(&d.tenants);
}

static void order(void)
{
	begin();
	flights_max = 64;
	add("a", 5, "1");
	add("a", 2, "1");
	add("a", 9, "1");
	add("a", 7, "1");
	add("b", 1, "1");
	add("a", 3, "1");
	ok(flies(64, "a2 a3 a5 a7 a9 b1 "),
	   "of each tenant the one that came first is first, whatever was "
	   "refused first");
	ok(flies(64, ""), "what flies does not fly a second time");
	for (size_t i = 0; i < 6; i++)
		deferred_land(&d, flown[i]);
	ok(flies(64, "a2 a3 a5 a7 a9 b1 "), "but when it has landed");
	add("a", 4, "1");
	ok(flies(64, "a4 "), "one that is new flies beside them");
	deferred_land(&d, flown[0]);
	ok(flies(64, "a4 "), "and has its place among them");
	deferred_release(&d);
}

static void bursts(void)
{
	begin();
	flights_max = 64;
	for (uint64_t i = 1; i <= 5; i++)
		add("a", i, "1");
	add("b", 6, "1");
	add("b", 7, "1");
	ok(flies(2, "a1 a2 b6 b7 "), "so many of each tenant");
	ok(flies(2, ""), "no more of one while those fly");
	deferred_remove(&d, flown[0]);
	ok(flies(2, "a3 "), "the next when one is done with");
	deferred_release(&d);
}

static void turns(void)
{
	begin();
	flights_max = 64;
	for (uint64_t i = 1; i <= 5; i++)
		add("a", i, "1");
	ok(flies(2, "a1 a2 "), "the first two");
	remove_all();
	ok(flies(2, "a3 a4 "), "the next two, when they are done with");
	deferred_remove(&d, flown[0]);
	deferred_land(&d, flown[1]);
	ok(flies(2, "a4 a5 "), "one that was refused again before later ones");
	remove_all();
	ok(nothing_left(), "all are gone");
	deferred_release(&d);
}

static void ends(void)
{
	begin();
	flights_max = 1;
	add("a", 1, "1");
	add("a", 2, "1");
	add("b", 3, "1");
	ok(flies(64, "a1 ") && d.flying == 1,
	   "when there is no room for one, that ends it");
	ok(flies(64, "a2 ") && d.flying == 2, "and it is tried the next time");
	flights_max = 0;
	ok(flies(64, "") && d.flying == 2, "what did not fly does not");
	deferred_release(&d);
}

static void contents(void)
{
	const struct deferred_message *m;
	char key[] = "k-1", data[] = "{\"a\":1}", origin[] = "o\0o";

	begin();
	flights_max = 64;
	deferred_add(&d, 1,
		     &(struct deferred_parts){
			     .tenant = {"abc", 2},
			     .key = text(key),
			     .data = text(data),
			     .origin = {origin, 3},
		     });
	memset(key, 'x', 3);
	memset(data, 'x', 7);
	memset(origin, 'x', 3);
	ok(flies(64, "ab1 "), "a tenant is as long as it says");
	m = flown[0];
	ok(m->key.len == 3 && memcmp(m->key.bytes, "k-1", 3) == 0 &&
		   m->data.len == 7 &&
		   memcmp(m->data.bytes, "{\"a\":1}", 7) == 0 &&
		   m->origin.len == 3 &&
		   memcmp(m->origin.bytes, "o\0o", 3) == 0,
	   "it keeps its own copies");
	deferred_add(&d, 2,
		     &(struct deferred_parts){.tenant = text("z"),
					      .data = text("1")});
	ok(flies(64, "z2 ") && !flown[0]->key.bytes, "no key stays none");
	deferred_release(&d);
}

static void figures(void)
{
	begin();
	flights_max = 64;
	add("a", 1, "12345"); /* with the key and the origin: 12 bytes */
	add("a", 2, "");
	add("b", 3, "1");
	ok(d.count == 3 && d.bytes == 12 + 7 + 8 && d.flying == 0,
	   "messages and bytes are counted");
	ok(flies(1, "a1 b3 ") && d.count == 3 && d.bytes == 7 && d.flying == 2,
	   "bytes of those that do not fly, as others count those");
	deferred_land(&d, flown[0]);
	ok(d.bytes == 7 + 12 && d.flying == 1, "they come back when it lands");
	deferred_land(&d, flown[0]);
	ok(d.bytes == 7 + 12 && d.flying == 1, "once");
	deferred_remove(&d, flown[0]);
	ok(d.count == 2 && d.bytes == 7 && d.flying == 1,
	   "one can be removed on the ground");
	deferred_remove(&d, flown[1]);
	ok(d.count == 1 && d.bytes == 7 && d.flying == 0, "and in flight");
	ok(flies(1, "a2 "), "the last one");
	remove_all();
	ok(nothing_left(), "nothing is left");
	deferred_release(&d);
	begin();
	add("a", 1, "1");
	add("b", 2, "1");
	flies(1, "a1 b2 ");
	add("b", 3, "1");
	deferred_release(&d);
	ok(d.count == 0 && d.flying == 0 && d.bytes == 0,
	   "whatever is there is freed");
}

static void tenants(void)
{
	begin();
	ok(!deferred_has(&d, text("a")), "nobody has messages at first");
	add("a", 1, "1");
	add("ab", 2, "1");
	ok(deferred_has(&d, text("a")) && deferred_has(&d, text("ab")) &&
		   !deferred_has(&d, text("b")) && !deferred_has(&d, text("")),
	   "who has, and who has not");
	flights_max = 1;
	flies(64, "a1 ");
	ok(deferred_has(&d, text("a")), "also while they fly");
	remove_all();
	ok(!deferred_has(&d, text("a")) && deferred_has(&d, text("ab")),
	   "but not after they are gone");
	deferred_release(&d);
}

static void no_memory(void)
{
	int result;

	begin();
	add("a", 1, "1");
	oom_once(1);
	errno = 0;
	result = add("a", 2, "1");
	oom_off();
	ok(result == -1 && errno == ENOMEM, "out of memory for a message");
	oom_once(2);
	errno = 0;
	result = add("b", 2, "1");
	oom_off();
	ok(result == -1 && errno == ENOMEM && !deferred_has(&d, text("b")),
	   "out of memory for a tenant");
	ok(d.count == 1 && d.bytes == 8 && d.map.count == 1, "nothing changed");
	deferred_release(&d);
	oom_after(1);
	result = deferred_init(&d);
	oom_off();
	ok(result == -1, "out of memory at the beginning");
	deferred_release(&d);
	ok(true, "what did not begin can be released");
}

/* What a wsd may say to a round of flights: it takes some of each tenant. */
static bool round_of(uint64_t next[10], unsigned *seed)
{
	bool refused[10] = {false};

	flights = 0;
	*took_off = '\0';
	deferred_try(&d, 5, fly, NULL);
	for (size_t i = 0; i < flights; i++) {
		uint64_t tenant = flown[i]->serial % 10;

		*seed = *seed * 1103515245 + 12345;
		refused[tenant] |= *seed >> 30 == 0;
		if (refused[tenant]) {
			deferred_land(&d, flown[i]);
			continue;
		}
		if (flown[i]->serial != next[tenant])
			return false;
		next[tenant] += 10;
		deferred_remove(&d, flown[i]);
	}
	return true;
}

static void many(void)
{
	uint64_t next[10] = {10, 1, 2, 3, 4, 5, 6, 7, 8, 9};
	bool right = true;
	unsigned seed = 1;

	begin();
	flights_max = 64;
	for (uint64_t i = 0; i < 2000; i++) {
		uint64_t serial = (i * 7919) % 2000 + 1;
		char tenant[2] = {(char)('0' + serial % 10), '\0'};

		right &= add(tenant, serial, "1") == 0;
	}
	while (d.count && right)
		right = round_of(next, &seed);
	ok(right && nothing_left(),
	   "many of many tenants come out in the order of their serials");
	deferred_release(&d);
}

int main(void)
{
	order();
	bursts();
	turns();
	ends();
	contents();
	figures();
	tenants();
	no_memory();
	many();
	return tap_end();
}

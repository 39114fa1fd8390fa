/* SPDX-License-Identifier: MIT */
/* What seen promises: who is remembered, and who is owed a GAP. */
#include "seen.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static struct seen seen;

static struct seen_tenant *touch(const char *id)
{
	return seen_touch(&seen, (struct request_text){id, strlen(id)});
}

static void begin(size_t max)
{
	if (seen_init(&seen, max) != 0)
		abort();
}

static bool first_owed_is(const char *id)
{
	const struct seen_tenant *t = seen_first_owed(&seen);

	if (!id || !t)
		return !id && !t;
	return t->len == strlen(id) && memcmp(t->id, id, t->len) == 0;
}

static void remembers(void)
{
	struct seen_tenant *a;

	begin(3);
	a = touch("a");
	ok(a && touch("a") == a && seen.map.count == 1,
	   "a tenant is there once");
	ok(touch("ab") != a && seen.map.count == 2,
	   "one whose name is longer is another");
	touch("c");
	touch("a");
	touch("d");
	seen_owe_all(&seen);
	ok(seen.map.count == 3 && first_owed_is("c"),
	   "the one that was seen last of all goes for a new one");
	seen_release(&seen);
}

static void owes(void)
{
	struct seen_tenant *a, *b;

	begin(10);
	ok(first_owed_is(NULL), "nobody is owed anything at first");
	a = touch("a");
	b = touch("b");
	touch("c");
	seen_owe(&seen, b);
	seen_owe(&seen, a);
	seen_owe(&seen, b);
	touch("b");
	ok(first_owed_is("b"), "who has waited for longest is first");
	seen_settle(&seen, b);
	ok(first_owed_is("a"), "then the next");
	seen_settle(&seen, a);
	seen_settle(&seen, a);
	ok(first_owed_is(NULL), "each once");
	touch("a");
	touch("b");
	seen_owe_all(&seen);
	for (int i = 0; i < 3; i++)
		seen_settle(&seen, seen_first_owed(&seen));
	ok(first_owed_is(NULL), "all of them may be owed something");
	seen_release(&seen);
}

static void tells_once(void)
{
	struct seen_tenant *a;

	begin(10);
	a = touch("a");
	touch("b");
	seen_owe_all(&seen);
	seen_settle(&seen, a);
	seen_settle(&seen, seen_first_owed(&seen));
	seen_owe_all(&seen);
	ok(first_owed_is(NULL), "where a GAP stands last no other is owed");
	touch("b");
	seen_owe_all(&seen);
	ok(first_owed_is("b"), "who was spoken of since is owed one again");
	seen_settle(&seen, seen_first_owed(&seen));
	ok(first_owed_is(NULL), "and nobody else");
	seen_owe(&seen, a);
	ok(first_owed_is("a"), "one GAP that was refused is owed still");
	seen_release(&seen);
}

static void keeps_the_owed(void)
{
	begin(2);
	seen_owe(&seen, touch("a"));
	touch("b");
	touch("c");
	ok(first_owed_is("a"), "who is owed something does not go");
	seen_owe_all(&seen);
	ok(!touch("d"), "when all are, there is no place for another");
	ok(touch("c"), "but those that are there are found");
	seen_release(&seen);
}

static void out_of_memory(void)
{
	begin(2);
	oom_after(1);
	ok(!touch("a"), "out of memory, it is not remembered");
	oom_off();
	ok(touch("a") && seen.map.count == 1, "and the next time it is");
	seen_release(&seen);
	oom_after(1);
	ok(seen_init(&seen, 2) != 0, "out of memory at the beginning");
	oom_off();
	seen_release(&seen);
}

int main(void)
{
	remembers();
	owes();
	tells_once();
	keeps_the_owed();
	out_of_memory();
	return tap_end();
}

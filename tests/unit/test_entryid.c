/* SPDX-License-Identifier: MIT */
/* What entryid promises: both numbers, strictly, and their order. */
#include "entryid.h"
#include "tap.h"

#include <string.h>

static bool passes(const char *text)
{
	char shown[ENTRYID_TEXT_MAX];
	struct entryid id;

	return entryid_parse(&id, text, strlen(text)) == 0 &&
	       entryid_show(shown, id) == strlen(text) &&
	       strcmp(shown, text) == 0;
}

static bool fails(const char *text)
{
	struct entryid id;

	return entryid_parse(&id, text, strlen(text)) != 0;
}

static void texts(void)
{
	ok(passes("1526919030474-55"), "an id as Redis shows it");
	ok(passes("0-0"), "the least");
	ok(passes("18446744073709551615-18446744073709551615"), "the last");
	ok(fails("18446744073709551616-0"), "above it is none");
	ok(fails(""), "nothing is none");
	ok(fails("12"), "one number is none");
	ok(fails("-1") && fails("1-") && fails("-"), "nor is a hyphen alone");
	ok(fails("1-2-3") && fails("1-2 ") && fails("$") && fails("1-x"),
	   "nothing else may be there");
}

static int compare(uint64_t ms, uint64_t seq, uint64_t other_ms,
		   uint64_t other_seq)
{
	return entryid_compare((struct entryid){ms, seq},
			       (struct entryid){other_ms, other_seq});
}

static void order(void)
{
	ok(compare(1, 9, 2, 0) < 0, "the time comes first");
	ok(compare(2, 0, 1, 9) > 0, "also the other way round");
	ok(compare(5, 1, 5, 2) < 0, "then the number");
	ok(compare(5, 2, 5, 1) > 0, "also the other way round");
	ok(compare(5, 2, 5, 2) == 0, "the same is the same");
	ok(compare(0, 0, UINT64_MAX, UINT64_MAX) < 0, "nothing overflows");
}

static bool before_is(uint64_t ms, uint64_t seq, uint64_t want_ms,
		      uint64_t want_seq)
{
	return entryid_compare(entryid_before((struct entryid){ms, seq}),
			       (struct entryid){want_ms, want_seq}) == 0;
}

static void before(void)
{
	ok(before_is(5, 2, 5, 1), "the one before has the number before");
	ok(before_is(5, 0, 4, UINT64_MAX), "or the last of the time before");
	ok(before_is(0, 0, 0, 0), "and the first has none");
}

int main(void)
{
	texts();
	order();
	before();
	return tap_end();
}

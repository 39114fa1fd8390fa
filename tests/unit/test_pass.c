/* SPDX-License-Identifier: MIT */
/* What pass promises, one line a promise. */
#include "pass.h"
#include "tap.h"

#include <string.h>

#define NOW 1000000 /* ms */

static struct grant *grant_of(const char *pattern, int64_t expires_s)
{
	struct grant *g = grant_new("who", 3);

	rights_allow(&g->rights, RIGHTS_SUBSCRIBE, pattern, strlen(pattern));
	g->expires = expires_s;
	return g;
}

static bool hears(const struct pass *p, const char *tenant)
{
	return pass_may(p, RIGHTS_SUBSCRIBE, tenant, strlen(tenant));
}

static void rights(void)
{
	struct pass p;

	pass_init(&p);
	ok(pass_empty(&p) && !hears(&p, "a") &&
		   !pass_may_some(&p, RIGHTS_SUBSCRIBE) && pass_count(&p) == 0,
	   "at first nothing is allowed");
	pass_add(&p, grant_of("a", GRANT_NEVER), NOW);
	pass_add(&p, grant_of("b*", GRANT_NEVER), NOW);
	ok(hears(&p, "a") && hears(&p, "b1") && !hears(&p, "c"),
	   "each grant is enough");
	ok(!pass_may(&p, RIGHTS_PUBLISH, "a", 1) &&
		   pass_may_some(&p, RIGHTS_SUBSCRIBE) &&
		   !pass_may_some(&p, RIGHTS_PUBLISH) && pass_count(&p) == 2,
	   "for what it says, and for nothing else");
	pass_replace(&p, grant_of("d", GRANT_NEVER), NOW);
	ok(hears(&p, "d") && !hears(&p, "a") && pass_count(&p) == 1,
	   "one takes the place of all");
	pass_release(&p);
	ok(pass_empty(&p), "in the end there is none");
}

static void order(void)
{
	struct grant *oldest;
	struct pass p;

	pass_init(&p);
	ok(!pass_take_oldest(&p) && !pass_take_newest(&p), "none to take");
	pass_add(&p, grant_of("a", GRANT_NEVER), NOW);
	pass_add(&p, grant_of("b", GRANT_NEVER), NOW);
	pass_add(&p, grant_of("c", GRANT_NEVER), NOW);
	oldest = pass_take_oldest(&p);
	ok(!hears(&p, "a") && hears(&p, "b") && hears(&p, "c"),
	   "the oldest is the first that was added");
	pass_put_oldest(&p, oldest);
	ok(hears(&p, "a") && pass_take_oldest(&p) == oldest,
	   "put back, it is the oldest again");
	grant_free(oldest);
	grant_free(pass_take_newest(&p));
	ok(hears(&p, "b") && !hears(&p, "c"), "the newest is the last one");
	grant_free(pass_take_newest(&p));
	ok(pass_empty(&p), "which may be the only one");
}

static void ends(void)
{
	struct pass p;

	pass_init(&p);
	pass_add(&p, grant_of("a", 1100), NOW);
	pass_add(&p, grant_of("b", 1200), NOW);
	ok(pass_end(&p) == 1200000, "it ends with the last of them");
	ok(!pass_expire(&p, 1099999) && hears(&p, "a"),
	   "up to its last ms a grant is good");
	ok(pass_expire(&p, 1100000) && !hears(&p, "a") && hears(&p, "b"),
	   "then it is gone, and the others stay");
	ok(!pass_expire(&p, 1100000), "once");
	pass_add(&p, grant_of("c", GRANT_NEVER), NOW);
	ok(pass_end(&p) == 0, "one that never ends has no end to tell");
	ok(pass_expire(&p, INT64_MAX - 1) && pass_count(&p) == 1,
	   "and does not");
	pass_release(&p);
}

static void notices(void)
{
	struct pass p;

	pass_init(&p);
	ok(pass_due(&p, NOW) == -1 && !pass_is_due(&p, INT64_MAX),
	   "without a grant there is nothing to do");
	pass_add(&p, grant_of("a", 1600), NOW);
	ok(pass_due(&p, NOW) == 540000 && !pass_notice(&p, NOW + 539999) &&
		   !pass_is_due(&p, NOW + 539999),
	   "a long one is told of a minute before its end");
	ok(pass_is_due(&p, NOW + 540000) &&
		   pass_notice(&p, NOW + 540000) == 1600000,
	   "with its end");
	ok(!pass_notice(&p, NOW + 540001), "once");
	ok(pass_due(&p, NOW + 540001) == 59999 &&
		   !pass_is_due(&p, NOW + 599999),
	   "and then comes the end");
	ok(pass_due(&p, NOW + 700000) == 0 && pass_is_due(&p, NOW + 600000) &&
		   !pass_notice(&p, NOW + 600000),
	   "which may have come already, and is not told of again");
	pass_replace(&p, grant_of("b", 1008), NOW);
	ok(pass_due(&p, NOW) == 6000, "a short one, in its last quarter");
	pass_add(&p, grant_of("c", 999), NOW);
	ok(pass_due(&p, NOW) == 0 && pass_is_due(&p, NOW) &&
		   !pass_notice(&p, NOW) && pass_expire(&p, NOW) &&
		   hears(&p, "b"),
	   "one that has ended is not told of: it goes at once");
	pass_replace(&p, grant_of("d", GRANT_NEVER), NOW);
	ok(pass_due(&p, NOW) == -1 && !pass_is_due(&p, INT64_MAX - 1) &&
		   !pass_notice(&p, INT64_MAX - 1),
	   "of one that never ends there is nothing to tell");
	pass_replace(&p, grant_of("e", INT64_MAX / 1000 + 1), NOW);
	ok(pass_due(&p, NOW) == -1 && pass_end(&p) == 0,
	   "a time beyond all clocks is never");
	pass_release(&p);
}

int main(void)
{
	rights();
	order();
	ends();
	notices();
	return tap_end();
}

/* SPDX-License-Identifier: MIT */
/* What tokenlist promises: which lines it takes, and whose they are. */
#include "tap.h"
#include "tokenlist.h"

#include <stdio.h>
#include <string.h>

/* SHA-256 of "abc" and of nothing (FIPS 180-4, examples). */
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define NIL "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static char why[TOKENLIST_WHY_MAX];

static bool refuses(const char *text, const char *want)
{
	struct tokenlist l;
	bool same;

	tokenlist_init(&l);
	*why = '\0';
	same = tokenlist_parse(&l, text, strlen(text), why) != 0 &&
	       strcmp(why, want) == 0;
	if (!same)
		printf("# %s\n", why);
	tokenlist_release(&l);
	return same;
}

/* Whether it has so many tokens, and the last is what `abc` is. */
static bool takes(const char *text, size_t count)
{
	struct tokenlist l;
	bool good;

	tokenlist_init(&l);
	good = tokenlist_parse(&l, text, strlen(text), why) == 0 &&
	       l.count == count &&
	       (!count ||
		tokenlist_find(&l, "abc", 3) == l.entries[count - 1].grant);
	if (!good)
		printf("# %s\n", why);
	tokenlist_release(&l);
	return good;
}

static void lines(void)
{
	ok(takes("", 0), "no lines");
	ok(takes(ABC " ci\n", 1), "a token without rights");
	ok(takes(ABC " ci", 1), "without a newline");
	ok(takes("# a\n\n \t\n  # b\n" NIL " x admin\r\n\t" ABC
		 "\tci\tadmin \n",
		 2),
	   "comments, blank lines, blanks, CR LF");
	ok(refuses("ba78 ci\n", "line 1: it does not begin with a SHA-256 of "
				"64 digits of 0-9 a-f"),
	   "a short hash");
	ok(refuses("\n" ABC "0 ci\n",
		   "line 2: it does not begin with a SHA-256 "
		   "of 64 digits of 0-9 a-f"),
	   "a long one");
	ok(refuses("BA" ABC " ci\n", "line 1: it does not begin with a SHA-256 "
				     "of 64 digits of 0-9 a-f"),
	   "capital letters");
	ok(refuses(ABC "\n", "line 1: behind the hash goes a name of A-Z a-z "
			     "0-9 . _ : @ -"),
	   "no name");
	ok(refuses(ABC " subscribe=a\n", "line 1: behind the hash goes a name "
					 "of A-Z a-z 0-9 . _ : @ -"),
	   "a right in place of a name");
	ok(refuses(ABC " a\n" ABC " b\n", "line 2: this hash is there twice"),
	   "a token twice");
}

static void rights(void)
{
	static const char line[] =
		ABC " ci subscribe=acme-*,beta publish=* admin";
	static const char unknown[] = "line 1: a right is subscribe=PATTERN,…, "
				      "publish=PATTERN,… or admin";
	static const char pattern[] = "line 1: 'subscribe': it is no tenant "
				      "pattern (a tenant id, acme-* or *)";
	struct tokenlist l;
	const struct grant *g;

	tokenlist_init(&l);
	tokenlist_parse(&l, line, strlen(line), why);
	g = tokenlist_find(&l, "abc", 3);
	ok(g && g->rights.admin && !strcmp(g->name, "ci") &&
		   g->expires == GRANT_NEVER &&
		   rights_may(&g->rights, RIGHTS_SUBSCRIBE, "acme-1", 6) &&
		   rights_may(&g->rights, RIGHTS_SUBSCRIBE, "beta", 4) &&
		   !rights_may(&g->rights, RIGHTS_SUBSCRIBE, "gamma", 5) &&
		   rights_may(&g->rights, RIGHTS_PUBLISH, "gamma", 5),
	   "a line gives its rights, and never expires");
	tokenlist_release(&l);
	ok(refuses(ABC " ci read=a", unknown) &&
		   refuses(ABC " ci Admin", unknown) &&
		   refuses(ABC " ci admin=true", unknown) &&
		   refuses(ABC " ci subscribe", unknown),
	   "another right");
	ok(refuses(ABC " ci subscribe=a,,b", pattern) &&
		   refuses(ABC " ci subscribe=a,", pattern) &&
		   refuses(ABC " ci subscribe=,a", pattern) &&
		   refuses(ABC " ci subscribe=*a", pattern),
	   "what is no pattern");
	ok(refuses(ABC " ci subscribe=", pattern), "a list of none");
	ok(refuses(ABC " ci subscribe=a subscribe=b",
		   "line 1: 'subscribe' is there twice") &&
		   refuses(ABC " ci admin admin",
			   "line 1: 'admin' is there twice"),
	   "a right twice");
}

static void finding(void)
{
	struct tokenlist l;

	tokenlist_init(&l);
	ok(!tokenlist_find(&l, "abc", 3), "in an empty list there is nothing");
	tokenlist_parse(&l, ABC " a\n" NIL " b\n", 2 * 67, why);
	ok(tokenlist_find(&l, "", 0) == l.entries[1].grant &&
		   tokenlist_find(&l, "abc", 3) == l.entries[0].grant,
	   "each token finds its line");
	ok(!tokenlist_find(&l, "abd", 3) && !tokenlist_find(&l, "abc\n", 4) &&
		   !tokenlist_find(&l, ABC, 64),
	   "no other does, nor a hash");
	tokenlist_release(&l);
}

static void writing(void)
{
	struct rights r;
	struct buf b;

	rights_init(&r);
	buf_init(&b);
	rights_allow(&r, RIGHTS_SUBSCRIBE, "a-*", 3);
	rights_allow(&r, RIGHTS_SUBSCRIBE, "b", 1);
	r.admin = true;
	tokenlist_put(&b, "abc", 3, "ci", &r);
	buf_putc(&b, '\0');
	ok(!strcmp(buf_bytes(&b), ABC " ci subscribe=a-*,b admin\n") &&
		   takes(buf_bytes(&b), 1),
	   "a line is written as it is read");
	buf_release(&b);
	rights_release(&r);
}

static void memory(void)
{
	static const char text[] = ABC " a admin\n" NIL " b publish=a";
	bool good = true;
	long n;

	for (n = 1;; n++) {
		struct tokenlist l;
		int result;

		tokenlist_init(&l);
		oom_after(n);
		result = tokenlist_parse(&l, text, strlen(text), why);
		tokenlist_release(&l);
		if (!oom_off()) {
			good &= result == 0;
			break;
		}
		good &= result != 0 && strstr(why, "out of memory");
	}
	ok(good && n > 4, "out of memory at each step");
}

int main(void)
{
	lines();
	rights();
	finding();
	writing();
	memory();
	return tap_end();
}

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

static const struct grant *found(const struct tokenlist *l, const char *token,
				 size_t len)
{
	const struct grant *g;
	enum refusal refusal = tokenlist_find(l, token, len, &g);

	return refusal == (g ? REFUSAL_NONE : REFUSAL_UNKNOWN) ? g : NULL;
}

/* Whether it has so many tokens, and `abc` is one if there is any. */
static bool takes(const char *text, size_t count)
{
	struct tokenlist l;
	bool good;

	tokenlist_init(&l);
	good = tokenlist_parse(&l, text, strlen(text), why) == 0 &&
	       l.entries.count == count && !found(&l, "abc", 3) == !count;
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
	ok(refuses(ABC " ci\r" NIL " x\n",
		   "line 1: a CR is in it; lines end in LF or CR LF") &&
		   refuses("# CR alone\r" ABC " ci\r",
			   "line 1: a CR is in it; lines end in LF or CR LF"),
	   "a CR within a line, also of a comment");
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
	g = found(&l, "abc", 3);
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
	ok(!found(&l, "abc", 3), "in an empty list there is nothing");
	tokenlist_parse(&l, ABC " a\n" NIL " b\n", 2 * 67, why);
	ok(!strcmp(found(&l, "", 0)->name, "b") &&
		   !strcmp(found(&l, "abc", 3)->name, "a"),
	   "each token finds its line");
	ok(!found(&l, "abd", 3) && !found(&l, "abc\n", 4) &&
		   !found(&l, ABC, 64),
	   "no other does, nor a hash");
	tokenlist_release(&l);
}

/* So many lines, of tokens that nobody has. */
static void put_lines(struct buf *b, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		buf_printf(b, "%064x m%u subscribe=t-%u\n", i * 2654435761U, i,
			   i);
}

/* Where it takes longer for each line this does not end. */
static void many(void)
{
	static const char more[] = NIL " one-more\n";
	struct tokenlist l;
	const struct grant *g;
	struct buf b;

	buf_init(&b);
	put_lines(&b, TOKENLIST_MAX - 1);
	buf_puts(&b, ABC " last");
	tokenlist_init(&l);
	ok(buf_len(&b) < TOKENLIST_FILE_MAX &&
		   tokenlist_parse(&l, buf_bytes(&b), buf_len(&b), why) == 0,
	   "as many tokens as there may be");
	g = found(&l, "abc", 3);
	ok(g && !strcmp(g->name, "last") && !found(&l, "", 0), "are found");
	ok(tokenlist_parse(&l, more, strlen(more), why) != 0 &&
		   !strcmp(why, "line 1: there are more than 100000 tokens"),
	   "and no more");
	tokenlist_release(&l);
	buf_release(&b);
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
	many();
	writing();
	memory();
	return tap_end();
}

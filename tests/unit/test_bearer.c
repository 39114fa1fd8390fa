/* SPDX-License-Identifier: MIT */
/* What bearer promises: which token is shown, and when it is another one. */
#include "bearer.h"
#include "tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[] = "/tmp/test_bearer.XXXXXX";

/* What the file has from now on. */
static void write_file(const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) ||
	    fchmod(fd, mode) != 0)
		abort();
	close(fd);
}

static bool has(const struct bearer *b, const char *token)
{
	return token ? b->token && strcmp(b->token, token) == 0 : !b->token;
}

/* Whether the environment's token is taken as it is. */
static bool takes(const char *given, const char *want)
{
	char why[BEARER_WHY_MAX];
	struct bearer b;
	bool same = bearer_init(&b, NULL, given, why) == 0 && has(&b, want) &&
		    b.fixed;

	bearer_release(&b);
	return same;
}

/* Whether it is refused, for a reason that has nothing of it. */
static bool refuses(const char *given, const char *reason)
{
	char why[BEARER_WHY_MAX] = "";
	struct bearer b;
	bool same = bearer_init(&b, NULL, given, why) != 0 && !b.token &&
		    strcmp(why, reason) == 0;

	if (!same)
		printf("# %s\n", why);
	bearer_release(&b);
	return same;
}

static void given(void)
{
	static const char *not_one = "this is no token: it has a blank, or "
				     "what is not printable ASCII";
	char long_one[BEARER_MAX + 2];

	memset(long_one, 'x', sizeof(long_one) - 1);
	long_one[BEARER_MAX + 1] = '\0';
	ok(takes("a.b-c~", "a.b-c~"), "a token is given");
	ok(takes("", NULL) && takes(NULL, NULL), "or none");
	ok(refuses(long_one, "a token is at most 16384 bytes"),
	   "of 16385 bytes: refused");
	long_one[BEARER_MAX] = '\0';
	ok(takes(long_one, long_one), "of 16384 bytes: taken");
	ok(refuses("a b", not_one) && refuses("a\n", not_one) &&
		   refuses("a\r\nX: y", not_one) && refuses("\x7f", not_one) &&
		   refuses("\xc3\xa4", not_one),
	   "blanks, line ends and what is not ASCII are refused");
}

static void exchanged(struct bearer *b)
{
	char why[BEARER_WHY_MAX] = "";

	write_file("two", 0600);
	ok(bearer_renew(b, why) == 1 && has(b, "two"),
	   "another token in the file is taken");
	ok(bearer_renew(b, why) == 0 && has(b, "two"), "the same is the same");
	b->ended = true;
	ok(bearer_renew(b, why) == 0 && b->ended, "and ended, if it had");
	write_file("", 0600);
	ok(bearer_renew(b, why) == -1 && has(b, "two") && b->ended &&
		   strcmp(why, "it is empty") == 0,
	   "a file that is empty for a moment changes nothing");
	write_file("a b", 0600);
	ok(bearer_renew(b, why) == -1 && has(b, "two"),
	   "nor does one without a token");
	write_file("three\n", 0644);
	ok(bearer_renew(b, why) == -1 && has(b, "two") &&
		   strcmp(why, "others can read it: its mode is 0644") == 0,
	   "nor one that others can read");
	write_file("three\n", 0600);
	ok(bearer_renew(b, why) == 1 && has(b, "three") && !b->ended,
	   "another one has not ended");
}

static void file(void)
{
	char why[BEARER_WHY_MAX] = "";
	struct bearer b;

	write_file("one\n", 0600);
	ok(bearer_init(&b, path, "given", why) == 0 && has(&b, "one") &&
		   !b.fixed,
	   "the file counts before what is given");
	exchanged(&b);
	bearer_release(&b);
	ok(!b.token, "released");
	write_file("one", 0604);
	ok(bearer_init(&b, path, "given", why) == -1 && !b.token,
	   "a file that others can read is refused");
	bearer_release(&b);
	ok(bearer_init(&b, "/nowhere/at/all", NULL, why) == -1 &&
		   strcmp(why, "No such file or directory") == 0,
	   "so is one that is not there");
	bearer_release(&b);
}

static void pipes(void)
{
	char why[BEARER_WHY_MAX] = "";
	char name[40];
	struct bearer b;
	int ends[2];

	if (pipe(ends) != 0 || write(ends[1], "once\n", 5) != 5)
		abort();
	close(ends[1]);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", ends[0]);
	ok(bearer_init(&b, name, NULL, why) == 0 && has(&b, "once") &&
		   b.fixed && bearer_renew(&b, why) == 0 && has(&b, "once"),
	   "a pipe gives it once");
	bearer_release(&b);
	close(ends[0]);
}

int main(void)
{
	close(mkstemp(path));
	given();
	file();
	pipes();
	unlink(path);
	return tap_end();
}

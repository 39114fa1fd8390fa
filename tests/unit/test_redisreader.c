/* SPDX-License-Identifier: MIT */
/* What redisreader promises, one line a promise. */
#include "redisreader.h"
#include "tap.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What replies say, in one text: "+OK 1 'x' nil [1 2] ". */
static char seen[4096];
static size_t stop_after; /* replies; 0: none */

static void put(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void put(const char *fmt, ...)
{
	size_t len = strlen(seen);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(seen + len, sizeof(seen) - len, fmt, ap);
	va_end(ap);
}

static void put_reply(const struct redisreply *r)
{
	switch (r->type) {
	case REDISREPLY_NIL:
		put("nil ");
		break;
	case REDISREPLY_STATUS:
		put("+%s ", r->text);
		break;
	case REDISREPLY_ERROR:
		put("-%s ", r->text);
		break;
	case REDISREPLY_INTEGER:
		put("%lld ", (long long)r->integer);
		break;
	case REDISREPLY_BULK:
		put("'%s'%zu ", r->text, r->len);
		break;
	case REDISREPLY_ARRAY:
		put("[");
		for (size_t i = 0; i < r->count; i++)
			put_reply(&r->items[i]);
		put("] ");
		break;
	}
}

static bool see(void *user, const struct redisreply *reply)
{
	(void)user;
	put_reply(reply);
	return stop_after == 0 || --stop_after > 0;
}

/* Feeds all of `bytes`, `slice` at a time. */
static int feed(struct redisreader *reader, const char *bytes, size_t len,
		size_t slice)
{
	*seen = '\0';
	for (size_t n; len; bytes += n, len -= n) {
		n = len < slice ? len : slice;
		if (redisreader_feed(reader, bytes, n, see, NULL) < 0)
			return -1;
	}
	return 0;
}

static bool reads(const char *bytes, size_t len, const char *want)
{
	bool right = true;

	for (size_t slice = 1; slice <= len; slice++) {
		struct redisreader *reader = redisreader_new(NULL);

		right &= feed(reader, bytes, len, slice) == 0 &&
			 strcmp(seen, want) == 0;
		redisreader_free(reader);
	}
	if (!right)
		printf("# '%s'\n", seen);
	return right;
}

#define READS(bytes, want) reads(bytes, sizeof(bytes) - 1, want)

static bool refuses(const char *bytes, size_t len, const char *want)
{
	const struct redisreader_limits limits = {.bytes = 1000,
						  .elements = 10};
	struct redisreader *reader = redisreader_new(&limits);
	bool right = feed(reader, bytes, len, len) == -1;

	right &= strstr(redisreader_trouble(reader), want) != NULL;
	if (!right)
		printf("# '%s', '%s'\n", seen, redisreader_trouble(reader));
	right &= redisreader_feed(reader, "+OK\r\n", 5, see, NULL) == -1;
	redisreader_free(reader);
	return right;
}

#define REFUSES(bytes, want) refuses(bytes, sizeof(bytes) - 1, want)

static void test_kinds(void)
{
	ok(READS("+OK\r\n-ERR no\r\n:-42\r\n", "+OK -ERR no -42 "),
	   "status, error, integer");
	ok(READS("$3\r\na\r\n\r\n$0\r\n\r\n$-1\r\n", "'a\r\n'3 ''0 nil "),
	   "strings and none");
	ok(READS("*3\r\n:1\r\n*-1\r\n*2\r\n$1\r\na\r\n*0\r\n",
		 "[1 nil ['a'1 [] ] ] "),
	   "arrays within arrays");
	ok(READS("$4\r\na\0\xff\n\r\n", "'a'4 "), "any byte");
	ok(READS("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
		 "[[[[[[[1 ] ] ] ] ] ] ] "),
	   "seven deep");
}

static void test_refused(void)
{
	ok(REFUSES("HTTP/1.1 400\r\n", "reply type"), "another protocol");
	ok(REFUSES("$2\r\nabc\r\n", "longer than it says"),
	   "a string that is longer than it says");
	ok(REFUSES("$-2\r\n", "out of range") && REFUSES("*-2\r\n", "range") &&
		   REFUSES("$x\r\n", "length") && REFUSES(":1x\r\n", "integer"),
	   "what is no length and no number");
	ok(REFUSES("*11\r\n", "more than 10 elements") &&
		   REFUSES("*2147483647\r\n", "more than 10 elements"),
	   "more elements than allowed, before they come");
	ok(REFUSES("*5\r\n*5\r\n*1\r\n", "more than 10 elements"),
	   "arrays count together");
	ok(REFUSES("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", "deep"),
	   "eight deep");
	ok(REFUSES("%1\r\n:1\r\n:2\r\n", "") && REFUSES("~1\r\n:1\r\n", "") &&
		   REFUSES(">1\r\n:1\r\n", "") && REFUSES("#t\r\n", "") &&
		   REFUSES(",1.5\r\n", "") && REFUSES("_\r\n", "") &&
		   REFUSES("(12\r\n", "") && REFUSES("=5\r\ntxt:a\r\n", "") &&
		   REFUSES("|1\r\n+a\r\n+b\r\n:1\r\n", ""),
	   "RESP3, whole or within");
}

static void test_limits(void)
{
	static char big[200000];
	const struct redisreader_limits limits = {.bytes = 100000};
	struct redisreader *reader = redisreader_new(&limits);

	memset(big, 'x', sizeof(big));
	memcpy(big, "$99999\r\n", 8);
	memcpy(big + 8 + 99999, "\r\n", 2);
	ok(feed(reader, big, 8 + 99999 + 2, 1000) == 0 && *seen,
	   "a string as long as allowed");
	ok(feed(reader, big, 8 + 99999 + 2, 1000) == 0 && *seen, "and another");
	memcpy(big, "$100000\r\n", 9);
	memcpy(big + 9 + 100000, "\r\n", 2);
	ok(feed(reader, big, 9 + 100000 + 2, 1000) < 0, "but no longer one");
	ok(redisreader_restart(reader) == 0 &&
		   feed(reader, "+OK\r\n", 5, 5) == 0 && *seen,
	   "a new connection begins anew");
	memcpy(big, "$999999999999\r\n", 15);
	ok(feed(reader, big, 120000, 1000) < 0 &&
		   strstr(redisreader_trouble(reader), "more than 97.6 KiB"),
	   "one that never ends is not collected");
	redisreader_restart(reader);
	memset(big, 'x', sizeof(big));
	*big = '+';
	ok(feed(reader, big, 80000, 100) < 0 &&
		   strstr(redisreader_trouble(reader), "a line of more than"),
	   "neither is a line");
	redisreader_restart(reader);
	big[60000] = '\r';
	big[60001] = '\n';
	ok(feed(reader, big, 60002, 100) == 0 && *seen,
	   "a line that comes to its end is");
	redisreader_free(reader);
}

static void test_stop(void)
{
	struct redisreader *reader = redisreader_new(NULL);

	stop_after = 2;
	ok(feed(reader, "+a\r\n+b\r\n+c\r\n", 12, 12) == 0 &&
		   strcmp(seen, "+a +b ") == 0,
	   "no reply after `each` returned false");
	stop_after = 0;
	redisreader_free(reader);
}

static bool formats(size_t count, const char *const *words, const size_t *lens,
		    const char *want)
{
	struct buf out;
	bool right;

	buf_init(&out);
	buf_puts(&out, "x");
	right = redisreader_format(&out, count, words, lens) == 0 &&
		buf_len(&out) == strlen(want) &&
		memcmp(buf_bytes(&out), want, strlen(want)) == 0;
	buf_release(&out);
	return right;
}

static void test_format(void)
{
	const char *const get[] = {"GET", "k"};
	const char *const set[] = {"SET", "", "a\r\nb!"};
	const size_t lens[] = {3, 0, 4};
	struct buf out;

	ok(formats(2, get, NULL, "x*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"),
	   "a command of strings");
	ok(formats(3, set, lens,
		   "x*3\r\n$3\r\nSET\r\n$0\r\n\r\n$4\r\na\r\nb\r\n"),
	   "a command of bytes");
	buf_init(&out);
	oom_after(1);
	ok(redisreader_format(&out, 2, get, NULL) == -1 && errno == ENOMEM &&
		   buf_len(&out) == 0 && !out.failed,
	   "out of memory");
	oom_off();
	buf_release(&out);
}

static void test_memory(void)
{
	struct redisreader *reader;
	char big[] = "*2\r\n$1\r\na\r\n$1\r\nb\r\n";

	oom_after(1);
	ok(!redisreader_new(NULL), "out of memory for a reader");
	oom_off();
	reader = redisreader_new(NULL);
	oom_after(1);
	ok(feed(reader, big, strlen(big), 100) == -1 &&
		   strcmp(redisreader_trouble(reader), "out of memory") == 0,
	   "out of memory for a reply");
	oom_off();
	redisreader_free(reader);
	redisreader_free(NULL);
}

int main(void)
{
	test_kinds();
	test_refused();
	test_limits();
	test_stop();
	test_format();
	test_memory();
	return tap_end();
}

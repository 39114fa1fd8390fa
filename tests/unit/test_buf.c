/* SPDX-License-Identifier: MIT */
/* What buf promises, one line a promise. */
#include "buf.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static bool holds(const struct buf *b, const char *text)
{
	size_t len = strlen(text);

	return !b->failed && buf_len(b) == len &&
	       (!len || !memcmp(buf_bytes(b), text, len));
}

static bool begins_empty(void)
{
	struct buf b;

	buf_init(&b);
	return buf_len(&b) == 0 && !buf_bytes(&b) && !b.failed;
}

static bool joins_parts(void)
{
	struct buf b;
	bool pass;

	buf_init(&b);
	buf_append(&b, "a\0b", 3);
	pass = buf_len(&b) == 3 && !memcmp(buf_bytes(&b), "a\0b", 3);
	buf_clear(&b, 0);
	buf_puts(&b, "{\"n\":");
	buf_put_u64(&b, 0);
	buf_putc(&b, ',');
	buf_put_u64(&b, UINT64_MAX);
	buf_printf(&b, "%s%d", "}", -7);
	buf_append(&b, NULL, 0);
	pass = pass && holds(&b, "{\"n\":0,18446744073709551615}-7");
	buf_release(&b);
	return pass && begins_empty();
}

static bool prints_long_texts(void)
{
	struct buf b;
	bool pass;

	buf_init(&b);
	buf_putc(&b, 'x');
	buf_printf(&b, "%5000d", 1);
	pass = buf_len(&b) == 5001 && buf_bytes(&b)[5000] == '1';
	buf_release(&b);
	return pass;
}

/* As it does where it was not released so. */
static bool wipes(void)
{
	static const char secret[] = "a secret of some length";
	struct buf b;
	long wiped, released;

	buf_init(&b);
	buf_append(&b, secret, sizeof(secret));
	spill_watch(secret, sizeof(secret));
	buf_wipe(&b);
	wiped = spill_off();
	buf_append(&b, secret, sizeof(secret));
	spill_watch(secret, sizeof(secret));
	buf_release(&b);
	released = spill_off();
	buf_wipe(&b);
	return wiped == 0 && released == 1 && !b.base;
}

static bool capacity_doubles(void)
{
	struct buf b;
	size_t cap = 64;
	bool pass = true;

	buf_init(&b);
	for (int i = 0; i < 100000; i++) {
		buf_putc(&b, 'x');
		if (buf_len(&b) > cap)
			cap *= 2;
		pass = pass && b.cap == cap;
	}
	buf_release(&b);
	return pass;
}

/* Appends and consumes pieces of changing length; the bytes count up. */
static bool queues(void)
{
	struct buf b;
	uint8_t in = 0;
	uint8_t out = 0;
	bool pass = true;

	buf_init(&b);
	for (size_t i = 0; i < 20000; i++) {
		size_t n = i * 7 % 31;

		for (size_t k = 0; k < i * 13 % 31; k++)
			buf_putc(&b, (char)in++);
		if (n > buf_len(&b))
			n = buf_len(&b);
		for (size_t k = 0; k < n; k++)
			pass = pass && (uint8_t)buf_bytes(&b)[k] == out++;
		buf_consume(&b, n);
	}
	pass = pass && b.cap < 64 * 1024 && (uint8_t)(out + buf_len(&b)) == in;
	buf_release(&b);
	return pass;
}

static bool stays_bounded(void)
{
	struct buf b;
	bool pass;

	buf_init(&b);
	for (int i = 0; i < 1000; i++)
		buf_putc(&b, 'x');
	for (int i = 0; i < 100000; i++) {
		buf_putc(&b, 'x');
		buf_consume(&b, 1);
	}
	pass = buf_len(&b) == 1000 && b.cap <= 4096;
	buf_release(&b);
	return pass;
}

static bool reserves(void)
{
	struct buf b;
	char *out;
	bool pass;

	buf_init(&b);
	out = buf_reserve(&b, 0);
	pass = out && buf_len(&b) == 0;
	out = buf_reserve(&b, 100);
	memset(out, 'x', 100);
	buf_added(&b, 3);
	pass = pass && holds(&b, "xxx");
	buf_release(&b);
	return pass;
}

static bool cuts(void)
{
	struct buf b;
	bool pass;

	buf_init(&b);
	buf_puts(&b, "abcdef");
	buf_consume(&b, 2);
	buf_truncate(&b, 9);
	pass = holds(&b, "cdef");
	buf_truncate(&b, 3);
	pass = pass && holds(&b, "cde");
	buf_putc(&b, 'X');
	pass = pass && holds(&b, "cdeX");
	buf_consume(&b, 4);
	pass = pass && buf_len(&b) == 0 && b.start == 0;
	buf_release(&b);
	return pass;
}

static bool clear_keeps(size_t keep, bool kept)
{
	struct buf b;
	bool pass;

	buf_init(&b);
	buf_puts(&b, "abc");
	buf_clear(&b, keep);
	pass = buf_len(&b) == 0 && (b.base != NULL) == kept;
	buf_puts(&b, "d");
	pass = pass && holds(&b, "d");
	buf_release(&b);
	return pass;
}

static bool failure_sticks(void)
{
	struct buf b;
	bool pass;

	buf_init(&b);
	buf_puts(&b, "abc");
	oom_after(1);
	buf_printf(&b, "%100d", 1);
	oom_off();
	buf_putc(&b, 'd');
	buf_puts(&b, "ef");
	buf_put_u64(&b, 1);
	buf_printf(&b, "%d", 1);
	pass = b.failed && !buf_reserve(&b, 1) && buf_len(&b) == 3 &&
	       !memcmp(buf_bytes(&b), "abc", 3);
	buf_clear(&b, SIZE_MAX);
	buf_puts(&b, "again");
	pass = pass && holds(&b, "again");
	buf_release(&b);
	return pass && !b.failed;
}

static bool refuses_to_overflow(size_t n)
{
	struct buf b;
	bool pass;

	buf_init(&b);
	buf_puts(&b, "abc");
	pass = !buf_reserve(&b, n) && b.failed;
	buf_release(&b);
	return pass;
}

int main(void)
{
	ok(begins_empty(), "begins empty and without memory");
	ok(joins_parts(), "appends bytes, texts, characters and numbers");
	ok(prints_long_texts(), "prints texts of any length");
	ok(wipes(), "a wiped one leaves nothing behind");
	ok(capacity_doubles(), "capacity doubles from 64");
	ok(queues(), "gives back the bytes in the order they came");
	ok(stays_bounded(), "a queue in steady use does not grow");
	ok(reserves(), "room is reserved, and only what was added counts");
	ok(cuts(), "takes off the front and cuts the end");
	ok(clear_keeps(64, true), "clearing keeps memory up to the limit");
	ok(clear_keeps(63, false), "clearing frees memory above the limit");
	ok(failure_sticks(), "running out of memory sticks until cleared");
	ok(refuses_to_overflow(SIZE_MAX), "a length that wraps is refused");
	ok(refuses_to_overflow(SIZE_MAX - 3), "a length without double too");
	return tap_end();
}

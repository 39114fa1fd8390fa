/* SPDX-License-Identifier: MIT */
/* What base64 promises: bytes have one text, a text has one meaning. */
#include "base64.h"
#include "tap.h"

#include <string.h>

static bool puts_as(const char *bytes, const char *text)
{
	struct buf out;
	bool same;

	buf_init(&out);
	base64_put(&out, bytes, strlen(bytes));
	same = buf_len(&out) == strlen(text) &&
	       memcmp(buf_bytes(&out) ? buf_bytes(&out) : "", text,
		      strlen(text)) == 0;
	buf_release(&out);
	return same;
}

static bool reads_as(const char *text, const char *bytes, size_t len)
{
	struct buf out;
	bool same;

	buf_init(&out);
	buf_puts(&out, "<");
	same = base64_read(&out, text, strlen(text)) &&
	       buf_len(&out) == len + 1 &&
	       memcmp(buf_bytes(&out) + 1, bytes, len) == 0;
	buf_release(&out);
	return same;
}

static bool refuses(const char *text)
{
	struct buf out;
	bool refused;

	buf_init(&out);
	refused = !base64_read(&out, text, strlen(text)) && buf_len(&out) == 0;
	buf_release(&out);
	return refused;
}

/* RFC 4648 section 10, without padding. */
static void vectors(void)
{
	static const char *const pairs[][2] = {
		{"", ""},
		{"f", "Zg"},
		{"fo", "Zm8"},
		{"foo", "Zm9v"},
		{"foob", "Zm9vYg"},
		{"fooba", "Zm9vYmE"},
		{"foobar", "Zm9vYmFy"},
		{"\xfb\xff\xbf", "-_-_"},
	};
	bool put = true, read = true;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		put &= puts_as(pairs[i][0], pairs[i][1]);
		read &= reads_as(pairs[i][1], pairs[i][0], strlen(pairs[i][0]));
	}
	ok(put, "bytes become the texts of RFC 4648");
	ok(read, "and these the bytes");
	ok(reads_as("AyM1SysPpbw", "\x03\x23\x35\x4b\x2b\x0f\xa5\xbc", 8),
	   "bytes of any value");
	ok(reads_as("AAAA", "\0\0\0", 3), "zeros");
}

static void strictness(void)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789-_";
	int two = 0, three = 0;

	ok(refuses("Zg==") && refuses("Zm8=") && refuses("Zm9v="),
	   "padding is refused");
	ok(refuses("Zm9v Yg") && refuses(" Zg") && refuses("Zg\n"),
	   "so are blanks");
	ok(refuses("+/+/"), "and the other alphabet");
	ok(refuses("Z") && refuses("Zm9vY"), "a character that is no byte");
	for (const char *c = alphabet; *c; c++) {
		char text2[] = {'Z', *c, '\0'};
		char text3[] = {'Z', 'm', *c, '\0'};

		two += !refuses(text2);
		three += !refuses(text3);
	}
	ok(two == 4, "one byte: of the last character 4 of 64 are taken");
	ok(three == 16, "two bytes: 16 of 64");
}

static bool every_byte(void)
{
	bool good = true;

	for (int c = 1; c < 256; c++) {
		char text[] = {'Z', 'm', '9', (char)c, '\0'};
		bool known = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
			     (c >= '0' && c <= '9') || c == '-' || c == '_';

		good &= refuses(text) == !known;
	}
	return good;
}

static bool survives_no_memory(void)
{
	struct buf out;
	bool good;

	buf_init(&out);
	oom_after(1);
	good = base64_read(&out, "Zm9v", 4);
	oom_off();
	return good && out.failed && buf_len(&out) == 0;
}

int main(void)
{
	vectors();
	strictness();
	ok(every_byte(), "64 of all bytes are its characters");
	ok(survives_no_memory(), "out of memory is for the buf to tell");
	return tap_end();
}

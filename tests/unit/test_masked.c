/* SPDX-License-Identifier: MIT */
/* What masked promises, one line a promise. Prints TAP. */
#include "masked.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

#define ALIGNMENTS 16
#define LENGTH_MAX 80

static const unsigned char key_bytes[] = {0x12, 0xf4, 0x56, 0x78};

static uint32_t test_key(void)
{
	uint32_t key;

	memcpy(&key, key_bytes, sizeof(key));
	return key;
}

/* Section 5.3, byte by byte. */
static bool is_masked(const char *out, const char *in, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)out[i] !=
		    ((unsigned char)in[i] ^ key_bytes[i % 4]))
			return false;
	return true;
}

static void fill(char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)(i * 7 + 1);
}

/* The input ends with its memory, so that a sanitizer sees one too many. */
static bool masks_at(size_t in_at, size_t out_at, size_t len)
{
	char *in = malloc(in_at + len), *out = malloc(out_at + len + 1);
	bool same;

	fill(in, in_at + len);
	memset(out, '=', out_at + len + 1);
	masked_copy(out + out_at, in + in_at, len, test_key());
	same = is_masked(out + out_at, in + in_at, len) &&
	       out[out_at + len] == '=' && (!out_at || out[out_at - 1] == '=');
	free(in);
	free(out);
	return same;
}

static bool masks_everywhere(void)
{
	for (size_t in_at = 0; in_at < ALIGNMENTS; in_at++)
		for (size_t out_at = 0; out_at < ALIGNMENTS; out_at++)
			for (size_t len = 0; len <= LENGTH_MAX; len++)
				if (!masks_at(in_at, out_at, len))
					return false;
	return true;
}

static bool unmasks(void)
{
	char in[LENGTH_MAX], once[LENGTH_MAX], twice[LENGTH_MAX];

	fill(in, sizeof(in));
	masked_copy(once, in, sizeof(in), test_key());
	masked_copy(twice, once, sizeof(in), test_key());
	return memcmp(twice, in, sizeof(in)) == 0;
}

/* Behind what is in the buffer already. */
static bool makes_frame(size_t len)
{
	char *payload = malloc(len + 1);
	struct wsframe f;
	struct buf out;
	bool right;

	fill(payload, len);
	buf_init(&out);
	buf_puts(&out, "before");
	masked_put(&out, WSFRAME_BINARY, payload, len, test_key());
	right = buf_len(&out) > 6 && memcmp(buf_bytes(&out), "before", 6) == 0;
	buf_consume(&out, 6);
	right = right &&
		wsframe_decode(&f, (uint8_t *)buf_bytes(&out), buf_len(&out)) ==
			WSFRAME_OK &&
		f.opcode == WSFRAME_BINARY && f.masked && f.fin && !f.rsv &&
		f.payload == len && buf_len(&out) == f.header + len &&
		memcmp(f.mask, key_bytes, sizeof(f.mask)) == 0 &&
		is_masked(buf_bytes(&out) + f.header, payload, len);
	buf_release(&out);
	free(payload);
	return right;
}

static bool fails_without_memory(void)
{
	struct buf out;
	bool failed;

	buf_init(&out);
	oom_after(1);
	masked_put(&out, WSFRAME_TEXT, "x", 1, 0);
	failed = oom_off() == 1 && out.failed && buf_len(&out) == 0;
	buf_release(&out);
	return failed;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/*
 * Of a thousand random keys two are the same once in ten thousand runs; that
 * two pairs are is left out of account. Keys that are given again are many.
 */
static bool keys_differ(void)
{
	static uint32_t all[1000];
	struct masked_keys keys = {.left = 0};
	size_t n = sizeof(all) / sizeof(*all), same = 0;

	for (size_t i = 0; i < n; i++)
		if (masked_key(&keys, &all[i]) != 0)
			return false;
	qsort(all, n, sizeof(*all), compare);
	for (size_t i = 1; i < n; i++)
		same += all[i] == all[i - 1];
	return same <= 1;
}

int main(void)
{
	ok(masks_everywhere(), "each byte is masked, at any alignment");
	ok(unmasks(), "what was masked twice is as it was");
	ok(makes_frame(0) && makes_frame(125),
	   "up to 125 bytes: a short header");
	ok(makes_frame(126) && makes_frame(65535), "126 to 65535: 16 bits");
	ok(makes_frame(65536), "from 65536: 64 bits");
	ok(fails_without_memory(), "out of memory marks the buffer");
	ok(keys_differ(), "a thousand keys are as many");
	return tap_end();
}

/* SPDX-License-Identifier: MIT */
/* What loadframe promises, one line a promise. Prints TAP. */
#include "loadframe.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

/* A masked frame, unmasked again, is what went in. */
static bool round_trips(size_t len)
{
	static const char key[] = {0x12, 0x34, 0x56, 0x78};
	char *payload = calloc(1, len + 1);
	struct wsframe frame;
	struct buf out;
	uint32_t mask;
	bool same;

	for (size_t i = 0; i < len; i++)
		payload[i] = (char)(i * 7);
	memcpy(&mask, key, sizeof(mask));
	buf_init(&out);
	loadframe_put(&out, WSFRAME_TEXT, payload, len, mask);
	same = wsframe_decode(&frame, (uint8_t *)buf_bytes(&out),
			      buf_len(&out)) == WSFRAME_OK &&
	       frame.masked && frame.fin && frame.payload == len &&
	       buf_len(&out) == frame.header + len &&
	       memcmp(frame.mask, key, sizeof(key)) == 0;
	for (size_t i = 0; same && i < len; i++)
		same = (char)(buf_bytes(&out)[frame.header + i] ^ key[i % 4]) ==
		       payload[i];
	buf_release(&out);
	free(payload);
	return same;
}

static bool all_round_trip(void)
{
	for (size_t len = 0; len < 200; len++)
		if (!round_trips(len))
			return false;
	return round_trips(65535) && round_trips(65536);
}

/* Frames of one size, of another, tiny ones, and equal ones again. */
static const size_t lens[] = {130, 130, 130, 5, 5, 0, 0, 1, 300, 130, 0, 2};

#define FRAMES (sizeof(lens) / sizeof(lens[0]))

static size_t make_stream(char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < FRAMES; i++) {
		n += wsframe_encode((uint8_t *)out + n, WSFRAME_TEXT, lens[i]);
		memset(out + n, (int)('a' + i), lens[i]);
		n += lens[i];
	}
	return n;
}

/* Walks [0, n) of the stream in a copy that ends there; returns the frames. */
static size_t walk_prefix(const char *stream, size_t n, size_t *left)
{
	char *copy = malloc(n + 1);
	struct loadframe_walk walk;
	size_t count = 0;

	memcpy(copy, stream, n);
	loadframe_begin(&walk, copy, n);
	while (loadframe_next(&walk) == WSFRAME_OK) {
		if (count == FRAMES || walk.frame.payload != lens[count] ||
		    (lens[count] && walk.payload[0] != (char)('a' + count)))
			count = FRAMES; /* wrong: more than there are */
		count++;
	}
	*left = (size_t)(walk.end - walk.at);
	free(copy);
	return count;
}

static bool every_cut_is_found(const char *stream, size_t n)
{
	size_t whole = 0; /* frames that end at or before the cut */
	size_t end = 0;	  /* of the last of them */
	size_t left;

	for (size_t cut = 0; cut <= n; cut++) {
		while (whole < FRAMES) {
			size_t next =
				end + lens[whole] + (lens[whole] < 126 ? 2 : 4);

			if (next > cut)
				break;
			end = next;
			whole++;
		}
		if (walk_prefix(stream, cut, &left) != whole ||
		    left != cut - end)
			return false;
	}
	return true;
}

static enum wsframe_result walk_bad(void)
{
	static const char bytes[] = "\x81\x01x\x83\x01y";
	struct loadframe_walk walk;

	loadframe_begin(&walk, bytes, sizeof(bytes) - 1);
	loadframe_next(&walk);
	return loadframe_next(&walk);
}

static bool fails_without_memory(void)
{
	struct buf out;
	bool failed;

	buf_init(&out);
	oom_after(1);
	loadframe_put(&out, WSFRAME_TEXT, "x", 1, 0);
	failed = oom_off() == 1 && out.failed && buf_len(&out) == 0;
	buf_release(&out);
	return failed;
}

int main(void)
{
	static char stream[2000];
	size_t n = make_stream(stream);

	ok(all_round_trip(), "what was masked unmasks to the same");
	ok(every_cut_is_found(stream, n),
	   "cut anywhere, whole frames come out and the rest stays");
	ok(walk_bad() == WSFRAME_BAD_OPCODE, "a bad frame is told as such");
	ok(fails_without_memory(), "out of memory marks the buffer");
	return tap_end();
}

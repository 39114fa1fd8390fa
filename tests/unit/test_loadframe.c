/* SPDX-License-Identifier: MIT */
/* What loadframe promises, one line a promise. Prints TAP. */
#include "loadframe.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

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

int main(void)
{
	static char stream[2000];
	size_t n = make_stream(stream);

	ok(every_cut_is_found(stream, n),
	   "cut anywhere, whole frames come out and the rest stays");
	ok(walk_bad() == WSFRAME_BAD_OPCODE, "a bad frame is told as such");
	return tap_end();
}

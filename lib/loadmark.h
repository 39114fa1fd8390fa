/* SPDX-License-Identifier: MIT */
/*
 * loadmark - the updates that wsbench publishes: JSON of an exact size that
 * says which run, flow and position it has and when it was due.
 *
 *     {"wsbench":"RRRRRRRRFFFFFFFFSSSSSSSSTTTTTTTTTTTTTTTTxxx…xxx"}
 *
 * All numbers are hexadecimal digits of a fixed width, so that one is written
 * and read in a few word operations and at a fixed offset. The run keeps
 * updates of another wsbench on the same tenant apart.
 */
#ifndef LOADMARK_H
#define LOADMARK_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LOADMARK_MIN 54 /* bytes of the smallest update */

/* Offsets in an update. */
#define LOADMARK_FLOW 20
#define LOADMARK_SEQ 28
#define LOADMARK_TIME 36
#define LOADMARK_PAD 52

struct loadmark {
	uint32_t flow;
	uint32_t seq;  /* within the flow, from 0 */
	uint64_t time; /* when it was due, CLOCK_MONOTONIC in ns */
};

/* What reading the updates of a run needs; set by loadmark_reader_init(). */
struct loadmark_reader {
	char head[LOADMARK_FLOW]; /* how an update of the run begins */
	char digits[16];	  /* the time that was read last … */
	uint64_t time;		  /* … and its value: many have the same */
};

/* Writes an update of `size` bytes (at least LOADMARK_MIN), all fields 0. */
void loadmark_make(char *update, size_t size, uint32_t run);

/* Sets the fields of an update that loadmark_make() wrote. */
void loadmark_set(char *update, const struct loadmark *mark);

void loadmark_reader_init(struct loadmark_reader *reader, uint32_t run);

/* Reads a time that differs from the last one; for loadmark_read(). */
void loadmark_read_time(struct loadmark_reader *reader, const char *digits);

/*
 * Eight hexadecimal digits at once: each step joins neighbours, in bytes,
 * pairs of bytes, and so on.
 */
static inline uint32_t loadmark_hex(const char *digits)
{
	uint64_t x;

	memcpy(&x, digits, sizeof(x));
	x = le64toh(x);
	x = (x & 0x0f0f0f0f0f0f0f0f) + (x >> 6 & 0x0101010101010101) * 9;
	x = (x << 4 | x >> 8) & 0x00ff00ff00ff00ff;
	x = (x << 8 | x >> 16) & 0x0000ffff0000ffff;
	return (uint32_t)(x << 16 | x >> 32);
}

/*
 * Reads the fields when `text` begins with an update of this run; false
 * otherwise. Inline, as it is done for every delivery.
 */
static inline bool loadmark_read(struct loadmark *mark,
				 struct loadmark_reader *reader,
				 const char *text, size_t len)
{
	if (len < LOADMARK_MIN ||
	    memcmp(text, reader->head, sizeof(reader->head)) != 0)
		return false;
	mark->flow = loadmark_hex(text + LOADMARK_FLOW);
	mark->seq = loadmark_hex(text + LOADMARK_SEQ);
	if (memcmp(text + LOADMARK_TIME, reader->digits,
		   sizeof(reader->digits)) != 0)
		loadmark_read_time(reader, text + LOADMARK_TIME);
	mark->time = reader->time;
	return true;
}

/*
 * The same for an update of `size` bytes anywhere within `text`; quick when
 * it stands at the end of an object, as the "data" of an UPDATE does.
 */
bool loadmark_find(struct loadmark *mark, struct loadmark_reader *reader,
		   const char *text, size_t len, size_t size);

#endif

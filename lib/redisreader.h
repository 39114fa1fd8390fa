/* SPDX-License-Identifier: MIT */
/*
 * redisreader - bytes that came from a Redis, to replies; and commands to
 * bytes. RESP2, by the two parts of hiredis that do no I/O: redisReader and
 * redisFormatCommandArgv. All that differs between hiredis 0.14 and 1.3 is in
 * here.
 *
 * The other side is not trusted. hiredis itself has no limit for a string or a
 * line, allows 2^32 elements, does not look at what follows a string, and takes
 * RESP3, which was not asked for. So each reply has a limit of memory, of
 * elements and of depth, which is checked before anything is allocated for
 * what it announces; a reply above one, or one that is malformed, ends it all.
 *
 * A whole reply lives in one arena that is used again for the next: in the
 * steady state nothing is allocated.
 */
#ifndef REDISREADER_H
#define REDISREADER_H

#include "buf.h"
#include "redisreply.h"

#include <stdbool.h>
#include <stddef.h>

/* Arrays within arrays; XREADGROUP has four. hiredis 0.14 has no more. */
#define REDISREADER_DEPTH_MAX 7

/* Bytes of a status, an error or a number. */
#define REDISREADER_LINE_MAX 65536

/* Defaults, where a limit is 0. */
#define REDISREADER_BYTES_MAX (64 << 20)
#define REDISREADER_ELEMENTS_MAX (256 << 10)

struct redisreader_limits {
	/*
	 * Memory of one reply: its texts, and a struct redisreply for each
	 * element. What has come of it is held once more by hiredis, in a
	 * buffer that may be twice as large; so one connection holds up to
	 * three times this.
	 */
	size_t bytes;
	size_t elements; /* of one reply: all that it has, at any depth */
};

struct redisreader;

/* Whether to go on with the next reply. */
typedef bool redisreader_each(void *user, const struct redisreply *reply);

/* NULL when out of memory. `limits` is copied; NULL: the defaults. */
struct redisreader *redisreader_new(const struct redisreader_limits *limits);
void redisreader_free(struct redisreader *reader); /* NULL is allowed */

/* Forgets all that came: for a new connection. -1 when out of memory. */
int redisreader_restart(struct redisreader *reader);

/*
 * Takes bytes as they came, cut anywhere, and calls `each` with every reply
 * that is whole now. When that returns false, the rest of the bytes is dropped:
 * the connection is at its end. 0, or -1 when they are no reply of a Redis or
 * above a limit; redisreader_trouble() says it. Not to be called from `each`.
 */
int redisreader_feed(struct redisreader *reader, const char *bytes, size_t len,
		     redisreader_each *each, void *user);

/* What is wrong, as part of a sentence: "a reply of more than 64 MiB". */
const char *redisreader_trouble(const struct redisreader *reader);

/* Whether it is that: a reply above a limit. */
bool redisreader_oversize(const struct redisreader *reader);

/*
 * Appends a command of `count` words to `out`; `lens` has their bytes, or is
 * NULL when all are strings. 0, or -1 with errno ENOMEM; `out` is then as it
 * was.
 */
int redisreader_format(struct buf *out, size_t count, const char *const *words,
		       const size_t *lens);

#endif

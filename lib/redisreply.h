/* SPDX-License-Identifier: MIT */
/*
 * redisreply - a reply of Redis as a tree (RESP2, the Redis serialization
 * protocol). Who reads it from bytes is redisreader.c; here is only what it
 * looks like, so that what replies mean needs no network.
 *
 * A reply belongs to its reader. It is valid until the callback returns that
 * got it; what is to stay is copied.
 */
#ifndef REDISREPLY_H
#define REDISREPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum redisreply_type {
	REDISREPLY_NIL,	    /* no string or no array: there is none */
	REDISREPLY_STATUS,  /* text: "OK" */
	REDISREPLY_ERROR,   /* text: "NOPERM this user has no permissions…" */
	REDISREPLY_INTEGER, /* integer */
	REDISREPLY_BULK,    /* text: any bytes */
	REDISREPLY_ARRAY,   /* items */
};

struct redisreply {
	enum redisreply_type type;
	int64_t integer;
	/* Any bytes; a NUL follows them that is not counted. NULL: no text. */
	const char *text;
	size_t len;
	struct redisreply *items; /* `count` of them; NULL when that is 0 */
	size_t count;
};

/* Whether it is a status or a bulk string with exactly this text. */
bool redisreply_is(const struct redisreply *reply, const char *text);

/* The same, whatever the case of ASCII letters. */
bool redisreply_is_nocase(const struct redisreply *reply, const char *text);

/*
 * Whether it is an error with this code, which is its first word: "NOGROUP"; or
 * any error when `code` is NULL. False for no reply (NULL) too.
 */
bool redisreply_is_error(const struct redisreply *reply, const char *code);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * masked - WebSocket frames as a client sends them, RFC 6455 section 5.3:
 * the payload is masked, each frame's with a key of its own.
 */
#ifndef MASKED_H
#define MASKED_H

#include "buf.h"
#include "wsframe.h"

/*
 * Copies `len` bytes and masks them on the way with the four bytes of `key`,
 * as they lie in memory. Masking twice with one key gives the same bytes
 * again. `out` and `in` do not overlap, and need no alignment.
 */
void masked_copy(char *out, const char *in, size_t len, uint32_t key);

/*
 * Appends a final, masked frame to `out`. Any key is correct on the wire; one
 * that the author of the payload cannot predict is masked_key()'s. When out of
 * memory nothing is appended, and `out` has failed.
 */
void masked_put(struct buf *out, enum wsframe_opcode opcode,
		const char *payload, size_t len, uint32_t key);

/* As many keys as the kernel gives whole, without being interrupted. */
#define MASKED_KEYS 64

/* Keys that nobody can predict. All zero: none were fetched yet. */
struct masked_keys {
	uint32_t keys[MASKED_KEYS];
	unsigned left; /* the first ones; the others were used */
};

/*
 * Takes the next key, after a system call for every MASKED_KEYS of them. 0, or
 * -1 with errno when there are no random bytes.
 */
int masked_key(struct masked_keys *keys, uint32_t *key);

#endif

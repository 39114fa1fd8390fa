/* SPDX-License-Identifier: MIT */
/*
 * tokens - all that a configuration has to check tokens with: keys for JSON
 * Web Tokens, static tokens, and what is asked of a token.
 *
 * Read once; to read again, make a new one and free the old: grants borrow
 * nothing. Checking does no I/O and changes nothing, so several threads may
 * check with the same one.
 */
#ifndef TOKENS_H
#define TOKENS_H

#include "claims.h"
#include "grant.h"
#include "refusal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a token; a longer one is refused unseen. */
#define TOKENS_MAX 16384

/* Room for a reason, with its NUL: with the path of the file. */
#define TOKENS_WHY_MAX 1000

struct tokens_config {
	const char *const *keys; /* see keyfile_add(); borrowed while read */
	size_t keys_count;
	const char *const *lists; /* files of static tokens; borrowed so too */
	size_t lists_count;
	struct claims_expected expected; /* texts are borrowed for good */
};

struct tokens;

/*
 * Reads all files. NULL and `why`: "'jwt.pem': others can write it: its mode
 * is 0666"; it has nothing of a key or token.
 */
struct tokens *tokens_new(const struct tokens_config *c,
			  char why[TOKENS_WHY_MAX]);

/* NULL is allowed. */
void tokens_free(struct tokens *t);

/*
 * Whether a token is good at `now`, in seconds since 1970. REFUSAL_NONE:
 * `*grant` is the caller's. Else why not, which is for the log alone.
 */
enum refusal tokens_check(const struct tokens *t, const char *token, size_t len,
			  int64_t now, struct grant **grant);

/*
 * Whether what gave a grant is still there, after files were read anew: of a
 * static token, whether a list has it and it may do all that the grant allows.
 * A JWT is not looked up anywhere, so this is true of each: it ends when it
 * expires.
 */
bool tokens_still_listed(const struct tokens *t, const struct grant *g);

/* Keys in JWKS files that are of other kinds and so were passed over. */
size_t tokens_passed_over(const struct tokens *t);

#endif

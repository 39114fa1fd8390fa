/* SPDX-License-Identifier: MIT */
/*
 * tokenlist - static tokens, for machines: a file with the SHA-256 of each.
 *
 * A line is the hash in lower-case hex, a name for the log (of the characters
 * of a tenant id) and rights, with blanks between:
 *
 *	<64 digits> ci subscribe=acme-*,beta publish=* admin
 *
 * Each right is there at most once; a line may have none. Blank lines and
 * those that begin with '#' say nothing. Lines end in LF or CR LF. No hash is
 * there twice. Who reads the
 * file cannot make a token of it, if the tokens are random; so others may read
 * it, but not write it.
 */
#ifndef TOKENLIST_H
#define TOKENLIST_H

#include "buf.h"
#include "grant.h"
#include "hash.h"
#include "map.h"
#include "refusal.h"
#include "rights.h"

#include <stddef.h>

#define TOKENLIST_MAX 100000	      /* tokens, of all files together */
#define TOKENLIST_FILE_MAX (16 << 20) /* bytes; a larger one is refused */

/* Room for a reason, with its NUL; it does not name the file. */
#define TOKENLIST_WHY_MAX 200

struct tokenlist_entry {
	struct map_node node; /* in `entries`, by the hash of its token */
	struct grant *grant;  /* owned; `fixed` */
};

struct tokenlist {
	struct map entries; /* has no buckets while there is none */
	struct hash_key key;
};

void tokenlist_init(struct tokenlist *l);
void tokenlist_release(struct tokenlist *l);

/*
 * Adds the tokens of a text, or of the file at `path`. 0, or -1 and `why`, with
 * the line ("line 3: …"); some may have been added then.
 */
int tokenlist_parse(struct tokenlist *l, const char *text, size_t len,
		    char why[TOKENLIST_WHY_MAX]);
int tokenlist_load(struct tokenlist *l, const char *path,
		   char why[TOKENLIST_WHY_MAX]);

/*
 * What a token gives, borrowed: REFUSAL_NONE. REFUSAL_UNKNOWN when it is none
 * of these, REFUSAL_NO_MEMORY when it cannot be hashed.
 */
enum refusal tokenlist_find(const struct tokenlist *l, const char *token,
			    size_t len, const struct grant **found);

/* The same of a token of which only the hash is known; NULL: none of these. */
const struct grant *tokenlist_find_hash(const struct tokenlist *l,
					const uint8_t hash[GRANT_HASH]);

/* Whether a text can be a name on a line. */
bool tokenlist_name_valid(const char *name, size_t len);

/* Appends the line of a token, with its newline. -1: libcrypto cannot. */
int tokenlist_put(struct buf *out, const char *token, size_t len,
		  const char *name, const struct rights *rights);

#endif

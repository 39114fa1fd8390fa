/* SPDX-License-Identifier: MIT */
/*
 * jsonlist - a small JSON object as a whole, and the items of an array.
 *
 * For what is signed or trusted: where two readers could take different
 * members of the same name, there is none. An object that has a name twice,
 * compared after unescaping, is refused, whether anybody asks for that name or
 * not.
 */
#ifndef JSONLIST_H
#define JSONLIST_H

#include "json.h"

/* Members of an object; more are refused. */
#define JSONLIST_MAX 100

enum jsonlist_result {
	JSONLIST_OK,
	JSONLIST_NOT_OBJECT, /* not JSON, or not an object */
	JSONLIST_TWICE,	     /* a name is there twice */
	JSONLIST_TOO_MANY,
	JSONLIST_NO_MEMORY,
};

/* Embedded; its values point into the text. */
struct jsonlist {
	char *names; /* owned: unescaped, one after the other */
	size_t count;
	struct {
		const char *name; /* in `names`; may have a NUL */
		size_t len;
		struct json_value value;
	} members[JSONLIST_MAX];
};

/*
 * Reads the object that `text` is. On any other result than JSONLIST_OK there
 * is nothing to release.
 */
enum jsonlist_result jsonlist_read(struct jsonlist *l, const char *text,
				   size_t len);
void jsonlist_release(struct jsonlist *l);

/* The value of the member `name`, or NULL. */
const struct json_value *jsonlist_get(const struct jsonlist *l,
				      const char *name);

const char *jsonlist_strerror(enum jsonlist_result result);

/*
 * The items of an array, one after the other. `*at` begins as NULL; `array`
 * was checked. False at its end.
 */
bool jsonlist_next(const struct json_value *array, const char **at,
		   struct json_value *item);

#endif

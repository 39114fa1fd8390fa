/* SPDX-License-Identifier: MIT */
/*
 * route - finds the tenant of a JSON document within the document itself.
 *
 * The tenant stands in the member that a dotted path names, and that member is
 * to be taken out with its comma; a key may stand in another one, which stays.
 * No other byte of the document changes. The document is checked whole in the
 * same pass. Nothing is allocated.
 */
#ifndef ROUTE_H
#define ROUTE_H

#include "json.h"
#include "proto.h"
#include "tenant.h"

#define ROUTE_NAMES_MAX 16 /* names in a path */

/* "a.b.c" cut at its dots. A name cannot have a dot in it. */
struct route_path {
	const char *text; /* borrowed, NUL-ended; NULL where none is wanted */
	size_t names;
	struct {
		const char *bytes;
		size_t len;
	} name[ROUTE_NAMES_MAX];
};

struct route {
	struct route_path tenant;
	struct route_path key;
};

enum route_result {
	ROUTE_OK,
	ROUTE_NOT_JSON,	  /* found.json says why */
	ROUTE_NOT_OBJECT, /* JSON, but the document is not an object */
	ROUTE_MISSING,
	ROUTE_TWICE, /* two readers might take different ones */
	ROUTE_WRONG_TYPE,
	ROUTE_BAD_TENANT,
	ROUTE_BAD_KEY, /* empty, above PROTO_KEY_MAX or not Unicode */
};

/* What a document says. */
struct route_found {
	char tenant[TENANT_MAX];
	size_t tenant_len;
	char key[PROTO_KEY_MAX];
	size_t key_len;
	size_t cut;	/* offset of what is to be taken out */
	size_t cut_len; /* 0: nothing */

	/* Of any result but ROUTE_OK: */
	const char *field;     /* path that it is about, borrowed; or NULL */
	size_t offset;	       /* of the byte that is wrong */
	enum json_result json; /* of ROUTE_NOT_JSON */
};

/*
 * Takes the paths, borrowed; either may be NULL. 0, or -1 with errno EINVAL
 * when one has an empty name or more than ROUTE_NAMES_MAX of them.
 */
int route_init(struct route *route, const char *tenant_field,
	       const char *key_field);

/* Whether any path is wanted; without one there is nothing to read. */
static inline bool route_wanted(const struct route *route)
{
	return route->tenant.text || route->key.text;
}

/*
 * Reads the document `text`. A string counts as its text after unescaping, an
 * integer as its digits.
 */
enum route_result route_read(const struct route *route, const char *text,
			     size_t len, struct route_found *found);

/*
 * Takes the cut out of the document in place, by moving the shorter side of
 * it. Returns where the document begins now; `*len` is changed to its length.
 */
char *route_remove(char *text, size_t *len, const struct route_found *found);

/* A static text: "is missing", "is not a tenant id", … for after the field. */
const char *route_strerror(enum route_result result);

#endif

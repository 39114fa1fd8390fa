/* SPDX-License-Identifier: MIT */
/*
 * rights - what somebody may do: the one place that decides.
 *
 * For subscribing and for publishing there is a list of tenant patterns each; a
 * tenant is allowed when one of them matches. A pattern is a tenant id, which
 * matches itself; the beginning of one and '*', which matches all that begin
 * so ("acme-*", also "acme-" itself); or '*', which matches all. A '*' stands
 * nowhere else. The third right, `admin`, has no tenant and gives none of the
 * others. Nothing is allowed at first.
 */
#ifndef RIGHTS_H
#define RIGHTS_H

#include "buf.h"

#include <stdbool.h>
#include <stddef.h>

#define RIGHTS_MAX 256 /* patterns of a list */

enum rights_what {
	RIGHTS_SUBSCRIBE,
	RIGHTS_PUBLISH,
};

#define RIGHTS_KINDS 2

enum rights_result {
	RIGHTS_OK,
	RIGHTS_BAD_PATTERN,
	RIGHTS_TOO_MANY,
	RIGHTS_NO_MEMORY,
};

struct rights {
	struct {
		struct buf
			text; /* each pattern behind a byte with its length */
		size_t count;
	} lists[RIGHTS_KINDS];
	bool admin; /* may see and do what concerns all tenants */
};

void rights_init(struct rights *r);
void rights_release(struct rights *r);

/*
 * Whether it may do this with a tenant; `tenant` is a valid id, or TENANT_ALL,
 * which only the pattern '*' allows.
 */
bool rights_may(const struct rights *r, enum rights_what what,
		const char *tenant, size_t len);

/* Whether it may do this with some tenant. */
static inline bool rights_may_some(const struct rights *r,
				   enum rights_what what)
{
	return r->lists[what].count > 0;
}

/* Allows a pattern; on any result but RIGHTS_OK nothing more is allowed. */
enum rights_result rights_allow(struct rights *r, enum rights_what what,
				const char *pattern, size_t len);

/* The same for a tenant id, and for that alone: "*" and "a*" are none. */
enum rights_result rights_allow_tenant(struct rights *r, enum rights_what what,
				       const char *tenant, size_t len);

/* Whether all that `inner` allows is allowed by `outer` as well. */
bool rights_within(const struct rights *inner, const struct rights *outer);

/* Makes `to`, which is initialized, hold the same. 0, or -1 for ENOMEM. */
int rights_copy(struct rights *to, const struct rights *from);

/*
 * The patterns, in the order in which they were allowed: the next one and its
 * length, borrowed, not ended by a NUL; `*at` begins as 0. NULL at the end.
 */
const char *rights_next(const struct rights *r, enum rights_what what,
			size_t *at, size_t *len);

/* Whether a text is a pattern. */
bool rights_pattern_valid(const char *pattern, size_t len);

/* "subscribe", "publish" */
const char *rights_name(enum rights_what what);

const char *rights_strerror(enum rights_result result);

#endif

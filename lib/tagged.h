/* SPDX-License-Identifier: MIT */
/*
 * tagged - an update that says whose it is: the member tenantId is put first
 * into its object, and no other byte changes. Who takes it out again, as
 * `wspub --tenant-field tenantId` does, has the update.
 */
#ifndef TAGGED_H
#define TAGGED_H

#include "buf.h"
#include "request.h"

#include <stddef.h>

enum tagged_result {
	TAGGED_OK,
	TAGGED_NOT_OBJECT, /* it has no members */
	TAGGED_TAKEN,	   /* it has such a member of its own */
};

/*
 * Appends it; `data` is the update, JSON without blanks around it, and the
 * tenant is valid. Out of memory is seen by out->failed.
 */
enum tagged_result tagged_put(struct buf *out, struct request_text tenant,
			      const char *data, size_t len);

/* Why it can't be one: "not a JSON object, …". */
const char *tagged_strerror(enum tagged_result result);

#endif

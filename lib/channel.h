/* SPDX-License-Identifier: MIT */
/*
 * channel - takes the tenant from the name of a channel, by a template such as
 * "jobs:{}": what stands where the braces stand is the tenant, and all around
 * it must be the same, byte for byte. Nothing is allocated.
 */
#ifndef CHANNEL_H
#define CHANNEL_H

#include "request.h"

struct channel_template {
	const char *text;   /* borrowed */
	size_t before;	    /* bytes of it before the braces */
	const char *behind; /* what follows them, in `text` */
	size_t behind_len;
};

enum channel_result {
	CHANNEL_OK,
	CHANNEL_OTHER,	    /* it does not match the template */
	CHANNEL_BAD_TENANT, /* it does, but with no valid tenant id */
};

/*
 * Takes a template, borrowed. 0, or -1 with errno EINVAL when "{}" is not in it
 * exactly once; other braces stand for themselves.
 */
int channel_init(struct channel_template *t, const char *text);

/*
 * Finds the tenant in the `len` bytes of a name; it borrows from them, and is
 * set only on CHANNEL_OK.
 */
enum channel_result channel_tenant(const struct channel_template *t,
				   const char *name, size_t len,
				   struct request_text *tenant);

/* A static text for after the name: "does not match the template", … */
const char *channel_strerror(enum channel_result result);

#endif

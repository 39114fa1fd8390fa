/* SPDX-License-Identifier: MIT */
/*
 * routing - what a message of Redis is to be published as, and for which
 * tenant: that which it names, or that which its channel names.
 */
#ifndef ROUTING_H
#define ROUTING_H

#include "channel.h"
#include "document.h"
#include "origin.h"

struct routing_config {
	const char *tenant_field;   /* a path; NULL: */
	const char *tenant_channel; /* a template, see channel.h */
};

struct routing {
	struct document_rules rules;
	struct channel_template template;
	bool by_channel;
	struct buf text;    /* the message at hand */
	struct buf scratch; /* for document_read() */
};

#define ROUTING_WHY_MAX (DOCUMENT_WHY_MAX + 40)

/*
 * 0, or -1 with errno EINVAL when the path or the template is none;
 * routing_release() is harmless then. The texts are borrowed.
 */
int routing_init(struct routing *r, const struct routing_config *config);
void routing_release(struct routing *r);

/* Bytes that an update may have, from now on; 0: no limit. */
void routing_limit(struct routing *r, uint64_t max);

enum routing_result {
	ROUTING_OK,
	ROUTING_BAD,	   /* it can't be published; `why` says why */
	ROUTING_NO_MEMORY, /* it could not be looked at */
};

/*
 * Reads origin->message, a copy of it; sets origin->tenant and `doc` when it is
 * OK, which borrow until the next one.
 */
enum routing_result routing_read(struct routing *r, struct origin *origin,
				 struct document *doc,
				 char why[ROUTING_WHY_MAX]);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * document - one input of a publisher, on its way to be an update: checked,
 * its tenant taken out of it, made a JSON string where it is plain text.
 *
 * What can be known to be wrong is found here, before anything is sent, so
 * that a message can say line and column. A document comes out as it went in,
 * but for the tenant's member, blanks around it, and newlines, which can stand
 * only between tokens and become spaces.
 */
#ifndef DOCUMENT_H
#define DOCUMENT_H

#include "request.h"
#include "route.h"

struct document_rules {
	struct route route;
	struct request_text tenant; /* of all; bytes NULL: route finds it */
	bool raw;		    /* the input is text, not JSON */
	uint64_t max;		    /* bytes of an update; 0: no limit */
};

/* What it becomes; borrows from the input, the rules, and from `found`. */
struct document {
	struct request_text tenant;
	struct request_text key; /* bytes NULL: none */
	const char *data;	 /* JSON without newlines */
	size_t len;
	struct route_found found;
};

#define DOCUMENT_WHY_MAX 160

/* Why it can't be published. */
struct document_fault {
	size_t offset; /* of the byte that is wrong; 0 where it is all of it */
	char why[DOCUMENT_WHY_MAX]; /* "unexpected character" */
};

/*
 * Reads the `len` bytes at `text`, which it changes only when it succeeds.
 * `scratch` is for its own use and has to outlive `doc`. 0, or -1 with `fault`
 * set; out of memory is a fault too.
 */
int document_read(struct document *doc, const struct document_rules *rules,
		  char *text, size_t len, struct buf *scratch,
		  struct document_fault *fault);

#endif

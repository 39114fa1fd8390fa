/* SPDX-License-Identifier: MIT */
/*
 * renewal - what becomes of the token that a client shows: whether it is shown
 * at all, whether another attempt makes sense after it was refused, and which
 * one takes its place before it ends.
 *
 * One that a server does not take ends the client, unless its file has another
 * by then; who is patient waits for that, and may show the same again in case
 * it is the server that changes. One that has expired is never shown again.
 *
 * Without I/O, but for the file of the token.
 */
#ifndef RENEWAL_H
#define RENEWAL_H

#include "answer.h"
#include "bearer.h"
#include "failure.h"

/* The id of our AUTH, which no other request has. */
#define RENEWAL_ID PROTO_NUMBER_MAX

struct renewal {
	struct bearer *bearer; /* borrowed; NULL: there is no token */
	const char *url;       /* borrowed; for messages */
	bool patient;

	/* On this connection: */
	bool known;  /* the server has taken it */
	bool due;    /* it is to be sent, see renewal_put() */
	bool warned; /* that it expires */
};

/*
 * Another attempt: reads the token. 0, or -1 when it is not to be made, and
 * `f` says why.
 */
int renewal_begin(struct renewal *r, struct failure *f);

/* The server has accepted the handshake. */
void renewal_opened(struct renewal *r);

/* It closed the connection with `code`; `f` may become another. */
void renewal_closed(struct renewal *r, unsigned code, struct failure *f);

/* Whether another attempt makes sense after f->token. */
bool renewal_hopes(struct renewal *r);

/*
 * An answer of the server: false when it is about something else. Else `text`
 * is a warning for people, or empty, and r->due may be true.
 */
bool renewal_answer(struct renewal *r, const struct answer *answer,
		    char text[FAILURE_TEXT_MAX]);

/*
 * Has the token shown again, or another that is in its file by now: what it
 * allows may have changed.
 */
void renewal_again(struct renewal *r);

/* Appends the AUTH that is due; wipe it. */
void renewal_put(struct renewal *r, struct buf *out);

#endif

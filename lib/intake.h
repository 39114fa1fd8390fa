/* SPDX-License-Identifier: MIT */
/*
 * intake - cuts what arrives on a WebSocket into texts: whole messages, or
 * the lines of a message, each as soon as it is whole.
 *
 * Input can be stopped at any text and goes on from the next one; what comes
 * meanwhile waits. It holds at most one message, whose size has a limit. A
 * text is handed over once and never copied when it came in one piece.
 */
#ifndef INTAKE_H
#define INTAKE_H

#include "buf.h"

struct intake;

/*
 * Gets a text without its newline; may set in->stopped or in->ended. The text
 * is borrowed for the call.
 */
typedef void intake_fn(struct intake *in, const char *text, size_t len);

struct intake {
	intake_fn *text;
	uint64_t message; /* messages so far, this one included */
	struct buf rest;  /* what came and was not handed over */
	uint32_t max;	  /* bytes of a message */
	uint32_t size;	  /* bytes of this message so far */
	uint32_t line;	  /* lines of this message so far */
	bool rest_final;  /* rest reaches to the message's end */
	bool lines;	  /* a line is a text; else a message is */
	bool stopped;	  /* hand nothing over */
	bool ended;	  /* never again */
};

/* A piece of a message as it came from the peer. */
struct intake_piece {
	const char *bytes; /* unmasked payload; not NULL */
	size_t len;
	uint64_t announced; /* bytes of the frame that are still to come */
	bool first;	    /* of its message */
	bool final;	    /* the message ends with it */
	bool binary;	    /* opcode; of the first piece */
};

enum intake_result {
	INTAKE_OK,
	INTAKE_BINARY,	/* not a text message */
	INTAKE_TOO_BIG, /* above max; known from the frame header already */
	INTAKE_NO_MEMORY,
};

void intake_init(struct intake *in, bool lines, uint64_t max, intake_fn *text);
void intake_release(struct intake *in);

/* Takes a piece. After anything but INTAKE_OK the connection must end. */
enum intake_result intake_take(struct intake *in,
			       const struct intake_piece *piece);

/* Goes on with what waits, until that is empty or input stops again. */
void intake_resume(struct intake *in);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * hostile - a peer that means harm: what its engine (hostile.c) and its
 * scripts (hostilescripts.c) have in common.
 */
#ifndef HOSTILE_H
#define HOSTILE_H

#include "buf.h"
#include "wire.h"

/* What a connection does when that which its script put out has left. */
enum next {
	ACT,   /* asks the script again, after the interval if there is one */
	REST,  /* nothing, until the server ends it */
	RESET, /* ends by a reset, and begins anew */
};

struct hostile;

/* One connection; it is opened again whenever it has ended. */
struct peer {
	int fd;		 /* -1: none */
	unsigned number; /* from 0 */
	uint64_t acts;	 /* since it is open: asked its script so often */
	uint64_t due_ms; /* asks, or is opened, not before */
	struct buf out;	 /* has not left yet */
	enum next next;
	bool open;  /* hands are shaken, or the script does that itself */
	bool tried; /* did something, or was not let */
};

struct script {
	const char *name;
	const char *what;     /* it does; for the usage */
	const char *unit;     /* of what it counts: "pings" */
	const char *protocol; /* NULL: the script shakes hands, or does not */
	unsigned peers;	      /* connections, unless it is told how many */
	unsigned interval_ms; /* the same, for the interval */
	bool deaf;	      /* never reads, once hands are shaken */
	/* Puts into p->out what comes next, and counts it by hostile_did(). */
	enum next (*act)(struct hostile *h, struct peer *p);
};

/* Ends with one whose name is NULL. */
extern const struct script hostile_scripts[];

/* It did `n` of what the script counts. */
void hostile_did(struct hostile *h, uint64_t n);

/* 0 to sides - 1; the same numbers for the same seed. */
unsigned hostile_dice(struct hostile *h, unsigned sides);

/* Bytes of what is to be large. */
size_t hostile_large(const struct hostile *h);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * roster - objects with numbers, in the order of these, where each new one has
 * a higher number than all before.
 *
 * So it is an array to whose end they come, and one is found by halving. Who
 * leaves leaves a hole behind; at most half of it is holes. It does not shrink.
 */
#ifndef ROSTER_H
#define ROSTER_H

#include <stddef.h>
#include <stdint.h>

struct roster_entry {
	uint64_t number;
	void *object; /* borrowed; NULL: it has left */
};

struct roster {
	struct roster_entry *entries; /* owned */
	size_t used;		      /* entries, holes too */
	size_t room;
	size_t count; /* objects */
};

/* Empty; holds no memory. */
void roster_init(struct roster *r);
void roster_release(struct roster *r);

/* 0, or -1 with errno ENOMEM and nothing changed. */
int roster_add(struct roster *r, uint64_t number, void *object);

/* Takes out the object with this number, which is there. */
void roster_remove(struct roster *r, uint64_t number);

/* The first object whose number is above `number`; NULL: there is none. */
void *roster_above(const struct roster *r, uint64_t number);

#endif

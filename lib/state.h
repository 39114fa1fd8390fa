/* SPDX-License-Identifier: MIT */
/*
 * state - the file of --state: bookmarks on disk, so that a later run goes on
 * where this one ended.
 *
 * It is replaced by rename(2) after fsync(2): whoever looks sees the old one or
 * the new one, whole, also after a power failure. FILE.lock is locked as long
 * as it is in use, so that two runs never write over each other.
 */
#ifndef STATE_H
#define STATE_H

#include "bookmarks.h"

#include <stdbool.h>

struct state {
	char *path; /* owned; what --state named, symbolic links followed */
	char *temporary; /* owned; beside it */
	int lock;	 /* descriptor; -1: none */
	bool changed;	 /* since the last save */
	struct bookmarks bookmarks;
};

enum state_result {
	STATE_OK,
	STATE_BUSY,    /* another process has locked it */
	STATE_CORRUPT, /* it is not what state_save() writes, or no file */
	STATE_FAILED,  /* errno says why */
};

#define STATE_WHY_MAX 256

/*
 * Locks the file and reads it; one that is not there yet is empty. On another
 * result than STATE_OK `why` is the reason in words, and there is nothing to
 * release.
 */
enum state_result state_open(struct state *s, const char *path,
			     char why[STATE_WHY_MAX]);

/* Sets a bookmark; it is on disk after state_save(). -1: out of memory. */
int state_put(struct state *s, const char *url, const char *tenant,
	      const char *epoch, uint64_t seq);

/* Writes it if something changed. 0, or -1 with errno; the old one stays. */
int state_save(struct state *s);

/* Unlocks and frees; saves nothing. */
void state_release(struct state *s);

#endif

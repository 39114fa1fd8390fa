/* SPDX-License-Identifier: MIT */
/*
 * certwatch - a server's certificate over time: read at the start, and anew
 * when asked; what is wrong with it, and that it ends soon, is told in the log.
 */
#ifndef CERTWATCH_H
#define CERTWATCH_H

#include "certificate.h"
#include "log.h"

struct certwatch {
	struct certificate certificate;
	struct log *log;  /* borrowed */
	int64_t told_day; /* the last one on which it was looked at */
};

/* 0, or -1 after a LOG_FAILED; then there is nothing to end. */
int certwatch_begin(struct certwatch *w, const char *chain, const char *key,
		    struct log *log);

/* Reads the files anew. What cannot be taken is told, and nothing changes. */
void certwatch_renew(struct certwatch *w);

/* Once a day: warns of what there is to warn of, and makes the keys of tickets
 * anew. */
void certwatch_look(struct certwatch *w);

/* Also of one that is zeroed. */
void certwatch_end(struct certwatch *w);

#endif

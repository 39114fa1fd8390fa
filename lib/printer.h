/* SPDX-License-Identifier: MIT */
/*
 * printer - a sink (see sink.h) that prints each message to stdout, as a line
 * that names its tenant (see tagged.h). What can't be such a line is refused.
 *
 * A message is done when its last byte was written; whether somebody reads it
 * then, nobody knows. While too much waits to be written there is no room. That
 * something is missing is told on stderr alone.
 */
#ifndef PRINTER_H
#define PRINTER_H

#include "diag.h"
#include "output.h"
#include "sink.h"

struct printer {
	const struct diag *diag;	  /* borrowed */
	const struct sink_events *events; /* borrowed */
	void *user;
	struct output output;
	struct buf line;
	struct buf waiting; /* for their last byte, see printer.c */
	bool ready;	    /* as was told */
	bool stopped;
};

extern const struct sink_ops printer_ops;

/* All is borrowed. */
void printer_init(struct printer *p, const struct diag *d,
		  const struct sink_events *events, void *user);

#endif

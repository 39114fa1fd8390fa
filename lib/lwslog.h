/* SPDX-License-Identifier: MIT */
/*
 * lwslog - the log of libwebsockets, through ours.
 *
 * libwebsockets has one function for the lines of a whole process and hands
 * nothing through to it but a level and the line. So which function it is says
 * in which format; and how many lines there were is kept where that state is
 * kept anyway, in the process's own mask of levels, in bits that are none: so
 * nothing here is a global of ours, and a context in a second thread, which
 * would share the function, shares the count too. (Its log contexts, from 4.3
 * on, are no way out: many of its warnings do not go through them.)
 *
 * Its warnings are shown with -v, as lines of "libwebsockets", or in JSON as an
 * event of that name; what it says below that never, and a dump of a payload
 * neither.
 */
#ifndef LWSLOG_H
#define LWSLOG_H

#include "log.h"

/*
 * Has the lines of libwebsockets written to stderr, in the format of `log` and
 * as its level has it. When `limited`, at most LOG_LINES are until the next
 * lwslog_tell(). For the whole process; the last call is what holds.
 */
void lwslog_use(const struct log *log, bool limited);

/*
 * Counts in `log` the lines since the last call, those that were left out
 * included (2047 stand for that many or more), and begins anew; for a timer,
 * once a second, before log_tell().
 */
void lwslog_tell(struct log *log);

#endif

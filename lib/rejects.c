/* SPDX-License-Identifier: MIT */
#include "rejects.h"

#include "clock.h"
#include "jsonput.h"
#include "num.h"
#include "writeall.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

/* What is kept of the memory for a line from one to the next. */
#define LINE_KEPT 65536

#define SHOWN_MAX 100 /* messages to people in a second */

void rejects_init(struct rejects *r, const char *path, const struct diag *d)
{
	memset(r, 0, sizeof(*r));
	r->path = path;
	r->fd = -1;
	r->diag = d;
	buf_init(&r->line);
}

int rejects_open(struct rejects *r)
{
	if (!r->path)
		return 0;
	r->fd = open(r->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	return r->fd < 0 ? -1 : 0;
}

/* To people */

static void tell_unshown(struct rejects *r)
{
	if (r->unshown)
		diag(r->diag, DIAG_WARN, "rejected %" PRIu64 " more",
		     r->unshown);
	r->unshown = 0;
}

static bool may_show(struct rejects *r)
{
	int64_t second = clock_mono_ms() / 1000;

	if (second != r->second) {
		r->second = second;
		r->shown = 0;
		tell_unshown(r);
	}
	if (r->shown == SHOWN_MAX) {
		r->unshown++;
		return false;
	}
	r->shown++;
	return true;
}

void rejects_tell(struct rejects *r, const char *reason,
		  const struct origin *origin)
{
	struct buf line;

	if (!may_show(r))
		return;
	buf_init(&line);
	buf_puts(&line, "rejected from '");
	origin_excerpt(&line, origin->channel);
	buf_printf(&line, "': %s: ", reason);
	origin_excerpt(&line, origin->message);
	if (!line.failed)
		diag(r->diag, DIAG_WARN, "%.*s", (int)buf_len(&line),
		     buf_bytes(&line));
	buf_release(&line);
}

/* Into the file */

static void put_entry(struct buf *b, struct entryid id)
{
	char text[ENTRYID_TEXT_MAX];

	if (id.ms || id.seq)
		jsonput_text(b, "entry", text, entryid_show(text, id));
}

static int put(struct rejects *r, const char *reason,
	       const struct origin *origin)
{
	char time[NUM_TIME_LEN];
	struct buf *b = &r->line;

	num_put_time(time, clock_wall_ms());
	buf_clear(b, LINE_KEPT);
	buf_putc(b, '{');
	jsonput_text(b, "time", time, sizeof(time));
	jsonput_text(b, "channel", origin->channel.bytes, origin->channel.len);
	put_entry(b, origin->entry);
	jsonput_text(b, "reason", reason, strlen(reason));
	jsonput_text(b, "message", origin->message.bytes, origin->message.len);
	buf_puts(b, "}\n");
	if (!b->failed)
		return writeall(r->fd, buf_bytes(b), buf_len(b));
	errno = ENOMEM;
	return -1;
}

void rejects_add(struct rejects *r, const char *reason,
		 const struct origin *origin)
{
	rejects_tell(r, reason, origin);
	if (r->fd < 0 || put(r, reason, origin) == 0)
		return;
	diag(r->diag, DIAG_ERROR, "cannot write '%s', no more are kept: %s",
	     r->path, strerror(errno));
	close(r->fd);
	r->fd = -1;
}

void rejects_release(struct rejects *r)
{
	tell_unshown(r);
	if (r->fd >= 0 && close(r->fd) != 0)
		diag(r->diag, DIAG_ERROR, "cannot write '%s': %s", r->path,
		     strerror(errno));
	r->fd = -1;
	buf_release(&r->line);
}

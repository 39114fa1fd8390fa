/* SPDX-License-Identifier: MIT */
/*
 * `waiting` has a head for each line that is not written to its end, and behind
 * it the origin of the message, as origin_put() makes it.
 *
 * They are settled by flush(), not at once: output writes within output_line()
 * too, and while a message is put nothing may change.
 */
#include "printer.h"

#include "tagged.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* What is kept of the memory for a line from one to the next. */
#define LINE_KEPT (256 * 1024)

struct head {
	uint64_t end; /* of its line, in all that was put out */
	size_t len;   /* of the origin */
};

/* Output */

/* Those whose line was written to its end. */
static void settle_written(struct printer *p)
{
	struct origin origin;
	struct head head;
	const char *bytes;

	while (!p->stopped && buf_len(&p->waiting)) {
		bytes = buf_bytes(&p->waiting);
		memcpy(&head, bytes, sizeof(head));
		if (head.end > p->output.written)
			break;
		origin_of(&origin, bytes + sizeof(head), head.len);
		p->events->settled(p->user, &origin, SINK_DONE, NULL);
		buf_consume(&p->waiting, sizeof(head) + head.len);
	}
}

/* room() is asked for that. */
static void on_full(void *user, bool full)
{
	(void)user;
	(void)full;
}

/* flush() looks. */
static void on_written(void *user)
{
	(void)user;
}

static void end(struct printer *p, enum exits status, int signum)
{
	if (p->stopped)
		return;
	p->stopped = true;
	p->events->ended(p->user, status, signum);
}

/* The reader that left is no error: `redis2ws --stdout … | head -1`. */
static void on_failed(void *user, int error)
{
	struct printer *p = user;

	if (error != EPIPE)
		diag(p->diag, DIAG_ERROR, "cannot write to stdout: %s",
		     strerror(error));
	settle_written(p);
	end(p, EXIT_OTHER, error == EPIPE ? SIGPIPE : 0);
}

static const struct output_events output_events = {
	.full = on_full,
	.written = on_written,
	.failed = on_failed,
};

/* Messages */

static int put_line(struct printer *p, const struct origin *origin)
{
	struct origin where = *origin;
	struct head head = {.end = UINT64_MAX}; /* not yet known */
	size_t at = buf_len(&p->waiting);

	where.message.len = 0;
	buf_append(&p->waiting, &head, sizeof(head));
	origin_put(&p->waiting, &where, false);
	if (p->line.failed || p->waiting.failed ||
	    output_line(&p->output, buf_bytes(&p->line), buf_len(&p->line)))
		return -1;
	head.end = p->output.appended;
	head.len = buf_len(&p->waiting) - at - sizeof(head);
	memcpy(buf_bytes(&p->waiting) + at, &head, sizeof(head));
	return 0;
}

static bool put(void *self, const struct document *doc,
		const struct origin *origin)
{
	struct printer *p = self;
	enum tagged_result result;

	if (p->stopped)
		return false;
	buf_clear(&p->line, LINE_KEPT);
	result = tagged_put(&p->line, doc->tenant, doc->data, doc->len);
	if (result != TAGGED_OK) {
		p->events->settled(p->user, origin, SINK_REFUSED,
				   tagged_strerror(result));
		return true;
	}
	if (put_line(p, origin) == 0)
		return true;
	diag(p->diag, DIAG_ERROR, "out of memory");
	end(p, EXIT_OTHER, 0);
	return false;
}

static void flush(void *self)
{
	struct printer *p = self;
	size_t before = buf_len(&p->waiting);

	if (!p->ready) {
		p->ready = true;
		p->events->ready(p->user, 0);
	}
	output_flush(&p->output);
	settle_written(p);
	if (!p->stopped && buf_len(&p->waiting) != before)
		p->events->changed(p->user);
}

static void missed(void *self, uint64_t count, bool again)
{
	const struct printer *p = self;

	if (count)
		diag(p->diag, DIAG_WARN, "%" PRIu64 " message%s missing", count,
		     count == 1 ? " is" : "s are");
	else if (!again)
		diag(p->diag, DIAG_WARN, "messages may be missing");
}

/* What does not wait for the loop */

static size_t room(const void *self)
{
	return ((const struct printer *)self)->output.is_full ? 0 : SIZE_MAX;
}

static bool drained(void *self)
{
	return !buf_len(&((const struct printer *)self)->waiting);
}

static const char *why_not(const void *self, uint64_t ms)
{
	(void)self;
	(void)ms;
	return NULL;
}

static void figures(const void *self, struct sink_figures *figures)
{
	(void)self;
	*figures = (struct sink_figures){0};
}

/* Beginning and end */

void printer_init(struct printer *p, const struct diag *d,
		  const struct sink_events *events, void *user)
{
	memset(p, 0, sizeof(*p));
	p->diag = d;
	p->events = events;
	p->user = user;
}

static enum exits start(void *self, struct loop *loop)
{
	struct printer *p = self;

	if (output_init(&p->output, &loop->uv, STDOUT_FILENO, &output_events,
			p) == 0)
		return EXIT_DONE;
	diag(p->diag, DIAG_ERROR, "cannot write to stdout: %s",
	     strerror(errno));
	return EXIT_OTHER;
}

static void stop(void *self)
{
	((struct printer *)self)->stopped = true;
}

static void close_output(void *self)
{
	output_close(&((struct printer *)self)->output);
}

static void release(void *self)
{
	struct printer *p = self;

	buf_release(&p->line);
	buf_release(&p->waiting);
}

const struct sink_ops printer_ops = {
	.done = "written",
	.start = start,
	.put = put,
	.missed = missed,
	.room = room,
	.flush = flush,
	.drained = drained,
	.why_not = why_not,
	.figures = figures,
	.stop = stop,
	.close = close_output,
	.release = release,
};

/* SPDX-License-Identifier: MIT */
#include "progress.h"

#include "json.h"
#include "num.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define FIRST_MS 1000
#define EVERY_MS 500

static uint64_t per_second(uint64_t n, uint64_t ms)
{
	return ms ? n * 1000 / ms : 0;
}

static void write_all(const struct buf *b)
{
	/* Nobody can be told that stderr takes nothing. */
	if (!b->failed && write(STDERR_FILENO, buf_bytes(b), buf_len(b)) < 0)
		return;
}

static void put_updates(struct buf *b, uint64_t n)
{
	buf_printf(b, "%" PRIu64 " update%s", n, n == 1 ? "" : "s");
}

static void put_line(struct buf *b, const struct progress_figures *f)
{
	char size[NUM_TEXT_MAX];

	put_updates(b, f->read);
	buf_printf(b, ", %s", num_show_size(size, f->bytes));
	if (f->total)
		buf_printf(b, " of %s", num_show_size(size, f->total));
	if (!f->unasked)
		buf_printf(b, ", %" PRIu64 " acknowledged", f->acknowledged);
	if (f->rejected)
		buf_printf(b, ", %" PRIu64 " rejected", f->rejected);
	buf_printf(b, ", %" PRIu64 "/s", per_second(f->read, f->ms));
}

static void show(struct progress *p)
{
	struct progress_figures figures = {0};
	struct buf b;

	p->look(p->user, &figures);
	buf_init(&b);
	buf_printf(&b, "%s%s: ", p->terminal ? "\r" : "", p->program);
	put_line(&b, &figures);
	buf_puts(&b, p->terminal ? "\033[K" : "\n");
	write_all(&b);
	buf_release(&b);
	p->shown = true;
}

static void on_timer(uv_timer_t *timer)
{
	show(timer->data);
}

void progress_start(struct progress *p, uv_loop_t *loop, const char *program,
		    bool asked, progress_fn *look, void *user)
{
	memset(p, 0, sizeof(*p));
	p->program = program;
	p->look = look;
	p->user = user;
	p->terminal = isatty(STDERR_FILENO) == 1;
	p->asked = asked;
	p->started = true;
	uv_timer_init(loop, &p->timer);
	p->timer.data = p;
	uv_timer_start(&p->timer, on_timer, FIRST_MS, EVERY_MS);
}

void progress_clear(struct progress *p)
{
	static const char clear[] = "\r\033[K";

	if (!p->shown || !p->terminal)
		return;
	if (write(STDERR_FILENO, clear, sizeof(clear) - 1) < 0)
		return;
	p->shown = false;
}

void progress_stop(struct progress *p)
{
	if (!p->started)
		return;
	p->started = false;
	uv_close((uv_handle_t *)&p->timer, NULL);
	if (!p->asked && !p->shown)
		return;
	show(p);
	if (p->terminal && write(STDERR_FILENO, "\n", 1) < 0)
		return;
	p->shown = false;
}

void progress_put_text(struct buf *b, const struct progress_figures *f)
{
	char size[NUM_TEXT_MAX];
	char time[NUM_TEXT_MAX];

	put_updates(b, f->read);
	buf_printf(b, ", %s in %s (%" PRIu64 "/s)",
		   num_show_size(size, f->bytes),
		   num_show_duration(time, f->ms), per_second(f->read, f->ms));
	if (f->unasked)
		buf_puts(b, "; no acknowledgements");
	else
		buf_printf(b, "; acknowledged %" PRIu64, f->acknowledged);
	if (f->duplicates)
		buf_printf(b, " (published before: at least %" PRIu64 ")",
			   f->duplicates);
	if (f->unacknowledged)
		buf_printf(b, ", not acknowledged %" PRIu64, f->unacknowledged);
	if (f->rejected)
		buf_printf(b, ", rejected %" PRIu64, f->rejected);
	if (f->reconnects)
		buf_printf(b, ", connections lost %" PRIu64, f->reconnects);
}

static void put_last(struct buf *b, const struct progress_ack *last)
{
	buf_puts(b, ",\"last\":");
	if (!last->tenant[0]) {
		buf_puts(b, "null");
		return;
	}
	buf_puts(b, "{\"tenantId\":");
	json_put_string(b, last->tenant, strlen(last->tenant));
	buf_puts(b, ",\"epoch\":");
	json_put_string(b, last->epoch, strlen(last->epoch));
	buf_printf(b, ",\"seq\":%" PRIu64 ",\"subscribers\":%" PRIu64 "%s}",
		   last->seq, last->subscribers,
		   last->duplicate ? ",\"duplicate\":true" : "");
}

void progress_put_json(struct buf *b, const struct progress_figures *f)
{
	buf_printf(b,
		   "{\"updates\":%" PRIu64 ",\"bytes\":%" PRIu64
		   ",\"acknowledged\":",
		   f->read, f->bytes);
	if (f->unasked)
		buf_puts(b, "null");
	else
		buf_put_u64(b, f->acknowledged);
	buf_printf(b,
		   ",\"duplicates\":%" PRIu64 ",\"unacknowledged\":%" PRIu64
		   ",\"rejected\":%" PRIu64 ",\"reconnects\":%" PRIu64
		   ",\"seconds\":%" PRIu64 ".%03" PRIu64,
		   f->duplicates, f->unacknowledged, f->rejected, f->reconnects,
		   f->ms / 1000, f->ms % 1000);
	put_last(b, &f->last);
	buf_puts(b, "}\n");
}

/* SPDX-License-Identifier: MIT */
/* What window promises: what is sent, what is settled, what is sent again. */
#include "tap.h"
#include "window.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Adds the message "id:text\n", made from "<text>", as line 10 * id. */
static int add(struct window *w, const char *text)
{
	buf_printf(&w->bytes, "%d:%s\n", (int)w->next, text);
	buf_printf(&w->origins, "<%s>", text);
	return window_commit(w, 10 * w->next, 7);
}

static void fill(struct window *w, int lines)
{
	for (int i = 0; i < lines; i++)
		add(w, "x");
}

/* Whether the next frame is this. */
static bool takes(struct window *w, size_t bytes, size_t lines,
		  const char *want)
{
	struct buf out;
	bool same;

	buf_init(&out);
	window_take(w, &out, bytes, lines, 1);
	same = buf_len(&out) == strlen(want) &&
	       (!*want || !memcmp(buf_bytes(&out), want, strlen(want)));
	buf_release(&out);
	return same;
}

static bool holds(struct window *w, uint64_t id, const char *message,
		  const char *origin)
{
	struct window_line line;

	return window_line(w, id, &line) && line.id == id &&
	       line.number == 10 * id && line.source == 7 &&
	       line.len == strlen(message) &&
	       !memcmp(line.message, message, line.len) &&
	       line.origin_len == strlen(origin) &&
	       !memcmp(line.origin, origin, line.origin_len);
}

static void sending(void)
{
	struct window w;
	struct window_line line;

	window_init(&w, 1000, 5);
	ok(takes(&w, 100, 9, ""), "an empty window sends nothing");
	fill(&w, 4);
	ok(!window_full(&w), "four of five");
	fill(&w, 1);
	ok(window_full(&w), "it is bounded by lines");
	ok(takes(&w, 9, 9, "1:x\n2:x\n"), "a frame takes what fits");
	ok(takes(&w, 1, 9, "3:x\n"), "and one at least");
	ok(takes(&w, 100, 1, "4:x\n"), "or as many as it may");
	ok(window_next(&w, &line) && line.id == 5, "the next one is known");
	ok(takes(&w, 100, 9, "5:x\n") && !window_next(&w, &line), "then none");
	ok(window_ack(&w, 3) == 3 && w.open == 2, "an ACK settles all before");
	ok(window_ack(&w, 3) == 0, "once");
	fill(&w, 2);
	ok(window_ack(&w, 99) == 2 && w.open == 2,
	   "what was not sent cannot be acknowledged");
	ok(takes(&w, 100, 9, "6:x\n7:x\n"), "ids go round the ring");
	ok(window_ack(&w, 7) == 2 && !w.open && !window_full(&w), "empty");
	window_release(&w);
	window_init(&w, 8, 100);
	fill(&w, 2);
	ok(window_full(&w), "it is bounded by bytes");
	window_release(&w);
}

static void resending(void)
{
	struct window w;

	window_init(&w, 1000, 100);
	fill(&w, 5);
	takes(&w, 16, 9, "");
	window_ack(&w, 1);
	ok(window_rewind(&w) == 3, "three were sent and not answered");
	ok(takes(&w, 100, 9, "2:x\n3:x\n4:x\n5:x\n"),
	   "everything goes out again, from the oldest");
	window_reject(&w, 3);
	ok(w.open == 3, "an ERROR settles one");
	ok(holds(&w, 2, "2:x\n", "<x>"), "those before it stay");
	window_rewind(&w);
	ok(takes(&w, 100, 9, "2:x\n4:x\n5:x\n"), "it is not sent again");
	ok(window_ack(&w, 4) == 2, "an ACK does not count it");
	window_defer(&w, 5);
	ok(window_ack(&w, 5) == 0 && w.open == 1,
	   "an ACK does not settle what was put off");
	ok(takes(&w, 100, 9, ""), "nor is it sent again at once");
	ok(window_rewind(&w) == 1 && takes(&w, 100, 9, "5:x\n") &&
		   window_ack(&w, 5) == 1,
	   "it is after a new beginning");
	window_release(&w);
}

static void looking_up(void)
{
	struct window w;
	struct window_line line;
	struct buf out;

	window_init(&w, 1000, 100);
	buf_init(&out);
	fill(&w, 6);
	window_take(&w, &out, 100, 2, 8);
	window_take(&w, &out, 100, 3, 9);
	window_ack(&w, 3);
	ok(window_in_frame(&w, 9, 0) == 0, "an acknowledged one is gone");
	ok(window_in_frame(&w, 9, 2) == 5, "the third of a frame");
	ok(window_in_frame(&w, 9, 3) == 0, "it had no fourth");
	ok(holds(&w, 5, "5:x\n", "<x>"), "a line with what it came from");
	ok(!window_line(&w, 3, &line) && !window_line(&w, 7, &line) &&
		   !window_line(&w, 0, &line),
	   "what is not in it");
	window_reject(&w, 3);
	window_reject(&w, 99);
	window_defer(&w, 99);
	ok(w.open == 3, "an answer to what is not in it does nothing");
	ok(window_forget(&w) == 2 && w.first == 6,
	   "what was sent is forgotten");
	buf_release(&out);
	window_release(&w);
}

static void no_memory(void)
{
	struct window w;
	char big[300];

	oom_after(1);
	ok(window_init(&w, 1000, 100) == -1, "no memory to begin with");
	oom_off();
	window_release(&w);
	window_init(&w, 1000, 100);
	fill(&w, 2);
	memset(big, 'b', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	oom_after(1);
	ok(add(&w, big) == -1, "no memory for a message");
	oom_off();
	ok(w.open == 2 && holds(&w, 2, "2:x\n", "<x>"),
	   "leaves those that are there");
	ok(!add(&w, "y") && holds(&w, 3, "3:y\n", "<y>"), "and its id free");
	ok(takes(&w, 100, 9, "1:x\n2:x\n3:y\n"), "all go out");
	window_release(&w);
}

/* A message of the naive list that the window is compared with. */
struct naive {
	bool sent;
	bool settled;
};

static bool agrees(const struct window *w, const struct naive *list)
{
	size_t open = 0;

	for (uint64_t id = 1; id < w->next; id++)
		open += !list[id].settled;
	return open == w->open;
}

/* Sends at random, and checks that what comes is the next that should. */
static bool take_some(struct window *w, struct naive *list)
{
	struct buf out;
	char *at;
	size_t n;

	buf_init(&out);
	n = window_take(w, &out, 1 + (size_t)rand() % 40,
			1 + (size_t)rand() % 5, 1);
	buf_putc(&out, '\0');
	at = buf_bytes(&out);
	for (uint64_t id = 1; n && id < w->next; id++) {
		if (list[id].settled || list[id].sent)
			continue;
		if (strtoull(at, &at, 10) != id || strncmp(at, ":x\n", 3))
			break;
		at += 3;
		list[id].sent = true;
		n--;
	}
	buf_release(&out);
	return !n;
}

static void settle(struct naive *list, uint64_t id, bool one)
{
	for (uint64_t at = one ? id : 1; at <= id; at++)
		if (list[at].sent || one)
			list[at].settled = true;
}

static bool step(struct window *w, struct naive *list)
{
	uint64_t id = w->first;

	if (w->next > w->first)
		id += (uint64_t)rand() % (w->next - w->first);
	switch (rand() % 8) {
	case 0:
		window_ack(w, id);
		settle(list, id, false);
		break;
	case 1:
		window_reject(w, id);
		if (id < w->next)
			settle(list, id, true);
		break;
	case 2:
		if (rand() % 8)
			break;
		window_rewind(w);
		for (id = 1; id < w->next; id++)
			list[id].sent = false;
		break;
	case 3:
	case 4:
		return take_some(w, list);
	default:
		if (!window_full(w))
			add(w, "x");
	}
	return agrees(w, list);
}

/* Whether this is the first run that an ACK of `id` settles, from `from` on. */
static bool run_is(struct window *w, uint64_t from, uint64_t id, uint64_t first,
		   uint64_t last)
{
	uint64_t got;

	return window_run(w, &from, &got, id) && from == first && got == last;
}

static void runs(void)
{
	struct window w;
	struct buf out;
	uint64_t from = 1, last;

	window_init(&w, 1000, 8);
	buf_init(&out);
	ok(!window_run(&w, &from, &last, 99), "nothing to be settled");
	fill(&w, 8);
	ok(!window_run(&w, &from, &last, 99), "of what was not sent");
	window_take(&w, &out, 1000, 7, 1);
	ok(run_is(&w, 1, 5, 1, 5), "a run ends with the id");
	ok(run_is(&w, 1, 99, 1, 7), "or with what was sent");
	window_reject(&w, 1);
	window_reject(&w, 4);
	window_defer(&w, 5);
	ok(run_is(&w, 1, 7, 2, 3), "or where one is settled");
	ok(run_is(&w, 4, 7, 6, 7), "and goes on behind what is put off");
	from = 4;
	ok(!window_run(&w, &from, &last, 5), "between them there is none");
	ok(run_is(&w, 3, 3, 3, 3), "a run of one");
	ok(window_ack(&w, 7) == 4, "an ACK settles those and no other");
	from = 1;
	ok(!window_run(&w, &from, &last, 7), "once");
	buf_release(&out);
	window_release(&w);
}

static void no_place(void)
{
	struct window w;

	window_init(&w, 1000, 4);
	fill(&w, 4);
	errno = 0;
	ok(add(&w, "y") == -1 && errno == ENOBUFS && w.open == 4 &&
		   holds(&w, 4, "4:x\n", "<x>"),
	   "without a place for it, one more is refused");
	ok(takes(&w, 100, 9, "1:x\n2:x\n3:x\n4:x\n"), "and harms none");
	window_release(&w);
}

static void model(void)
{
	static struct naive list[20001];
	struct window w;
	bool same = true;

	srand(1);
	window_init(&w, 200, 33);
	for (int i = 0; i < 20000 && same; i++)
		same = step(&w, list);
	ok(same && w.next > 1000, "20000 random steps agree with a naive list");
	window_release(&w);
}

int main(void)
{
	sending();
	resending();
	looking_up();
	no_memory();
	no_place();
	runs();
	model();
	return tap_end();
}

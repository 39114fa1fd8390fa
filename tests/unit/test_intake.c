/* SPDX-License-Identifier: MIT */
/*
 * What intake promises: texts come whole, once and in order, however they were
 * cut, and whenever they were stopped.
 */
#include "intake.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

/* Notes each text as "message.line:text|". */
struct notes {
	struct intake intake;
	struct buf buf;
	unsigned stop_each; /* stops at each such text; 0: never */
	unsigned end_at;    /* ends with this text; 0: never */
	unsigned texts;
};

static void note(struct intake *in, const char *text, size_t len)
{
	struct notes *n = (struct notes *)(void *)in;

	buf_printf(&n->buf, "%u.%u:%.*s|", (unsigned)in->message,
		   (unsigned)in->line, (int)len, text);
	n->texts++;
	in->stopped = n->stop_each && n->texts % n->stop_each == 0;
	in->ended = n->texts == n->end_at;
}

static void init(struct notes *n, bool lines, uint64_t max)
{
	memset(n, 0, sizeof(*n));
	intake_init(&n->intake, lines, max, note);
}

static void release(struct notes *n)
{
	intake_release(&n->intake);
	buf_release(&n->buf);
}

static enum intake_result take(struct notes *n, const char *text, size_t len,
			       bool first, bool final)
{
	struct intake_piece piece = {
		.bytes = text, .len = len, .first = first, .final = final};

	return intake_take(&n->intake, &piece);
}

/* A whole message. */
static enum intake_result message(struct notes *n, const char *text)
{
	return take(n, text, strlen(text), true, true);
}

static bool noted(struct notes *n, const char *want)
{
	size_t len = strlen(want);
	bool same = buf_len(&n->buf) == len &&
		    (!len || !memcmp(buf_bytes(&n->buf), want, len));

	if (!same)
		printf("# noted: %.*s\n", (int)buf_len(&n->buf),
		       len ? buf_bytes(&n->buf) : "");
	buf_clear(&n->buf, 0);
	return same;
}

static void whole(void)
{
	struct notes n;

	init(&n, false, 100);
	message(&n, "a\nb");
	message(&n, "");
	ok(noted(&n, "1.1:a\nb|2.1:|"), "plain: a message is a text");
	take(&n, "a", 1, true, false);
	take(&n, "", 0, false, false);
	ok(noted(&n, ""), "once it is whole");
	take(&n, "b", 1, false, true);
	take(&n, "", 0, true, false);
	take(&n, "", 0, false, true);
	ok(noted(&n, "3.1:ab|4.1:|"), "of fragments too");
	release(&n);
	init(&n, true, 100);
	message(&n, "a\n\nb\r\nc");
	ok(noted(&n, "1.1:a|1.2:|1.3:b\r|1.4:c|"),
	   "lines: a line is a text, the last newline optional");
	message(&n, "");
	message(&n, "a\n");
	ok(noted(&n, "3.1:a|"), "messages are counted, lines from 1 in each");
	take(&n, "a\nb", 3, true, false);
	ok(noted(&n, "4.1:a|"), "a line comes as soon as it is whole");
	take(&n, "", 0, false, true);
	ok(noted(&n, "4.2:b|") && n.intake.rest.cap <= 4096,
	   "and the end of the message ends one");
	release(&n);
}

/* A message in three pieces, cut at every two places, stopped each k texts. */
static bool every_cut(unsigned stop_each)
{
	static const char text[] = "one\n\ntwo\nthree\n{\"four\":4}\nfive";
	static const char want[] = "1.1:one|1.2:|1.3:two|1.4:three|"
				   "1.5:{\"four\":4}|1.6:five|";
	size_t len = sizeof(text) - 1;
	struct notes n;
	bool good = true;

	for (size_t a = 0; a <= len && good; a++)
		for (size_t b = a; b <= len && good; b++) {
			init(&n, true, 100);
			n.stop_each = stop_each;
			take(&n, text, a, true, false);
			take(&n, text + a, b - a, false, false);
			if (n.intake.stopped && b % 2)
				intake_resume(&n.intake);
			take(&n, text + b, len - b, false, true);
			while (n.intake.stopped)
				intake_resume(&n.intake);
			good = noted(&n, want) && !buf_len(&n.intake.rest);
			release(&n);
		}
	return good;
}

static void stopping(void)
{
	struct notes n;

	init(&n, true, 100);
	n.stop_each = 2;
	message(&n, "a\nb\nc\nd\ne\nf");
	ok(noted(&n, "1.1:a|1.2:b|"), "stopped: nothing more is handed over");
	take(&n, "", 0, false, true);
	intake_resume(&n.intake);
	ok(noted(&n, "1.3:c|1.4:d|") && n.intake.stopped,
	   "it goes on with the next text, until stopped again");
	n.stop_each = 0;
	message(&n, "g");
	ok(noted(&n, "1.5:e|1.6:f|2.1:g|"),
	   "a next message does not wait: one at most is held");
	n.stop_each = 1;
	take(&n, "a\nb\nc", 5, true, false);
	intake_resume(&n.intake);
	intake_resume(&n.intake);
	ok(noted(&n, "3.1:a|3.2:b|") && !n.intake.stopped,
	   "what is not whole waits for its rest");
	take(&n, "d", 1, false, true);
	ok(noted(&n, "3.3:cd|"), "which completes it");
	n.texts = 0;
	n.stop_each = 0;
	n.end_at = 1;
	message(&n, "x\ny");
	message(&n, "z");
	ok(noted(&n, "4.1:x|"), "after the end nothing is ever handed over");
	release(&n);
}

static enum intake_result announce(struct notes *n, size_t len, uint64_t more)
{
	static const char bytes[100];
	struct intake_piece piece = {
		.bytes = bytes, .len = len, .announced = more, .first = true};

	return intake_take(&n->intake, &piece);
}

static void limits(void)
{
	struct notes n;

	init(&n, false, 10);
	ok(message(&n, "0123456789") == INTAKE_OK &&
		   noted(&n, "1.1:0123456789|"),
	   "a message of the largest size is taken");
	ok(message(&n, "0123456789a") == INTAKE_TOO_BIG && noted(&n, ""),
	   "one byte more is too big");
	ok(take(&n, "01234567", 8, true, false) == INTAKE_OK &&
		   take(&n, "89", 2, false, false) == INTAKE_OK &&
		   take(&n, "a", 1, false, false) == INTAKE_TOO_BIG,
	   "so it is in pieces");
	release(&n);
	init(&n, true, 10);
	ok(announce(&n, 4, 6) == INTAKE_OK &&
		   announce(&n, 4, 7) == INTAKE_TOO_BIG &&
		   announce(&n, 0, UINT64_MAX) == INTAKE_TOO_BIG &&
		   buf_len(&n.intake.rest) <= 10,
	   "a frame that announces too much is known at once");
	release(&n);
	init(&n, true, 10);
	for (int i = 0; i < 1000; i++)
		if (message(&n, "0123456789") != INTAKE_OK)
			break;
	ok(n.texts == 1000, "the limit is for each message");
	release(&n);
	init(&n, true, 10);
	ok(intake_take(&n.intake, &(struct intake_piece){.bytes = "a",
							 .len = 1,
							 .first = true,
							 .final = true,
							 .binary = true}) ==
		   INTAKE_BINARY,
	   "a binary message is told");
	release(&n);
}

static void no_memory(void)
{
	struct notes n;

	init(&n, true, 100);
	oom_after(1);
	ok(take(&n, "c", 1, true, false) == INTAKE_NO_MEMORY,
	   "what cannot be kept is told");
	oom_off();
	release(&n);
	init(&n, true, 10000);
	buf_reserve(&n.buf, 1000);
	take(&n,
	     "0123456789012345678901234567890123456789"
	     "01234567890123456789",
	     60, true, false);
	oom_after(1);
	ok(take(&n, "abcdefgh\nnext\n", 14, false, true) == INTAKE_NO_MEMORY &&
		   oom_off() == 1 && noted(&n, ""),
	   "nothing behind a lost line is handed over");
	release(&n);
}

int main(void)
{
	bool good = true;

	whole();
	ok(every_cut(0), "lines are found whole, cut at any byte");
	for (unsigned k = 1; k <= 6; k++)
		good = good && every_cut(k);
	ok(good, "stopped at any line too");
	stopping();
	limits();
	no_memory();
	return tap_end();
}

/* SPDX-License-Identifier: MIT */
/*
 * A script of pieces, stops and resumptions: the texts that are handed over
 * are those of a naive split of the same messages, in their order.
 */
#include "intake.h"
#include "script.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX 40 /* bytes of a message */

struct fuzz {
	struct intake intake;
	struct buf heard; /* each text: message, line, its bytes, NUL */
	struct buf want;
	struct buf message; /* the naive side's message so far */
	uint64_t messages;
	uint8_t stops; /* bits: which of the coming texts stop it */
};

static void note(struct buf *b, uint64_t message, uint64_t line,
		 const char *text, size_t len)
{
	buf_put_u64(b, message);
	buf_putc(b, '.');
	buf_put_u64(b, line);
	buf_putc(b, ':');
	buf_append(b, text, len);
	buf_putc(b, '\0');
}

static void on_text(struct intake *in, const char *text, size_t len)
{
	struct fuzz *f = (struct fuzz *)(void *)in;

	/* An empty message cannot be kept for later. */
	must(!in->ended && (!in->stopped || (!in->lines && !len)));
	note(&f->heard, in->message, in->line, text, len);
	in->stopped = f->stops & 1;
	f->stops = (uint8_t)(f->stops >> 1 | f->stops << 7);
}

/* Notes the texts of a whole message. */
static void split(struct fuzz *f)
{
	const char *at = buf_bytes(&f->message), *newline;
	size_t left = buf_len(&f->message), len;
	uint64_t line = 0;

	if (!f->intake.lines) {
		note(&f->want, f->messages, 1, at, left);
		left = 0;
	}
	while (left) {
		newline = memchr(at, '\n', left);
		len = newline ? (size_t)(newline - at) : left;
		note(&f->want, f->messages, ++line, at, len);
		len += !!newline;
		at += len;
		left -= len;
	}
	buf_clear(&f->message, MAX);
}

/* One piece; false when the connection must end. */
static bool take(struct fuzz *f, struct script *s, uint8_t flags, bool *open)
{
	struct intake_piece piece = {
		.len = flags >> 2 & 15, .first = !*open, .final = flags & 1};
	enum intake_result result;

	piece.bytes = script_bytes(s, &piece.len);
	if (piece.first)
		f->messages++;
	if (!piece.final && flags & 2)
		piece.announced = script_byte(s);
	buf_append(&f->message, piece.bytes, piece.len);
	result = intake_take(&f->intake, &piece);
	must((result == INTAKE_TOO_BIG) ==
	     (buf_len(&f->message) + piece.announced > MAX));
	must(buf_len(&f->intake.rest) <= MAX);
	*open = !piece.final;
	if (piece.final && result == INTAKE_OK)
		split(f);
	return result == INTAKE_OK;
}

static bool is_prefix(const struct buf *a, const struct buf *b)
{
	return buf_len(a) <= buf_len(b) &&
	       (!buf_len(a) ||
		memcmp(buf_bytes(a), buf_bytes(b), buf_len(a)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script s = {data, size};
	bool open = false, good = true;
	struct fuzz f = {0};

	intake_init(&f.intake, script_byte(&s) & 1, MAX, on_text);
	f.stops = script_byte(&s);
	while (good && s.left) {
		uint8_t op = script_byte(&s);

		if (op & 0x40)
			intake_resume(&f.intake);
		if (op & 0x80)
			f.stops = script_byte(&s);
		good = take(&f, &s, op, &open);
	}
	for (int i = 0; f.intake.stopped && i < 2 * MAX; i++)
		intake_resume(&f.intake);
	if (open || !good)
		split(&f); /* some lines of it may have come */
	else
		must(buf_len(&f.heard) == buf_len(&f.want));
	must(is_prefix(&f.heard, &f.want));
	intake_release(&f.intake);
	buf_release(&f.heard);
	buf_release(&f.want);
	buf_release(&f.message);
	return 0;
}

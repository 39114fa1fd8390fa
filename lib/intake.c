/* SPDX-License-Identifier: MIT */
#include "intake.h"

#include <string.h>

/* Who sent one text in pieces will do so again: its memory is kept. */
#define REST_KEEP 4096

void intake_init(struct intake *in, bool lines, uint64_t max, intake_fn *text)
{
	memset(in, 0, sizeof(*in));
	buf_init(&in->rest);
	in->text = text;
	in->lines = lines;
	in->max = max;
}

void intake_release(struct intake *in)
{
	buf_release(&in->rest);
}

/*
 * How many bytes the first text in `bytes` takes, its newline included, or 0
 * when it is not whole.
 */
static size_t first_text(const struct intake *in, const char *bytes, size_t len,
			 bool final)
{
	const char *newline = in->lines ? memchr(bytes, '\n', len) : NULL;

	if (newline)
		return (size_t)(newline - bytes) + 1;
	return final ? len : 0;
}

static void hand_over(struct intake *in, const char *bytes, size_t len)
{
	in->line++;
	if (in->lines && len && bytes[len - 1] == '\n')
		len--;
	in->text(in, bytes, len);
}

/* Hands over the whole texts in `bytes`; returns how far it came. */
static size_t cut(struct intake *in, const char *bytes, size_t len, bool final)
{
	size_t done = 0, n;

	while (done < len && !in->stopped && !in->ended) {
		n = first_text(in, bytes + done, len - done, final);
		if (n == 0)
			break;
		hand_over(in, bytes + done, n);
		done += n;
	}
	return done;
}

void intake_resume(struct intake *in)
{
	size_t done;

	in->stopped = false;
	done = cut(in, buf_bytes(&in->rest), buf_len(&in->rest),
		   in->rest_final);
	if (done < buf_len(&in->rest))
		buf_consume(&in->rest, done);
	else
		buf_clear(&in->rest, REST_KEEP);
}

/*
 * Completes the text that waits, as far as `bytes` do. Only they can have its
 * end, so nothing is looked through twice. Returns how many it took.
 */
static size_t complete(struct intake *in, const char *bytes, size_t len,
		       bool final)
{
	size_t n = first_text(in, bytes, len, final);
	bool whole = n > 0 || final;

	if (!whole)
		n = len;
	buf_append(&in->rest, bytes, n);
	if (whole && !in->rest.failed) {
		hand_over(in, buf_bytes(&in->rest), buf_len(&in->rest));
		buf_clear(&in->rest, REST_KEEP);
	}
	return n;
}

static enum intake_result begin(struct intake *in,
				const struct intake_piece *piece)
{
	/* The peer was to be stopped, but this had been read before. */
	in->rest_final = true;
	while (buf_len(&in->rest) && !in->ended)
		intake_resume(in);
	in->message++;
	in->line = 0;
	in->size = 0;
	return piece->binary ? INTAKE_BINARY : INTAKE_OK;
}

static void take(struct intake *in, const struct intake_piece *piece)
{
	size_t done = 0;

	if (!in->stopped && buf_len(&in->rest))
		done = complete(in, piece->bytes, piece->len, piece->final);
	/* What follows a lost text must not come as if it were there. */
	if (in->rest.failed)
		return;
	done += cut(in, piece->bytes + done, piece->len - done, piece->final);
	if (in->size == 0 && piece->final && !in->lines)
		hand_over(in, "", 0);
	buf_append(&in->rest, piece->bytes + done, piece->len - done);
	in->rest_final = piece->final;
}

enum intake_result intake_take(struct intake *in,
			       const struct intake_piece *piece)
{
	if (in->ended)
		return INTAKE_OK;
	if (piece->first && begin(in, piece) != INTAKE_OK)
		return INTAKE_BINARY;
	in->size += piece->len;
	if (in->size > in->max || piece->announced > in->max - in->size)
		return INTAKE_TOO_BIG;
	if (!in->ended)
		take(in, piece);
	return in->rest.failed ? INTAKE_NO_MEMORY : INTAKE_OK;
}

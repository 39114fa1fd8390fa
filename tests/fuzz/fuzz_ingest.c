/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a body, in pieces of any size: all of it is published as a slow
 * reader of lines would have it, or nothing; and sent again with its key it is
 * known, however it is cut then.
 *
 * The first byte says how it comes, the second how long its pieces are; the
 * third makes the body longer by repeating it, so that slices are reached.
 */
#include "../unit/fakeconn.h"
#include "ingest.h"
#include "script.h"
#include "utf8.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MESSAGE_MAX 64
#define LONG (INGEST_SLICE + 1000)

struct input {
	bool lines;
	size_t piece;
	const char *body;
	size_t len;
};

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* One update of a naive reader, as a subscriber hears it. False: refused. */
static bool expect_update(struct buf *want, const char *at, size_t len)
{
	while (len && blank(*at)) {
		at++;
		len--;
	}
	while (len && blank(at[len - 1]))
		len--;
	if (!len)
		return true;
	if (len > MESSAGE_MAX || json_check(at, len, NULL) != JSON_OK)
		return false;
	for (size_t i = 0; i < len; i++)
		buf_putc(want, at[i] == '\n' || at[i] == '\r' ? ' ' : at[i]);
	buf_putc(want, '\n');
	return true;
}

static bool expect(struct buf *want, const struct input *in)
{
	const char *at = in->body, *end = in->body + in->len;
	bool good = true;

	if (!in->lines)
		return expect_update(want, at, in->len) && buf_len(want);
	while (good && at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline ? newline : end;

		good = expect_update(want, at, (size_t)(stop - at));
		at = stop + (newline != NULL);
	}
	return good && buf_len(want);
}

static enum ingest_result post(struct ingest *ing, struct fakeconn *f,
			       const struct input *in, struct reply *refusal)
{
	const char *at = in->body;
	size_t left = in->len;
	enum ingest_result result;

	ing->lines = in->lines;
	for (; left > in->piece; at += in->piece, left -= in->piece)
		if (ingest_take(ing, at, in->piece, refusal) < 0)
			return INGEST_REFUSED;
	result = ingest_end(ing, at, left, refusal);
	while (result == INGEST_MORE) {
		fakeconn_settle(ing->hub, f, 1);
		result = ingest_step(ing, refusal);
	}
	return result;
}

static void check_refusal(const struct reply *refusal, const struct input *in)
{
	must(refusal->status == 400 || refusal->status == 413);
	must(refusal->line <= in->len + 1 && refusal->column <= in->len + 1);
	must(refusal->status == 413 || !refusal->line || refusal->column);
}

/* Whether the subscriber heard exactly that; says nothing if not. */
static bool heard(struct fakeconn *f, const struct buf *want)
{
	bool same;

	must(fakeconn_sound(f));
	same = buf_len(&f->heard) == buf_len(want) &&
	       (!buf_len(want) || memcmp(buf_bytes(&f->heard), buf_bytes(want),
					 buf_len(want)) == 0);
	buf_clear(&f->heard, 0);
	return same;
}

static void publish(struct hub *h, struct fakeconn *f, const struct input *in)
{
	struct reply refusal;
	struct ingest ing;
	struct buf want, told;
	bool good;

	buf_init(&want);
	buf_init(&told);
	good = expect(&want, in);
	ingest_init(&ing, h, "t", 1, "key", 3);
	if (post(&ing, f, in, &refusal) == INGEST_DONE) {
		must(good && !ing.repeated && ing.done == ing.count);
		must(ing.last == ing.first + ing.count - 1);
		ingest_put(&ing, &told);
		must(json_check(buf_bytes(&told), buf_len(&told), NULL) ==
		     JSON_OK);
	} else {
		must(!good);
		check_refusal(&refusal, in);
		buf_clear(&want, 0);
	}
	fakeconn_settle(h, f, 1);
	must(heard(f, &want));
	ingest_release(&ing);
	buf_release(&want);
	buf_release(&told);
}

/* The same once more, cut in another way. */
static void repeat(struct hub *h, struct fakeconn *f, const struct input *in)
{
	struct input other = *in;
	struct reply refusal;
	struct ingest ing;
	struct buf nothing;

	buf_init(&nothing);
	other.piece = in->len / 3 + 1;
	ingest_init(&ing, h, "t", 1, "key", 3);
	if (post(&ing, f, &other, &refusal) == INGEST_DONE)
		must(ing.repeated);
	else
		must(!h->counters.published);
	fakeconn_settle(h, f, 1);
	must(heard(f, &nothing));
	ingest_release(&ing);
}

static void make_body(struct buf *b, const char *bytes, size_t len, bool longer)
{
	do
		buf_append(b, bytes, len);
	while (longer && len && buf_len(b) < LONG);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script s = {data, size};
	struct hub_config config = hub_defaults;
	struct input in;
	struct fakeconn f;
	struct buf body;
	struct hub h;
	bool longer;

	in.lines = script_byte(&s) & 1;
	in.piece = script_byte(&s) + 1u;
	longer = script_byte(&s) == 'L';
	if (longer)
		in.piece *= 256;
	buf_init(&body);
	make_body(&body, (const char *)s.at, s.left, longer);
	in.body = buf_len(&body) ? buf_bytes(&body) : "";
	in.len = buf_len(&body);
	config.message_max = MESSAGE_MAX;
	must(fakeconn_hub(&h, &config) == 0);
	fakeconn_open(&f, &h, SESSION_PLAIN);
	fakeconn_say(&f, "{'type':'SUBSCRIBE','tenantId':'t'}");
	publish(&h, &f, &in);
	repeat(&h, &f, &in);
	must(fakeconn_ledger(&h));
	fakeconn_close(&f);
	hub_release(&h);
	buf_release(&body);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* What origin promises: it comes out as it went in, and is shown safely. */
#include "origin.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

static struct request_text text(const char *bytes)
{
	return (struct request_text){bytes, strlen(bytes)};
}

static bool is(struct request_text got, const char *want)
{
	return got.len == strlen(want) && memcmp(got.bytes, want, got.len) == 0;
}

static bool shown_as(struct request_text from, const char *want)
{
	struct buf b;
	bool same;

	buf_init(&b);
	origin_excerpt(&b, from);
	same = is((struct request_text){buf_bytes(&b), buf_len(&b)}, want);
	buf_release(&b);
	return same;
}

/* It goes in behind other bytes, and is taken out from there. */
static struct origin pass(struct buf *b, const struct origin *o, bool whole)
{
	struct origin out;
	size_t before;

	buf_puts(b, "before");
	before = buf_len(b);
	origin_put(b, o, whole);
	origin_of(&out, buf_bytes(b) + before, buf_len(b) - before);
	return out;
}

static void passes(void)
{
	char tenant[129], message[201];
	struct origin in, out;
	struct buf b;

	memset(tenant, 't', sizeof(tenant) - 1);
	memset(message, 'm', sizeof(message) - 1);
	tenant[sizeof(tenant) - 1] = message[sizeof(message) - 1] = '\0';
	in = (struct origin){
		.tenant = text(tenant),
		.channel = text("jobs"),
		.message = text(message),
		.entry = {UINT64_MAX, 7},
		.stream = 3,
	};
	buf_init(&b);
	out = pass(&b, &in, true);
	ok(is(out.tenant, tenant) && is(out.channel, "jobs") &&
		   is(out.message, message),
	   "the longest tenant, a channel and a whole message");
	ok(entryid_compare(out.entry, in.entry) == 0 && out.stream == 3,
	   "the entry of a stream");
	out = pass(&b, &in, false);
	ok(is(out.tenant, tenant) && is(out.channel, "jobs") &&
		   out.message.len == ORIGIN_EXCERPT_MAX + 1,
	   "of a message only what people are shown");
	in = (struct origin){
		.tenant = text("t"),
		.channel = text(""),
		.message = text(""),
	};
	out = pass(&b, &in, false);
	ok(is(out.tenant, "t") && !out.channel.len && !out.message.len,
	   "an empty channel and message");
	buf_release(&b);
}

static void shows(void)
{
	static const char nul[] = {'a', '\0', 'b'};
	char sixty[ORIGIN_EXCERPT_MAX + 1], longer[70], want[70];

	memset(sixty, 'x', ORIGIN_EXCERPT_MAX);
	sixty[ORIGIN_EXCERPT_MAX] = '\0';
	ok(shown_as(text("{}"), "{}"), "a short text is shown whole");
	ok(shown_as(text(sixty), sixty), "and so are 60 bytes");
	snprintf(longer, sizeof(longer), "%sx", sixty);
	snprintf(want, sizeof(want), "%s...", sixty);
	ok(shown_as(text(longer), want), "what is longer is cut");
	snprintf(longer, sizeof(longer), "%.58s\xe6\x97\xa5", sixty);
	snprintf(want, sizeof(want), "%.58s...", sixty);
	ok(shown_as(text(longer), want), "at the end of a character");
	ok(shown_as((struct request_text){nul, 3}, "a\\x00b"),
	   "a NUL does not end it");
}

int main(void)
{
	passes();
	shows();
	return tap_end();
}

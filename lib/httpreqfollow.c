/* SPDX-License-Identifier: MIT */
/*
 * The following half of httpreq: as what updates are asked for, and from where
 * on.
 */
#include "accept.h"
#include "httpreq.h"
#include "num.h"

#include <string.h>

/* What can be followed; all but the first are lines. */
static const char *const types[] = {
	"text/event-stream",
	"application/x-ndjson",
	"application/ndjson",
	"application/jsonl",
};

/* Room for "EPOCH:SEQ", which is the longest. */
#define SINCE_MAX (PROTO_EPOCH_MAX + 1 + NUM_TEXT_MAX)

static int take_since(struct httpreq *r, const char *value, size_t len)
{
	char text[SINCE_MAX + 1];

	if (len == 0)
		return 0;
	if (len > SINCE_MAX)
		return -1;
	memcpy(text, value, len);
	text[len] = '\0';
	return proto_since_parse(&r->since, text);
}

static int take_envelope(struct httpreq *r, const char *value, size_t len)
{
	if (len != 1 || (*value != '0' && *value != '1'))
		return -1;
	if (*value == '1')
		r->view = STREAM_ENVELOPES;
	return 0;
}

static bool is(const char *name, size_t len, const char *want)
{
	return strlen(want) == len && memcmp(name, want, len) == 0;
}

const char *httpreq_follow_parameter(struct httpreq *r, const char *name,
				     size_t name_len, const char *value,
				     size_t len, unsigned *seen)
{
	bool since = is(name, name_len, "since");

	if (!since && !is(name, name_len, "envelope"))
		return "is not known here";
	if (*seen & (1u << since))
		return "is given twice";
	*seen |= 1u << since;
	if (since)
		return take_since(r, value, len) == 0
			       ? NULL
			       : "is not all, a number, an age as 10m, or "
				 "EPOCH:SEQ";
	return take_envelope(r, value, len) == 0 ? NULL : "is not 0 or 1";
}

/* What is sent, of what Accept names; envelopes are lines. */
static int choose_view(struct httpreq *r, const char *accept)
{
	int type = accept_choose(accept, types, sizeof(types) / sizeof(*types));
	bool envelopes = r->view == STREAM_ENVELOPES;

	if (type < 0 || (type == 0 && envelopes))
		return -1;
	if (!envelopes)
		r->view = type == 0 ? STREAM_EVENTS : STREAM_LINES;
	return 0;
}

/* A browser that lost an event stream sends the id that it saw last. */
static int take_last_id(struct httpreq *r, const char *id)
{
	if (!id || !*id)
		return 0;
	return proto_since_parse(&r->since, id) == 0 &&
			       r->since.kind == PROTO_SINCE_SEQ
		       ? 0
		       : -1;
}

int httpreq_follow(struct httpreq *r, const struct httpreq_head *head,
		   struct reply *refusal)
{
	if (choose_view(r, head->accept) < 0) {
		reply_error(refusal, 406, "NOT_ACCEPTABLE",
			    "say Accept: text/event-stream, or "
			    "application/x-ndjson");
		return -1;
	}
	if (take_last_id(r, head->last_id) == 0)
		return 0;
	reply_fault(refusal, 400, PROTO_BAD_REQUEST,
		    "Last-Event-ID is no id of an event here");
	return -1;
}

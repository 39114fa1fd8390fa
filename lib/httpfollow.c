/* SPDX-License-Identifier: MIT */
/*
 * The following half of the HTTP side: requests whose answer has no end.
 */
#include "http.h"

/* nginx keeps what is sent back, unless it is told not to. */
#define UNBUFFERED "X-Accel-Buffering: no\r\n"

static const char *type_of(enum stream_view view)
{
	return view == STREAM_EVENTS ? "text/event-stream"
				     : "application/x-ndjson";
}

void http_follow(struct exchange *e, const struct gate_request *q,
		 const struct httpreq *r, struct grant *grant)
{
	struct http *h = http_of(e);
	struct reply reply, refusal;
	struct http_response a = {
		.reply = &reply,
		.origin = http_origin(q),
		.to_head = true,
	};
	struct buf head;

	reply_content(&reply, 200, type_of(r->view));
	reply.endless = true;
	reply.extra = UNBUFFERED;
	if (r->to_head) {
		grant_free(grant);
		http_answer(e, &a);
		return;
	}
	buf_init(&head);
	reply.cors.origin = a.origin;
	reply_put(&head, &reply, NULL, true, h->peers->hub->now.wall_ms);
	if (follower_new(h->followers, e, r, &head, grant, &refusal) < 0)
		http_refuse(e, q, &refusal);
	else
		h->answers[reply_index(200)].value++;
	buf_release(&head);
}

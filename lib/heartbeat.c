/* SPDX-License-Identifier: MIT */
#include "heartbeat.h"

/* A look that is so late means that this process did not run. */
#define LATE_MS 1000

void heartbeat_start(struct heartbeat *h, uint64_t now)
{
	h->heard_at = h->asked_at = now;
	h->due = now + h->interval;
}

static enum heartbeat_verdict judge(struct heartbeat *h, uint64_t now,
				    uint64_t since, uint64_t limit,
				    enum heartbeat_verdict otherwise)
{
	if (now - since >= limit)
		return otherwise;
	h->due = since + limit;
	return HEARTBEAT_FINE;
}

enum heartbeat_verdict heartbeat_look(struct heartbeat *h, uint64_t now,
				      bool waiting, uint64_t patience)
{
	uint64_t since = h->heard_at;

	if (now > h->due + LATE_MS)
		since = h->heard_at = h->asked_at = now;
	h->due = now + h->timeout;
	if (!waiting)
		return judge(h, now, since, h->interval, HEARTBEAT_ASK);
	if (h->asked_at > since)
		since = h->asked_at;
	return judge(h, now, since, h->timeout + patience, HEARTBEAT_DEAD);
}

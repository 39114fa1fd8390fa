/* SPDX-License-Identifier: MIT */
#include "heartbeat.h"

/* A look that is so late means that this process did not run. */
#define LATE_MS 1000

void heartbeat_start(struct heartbeat *h, uint64_t now)
{
	h->heard_at = h->asked_at = now;
	h->due = now + h->interval;
}

bool heartbeat_asked(struct heartbeat *h, uint64_t now, uint64_t patience)
{
	uint64_t limit = now + h->timeout + patience;

	h->asked_at = now;
	if (h->due <= limit)
		return false;
	h->due = limit;
	return true;
}

/* The answer may come any time, and then the next question is due sooner. */
static uint64_t next_look(const struct heartbeat *h, uint64_t now,
			  uint64_t deadline)
{
	return deadline < now + h->interval ? deadline : now + h->interval;
}

enum heartbeat_verdict heartbeat_look(struct heartbeat *h, uint64_t now,
				      bool waiting, uint64_t patience)
{
	uint64_t since = h->heard_at;
	uint64_t limit = waiting ? h->timeout + patience : h->interval;

	if (now > h->due + LATE_MS)
		since = h->heard_at = h->asked_at = now;
	if (waiting && h->asked_at > since)
		since = h->asked_at;
	if (now - since < limit) {
		h->due = next_look(h, now, since + limit);
		return HEARTBEAT_FINE;
	}
	h->due = next_look(h, now, now + h->timeout);
	return waiting ? HEARTBEAT_DEAD : HEARTBEAT_ASK;
}

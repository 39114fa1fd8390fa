/* SPDX-License-Identifier: MIT */
#include "resume.h"

#include <string.h>

static void move(struct resume *r, const char *epoch, uint64_t seq)
{
	memmove(r->epoch, epoch, strlen(epoch) + 1);
	r->seq = seq;
}

static bool is_epoch(const struct resume *r, const char *epoch)
{
	return *epoch && strcmp(r->epoch, epoch) == 0;
}

void resume_init(struct resume *r, const struct proto_since *initial)
{
	memset(r, 0, sizeof(*r));
	r->initial = *initial;
	if (initial->kind == PROTO_SINCE_SEQ)
		move(r, initial->epoch, initial->number);
}

void resume_init_live(struct resume *r)
{
	const struct proto_since head = {.kind = PROTO_SINCE_HEAD};

	resume_init(r, &head);
	r->live = true;
}

void resume_since(const struct resume *r, struct proto_since *since)
{
	*since = r->initial;
	if (!*r->epoch || r->live)
		return;
	since->kind = PROTO_SINCE_SEQ;
	since->number = r->seq;
	memcpy(since->epoch, r->epoch, sizeof(since->epoch));
}

static enum resume_step live_subscribed(struct resume *r, uint64_t *from)
{
	bool first = !*r->epoch, same = is_epoch(r, r->next_epoch);
	uint64_t seen = r->seq;

	move(r, r->next_epoch, r->next_seq);
	if (first || (same && r->next_seq == seen))
		return RESUME_NEXT;
	if (same && r->next_seq > seen)
		*from = seen + 1;
	return RESUME_JUMP;
}

enum resume_step resume_subscribed(struct resume *r,
				   const struct answer *subscribed,
				   uint64_t *from)
{
	*from = 0;
	memcpy(r->next_epoch, subscribed->epoch, sizeof(r->next_epoch));
	r->next_seq = subscribed->next ? subscribed->next - 1 : 0;
	if (r->live)
		return live_subscribed(r, from);
	if (!*r->epoch)
		move(r, r->next_epoch, r->next_seq);
	return RESUME_NEXT;
}

enum resume_step resume_update(struct resume *r, const struct answer *update,
			       uint64_t *from)
{
	uint64_t due = r->seq + 1;

	*from = 0;
	if (r->live) {
		r->seq++;
		return RESUME_NEXT;
	}
	if (!is_epoch(r, update->epoch)) {
		enum resume_step step = *r->epoch ? RESUME_JUMP : RESUME_NEXT;

		move(r, update->epoch, update->seq);
		return step;
	}
	if (update->seq < due)
		return RESUME_OLD;
	r->seq = update->seq;
	if (update->seq == due)
		return RESUME_NEXT;
	*from = due;
	return RESUME_JUMP;
}

void resume_gap(struct resume *r, const struct answer *gap)
{
	if (!gap->from)
		move(r, r->next_epoch, r->next_seq);
	else if (is_epoch(r, gap->epoch) && gap->to > r->seq)
		r->seq = gap->to;
}

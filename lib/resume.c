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

void resume_since(const struct resume *r, struct proto_since *since)
{
	*since = r->initial;
	if (!*r->epoch)
		return;
	since->kind = PROTO_SINCE_SEQ;
	since->number = r->seq;
	memcpy(since->epoch, r->epoch, sizeof(since->epoch));
}

void resume_subscribed(struct resume *r, const struct answer *subscribed)
{
	memcpy(r->next_epoch, subscribed->epoch, sizeof(r->next_epoch));
	r->next_seq = subscribed->next ? subscribed->next - 1 : 0;
	if (!*r->epoch)
		move(r, r->next_epoch, r->next_seq);
}

enum resume_step resume_update(struct resume *r, const struct answer *update,
			       uint64_t *from)
{
	uint64_t due = r->seq + 1;

	*from = 0;
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

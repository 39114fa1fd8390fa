/* SPDX-License-Identifier: MIT */
/*
 * What the peer of a session may do: tokens, and the rights of their grants.
 *
 * Where the hub is guarded, every request that names a tenant passes through
 * here. Grants of tokens that come with SUBSCRIBE are added to those that there
 * are; AUTH replaces them all. A connection never keeps a subscription that no
 * grant of it allows: it is closed.
 */
#include "session.h"

static void refused(struct session *s, enum counters_refusal reason)
{
	s->outlet.hub->counters.refused[reason]++;
}

/* Whether its grants allow all that it has subscribed to. */
static bool covers(const struct session *s)
{
	list_for_each (node, &s->outlet.subscriptions) {
		const struct subscription *sub =
			list_entry(node, struct subscription, in_outlet);
		const struct hub_tenant *t = sub->tenant;

		if (!pass_may(&s->pass, RIGHTS_SUBSCRIBE, t->id, t->id_len))
			return false;
	}
	return true;
}

/* The tenant that it published to last was allowed by what it had before. */
static void forget_allowed(struct session *s)
{
	if (s->pub)
		session_hold(s, &s->pub->published, NULL);
}

static int64_t now_of(const struct session *s)
{
	return s->outlet.hub->now.wall_ms;
}

/* Tokens */

static void close_uncovered(struct session *s)
{
	outlet_close(&s->outlet, PROTO_CLOSE_FORBIDDEN,
		     "the new token does not allow what is subscribed to");
}

/* Who has shown a good one before goes on with that. */
static void refuse_token(struct session *s, const struct request *r,
			 enum grant_verdict verdict)
{
	if (verdict == GRANT_TOO_OFTEN) {
		session_error(s, &r->id, PROTO_RATE_LIMITED,
			      "too many bad tokens came from this address");
		if (pass_empty(&s->pass))
			outlet_close(&s->outlet, PROTO_CLOSE_RATE_LIMITED,
				     "too many bad tokens");
		return;
	}
	session_error(s, &r->id, PROTO_AUTH_FAILED, "the token is not good");
	if (pass_empty(&s->pass))
		outlet_close(&s->outlet, PROTO_CLOSE_AUTH_FAILED,
			     "authentication failed");
}

/*
 * To check one takes a while, and so does to look whether it allows all that is
 * subscribed to: others have their turn before the next request.
 */
static void let_others_go_on(struct session *s)
{
	s->intake.stopped = true;
	outlet_ready(&s->outlet);
}

/* The grant of the request's token; NULL after an answer. */
static struct grant *check_token(struct session *s, const struct request *r)
{
	struct outlet *o = &s->outlet;
	struct grant *grant = NULL;
	enum grant_verdict verdict =
		o->ops->check(o->conn, r->token.bytes, r->token.len, &grant);

	let_others_go_on(s);
	if (verdict == GRANT_GIVEN)
		return grant;
	if (verdict == GRANT_NO_MEMORY)
		session_over_capacity(s, r, SESSION_LITTLE_MEMORY);
	else
		refuse_token(s, r, verdict);
	return NULL;
}

static void say_authenticated(struct session *s, const struct request *r)
{
	struct buf text;

	if (!session_wants_answer(s, r))
		return;
	buf_init(&text);
	answer_put_authenticated(&text, &r->id, pass_end(&s->pass));
	session_say(s, &text);
}

/* Where nobody is asked, every token will do. */
void session_auth(struct session *s, const struct request *r)
{
	struct grant *grant = NULL;

	if (s->outlet.hub->guarded) {
		grant = check_token(s, r);
		if (!grant)
			return;
		pass_replace(&s->pass, grant, now_of(s));
		session_unlimit(s);
		forget_allowed(s);
	}
	if (grant && !covers(s))
		close_uncovered(s);
	else
		say_authenticated(s, r);
}

/*
 * Of too many, the oldest goes, where nothing that is subscribed to needs it.
 * False after an answer: then it is the new one that goes.
 */
static bool make_room(struct session *s, const struct request *r)
{
	struct grant *oldest;

	if (pass_count(&s->pass) <= PASS_MAX)
		return true;
	oldest = pass_take_oldest(&s->pass);
	if (covers(s)) {
		grant_free(oldest);
		forget_allowed(s);
		return true;
	}
	pass_put_oldest(&s->pass, oldest);
	grant_free(pass_take_newest(&s->pass));
	session_error(s, &r->id, PROTO_TOO_MANY_SUBSCRIPTIONS,
		      "this connection has as many tokens as are allowed");
	return false;
}

static bool take_token(struct session *s, const struct request *r)
{
	struct grant *grant = check_token(s, r);

	if (!grant)
		return false;
	pass_add(&s->pass, grant, now_of(s));
	session_unlimit(s);
	return make_room(s, r);
}

void session_admit(struct session *s, struct grant *grant)
{
	pass_add(&s->pass, grant, now_of(s));
	session_unlimit(s);
}

/* Rights */

/* Whether it has a grant, or needs none. False after an answer. */
static bool known(struct session *s, const struct request *r)
{
	if (!session_unknown(s))
		return true;
	refused(s, REFUSED_FORBIDDEN);
	session_error(s, &r->id, PROTO_AUTH_REQUIRED,
		      "a token has to be shown first");
	return false;
}

static bool allows(const struct session *s, const struct request *r,
		   enum rights_what what)
{
	return !s->outlet.hub->guarded ||
	       pass_may(&s->pass, what, r->tenant.bytes, r->tenant.len);
}

bool session_may(struct session *s, const struct request *r,
		 enum rights_what what)
{
	if (allows(s, r, what))
		return true;
	if (!known(s, r))
		return false;
	refused(s, REFUSED_FORBIDDEN);
	session_error(
		s, &r->id, PROTO_FORBIDDEN,
		what == RIGHTS_PUBLISH
			? "the token gives no right to publish to this"
			: "the token gives no right to subscribe to this");
	return false;
}

bool session_may_publish(struct session *s, const struct request *r)
{
	if (!s->outlet.hub->guarded || pass_may_some(&s->pass, RIGHTS_PUBLISH))
		return true;
	if (!known(s, r))
		return false;
	refused(s, REFUSED_FORBIDDEN);
	session_error(s, &r->id, PROTO_FORBIDDEN,
		      "the token gives no right to publish");
	return false;
}

bool session_may_subscribe(struct session *s, const struct request *r)
{
	bool plain = s->dialect == SESSION_PLAIN, unknown;
	bool ok =
		!s->outlet.hub->guarded || !r->token.bytes || take_token(s, r);

	if (s->outlet.closing)
		return false;
	unknown = session_unknown(s);
	ok = ok && session_may(s, r, RIGHTS_SUBSCRIBE);
	if (!ok && plain)
		outlet_close(&s->outlet,
			     unknown ? PROTO_CLOSE_AUTH_REQUIRED
				     : PROTO_CLOSE_FORBIDDEN,
			     unknown ? "a token is needed"
				     : "the token does not allow this");
	return ok;
}

/* Time */

static void say_expiring(struct session *s, int64_t end_ms)
{
	struct buf text;

	if (s->dialect != SESSION_V1)
		return;
	buf_init(&text);
	answer_put_expiring(&text, end_ms, end_ms - now_of(s));
	session_say(s, &text);
}

/* Grants are gone. Whether it needed one of them: then it is closed. */
static bool lacks(struct session *s, enum proto_close code, const char *reason)
{
	forget_allowed(s);
	if (!pass_empty(&s->pass) && covers(s))
		return false;
	refused(s, REFUSED_EXPIRED);
	outlet_close(&s->outlet, code, reason);
	return true;
}

void session_revise(struct session *s,
		    bool (*holds)(const void *user, const struct grant *g),
		    const void *user)
{
	if (!s->outlet.closing && pass_keep(&s->pass, holds, user))
		lacks(s, PROTO_CLOSE_AUTH_FAILED, "the token was taken back");
}

int64_t session_watch(struct session *s)
{
	int64_t end_ms;

	if (s->outlet.closing)
		return -1;
	if (pass_expire(&s->pass, now_of(s)) &&
	    lacks(s, PROTO_CLOSE_TOKEN_EXPIRED, "the token has expired"))
		return -1;
	while ((end_ms = pass_notice(&s->pass, now_of(s))))
		say_expiring(s, end_ms);
	return pass_due(&s->pass, now_of(s));
}

void session_auth_late(struct session *s)
{
	refused(s, REFUSED_AUTH_TIME);
	outlet_close(&s->outlet, PROTO_CLOSE_AUTH_REQUIRED,
		     "no token came in time");
}

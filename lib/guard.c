/* SPDX-License-Identifier: MIT */
#include "guard.h"

#include <inttypes.h>
#include <string.h>

int guard_init(struct guard *g, struct log *log, struct counters *counters)
{
	memset(g, 0, sizeof(*g));
	g->log = log;
	g->counters = counters;
	return blame_init(&g->blame);
}

void guard_release(struct guard *g)
{
	blame_release(&g->blame);
}

static struct log_subject subject_of(const struct guard_subject *who,
				     char address[NETADDR_TEXT_MAX])
{
	return (struct log_subject){
		.connection = who->connection,
		.address = netaddr_show_host(who->from, address),
	};
}

static void log_blocked(struct guard *g, const struct guard_subject *who)
{
	char address[NETADDR_TEXT_MAX];
	struct log_subject subject = subject_of(who, address);

	log_event(g->log, LOG_AUTH_BLOCKED, &subject,
		  "%" PRIu64
		  " bad tokens from '%s' within a minute are as many "
		  "as --auth-failures allows: for now none is looked at",
		  g->blame.max, *address ? address : "unix");
}

static void log_refused(struct guard *g, const struct guard_subject *who,
			enum refusal refusal)
{
	char address[NETADDR_TEXT_MAX];
	struct log_subject subject = subject_of(who, address);

	if (who->connection)
		log_event(g->log, LOG_AUTH_FAILED, &subject,
			  "refused a token from '%s' on connection %" PRIu64
			  ": %s",
			  *address ? address : "unix", who->connection,
			  refusal_strerror(refusal));
	else
		log_event(g->log, LOG_AUTH_FAILED, &subject,
			  "refused a token from '%s': %s",
			  *address ? address : "unix",
			  refusal_strerror(refusal));
}

static enum grant_verdict failed(struct guard *g,
				 const struct guard_subject *who,
				 enum refusal refusal)
{
	if (refusal == REFUSAL_NO_MEMORY) {
		g->counters->refused[REFUSED_MEMORY]++;
		return GRANT_NO_MEMORY;
	}
	g->counters->refused[REFUSED_TOKEN]++;
	log_refused(g, who, refusal);
	if (blame_failed(&g->blame, who->from, who->mono_ms))
		log_blocked(g, who);
	return GRANT_REFUSED;
}

enum grant_verdict guard_check(struct guard *g, const struct guard_subject *who,
			       const char *token, size_t len,
			       struct grant **grant)
{
	enum refusal refusal;

	if (blame_wait(&g->blame, who->from, who->mono_ms) > 0) {
		g->counters->refused[REFUSED_AUTH_FAILURES]++;
		return GRANT_TOO_OFTEN;
	}
	refusal =
		tokens_check(g->tokens, token, len, who->wall_ms / 1000, grant);
	return refusal == REFUSAL_NONE ? GRANT_GIVEN : failed(g, who, refusal);
}

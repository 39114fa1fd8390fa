/* SPDX-License-Identifier: MIT */
/*
 * delivery - a sink (see sink.h) that publishes to the tenants of a wsd, and
 * tells them where something is missing.
 *
 * Messages go into its uplink. While the wsd is away they wait there; what then
 * finds no room is lost, and its tenant is owed a GAP, which stands before the
 * next message of that tenant. A GAP that the wsd refuses for now is tried
 * again, ever later.
 *
 * With `keep`, messages come from a source that can wait: no more are asked for
 * than there is room for, whether the wsd is there or not, and one that it
 * refuses for now is tried again too, before all later ones of its tenant that
 * had not been sent yet; so is one that is forbidden, as rights can change.
 */
#ifndef DELIVERY_H
#define DELIVERY_H

#include "deferred.h"
#include "diag.h"
#include "seen.h"
#include "sink.h"
#include "uplink.h"

/* Tenants that are remembered, to be told of a loss. */
#define DELIVERY_TENANTS_MAX 100000

struct delivery_config {
	const char *url;	 /* of the wsd */
	struct login *login;	 /* borrowed; see client.h */
	uint64_t max_bytes;	 /* of messages that wait */
	uint64_t max_messages;	 /* and messages */
	bool keep;		 /* see above */
	bool whole;		 /* origins are kept with all of the message */
	const struct diag *diag; /* borrowed */
};

struct delivery {
	const struct delivery_config *config; /* borrowed */
	const struct sink_events *events;     /* borrowed */
	void *user;
	struct uplink_config uplink_config;
	struct uplink uplink;
	struct seen seen;
	struct deferred deferred;
	uint64_t serial; /* of the last message */
	uint64_t gaps;	 /* acknowledged */

	bool dropping;	  /* messages find no room */
	uint64_t dropped; /* since it began */

	unsigned forbidden;   /* tenants that were told of, see deferred */
	uint64_t reminded_ms; /* uv_now() */

	uint64_t again_ms; /* until what was refused for now is tried again */
	bool handles;	   /* this is open: */
	uv_timer_t again;
};

extern const struct sink_ops delivery_ops;

/*
 * 0, or -1 with errno. All is borrowed. delivery_ops.release() is to be called
 * in any case.
 */
int delivery_init(struct delivery *d, const struct delivery_config *config,
		  const struct sink_events *events, void *user);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The reading half of the HTTP side: how the server stands, what it has, what
 * it has counted.
 */
#include "http.h"
#include "pages.h"
#include "report.h"

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void get_health(struct reply *reply, struct buf *content)
{
	reply_content(reply, 200, REPLY_TEXT);
	buf_puts(content, "ok\n");
}

static void get_ready(const struct hub *hub, struct reply *reply,
		      struct buf *content)
{
	if (hub->draining) {
		reply_fault(reply, 503, PROTO_DRAINING,
			    "the server shuts down");
		reply_retry(reply, HTTP_RETRY_MS);
		return;
	}
	reply_content(reply, 200, REPLY_TEXT);
	buf_puts(content, "ready\n");
}

/* Whoever has it need not be sent it again. */
static void get_page(const struct httpreq *r, struct reply *reply,
		     struct buf *content)
{
	const struct page *page = r->page;

	if (pages_match(page, r->match)) {
		reply_empty(reply, 304);
	} else {
		reply_content(reply, 200, page->type);
		buf_append(content, page->bytes, page->len);
	}
	reply->etag = page->etag;
	reply->policy = PAGES_POLICY;
}

static void get_tenant(struct hub *hub, const struct httpreq *r,
		       struct reply *reply, struct buf *content)
{
	reply_content(reply, 200, REPLY_JSON);
	if (report_tenant(content, hub, r->tenant, r->tenant_len) < 0)
		reply_error(reply, 404, "NOT_FOUND", "nothing is known of it");
}

static void get_tenants(struct hub *hub, const struct httpreq *r,
			struct reply *reply, struct buf *content)
{
	reply_content(reply, 200, REPLY_JSON);
	report_tenants(content, hub, r->after, r->after_len, r->limit);
}

static const char *const dialects[STREAM_VIEWS] = {
	[STREAM_PLAIN] = "plain",      [STREAM_V1] = PROTO_V1,
	[STREAM_EVENTS] = "sse",       [STREAM_LINES] = "ndjson",
	[STREAM_ENVELOPES] = "ndjson",
};

/* One that is in one of two rosters. */
static void put_connection(struct buf *content, uint64_t number,
			   const struct caller *caller, int64_t since_ms,
			   const struct outlet *outlet)
{
	char address[NETADDR_TEXT_MAX];
	struct report_connection c = {
		.number = number,
		.address = netaddr_show(&caller->address, address),
		.dialect = dialects[outlet->view],
		.age_ms = outlet->hub->now.mono_ms - since_ms,
		.outlet = outlet,
	};

	report_connection(content, &c);
}

/* Tells of the one with the next number above `*last`. False: there is none. */
static bool put_next(struct buf *content, const struct followers *followers,
		     uint64_t *last)
{
	const struct peer *p = peers_above(followers->peers, *last);
	const struct follower *f = followers_above(followers, *last);

	if (!p && !f)
		return false;
	if (p && (!f || p->session.number < f->follow.number)) {
		*last = p->session.number;
		put_connection(content, *last, p->caller, p->since_ms,
			       &p->session.outlet);
	} else {
		*last = f->follow.number;
		put_connection(content, *last, f->exchange->caller, f->since_ms,
			       &f->follow.outlet);
	}
	return true;
}

static void get_connections(const struct followers *followers,
			    const struct httpreq *r, struct reply *reply,
			    struct buf *content)
{
	uint64_t last = r->after_number;
	bool more = true;

	reply_content(reply, 200, REPLY_JSON);
	report_begin(content);
	for (size_t told = 0; more && told < r->limit; told++)
		more = put_next(content, followers, &last);
	more = more && (peers_above(followers->peers, last) ||
			followers_above(followers, last));
	report_end(content, more ? last : 0);
}

/* Metrics */

enum { PLAIN, V1, SSE, NDJSON, HTTP, DIALECTS };

static void count_connections(const struct followers *followers,
			      struct metrics_figure figures[DIALECTS])
{
	static const char *const names[DIALECTS] = {"plain", PROTO_V1, "sse",
						    "ndjson", "http"};
	const struct peers *peers = followers->peers;

	for (int i = 0; i < DIALECTS; i++)
		figures[i] = (struct metrics_figure){names[i], 0};
	figures[PLAIN].value = peers->counts[SESSION_PLAIN];
	figures[V1].value = peers->counts[SESSION_V1];
	figures[SSE].value = followers->counts[STREAM_EVENTS];
	figures[NDJSON].value = followers->counts[STREAM_LINES] +
				followers->counts[STREAM_ENVELOPES];
	figures[HTTP].value = peers->callers->admission.count -
			      peers->all.count - followers->all.count;
}

static void count_memory(const struct meter *meter,
			 struct metrics_figure figures[METER_KINDS])
{
	for (int i = 0; i < METER_KINDS; i++)
		figures[i] = (struct metrics_figure){
			meter_kind_name((enum meter_kind)i), meter->used[i]};
}

static void look_at_process(struct metrics *m)
{
	struct rlimit limit;

	procstat_read(&m->process, getpid());
	m->descriptors = procstat_descriptors();
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		m->descriptors_max = limit.rlim_cur;
}

static void get_metrics(const struct http *h, struct reply *reply,
			struct buf *content)
{
	const struct hub *hub = h->peers->hub;
	struct metrics_figure connections[DIALECTS];
	struct metrics_figure memory[METER_KINDS];
	struct metrics m = {
		.counters = &hub->counters,
		.uptime_ms = hub->now.mono_ms - h->started_ms,
		.wall_ms = hub->now.wall_ms,
		.tenants = hub->tenants.count,
		.draining = hub->draining,
		.connections = connections,
		.connections_count = DIALECTS,
		.memory = memory,
		.memory_count = METER_KINDS,
		.memory_max = hub->meter.max,
		.answers = h->answers,
		.answers_count = REPLY_STATUSES,
	};

	count_connections(h->followers, connections);
	count_memory(&hub->meter, memory);
	census_take(hub, &m.census);
	look_at_process(&m);
	reply_content(reply, 200, METRICS_TYPE);
	metrics_put(content, &m);
}

void http_get(struct http *h, const struct httpreq *r, struct reply *reply,
	      struct buf *content)
{
	switch (r->endpoint) {
	case HTTPREQ_HEALTH:
		get_health(reply, content);
		break;
	case HTTPREQ_READY:
		get_ready(h->peers->hub, reply, content);
		break;
	case HTTPREQ_PAGE:
		get_page(r, reply, content);
		break;
	case HTTPREQ_METRICS:
		get_metrics(h, reply, content);
		break;
	case HTTPREQ_TENANTS:
		get_tenants(h->peers->hub, r, reply, content);
		break;
	case HTTPREQ_TENANT:
		get_tenant(h->peers->hub, r, reply, content);
		break;
	case HTTPREQ_CONNECTIONS:
		get_connections(h->followers, r, reply, content);
		break;
	case HTTPREQ_PUBLISH:
	case HTTPREQ_FOLLOW:
		break;
	}
}

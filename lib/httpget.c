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

static const char *dialect_of(const struct peer *p)
{
	return p->session.dialect == SESSION_V1 ? PROTO_V1 : "plain";
}

static void put_peer(struct buf *content, const struct peer *p)
{
	char address[NETADDR_TEXT_MAX];
	struct report_connection c = {
		.number = p->session.number,
		.address = netaddr_show(&p->caller->address, address),
		.dialect = dialect_of(p),
		.age_ms = p->peers->hub->now.mono_ms - p->since_ms,
		.outlet = &p->session.outlet,
	};

	report_connection(content, &c);
}

static void get_connections(const struct peers *peers, const struct httpreq *r,
			    struct reply *reply, struct buf *content)
{
	const struct peer *p = peers_above(peers, r->after_number);
	uint64_t last = 0;

	reply_content(reply, 200, REPLY_JSON);
	report_begin(content);
	for (size_t told = 0; p && told < r->limit; told++) {
		put_peer(content, p);
		last = p->session.number;
		p = peers_above(peers, last);
	}
	report_end(content, p ? last : 0);
}

/* Metrics */

enum { PLAIN, V1, HTTP, DIALECTS };

static void count_connections(const struct peers *peers,
			      struct metrics_figure figures[DIALECTS])
{
	static const char *const names[DIALECTS] = {"plain", PROTO_V1, "http"};

	for (int i = 0; i < DIALECTS; i++)
		figures[i] = (struct metrics_figure){names[i], 0};
	figures[PLAIN].value = peers->counts[SESSION_PLAIN];
	figures[V1].value = peers->counts[SESSION_V1];
	figures[HTTP].value =
		peers->callers->admission.count - peers->all.count;
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

	count_connections(h->peers, connections);
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
		get_connections(h->peers, r, reply, content);
		break;
	case HTTPREQ_PUBLISH:
		break;
	}
}

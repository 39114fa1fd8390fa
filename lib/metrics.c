/* SPDX-License-Identifier: MIT */
#include "metrics.h"

#include <inttypes.h>
#include <string.h>

#ifndef WSD_VERSION
#define WSD_VERSION "0"
#endif

#define NS 1000000000

/* Counters that need no label. */
static const struct {
	const char *name;
	size_t offset;
	const char *help;
} plain_counters[] = {
	{"wsd_updates_published_total", offsetof(struct counters, published),
	 "Updates that got a number."},
	{"wsd_updates_published_bytes_total",
	 offsetof(struct counters, published_bytes),
	 "Bytes of these, as JSON."},
	{"wsd_updates_duplicate_total", offsetof(struct counters, duplicates),
	 "Updates and requests known by key or producer, not published again."},
	{"wsd_deliveries_due_total", offsetof(struct counters, due),
	 "Updates times their subscribers, replays, and gaps told."},
	{"wsd_deliveries_delivered_total", offsetof(struct counters, delivered),
	 "Deliveries accepted by the kernel or by TLS."},
	{"wsd_gaps_told_total", offsetof(struct counters, gaps),
	 "Gaps told to subscribers."},
	{"wsd_connections_accepted_total", offsetof(struct counters, accepted),
	 "Connections accepted, of every kind."},
	{"wsd_websockets_established_total",
	 offsetof(struct counters, established),
	 "Connections that became WebSockets."},
	{"wsd_received_bytes_total", offsetof(struct counters, bytes_in),
	 "Payload of WebSockets and bodies of HTTP received."},
	{"wsd_sent_bytes_total", offsetof(struct counters, bytes_out),
	 "Bytes written to WebSockets."},
	{"wsd_pings_sent_total", offsetof(struct counters, pings),
	 "Pings sent to peers."},
};

static void family(struct buf *b, const char *name, const char *type,
		   const char *help)
{
	buf_puts(b, "# HELP ");
	buf_puts(b, name);
	buf_putc(b, ' ');
	buf_puts(b, help);
	buf_puts(b, "\n# TYPE ");
	buf_puts(b, name);
	buf_putc(b, ' ');
	buf_puts(b, type);
	buf_putc(b, '\n');
}

static void sample(struct buf *b, const char *name, uint64_t value)
{
	buf_puts(b, name);
	buf_putc(b, ' ');
	buf_put_u64(b, value);
	buf_putc(b, '\n');
}

/* Labels of ours need no escaping. */
static void labelled(struct buf *b, const char *name, const char *label,
		     const char *what, uint64_t value)
{
	buf_puts(b, name);
	buf_putc(b, '{');
	buf_puts(b, label);
	buf_puts(b, "=\"");
	buf_puts(b, what);
	buf_puts(b, "\"} ");
	buf_put_u64(b, value);
	buf_putc(b, '\n');
}

static void put_seconds(struct buf *b, uint64_t ns)
{
	buf_printf(b, "%" PRIu64 ".%09" PRIu64, ns / NS, ns % NS);
}

static void sample_ns(struct buf *b, const char *name, uint64_t ns)
{
	buf_puts(b, name);
	buf_putc(b, ' ');
	put_seconds(b, ns);
	buf_putc(b, '\n');
}

static void gauge(struct buf *b, const char *name, uint64_t value,
		  const char *help)
{
	family(b, name, "gauge", help);
	sample(b, name, value);
}

static void figures(struct buf *b, const char *name, const char *label,
		    const struct metrics_figure *all, size_t count)
{
	for (size_t i = 0; i < count; i++)
		labelled(b, name, label, all[i].label, all[i].value);
}

static void put_plain(struct buf *b, const struct counters *c)
{
	for (size_t i = 0; i < sizeof(plain_counters) / sizeof(*plain_counters);
	     i++) {
		const char *name = plain_counters[i].name;
		uint64_t value;

		memcpy(&value, (const char *)c + plain_counters[i].offset,
		       sizeof(value));
		family(b, name, "counter", plain_counters[i].help);
		sample(b, name, value);
	}
}

static void put_reasons(struct buf *b, const struct counters *c)
{
	static const char dropped[] = "wsd_deliveries_dropped_total";
	static const char refused[] = "wsd_refused_total";
	static const char errors[] = "wsd_errors_total";

	family(b, dropped, "counter",
	       "Deliveries that were not made, and why.");
	for (int i = 0; i < DROP_REASONS; i++)
		labelled(b, dropped, "reason",
			 counters_drop_name((enum counters_drop)i),
			 c->dropped[i]);
	family(b, refused, "counter",
	       "Requests, updates and connections refused or ended, and why.");
	for (int i = 0; i < REFUSED_REASONS; i++)
		labelled(b, refused, "reason",
			 counters_refusal_name((enum counters_refusal)i),
			 c->refused[i]);
	family(b, errors, "counter", "ERRORs sent on WebSockets, by code.");
	for (int i = PROTO_FINE + 1; i < PROTO_CODES; i++)
		labelled(b, errors, "code", proto_code_name((enum proto_code)i),
			 c->errors[i]);
}

/* Of a histogram each class counts all that is not above its bound. */
static void put_times(struct buf *b, const struct counters *c)
{
	static const char name[] = "wsd_publish_to_write_seconds";
	uint64_t sum = 0;

	family(b, name, "histogram",
	       "From publishing an update to its last write of that flush.");
	for (int i = 0; i < COUNTERS_TIMES; i++) {
		sum += c->times[i];
		buf_puts(b, "wsd_publish_to_write_seconds_bucket{le=\"");
		put_seconds(b, counters_time_bound(i));
		buf_puts(b, "\"} ");
		buf_put_u64(b, sum);
		buf_putc(b, '\n');
	}
	sum += c->times[COUNTERS_TIMES];
	labelled(b, "wsd_publish_to_write_seconds_bucket", "le", "+Inf", sum);
	sample_ns(b, "wsd_publish_to_write_seconds_sum", c->times_ns);
	sample(b, "wsd_publish_to_write_seconds_count", sum);
}

static void put_census(struct buf *b, const struct metrics *m)
{
	gauge(b, "wsd_deliveries_pending", m->census.pending,
	      "Deliveries that are due and neither made nor dropped.");
	gauge(b, "wsd_subscriptions", m->census.subscriptions,
	      "Subscriptions of all connections.");
	gauge(b, "wsd_furthest_lag_bytes", m->census.lag,
	      "Bytes that the slowest subscriber is behind.");
	gauge(b, "wsd_tenants", m->tenants, "Tenants that are remembered.");
	gauge(b, "wsd_tenants_watched", m->census.streams,
	      "Tenants that have subscribers.");
}

static void put_figures(struct buf *b, const struct metrics *m)
{
	family(b, "wsd_connections", "gauge",
	       "Connections, by dialect; http: no WebSocket, or not yet.");
	figures(b, "wsd_connections", "dialect", m->connections,
		m->connections_count);
	family(b, "wsd_memory_bytes", "gauge",
	       "Memory for what peers sent, by kind.");
	figures(b, "wsd_memory_bytes", "kind", m->memory, m->memory_count);
	gauge(b, "wsd_memory_limit_bytes", m->memory_max,
	      "What that may be in all; 0: no limit.");
	family(b, "wsd_http_answers_total", "counter",
	       "Answers to HTTP requests, by status.");
	figures(b, "wsd_http_answers_total", "status", m->answers,
		m->answers_count);
}

static void put_server(struct buf *b, const struct metrics *m)
{
	family(b, "wsd_build_info", "gauge", "The version; always 1.");
	labelled(b, "wsd_build_info", "version", WSD_VERSION, 1);
	family(b, "wsd_uptime_seconds", "gauge", "Time since the start.");
	sample_ns(b, "wsd_uptime_seconds",
		  (uint64_t)m->uptime_ms * (NS / 1000));
	gauge(b, "wsd_draining", m->draining, "1 while it shuts down.");
}

/* As every exporter names them. */
static void put_process(struct buf *b, const struct metrics *m)
{
	family(b, "process_cpu_seconds_total", "counter",
	       "Processor time, user and system.");
	sample_ns(b, "process_cpu_seconds_total", m->process.cpu_ns);
	gauge(b, "process_resident_memory_bytes", m->process.rss,
	      "Resident memory.");
	gauge(b, "process_open_fds", m->descriptors, "Open descriptors.");
	gauge(b, "process_max_fds", m->descriptors_max,
	      "Descriptors that may be open.");
	family(b, "process_start_time_seconds", "gauge",
	       "When it started, since 1970.");
	sample_ns(b, "process_start_time_seconds",
		  (uint64_t)(m->wall_ms - m->uptime_ms) * (NS / 1000));
}

void metrics_put(struct buf *b, const struct metrics *m)
{
	put_server(b, m);
	put_plain(b, m->counters);
	put_reasons(b, m->counters);
	put_census(b, m);
	put_figures(b, m);
	put_times(b, m->counters);
	put_process(b, m);
}

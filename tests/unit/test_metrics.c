/* SPDX-License-Identifier: MIT */
/* What metrics promises: every figure there is, in Prometheus' own format. */
#include "metrics.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

static const struct metrics_figure dialects[] = {{"plain", 1}, {"v1", 2}};

/* Each counter another number. */
static void fill(struct counters *c)
{
	uint64_t *at = (uint64_t *)(void *)c;

	for (size_t i = 0; i < sizeof(*c) / sizeof(*at); i++)
		at[i] = 1000 + i;
}

static void make(struct buf *b, const struct counters *c)
{
	struct metrics m = {
		.counters = c,
		.census = {.streams = 3,
			   .subscriptions = 4,
			   .pending = 5,
			   .lag = 6},
		.process = {.cpu_ns = 1500000000, .rss = 4096},
		.descriptors = 9,
		.descriptors_max = 1024,
		.uptime_ms = 2500,
		.wall_ms = 10000,
		.tenants = 7,
		.draining = true,
		.connections = dialects,
		.connections_count = 2,
		.answers = dialects,
		.answers_count = 1,
	};

	metrics_put(b, &m);
	buf_putc(b, '\0');
}

/* Whether there is a line that says this. */
static bool says(const struct buf *b, const char *line)
{
	char whole[160];

	snprintf(whole, sizeof(whole), "\n%s\n", line);
	if (strstr(buf_bytes(b), whole))
		return true;
	printf("# does not say %s\n", line);
	return false;
}

static bool says_u64(const struct buf *b, const char *name, const char *label,
		     const char *what, uint64_t value)
{
	char line[128];

	snprintf(line, sizeof(line), "%s{%s=\"%s\"} %lu", name, label, what,
		 (unsigned long)value);
	return says(b, line);
}

/* Of each family HELP and TYPE, once, and before its samples. */
static bool families(const struct buf *b)
{
	char name[128] = "", line[256];
	const char *at = buf_bytes(b);
	size_t n = 0;

	while (*at) {
		size_t len = strcspn(at, "\n");

		snprintf(line, sizeof(line), "%.*s", (int)len, at);
		at += len + 1;
		if (sscanf(line, "# HELP %127s", name) == 1) {
			n++;
		} else if (strncmp(line, "# TYPE ", 7) == 0) {
			if (strncmp(line + 7, name, strlen(name)) != 0)
				return false;
		} else if (strncmp(line, name, strlen(name)) != 0) {
			return false;
		}
	}
	return n > 30;
}

static void counting(const struct buf *b, const struct counters *c)
{
	bool all = true;

	ok(says(b, "wsd_updates_published_total 1000") &&
		   says(b, "wsd_updates_published_bytes_total 1001") &&
		   says(b, "wsd_deliveries_due_total 1003") &&
		   says(b, "wsd_deliveries_delivered_total 1004"),
	   "counters as they are");
	for (int i = 0; i < DROP_REASONS; i++)
		all &= says_u64(b, "wsd_deliveries_dropped_total", "reason",
				counters_drop_name((enum counters_drop)i),
				c->dropped[i]);
	for (int i = 0; i < REFUSED_REASONS; i++)
		all &= says_u64(b, "wsd_refused_total", "reason",
				counters_refusal_name((enum counters_refusal)i),
				c->refused[i]);
	for (int i = 1; i < PROTO_CODES; i++)
		all &= says_u64(b, "wsd_errors_total", "code",
				proto_code_name((enum proto_code)i),
				c->errors[i]);
	ok(all, "every reason and every code has its own");
}

static void standing(const struct buf *b)
{
	ok(says(b, "wsd_deliveries_pending 5") &&
		   says(b, "wsd_subscriptions 4") &&
		   says(b, "wsd_furthest_lag_bytes 6") &&
		   says(b, "wsd_tenants_watched 3") &&
		   says(b, "wsd_tenants 7") && says(b, "wsd_draining 1") &&
		   says(b, "wsd_connections{dialect=\"plain\"} 1") &&
		   says(b, "wsd_connections{dialect=\"v1\"} 2"),
	   "how the server stands");
	ok(says(b, "wsd_uptime_seconds 2.500000000") &&
		   says(b, "process_start_time_seconds 7.500000000") &&
		   says(b, "process_cpu_seconds_total 1.500000000") &&
		   says(b, "process_resident_memory_bytes 4096") &&
		   says(b, "process_open_fds 9") &&
		   says(b, "process_max_fds 1024"),
	   "and what it uses");
}

static void times(void)
{
	struct counters c;
	struct buf b;

	memset(&c, 0, sizeof(c));
	counters_time(&c, 1);
	counters_time(&c, 16384);
	counters_time(&c, 16385);
	counters_time(&c, 3000000000);
	buf_init(&b);
	make(&b, &c);
	ok(says(&b,
		"wsd_publish_to_write_seconds_bucket{le=\"0.000016384\"} 2") &&
		   says(&b,
			"wsd_publish_to_write_seconds_bucket{le=\"0.000032768\"} "
			"3") &&
		   says(&b,
			"wsd_publish_to_write_seconds_bucket{le=\"0.536870912\"} "
			"3") &&
		   says(&b,
			"wsd_publish_to_write_seconds_bucket{le=\"+Inf\"} 4") &&
		   says(&b, "wsd_publish_to_write_seconds_sum 3.000032770") &&
		   says(&b, "wsd_publish_to_write_seconds_count 4"),
	   "a histogram adds up from class to class");
	buf_release(&b);
}

static void process(void)
{
	uint64_t before = procstat_descriptors();
	FILE *f = fopen("/dev/null", "r");

	ok(f && before > 2 && procstat_descriptors() == before + 1,
	   "open descriptors are counted");
	if (f)
		fclose(f);
}

int main(void)
{
	struct counters c;
	struct buf b;

	fill(&c);
	buf_init(&b);
	make(&b, &c);
	ok(families(&b), "each family has its HELP and TYPE before it");
	counting(&b, &c);
	standing(&b);
	buf_release(&b);
	times();
	process();
	return tap_end();
}

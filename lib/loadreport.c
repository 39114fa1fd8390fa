/* SPDX-License-Identifier: MIT */
#include "loadreport.h"

#include "json.h"
#include "num.h"

#include <inttypes.h>
#include <string.h>

struct quantile {
	const char *name;
	unsigned ppm;
};

static const struct quantile quantiles[] = {
	{"p50", 500000},   {"p90", 900000},  {"p99", 990000},
	{"p99.9", 999000}, {"max", 1000000},
};

#define QUANTILES (sizeof(quantiles) / sizeof(quantiles[0]))

static double ratio(double a, double b)
{
	return b > 0 ? a / b : 0;
}

static double per_second(uint64_t n, uint64_t ns)
{
	return ratio((double)n * 1e9, (double)ns);
}

static uint64_t cpu_of(const struct loader_result *r)
{
	return r->after.cpu_ns - r->ready.cpu_ns;
}

static uint32_t connections(const struct loadrig_config *c)
{
	return c->subscribers + c->publishers + c->stalled;
}

/* Of one connection; 0 when memory did not grow. */
static double rss_each(const struct loadrig_config *c,
		       const struct loader_result *r)
{
	if (r->after.rss <= r->before.rss)
		return 0;
	return ratio((double)(r->after.rss - r->before.rss), connections(c));
}

/* Three figures, and the unit in which they are readable. */
static void show_ns(FILE *out, double ns)
{
	static const char *const units[] = {"ns", "us", "ms", "s"};
	size_t unit = 0;

	for (; ns >= 1000 && unit < 3; unit++)
		ns /= 1000;
	fprintf(out, "%.*f %s",
		ns < 10	   ? 2
		: ns < 100 ? 1
			   : 0,
		ns, units[unit]);
}

static void show_latency(const struct histogram *h, FILE *out)
{
	fprintf(out, "latency     ");
	for (size_t i = 0; i < QUANTILES; i++) {
		fprintf(out, "%s%s ", i ? "  " : "", quantiles[i].name);
		show_ns(out, (double)histogram_quantile(h, quantiles[i].ppm));
	}
	fputc('\n', out);
}

static void show_traffic(const struct loadrig_config *c,
			 const struct loader_result *r, FILE *out)
{
	fprintf(out, "updates     %" PRIu64 "  %.0f/s\n", r->updates,
		per_second(r->updates, r->run_ns));
	if (c->subscribers)
		fprintf(out, "deliveries  %" PRIu64 "  %.0f/s\n", r->deliveries,
			per_second(r->deliveries, r->run_ns));
	show_latency(&r->latency, out);
	fprintf(out,
		"lost        %" PRIu64 "  reordered %" PRIu64
		"  duplicated %" PRIu64 "\n",
		r->lost, r->reordered, r->duplicated);
	if (r->rejected || r->foreign || r->cut_off)
		fprintf(out,
			"errors      %" PRIu64 "  foreign updates %" PRIu64
			"  connections cut off %u\n",
			r->rejected, r->foreign, (unsigned)r->cut_off);
}

static void show_server(const struct loadrig_config *c,
			const struct loader_result *r, FILE *out)
{
	char before[NUM_TEXT_MAX];
	char after[NUM_TEXT_MAX];
	double cpu = (double)cpu_of(r);

	fprintf(out, "server      cpu ");
	show_ns(out, cpu);
	fprintf(out, " (%.0f %%)", 100 * ratio(cpu, (double)r->run_ns));
	if (r->deliveries) {
		fprintf(out, "  a delivery ");
		show_ns(out, ratio(cpu, (double)r->deliveries));
	}
	if (r->updates) {
		fprintf(out, "  an update ");
		show_ns(out, ratio(cpu, (double)r->updates));
	}
	fprintf(out, "\nmemory      %s before  %s after  %.0f B a connection\n",
		num_show_size(before, r->before.rss),
		num_show_size(after, r->after.rss), rss_each(c, r));
}

static void show_connect(const struct loadrig_config *c,
			 const struct loader_result *r, FILE *out)
{
	fprintf(out, "connect     %u  in ", (unsigned)connections(c));
	show_ns(out, (double)r->connect_ns);
	fprintf(out, "  %.0f/s\n", per_second(connections(c), r->connect_ns));
}

static void show_load(const struct loader_result *r, FILE *out)
{
	fprintf(out, "load        cpu ");
	show_ns(out, (double)r->own_ns);
	fprintf(out, " (%.0f %%)\n",
		100 * ratio((double)r->own_ns, (double)r->run_ns));
}

void loadreport_text(const struct loadrig_config *config,
		     const struct loader_result *result, bool verbose,
		     FILE *out)
{
	if (verbose || !config->publishers)
		show_connect(config, result, out);
	if (config->publishers)
		show_traffic(config, result, out);
	else if (result->cut_off)
		fprintf(out, "cut off     %u\n", (unsigned)result->cut_off);
	if (config->stalled)
		fprintf(out, "stalled     %u  cut off %u\n",
			(unsigned)config->stalled,
			(unsigned)result->stalled_cut_off);
	if (config->pid)
		show_server(config, result, out);
	if (verbose)
		show_load(result, out);
}

static void put(struct buf *b, const char *name, uint64_t value)
{
	buf_printf(b, "\"%s\":%" PRIu64 ",", name, value);
}

static void put_real(struct buf *b, const char *name, double value)
{
	buf_printf(b, "\"%s\":%.1f,", name, value);
}

static void put_text(struct buf *b, const char *name, const char *value)
{
	buf_printf(b, "\"%s\":", name);
	json_put_string(b, value, strlen(value));
	buf_putc(b, ',');
}

/* Ends an object: the last comma becomes its brace. */
static void end(struct buf *b, const char *text)
{
	buf_truncate(b, buf_len(b) - 1);
	buf_puts(b, text);
}

static void put_config(struct buf *b, const struct loadrig_config *c)
{
	const char *s = c->subscriber_protocol;
	const char *p = c->publisher_protocol;

	buf_putc(b, '{');
	put_text(b, "url", c->url);
	put(b, "subscribers", c->subscribers);
	put(b, "stalled", c->stalled);
	put(b, "publishers", c->publishers);
	put(b, "tenants", c->tenants);
	put(b, "size", c->size);
	put(b, "rate", c->rate);
	put(b, "window", c->window);
	put(b, "batch", c->batch);
	put_text(b, "subscriberDialect", s ? s : "plain");
	put_text(b, "publisherDialect", p ? p : "plain");
}

static void put_traffic(struct buf *b, const struct loader_result *r)
{
	put(b, "connectNs", r->connect_ns);
	put(b, "runNs", r->run_ns);
	put(b, "updates", r->updates);
	put_real(b, "updatesPerSecond", per_second(r->updates, r->run_ns));
	put(b, "deliveries", r->deliveries);
	put_real(b, "deliveriesPerSecond",
		 per_second(r->deliveries, r->run_ns));
	put(b, "settled", r->settled);
	put(b, "lost", r->lost);
	put(b, "reordered", r->reordered);
	put(b, "duplicated", r->duplicated);
	put(b, "rejected", r->rejected);
	put(b, "foreign", r->foreign);
	put(b, "cutOff", r->cut_off);
	put(b, "stalledCutOff", r->stalled_cut_off);
	put(b, "loadCpuNs", r->own_ns);
	buf_puts(b, "\"latencyNs\":{");
	for (size_t i = 0; i < QUANTILES; i++)
		put(b, quantiles[i].name,
		    histogram_quantile(&r->latency, quantiles[i].ppm));
	end(b, "},");
}

static void put_server(struct buf *b, const struct loadrig_config *c,
		       const struct loader_result *r)
{
	double cpu = (double)cpu_of(r);

	buf_puts(b, "\"server\":{");
	put(b, "pid", (uint64_t)c->pid);
	put(b, "cpuNs", cpu_of(r));
	put_real(b, "cpuNsPerDelivery", ratio(cpu, (double)r->deliveries));
	put_real(b, "cpuNsPerUpdate", ratio(cpu, (double)r->updates));
	put(b, "rssBefore", r->before.rss);
	put(b, "rssConnected", r->ready.rss);
	put(b, "rssAfter", r->after.rss);
	put_real(b, "rssPerConnection", rss_each(c, r));
	end(b, "},");
}

void loadreport_json(const struct loadrig_config *config,
		     const struct loader_result *result, FILE *out)
{
	struct buf b;

	buf_init(&b);
	put_config(&b, config);
	put_traffic(&b, result);
	if (config->pid)
		put_server(&b, config, result);
	end(&b, "}\n");
	if (!b.failed)
		fwrite(buf_bytes(&b), 1, buf_len(&b), out);
	buf_release(&b);
}

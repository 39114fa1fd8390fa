/* SPDX-License-Identifier: MIT */
/* What report promises: pages that have everything once, as JSON. */
#include "fakeconn.h"
#include "json.h"
#include "report.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TENANTS 2500

static void add(struct hub *h, const char *id, int updates)
{
	struct hub_tenant *t = hub_tenant(h, id, strlen(id));
	struct hub_update update = {"1", 1, NULL, false};
	struct hub_receipt receipt;

	while (updates--)
		hub_publish(h, t, &update, &receipt);
}

/* Whether it says this, among others. */
static bool says(struct buf *b, const char *what)
{
	buf_putc(b, '\0');
	return strstr(buf_bytes(b), what) != NULL;
}

static bool is(struct buf *b, const char *want)
{
	bool same;

	for (size_t i = 0; i < buf_len(b); i++)
		if (buf_bytes(b)[i] == '"')
			buf_bytes(b)[i] = '\'';
	buf_putc(b, '\0');
	same = strcmp(buf_bytes(b), want) == 0;
	if (!same)
		printf("# got %s\n", buf_bytes(b));
	buf_clear(b, 0);
	return same;
}

static void tenants(struct hub *h)
{
	struct buf b;
	struct fakeconn f;
	char want[512];

	buf_init(&b);
	report_tenants(&b, h, NULL, 0, 1);
	ok(is(&b, "{'tenants':[]}\n"), "none at first");
	h->config.history.count = 2;
	add(h, "b", 3);
	fakeconn_open(&f, h, SESSION_PLAIN);
	fakeconn_say(&f, "{'type':'SUBSCRIBE','tenantId':'b'}");
	hub_sweep(h, 10);
	report_tenants(&b, h, NULL, 0, 2);
	snprintf(
		want, sizeof(want),
		"{'tenants':[{'tenantId':'b','epoch':'run.0','seq':3,'first':2,"
		"'retained':2,'bytes':%zu,'subscribers':1}]}\n",
		stream_memory(hub_find(h, "b", 1)->stream));
	ok(is(&b, want), "what there is of each");
	ok(report_tenant(&b, h, "b", 1) == 0 &&
		   says(&b, "{\"tenantId\":\"b\","),
	   "one of them alone");
	buf_clear(&b, 0);
	ok(report_tenant(&b, h, "a", 1) == -1 && buf_len(&b) == 0,
	   "and none that is not there");
	add(h, "a", 0);
	report_tenants(&b, h, NULL, 0, 2);
	ok(says(&b, "{\"tenantId\":\"a\",\"epoch\":\"run.0\",\"seq\":0,"
		    "\"first\":1,\"retained\":0,\"bytes\":0,"
		    "\"subscribers\":0}") &&
		   says(&b, "\"b\""),
	   "of idle ones too");
	buf_release(&b);
	fakeconn_close(&f);
}

/*
 * Reads the pages of `limit`; whether they tell "t0000" to "t2499", each once.
 * Where others come and go between them, those may be told too.
 */
static bool pages(struct hub *h, size_t limit, size_t want_pages, bool churn)
{
	bool seen[TENANTS] = {false};
	size_t told = 0, n = 0, after_len = 0, i;
	char after[8], other[8];
	const char *at;
	struct buf b;

	buf_init(&b);
	do {
		buf_clear(&b, 1 << 20);
		report_tenants(&b, h, after_len ? after : NULL, after_len,
			       limit);
		if (json_check(buf_bytes(&b), buf_len(&b), NULL) != JSON_OK)
			break;
		buf_putc(&b, '\0');
		for (at = buf_bytes(&b); (at = strstr(at, "tenantId\":\"t"));
		     at += 16) {
			i = strtoul(at + 12, NULL, 10);
			told += i < TENANTS && !seen[i];
			seen[i] = true;
		}
		at = strstr(buf_bytes(&b), "\"next\":\"");
		after_len = at ? 5 : 0;
		memcpy(after, at ? at + 8 : "", after_len);
		snprintf(other, sizeof(other), "u%04zu", n);
		if (churn)
			add(h, other, 0);
	} while (++n < 2 * TENANTS && after_len);
	buf_release(&b);
	return told == TENANTS && (n == want_pages || churn) && !after_len;
}

static void many(struct hub *h)
{
	char id[8];
	struct buf b;

	buf_init(&b);
	for (int i = 0; i < TENANTS; i++) {
		snprintf(id, sizeof(id), "t%04d", i * 7 % TENANTS);
		add(h, id, 0);
	}
	ok(pages(h, 1000, 3, false) && pages(h, 7, 358, false) &&
		   pages(h, 1, TENANTS, false),
	   "pages of any length tell all tenants, each once");
	ok(pages(h, 500, 5, false),
	   "the last one may be full, and says no next");
	ok(pages(h, 1, 0, true), "also while others come, and buckets double");
	report_tenants(&b, h, "nobody", 6, 1000);
	ok(says(&b, "\"tenantId\""), "after need not be there");
	buf_release(&b);
}

static void connections(struct hub *h)
{
	struct report_connection c = {.number = 7,
				      .address = "127.0.0.1:5",
				      .dialect = "wsd.v1",
				      .age_ms = 1500};
	struct fakeconn f;
	struct buf b;
	char text[64];

	buf_init(&b);
	fakeconn_open(&f, h, SESSION_V1);
	fakeconn_say(&f, "{'type':'SUBSCRIBE','tenantId':'a'}");
	fakeconn_run(h);
	add(h, "a", 2);
	c.outlet = &f.session.outlet;
	report_begin(&b);
	report_end(&b, 0);
	ok(is(&b, "{'connections':[]}\n"), "no connection");
	report_begin(&b);
	report_connection(&b, &c);
	c.address = NULL;
	c.number = 8;
	report_connection(&b, &c);
	report_end(&b, 8);
	ok(json_check(buf_bytes(&b), buf_len(&b), NULL) == JSON_OK,
	   "connections are JSON");
	ok(says(&b, "\"connection\":\"7\",\"address\":\"127.0.0.1:5\""
		    ",\"dialect\":\"wsd.v1\",\"ageMs\":1500,"
		    "\"subscriptionCount\":1,\"subscriptions\":[{"
		    "\"tenantId\":\"a\",\"lag\":2,\"lagBytes\":") &&
		   says(&b, "},{\"connection\":\"8\",\"dialect\"") &&
		   says(&b, "],\"next\":\"8\"}\n"),
	   "what there is of each, and what comes next");
	buf_clear(&b, 0);
	for (int i = 0; i < 20; i++) {
		snprintf(text, sizeof(text),
			 "{'type':'SUBSCRIBE','tenantId':'s%d'}", i);
		fakeconn_say(&f, text);
	}
	report_begin(&b);
	report_connection(&b, &c);
	report_end(&b, 0);
	ok(says(&b, "\"subscriptionCount\":21") && says(&b, "\"s8\"") &&
		   !says(&b, "\"s9\""),
	   "of many subscriptions the first ten");
	buf_release(&b);
	fakeconn_close(&f);
}

int main(void)
{
	struct hub_config config = hub_defaults;
	struct hub h;

	fakeconn_hub(&h, &config);
	tenants(&h);
	hub_release(&h);
	fakeconn_hub(&h, &config);
	many(&h);
	connections(&h);
	hub_release(&h);
	return tap_end();
}

/* SPDX-License-Identifier: MIT */
/*
 * What hostile can do. A script is a function that is asked, for one connection
 * and whenever that has sent all, what to send next.
 */
#include "hostile.h"

#include <stdio.h>
#include <string.h>

#define FIN 0x80
#define KIB ((size_t)1024)

/* What the good subscriber and publisher beside it use; see wsbench(1). */
#define BENCH "bench-0"

/* --- Putting things out ------------------------------------------------ */

static void put_frame(struct buf *out, uint8_t first, const void *payload,
		      size_t len)
{
	uint8_t header[WSFRAME_HEADER_MAX];

	buf_append(out, header, wire_header(header, first, len));
	buf_append(out, payload, len);
}

static void put_text(struct buf *out, const char *text)
{
	put_frame(out, FIN | WSFRAME_TEXT, text, strlen(text));
}

/* The header of a text frame, whose payload is for the script to send. */
static void put_text_header(struct buf *out, uint64_t len)
{
	uint8_t header[WSFRAME_HEADER_MAX];

	buf_append(out, header, wire_header(header, FIN | WSFRAME_TEXT, len));
}

static void put_filling(struct buf *out, size_t len)
{
	char *bytes = buf_reserve(out, len);

	if (!bytes)
		return;
	memset(bytes, 'x', len);
	buf_added(out, len);
}

/* A frame of `lines` and what they are; takes `lines`. */
static void put_lines(struct buf *out, struct buf *lines)
{
	put_frame(out, FIN | WSFRAME_TEXT, buf_bytes(lines), buf_len(lines));
	buf_release(lines);
}

static void put_noise(struct hostile *h, struct buf *out, size_t len)
{
	while (len--)
		buf_putc(out, (char)hostile_dice(h, 256));
}

/* --- Taking one's time ------------------------------------------------- */

static enum next half_handshake(struct hostile *h, struct peer *p)
{
	buf_puts(&p->out, "GET /ws HTTP/1.1\r\nHost: localhost\r\n");
	hostile_did(h, 1);
	return REST;
}

static enum next slow_handshake(struct hostile *h, struct peer *p)
{
	char request[WIRE_REQUEST_MAX];
	size_t len = wire_request(request, "");

	buf_putc(&p->out, request[p->acts % len]);
	hostile_did(h, 1);
	return ACT;
}

/* Header and payload alike. */
static enum next slow_frame(struct hostile *h, struct peer *p)
{
	struct buf frame;

	buf_init(&frame);
	put_text(&frame, "{\"type\":\"PING\",\"id\":1}");
	buf_putc(&p->out, buf_bytes(&frame)[p->acts % buf_len(&frame)]);
	buf_release(&frame);
	hostile_did(h, 1);
	return ACT;
}

/* Announced as 2^62 bytes, or as not too many of which the last never comes. */
static enum next endless_frame(struct hostile *h, struct peer *p)
{
	if (p->acts == 0)
		put_text_header(&p->out, p->number % 2 ? UINT64_C(1) << 62
						       : hostile_large(h) - 1);
	if (p->acts < hostile_large(h) / KIB - 1)
		put_filling(&p->out, KIB);
	hostile_did(h, 1);
	return ACT;
}

/* Fragments, of some bytes or none, of which none is the last. */
static enum next endless_message(struct hostile *h, struct peer *p)
{
	char filling[KIB];

	memset(filling, 'x', sizeof(filling));
	for (int i = 0; i < 16; i++)
		put_frame(&p->out,
			  p->acts || i ? WSFRAME_CONTINUATION : WSFRAME_TEXT,
			  filling, p->number % 2 ? 0 : sizeof(filling));
	hostile_did(h, 16);
	return ACT;
}

static enum next half_message(struct hostile *h, struct peer *p)
{
	put_text_header(&p->out, hostile_large(h));
	put_filling(&p->out, hostile_large(h) - 1);
	hostile_did(h, 1);
	return REST;
}

/* --- Wanting much ------------------------------------------------------ */

#define MANY 100

/* 10 000 tenants of its own, in turn. */
static enum next subscriptions(struct hostile *h, struct peer *p)
{
	struct buf lines;

	buf_init(&lines);
	for (uint64_t i = 0; i < MANY; i++)
		buf_printf(&lines,
			   "{\"type\":\"SUBSCRIBE\",\"tenantId\":\"s%u-%u\"}\n",
			   p->number, (unsigned)((p->acts * MANY + i) % 10000));
	put_lines(&p->out, &lines);
	hostile_did(h, MANY);
	return ACT;
}

/* As many as it may have; then asks for what it has, and for what it hasn't. */
static enum next again(struct hostile *h, struct peer *p)
{
	char text[96];

	for (unsigned i = 0; i < MANY; i++) {
		snprintf(text, sizeof(text),
			 "{\"type\":\"SUBSCRIBE\",\"tenantId\":\"a-%u\"}",
			 (unsigned)(p->acts * MANY) + i);
		if (p->acts < 10)
			put_text(&p->out, text);
		else
			put_text(&p->out, i % 2 ? "{\"type\":\"SUBSCRIBE\","
						  "\"tenantId\":\"a-999\"}"
						: "{\"type\":\"UNSUBSCRIBE\","
						  "\"tenantId\":\"" BENCH
						  "\"}");
	}
	hostile_did(h, MANY);
	return ACT;
}

/* All that is retained, again and again. */
static enum next replays(struct hostile *h, struct peer *p)
{
	for (int i = 0; i < 10; i++) {
		put_text(&p->out,
			 "{\"type\":\"SUBSCRIBE\",\"tenantId\":\"" BENCH
			 "\",\"since\":\"all\"}");
		put_text(&p->out,
			 "{\"type\":\"UNSUBSCRIBE\",\"tenantId\":\"" BENCH
			 "\"}");
	}
	hostile_did(h, 10);
	return ACT;
}

#define PINGS 1000

static enum next pings(struct hostile *h, struct peer *p)
{
	for (unsigned i = 0; i < PINGS; i++)
		put_frame(&p->out, FIN | WSFRAME_PING, &i, sizeof(i));
	hostile_did(h, PINGS);
	return ACT;
}

static enum next requests(struct hostile *h, struct peer *p)
{
	struct buf lines;

	buf_init(&lines);
	for (int i = 0; i < MANY; i++)
		buf_puts(&lines, "{\"type\":\"PING\",\"id\":\"a ping\"}\n");
	put_lines(&p->out, &lines);
	hostile_did(h, MANY);
	return ACT;
}

/* --- Not reading ------------------------------------------------------- */

static enum next subscribe(struct hostile *h, struct peer *p)
{
	put_text(&p->out,
		 "{\"type\":\"SUBSCRIBE\",\"tenantId\":\"" BENCH "\"}");
	hostile_did(h, 1);
	return REST;
}

static enum next publish(struct hostile *h, struct peer *p)
{
	struct buf lines;

	buf_init(&lines);
	for (uint64_t i = 1; i <= MANY; i++)
		buf_printf(&lines,
			   "{\"type\":\"PUBLISH\",\"id\":%llu,\"tenantId\":"
			   "\"p%u\",\"data\":\"some hundred bytes: a back end "
			   "that tells of its jobs, one after the other\"}\n",
			   (unsigned long long)(p->acts * MANY + i), p->number);
	put_lines(&p->out, &lines);
	hostile_did(h, MANY);
	return ACT;
}

/* The first one floods, all others watch it. */
static enum next crowd(struct hostile *h, struct peer *p)
{
	if (p->number == 0)
		return publish(h, p);
	put_text(&p->out, "{\"type\":\"SUBSCRIBE\",\"tenantId\":\"p0\"}");
	return REST;
}

/* --- Breaking off, and nonsense ---------------------------------------- */

/* In the middle of a frame, while it is sent updates. */
static enum next reset(struct hostile *h, struct peer *p)
{
	subscribe(h, p);
	put_text(&p->out,
		 "{\"type\":\"PUBLISH\",\"tenantId\":\"r\",\"data\":1}");
	put_text_header(&p->out, 1000);
	put_filling(&p->out, hostile_dice(h, 1000));
	return RESET;
}

static enum next junk(struct hostile *h, struct peer *p)
{
	put_noise(h, &p->out, 1 + hostile_dice(h, 2000));
	hostile_did(h, 1);
	return ACT;
}

/* Frames that are whole; the rest of their headers is noise. */
static enum next junk_frames(struct hostile *h, struct peer *p)
{
	uint8_t header[WSFRAME_HEADER_MAX];
	size_t len;

	for (int i = 0; i < 4; i++) {
		len = hostile_dice(h, 10) ? hostile_dice(h, 126)
					  : hostile_dice(h, 3000);
		buf_append(&p->out, header,
			   wire_header(header, (uint8_t)hostile_dice(h, 256),
				       len));
		if (hostile_dice(h, 2))
			put_noise(h, &p->out, len);
		else
			put_filling(&p->out, len);
	}
	hostile_did(h, 4);
	return ACT;
}

/* --- HTTP -------------------------------------------------------------- */

static enum next gets(struct hostile *h, struct peer *p)
{
	static const char *const paths[] = {"/healthz", "/ws", "/metrics",
					    "/v1/tenants", "/nowhere"};

	for (size_t i = 0; i < 20; i++)
		buf_printf(&p->out,
			   "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n",
			   paths[(p->number + i) % 5]);
	hostile_did(h, 20);
	return ACT;
}

static enum next posts(struct hostile *h, struct peer *p)
{
	for (int i = 0; i < 10; i++)
		buf_puts(&p->out,
			 "POST /v1/tenants/h/updates HTTP/1.1\r\n"
			 "Host: localhost\r\nContent-Type: application/json\r\n"
			 "Content-Length: 13\r\n\r\n{\"done\":true}");
	hostile_did(h, 10);
	return ACT;
}

/* Follows the tenant of those beside it, in one form or another. */
static void put_follow(struct hostile *h, struct peer *p)
{
	static const char *const forms[] = {
		"?since=all HTTP/1.1\r\nAccept: text/event-stream",
		" HTTP/1.1\r\nAccept: text/event-stream\r\n"
		"Last-Event-ID: other.0:1",
		"?since=10 HTTP/1.0\r\nAccept: application/x-ndjson",
		"?envelope=1&since=1m HTTP/1.1\r\nAccept: application/jsonl"};

	buf_printf(&p->out,
		   "GET /v1/tenants/" BENCH "/updates%s\r\n"
		   "Host: localhost\r\n\r\n",
		   forms[hostile_dice(h, 4)]);
	hostile_did(h, 1);
}

/* Reads for a while, says what nobody asked for, and breaks off. */
static enum next follows(struct hostile *h, struct peer *p)
{
	if (p->acts == 0) {
		put_follow(h, p);
		return ACT;
	}
	put_filling(&p->out, hostile_dice(h, 1000));
	return RESET;
}

static enum next deaf_follows(struct hostile *h, struct peer *p)
{
	put_follow(h, p);
	return REST;
}

/* --- As much as is allowed --------------------------------------------- */

/* As large as an update may be, and now and then larger. */
static enum next big(struct hostile *h, struct peer *p)
{
	size_t len = hostile_large(h) - 2 + (p->acts % 4 == 3);
	struct buf line;

	buf_init(&line);
	buf_printf(&line,
		   "{\"type\":\"PUBLISH\",\"id\":%llu,\"tenantId\":\"b%u\","
		   "\"data\":\"",
		   (unsigned long long)p->acts + 1, p->number);
	put_filling(&line, len);
	buf_puts(&line, "\"}\n");
	put_lines(&p->out, &line);
	hostile_did(h, 1);
	return ACT;
}

/* Watches a tenant more each time, and publishes something large to it. */
static enum next hoard(struct hostile *h, struct peer *p)
{
	char text[96];

	snprintf(text, sizeof(text),
		 "{\"type\":\"SUBSCRIBE\",\"tenantId\":\"h%u-%u\"}", p->number,
		 (unsigned)p->acts);
	put_text(&p->out, text);
	snprintf(text, sizeof(text),
		 "{\"type\":\"PUBLISH\",\"tenantId\":\"h%u-%u\",\"data\":\"",
		 p->number, (unsigned)p->acts);
	put_text_header(&p->out, strlen(text) + hostile_large(h) + 2);
	buf_puts(&p->out, text);
	put_filling(&p->out, hostile_large(h));
	buf_puts(&p->out, "\"}");
	hostile_did(h, 1);
	return ACT;
}

const struct script hostile_scripts[] = {
	{"half-handshake", "begins a request", "requests", NULL, 1500, 100,
	 false, half_handshake},
	{"slow-handshake", "a byte of it at a time", "bytes", NULL, 100, 1000,
	 false, slow_handshake},
	{"slow-frame", "a byte of a frame at a time", "bytes", "", 100, 1000,
	 false, slow_frame},
	{"endless-frame", "a frame that does not end", "pieces", "wsd.v1", 20,
	 1, false, endless_frame},
	{"endless-message", "fragments without a last one", "fragments",
	 "wsd.v1", 8, 5, false, endless_message},
	{"half-message", "a large message, but for its last byte", "messages",
	 "", 100, 100, false, half_message},
	{"subscriptions", "SUBSCRIBE to 10000 tenants", "requests", "wsd.v1", 1,
	 0, false, subscriptions},
	{"again", "1000 subscriptions, then the same again", "requests", "", 1,
	 0, false, again},
	{"replays", "SUBSCRIBE since the beginning, again and again",
	 "requests", "wsd.v1", 4, 0, false, replays},
	{"pings", "PINGs", "pings", "", 1, 0, false, pings},
	{"deaf-pings", "PINGs whose answers are not read", "pings", "", 10, 0,
	 true, pings},
	{"requests", "requests whose answers are not read", "requests",
	 "wsd.v1", 10, 0, true, requests},
	{"deaf", "subscribes and never reads", "subscriptions", "wsd.v1", 100,
	 100, true, subscribe},
	{"watch", "subscribes and reads", "subscriptions", "wsd.v1", 100, 100,
	 false, subscribe},
	{"deaf-publisher", "publishes and never reads the ACKs", "updates",
	 "wsd.v1.bulk", 2, 0, true, publish},
	{"publisher", "publishes as fast as it can", "updates", "wsd.v1.bulk",
	 1, 0, false, publish},
	{"crowd", "one publishes, the others watch", "updates", "wsd.v1", 2000,
	 0, false, crowd},
	{"reset", "connects, talks, breaks off in the middle", "connections",
	 "wsd.v1", 20, 1, false, reset},
	{"junk", "noise", "pieces", NULL, 20, 1, false, junk},
	{"junk-bytes", "noise behind a handshake", "pieces", "", 20, 1, false,
	 junk},
	{"junk-frames", "frames of noise", "frames", "wsd.v1", 20, 1, false,
	 junk_frames},
	{"gets", "many GETs in one piece", "requests", NULL, 20, 1, false,
	 gets},
	{"posts", "many POSTs in one piece", "requests", NULL, 20, 1, false,
	 posts},
	{"follows", "follows by HTTP, and breaks off", "requests", NULL, 20, 5,
	 false, follows},
	{"deaf-follows", "follows by HTTP, and never reads", "requests", NULL,
	 100, 100, true, deaf_follows},
	{"big", "updates as large as they may be, or larger", "updates",
	 "wsd.v1.bulk", 2, 0, false, big},
	{"hoard", "watches many tenants that had a large update", "tenants",
	 "wsd.v1.bulk", 1, 0, false, hoard},
	{0},
};

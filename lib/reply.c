/* SPDX-License-Identifier: MIT */
#include "reply.h"

#include "jsonput.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Of what is no page: it loads nothing, and nobody shows it as part of his. */
#define NOTHING "default-src 'none'; frame-ancestors 'none'"

/*
 * For browsers. The last but one is for those that know no frame-ancestors; the
 * last one holds for what is asked for without CORS.
 */
static const char safety[] = "X-Content-Type-Options: nosniff\r\n"
			     "Referrer-Policy: no-referrer\r\n"
			     "X-Frame-Options: DENY\r\n"
			     "Cross-Origin-Resource-Policy: same-origin\r\n";

static const struct {
	unsigned status;
	const char *digits;
	const char *reason;
} lines[REPLY_STATUSES] = {
	{200, "200", "OK"},
	{204, "204", "No Content"},
	{304, "304", "Not Modified"},
	{400, "400", "Bad Request"},
	{401, "401", "Unauthorized"},
	{403, "403", "Forbidden"},
	{404, "404", "Not Found"},
	{405, "405", "Method Not Allowed"},
	{408, "408", "Request Timeout"},
	{411, "411", "Length Required"},
	{413, "413", "Content Too Large"},
	{414, "414", "URI Too Long"},
	{415, "415", "Unsupported Media Type"},
	{417, "417", "Expectation Failed"},
	{422, "422", "Unprocessable Content"},
	{426, "426", "Upgrade Required"},
	{429, "429", "Too Many Requests"},
	{431, "431", "Request Header Fields Too Large"},
	{500, "500", "Internal Server Error"},
	{503, "503", "Service Unavailable"},
	{505, "505", "HTTP Version Not Supported"},
};

size_t reply_index(unsigned status)
{
	for (size_t i = 0; i < REPLY_STATUSES; i++)
		if (lines[i].status == status)
			return i;
	return reply_index(500);
}

const char *reply_digits(size_t index)
{
	return lines[index].digits;
}

const char *reply_reason(size_t index)
{
	return lines[index].reason;
}

void reply_content(struct reply *r, unsigned status, const char *type)
{
	memset(r, 0, sizeof(*r));
	r->status = status;
	r->type = type;
}

void reply_empty(struct reply *r, unsigned status)
{
	reply_content(r, status, NULL);
}

void reply_error(struct reply *r, unsigned status, const char *code,
		 const char *fmt, ...)
{
	va_list args;

	reply_content(r, status, REPLY_JSON);
	r->code = code;
	r->cors.error = true;
	va_start(args, fmt);
	vsnprintf(r->message, sizeof(r->message), fmt, args);
	va_end(args);
}

void reply_retry(struct reply *r, uint64_t ms)
{
	r->retry_s = ms / 1000 + (ms % 1000 != 0);
	if (r->retry_s == 0)
		r->retry_s = 1;
}

static void put_error(struct buf *b, const struct reply *r)
{
	buf_puts(b, "{\"error\":{");
	jsonput_text(b, "code", r->code, strlen(r->code));
	jsonput_text(b, "message", r->message, strlen(r->message));
	if (r->line)
		jsonput_u64(b, "line", r->line);
	if (r->column)
		jsonput_u64(b, "column", r->column);
	buf_puts(b, "}}\n");
}

static void header(struct buf *b, const char *name, const char *value)
{
	buf_puts(b, name);
	buf_puts(b, ": ");
	buf_puts(b, value);
	buf_puts(b, "\r\n");
}

static void header_u64(struct buf *b, const char *name, uint64_t value)
{
	buf_puts(b, name);
	buf_puts(b, ": ");
	buf_put_u64(b, value);
	buf_puts(b, "\r\n");
}

/* RFC 9110 section 5.6.7; its names are English whatever the locale is. */
static void header_date(struct buf *b, int64_t wall_ms)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;

	if (!gmtime_r(&seconds, &tm))
		return;
	buf_printf(b, "Date: %.3s, %02d %.3s %04d %02d:%02d:%02d GMT\r\n",
		   days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon,
		   tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static void put_head(struct buf *b, const struct reply *r, size_t length,
		     int64_t wall_ms)
{
	size_t index = reply_index(r->status);

	buf_puts(b, "HTTP/1.1 ");
	buf_puts(b, reply_digits(index));
	buf_putc(b, ' ');
	buf_puts(b, reply_reason(index));
	buf_puts(b, "\r\n");
	header_date(b, wall_ms);
	if (r->type) {
		header(b, "Content-Type", r->type);
		header_u64(b, "Content-Length", length);
	}
	header(b, "Cache-Control", r->etag ? "no-cache" : "no-store");
	if (r->etag)
		header(b, "ETag", r->etag);
	header(b, "Content-Security-Policy", r->policy ? r->policy : NOTHING);
	buf_puts(b, safety);
	cors_put(b, &r->cors);
	if (r->allow)
		header(b, "Allow", r->allow);
	if (r->retry_s)
		header_u64(b, "Retry-After", r->retry_s);
	if (r->extra)
		buf_puts(b, r->extra);
	buf_puts(b, "Connection: close\r\n\r\n");
}

void reply_put(struct buf *out, const struct reply *r,
	       const struct buf *content, bool to_head, int64_t wall_ms)
{
	struct buf error;

	buf_init(&error);
	if (!content) {
		if (r->code)
			put_error(&error, r);
		content = &error;
	}
	put_head(out, r, buf_len(content), wall_ms);
	if (!to_head)
		buf_append(out, buf_bytes(content), buf_len(content));
	if (content->failed)
		out->failed = true;
	buf_release(&error);
}

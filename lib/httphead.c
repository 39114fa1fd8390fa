/* SPDX-License-Identifier: MIT */
#include "httphead.h"

#include <string.h>
#include <strings.h>

#define HTTP "http://"
#define HTTPS "https://"

/* Parsing */

static enum httphead_result bad(struct httphead *h, unsigned status,
				const char *fault)
{
	h->status = status;
	h->fault = fault;
	return HTTPHEAD_BAD;
}

/* RFC 9110 section 5.6.2 */
static bool is_token(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static size_t token_len(const char *at, size_t len)
{
	size_t n = 0;

	while (n < len && is_token(at[n]))
		n++;
	return n;
}

static bool is_visible(char c)
{
	return c > ' ' && c < 0x7f;
}

/* What may be in a value: RFC 9110 section 5.5. */
static bool is_value(char c)
{
	return (unsigned char)c >= ' ' ? c != 0x7f : c == '\t';
}

/* Takes the next line, without its end, off `rest`. False: it has no end. */
static bool next_line(struct httphead_span *rest, struct httphead_span *line)
{
	const char *end = memchr(rest->at, '\n', rest->len);

	if (!end)
		return false;
	line->at = rest->at;
	line->len = (size_t)(end - rest->at);
	rest->len -= line->len + 1;
	rest->at = end + 1;
	if (line->len && line->at[line->len - 1] == '\r')
		line->len--;
	return true;
}

/* Takes what is up to a blank, or all, off `line`. */
static struct httphead_span next_word(struct httphead_span *line)
{
	const char *end = memchr(line->at, ' ', line->len);
	struct httphead_span word = {line->at, line->len};

	if (end)
		word.len = (size_t)(end - line->at);
	line->at += word.len + (end != NULL);
	line->len -= word.len + (end != NULL);
	return word;
}

static bool all_visible(struct httphead_span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_visible(s.at[i]))
			return false;
	return s.len > 0;
}

static enum httphead_result take_version(struct httphead *h,
					 struct httphead_span version)
{
	static const char name[] = "HTTP/";
	const char *digits = version.at + sizeof(name) - 1;

	if (version.len != sizeof(name) - 1 + 3 ||
	    memcmp(version.at, name, sizeof(name) - 1) != 0 ||
	    digits[0] < '0' || digits[0] > '9' || digits[1] != '.' ||
	    digits[2] < '0' || digits[2] > '9')
		return bad(h, 400, "the request line does not end in HTTP/1.1");
	if (digits[0] != '1')
		return bad(h, 505, "the version of HTTP is 1.1");
	h->http10 = digits[2] == '0';
	return HTTPHEAD_WHOLE;
}

static enum httphead_result take_request_line(struct httphead *h,
					      struct httphead_span line)
{
	h->method = next_word(&line);
	if (!h->method.len ||
	    token_len(h->method.at, h->method.len) != h->method.len)
		return bad(h, 400, "this is no HTTP request");
	h->target = next_word(&line);
	if (!all_visible(h->target))
		return bad(h, 400,
			   "the request has no target, or not a valid one");
	return take_version(h, line);
}

static struct httphead_span trimmed(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	while (at < end && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return (struct httphead_span){at, (size_t)(end - at)};
}

static enum httphead_result take_field(struct httphead *h,
				       struct httphead_span line)
{
	struct httphead_field *f = &h->fields[h->count];
	size_t len = token_len(line.at, line.len);

	if (!len || len == line.len || line.at[len] != ':')
		return bad(h, 400, "a header line is not 'name: value'");
	if (h->count == HTTPHEAD_FIELDS_MAX)
		return bad(h, 431, "there are more than 100 headers");
	f->name = (struct httphead_span){line.at, len};
	f->value = trimmed(line.at + len + 1, line.at + line.len);
	for (size_t i = 0; i < f->value.len; i++)
		if (!is_value(f->value.at[i]))
			return bad(h, 400, "a header has control characters");
	h->count++;
	return HTTPHEAD_WHOLE;
}

/* There is no request line yet: whether it can become one. */
static enum httphead_result look_ahead(struct httphead *h,
				       struct httphead_span line)
{
	size_t method = token_len(line.at, line.len);

	if (line.len == 1 && line.at[0] == '\r')
		return HTTPHEAD_MORE;
	if (line.len &&
	    (!method || (method < line.len && line.at[method] != ' ')))
		return bad(h, 400, "this is no HTTP request");
	return HTTPHEAD_MORE;
}

static enum httphead_result more(struct httphead *h, size_t len)
{
	if (len < HTTPHEAD_MAX)
		return HTTPHEAD_MORE;
	return bad(h, 431, "the head of the request is larger than 8 KiB");
}

static enum httphead_result parse_fields(struct httphead *h,
					 struct httphead_span *rest, size_t len)
{
	struct httphead_span line;
	enum httphead_result result;

	while (next_line(rest, &line)) {
		if (!line.len)
			return HTTPHEAD_WHOLE;
		result = take_field(h, line);
		if (result != HTTPHEAD_WHOLE)
			return result;
	}
	return more(h, len);
}

/* RFC 9112 section 2.2 */
static void skip_blank_line(struct httphead_span *rest)
{
	size_t n = 0;

	if (rest->len > 0 && rest->at[0] == '\n')
		n = 1;
	else if (rest->len > 1 && memcmp(rest->at, "\r\n", 2) == 0)
		n = 2;
	rest->at += n;
	rest->len -= n;
}

enum httphead_result httphead_parse(struct httphead *h, const char *bytes,
				    size_t len)
{
	struct httphead_span rest = {bytes,
				     len < HTTPHEAD_MAX ? len : HTTPHEAD_MAX};
	struct httphead_span line;
	enum httphead_result result;

	h->count = 0;
	h->fault = NULL;
	skip_blank_line(&rest);
	if (!next_line(&rest, &line)) {
		result = look_ahead(h, rest);
		return result == HTTPHEAD_MORE ? more(h, len) : result;
	}
	result = take_request_line(h, line);
	if (result == HTTPHEAD_WHOLE)
		result = parse_fields(h, &rest, len);
	h->len = (size_t)(rest.at - bytes);
	return result;
}

/* Reading */

bool httphead_named(const struct httphead_field *f, const char *name)
{
	return strlen(name) == f->name.len &&
	       strncasecmp(f->name.at, name, f->name.len) == 0;
}

size_t header_count(const struct httphead *h, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < h->count; i++)
		n += httphead_named(&h->fields[i], name);
	return n;
}

static void add(struct header *out, size_t *used, const char *bytes, size_t len)
{
	if (len >= HEADER_MAX - *used) {
		out->too_long = true;
		return;
	}
	memcpy(out->text + *used, bytes, len);
	*used += len;
}

static void begin(struct header *out, bool present)
{
	out->present = present;
	out->too_long = false;
	out->text[0] = '\0';
}

/* What is too long is not read at all. */
static void finish(struct header *out, size_t used)
{
	out->text[out->too_long ? 0 : used] = '\0';
}

void header_read(struct header *out, const struct httphead *h, const char *name)
{
	size_t used = 0;

	begin(out, false);
	for (size_t i = 0; i < h->count; i++) {
		if (!httphead_named(&h->fields[i], name))
			continue;
		if (out->present)
			add(out, &used, ", ", 2);
		out->present = true;
		add(out, &used, h->fields[i].value.at, h->fields[i].value.len);
	}
	finish(out, used);
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/*
 * The next byte from `*at` on, and behind it; %41 is one (RFC 3986 section
 * 2.1). -1: it is none, or a NUL, which would end the text.
 */
static int next_byte(struct httphead_span in, size_t *at)
{
	int high, low;

	if (in.at[*at] != '%')
		return (unsigned char)in.at[(*at)++];
	if (in.len - *at < 3)
		return -1;
	high = hex(in.at[*at + 1]);
	low = hex(in.at[*at + 2]);
	*at += 3;
	return high < 0 || low < 0 || high + low == 0 ? -1 : high << 4 | low;
}

long httphead_decode(char *out, struct httphead_span in)
{
	long used = 0;
	int byte;

	for (size_t at = 0; at < in.len;) {
		byte = next_byte(in, &at);
		if (byte < 0)
			return -1;
		out[used++] = (char)byte;
	}
	return used;
}

static int decode(struct header *out, size_t *used, struct httphead_span in)
{
	int byte;
	char c;

	for (size_t at = 0; at < in.len;) {
		byte = next_byte(in, &at);
		if (byte < 0)
			return -1;
		c = (char)byte;
		add(out, used, &c, 1);
	}
	return 0;
}

static int decode_path(struct header *out, struct httphead_span path)
{
	size_t used = 0;

	begin(out, true);
	if (decode(out, &used, path) < 0)
		return -1;
	finish(out, used);
	return 0;
}

bool httphead_parameter(struct httphead_span *query,
			struct httphead_span *parameter)
{
	const char *mark;

	if (!query->at)
		return false;
	mark = memchr(query->at, '&', query->len);
	parameter->at = query->at;
	parameter->len = mark ? (size_t)(mark - query->at) : query->len;
	query->len -= parameter->len + (mark != NULL);
	query->at = mark ? mark + 1 : NULL;
	return true;
}

bool httphead_is_token(struct httphead_span parameter)
{
	size_t len = sizeof(HTTPHEAD_TOKEN) - 1;

	return parameter.len >= len &&
	       memcmp(parameter.at, HTTPHEAD_TOKEN, len) == 0;
}

/* All parameters but tokens. */
static int decode_query(struct header *out, struct httphead_span query)
{
	struct httphead_span parameter;
	size_t used = 0;
	bool first = true;

	begin(out, query.at != NULL);
	while (httphead_parameter(&query, &parameter)) {
		if (httphead_is_token(parameter))
			continue;
		if (!first)
			add(out, &used, "&", 1);
		first = false;
		if (decode(out, &used, parameter) < 0)
			return -1;
	}
	finish(out, used);
	return 0;
}

static bool begins(struct httphead_span text, const char *with)
{
	size_t len = strlen(with);

	return text.len >= len && strncasecmp(text.at, with, len) == 0;
}

bool httphead_is_https(const struct httphead *h)
{
	return begins(h->target, HTTPS);
}

/* Takes "http://authority" off the front, where it is there. */
static void take_authority(struct httphead_span *target, struct header *out)
{
	size_t skip = 0, used = 0, len = 0;

	if (begins(*target, HTTP))
		skip = strlen(HTTP);
	else if (begins(*target, HTTPS))
		skip = strlen(HTTPS);
	begin(out, false);
	if (!skip)
		return;
	target->at += skip;
	target->len -= skip;
	while (len < target->len && !strchr("/?", target->at[len]))
		len++;
	begin(out, true);
	add(out, &used, target->at, len);
	finish(out, used);
	target->at += len;
	target->len -= len;
}

/* Takes the query off a target; its `at` is NULL where there is no '?'. */
static struct httphead_span take_query(struct httphead_span *target)
{
	const char *mark = memchr(target->at, '?', target->len);
	struct httphead_span query = {NULL, 0};

	if (!mark)
		return query;
	query.at = mark + 1;
	query.len = (size_t)(target->at + target->len - query.at);
	target->len = (size_t)(mark - target->at);
	return query;
}

struct httphead_span httphead_query(const struct httphead *h)
{
	struct httphead_span target = h->target;

	return take_query(&target);
}

int httphead_target(const struct httphead *h, struct header *path,
		    struct header *query, struct header *authority)
{
	struct httphead_span target = h->target, rest;

	take_authority(&target, authority);
	rest = take_query(&target);
	if (authority->present && !target.len)
		target = (struct httphead_span){"/", 1};
	return target.at[0] == '/' && decode_path(path, target) == 0 &&
			       decode_query(query, rest) == 0
		       ? 0
		       : -1;
}

/* SPDX-License-Identifier: MIT */
#include "configfile.h"

#include "json.h"
#include "jsonlist.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Longer names are like none of ours. */
#define NAME_MAX_LEN 40

#define READ_SIZE 4096

struct parse {
	const struct configfile *into;
	struct configfile_fault *fault;
	const char *text;
	bool *seen; /* owned: which rows have had a member */
	char *keep; /* room for all strings of the text; in the configuration */
};

/* What is wrong, and where: at `at` in the text. Returns -1. */
__attribute__((format(printf, 3, 4))) static int refuse(const struct parse *p,
							const char *at,
							const char *fmt, ...)
{
	struct configfile_fault *f = p->fault;
	va_list args;

	json_position(p->text, (size_t)(at - p->text), &f->line, &f->column);
	va_start(args, fmt);
	vsnprintf(f->why, sizeof(f->why), fmt, args);
	va_end(args);
	return -1;
}

/* No position: it is not the text that is wrong. */
static int refuse_file(struct configfile_fault *f, const char *why)
{
	f->line = 0;
	f->column = 0;
	snprintf(f->why, sizeof(f->why), "%s", why);
	return -1;
}

static int refuse_json(const struct parse *p, const char *at,
		       enum json_result result, size_t len)
{
	bool comment = at < p->text + len && (*at == '/' || *at == '#') &&
		       (result == JSON_UNEXPECTED || result == JSON_TRAILING);

	return refuse(p, at, "%s%s", json_strerror(result),
		      comment ? " (JSON has no comments)" : "");
}

/* Names */

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t min = a < b ? a : b;

	return min < c ? min : c;
}

/* How many letters are to be added, left out or changed, in either case. */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t row[NAME_MAX_LEN + 1];

	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t above = row[j];
			bool same = tolower((unsigned char)a[i - 1]) ==
				    tolower((unsigned char)b[j - 1]);

			row[j] = min3(above + 1, row[j - 1] + 1,
				      diagonal + !same);
			diagonal = above;
		}
	}
	return row[b_len];
}

/* The name that was perhaps meant, or NULL. */
static const char *nearest(const struct option *o, const char *name, size_t len)
{
	size_t least = 2 + len / 4; /* so many are too different */
	const char *found = NULL;

	if (len > NAME_MAX_LEN)
		return NULL;
	for (; o->name; o++) {
		size_t o_len = strlen(o->name);
		size_t n;

		if ((o->flags & OPTION_TYPED) || o_len > NAME_MAX_LEN)
			continue;
		n = distance(name, len, o->name, o_len);
		if (n < least) {
			least = n;
			found = o->name;
		}
	}
	return found;
}

static const struct option *find(const struct option *o,
				 const struct json_value *name)
{
	for (; o->name; o++)
		if (json_string_is(name, o->name, strlen(o->name)))
			return o;
	return NULL;
}

static int refuse_name(const struct parse *p, const struct json_value *name)
{
	const char *meant =
		nearest(p->into->options, name->text + 1, name->len - 2);

	return refuse(p, name->text, "there is no option '%.*s'%s%s%s",
		      (int)name->len - 2, name->text + 1,
		      meant ? "; did you mean '" : "", meant ? meant : "",
		      meant ? "'?" : "");
}

/* The row of a member, which may be set once; NULL after a fault. */
static const struct option *row_of(const struct parse *p,
				   const struct json_value *name)
{
	const struct option *o = find(p->into->options, name);

	if (!o && !find(p->into->others, name)) {
		refuse_name(p, name);
	} else if (!o || (o->flags & OPTION_TYPED)) {
		refuse(p, name->text,
		       "--%.*s is an option for the command line alone",
		       (int)name->len - 2, name->text + 1);
	} else if (p->seen[o - p->into->options]) {
		refuse(p, name->text, "%s: given twice", o->name);
	} else {
		p->seen[o - p->into->options] = true;
		return o;
	}
	return NULL;
}

/* Values */

static int refuse_value(const struct parse *p, const struct option *o,
			const struct json_value *v)
{
	static const char *const shown[] = {
		[JSON_NULL] = "null",	     [JSON_FALSE] = "false",
		[JSON_TRUE] = "true",	     [JSON_NUMBER] = "a number",
		[JSON_STRING] = "a string",  [JSON_ARRAY] = "an array",
		[JSON_OBJECT] = "an object",
	};
	char why[OPTION_WHY_MAX];

	option_refuse_kind(o, "", shown[v->type], why);
	return refuse(p, v->text, "%s: %s", o->name, why);
}

/* Sets it, unless the command line did: then this only checks. */
static int set(const struct parse *p, const struct option *o, const char *arg,
	       const struct json_value *v)
{
	const struct configfile *into = p->into;
	char why[OPTION_WHY_MAX];
	int result;

	if (into->given[o - into->options])
		result = option_check(o, arg, why);
	else
		result = option_set(o, into->config, arg, why);
	return result == 0 ? 0 : refuse(p, v->text, "%s: %s", o->name, why);
}

/* The text of a string or a number, with its NUL; NULL after a fault. */
static const char *text_of(struct parse *p, const struct option *o,
			   const struct json_value *v)
{
	char *text = p->keep;
	long n = (long)v->len;

	if (v->type == JSON_STRING)
		n = json_unescape(v, text, v->len);
	else
		memcpy(text, v->text, v->len);
	if (n < 0 || memchr(text, '\0', (size_t)n)) {
		refuse(p, v->text, "%s: %s", o->name,
		       n < 0 ? "half of a surrogate pair is no character"
			     : "a NUL cannot stand in a text");
		return NULL;
	}
	text[n] = '\0';
	p->keep += n + 1;
	return text;
}

static int set_string(struct parse *p, const struct option *o,
		      const struct json_value *v)
{
	const char *text = text_of(p, o, v);

	return text ? set(p, o, text, v) : -1;
}

/* Of an array that holds anything but strings the first other is the fault. */
static int set_strings(struct parse *p, const struct option *o,
		       const struct json_value *array)
{
	struct json_value item;
	const char *at = NULL;

	while (jsonlist_next(array, &at, &item)) {
		if (item.type != JSON_STRING)
			return refuse(p, item.text, "%s: not a string",
				      o->name);
		if (set_string(p, o, &item) < 0)
			return -1;
	}
	return 0;
}

static bool takes_number(const struct option *o)
{
	return o->kind == OPTION_TALLY || o->kind == OPTION_NUMBER ||
	       o->kind == OPTION_SIZE || o->kind == OPTION_DURATION ||
	       o->kind == OPTION_RATE;
}

static int set_value(struct parse *p, const struct option *o,
		     const struct json_value *v)
{
	switch (v->type) {
	case JSON_TRUE:
	case JSON_FALSE:
		if (o->kind == OPTION_FLAG)
			return set(p, o,
				   v->type == JSON_TRUE ? "true" : "false", v);
		break;
	case JSON_NUMBER:
		if (takes_number(o))
			return set_string(p, o, v);
		break;
	case JSON_STRING:
		if (o->kind != OPTION_FLAG && o->kind != OPTION_TALLY)
			return set_string(p, o, v);
		break;
	case JSON_ARRAY:
		if (o->kind == OPTION_TEXTS)
			return set_strings(p, o, v);
		break;
	default:
		break;
	}
	return refuse_value(p, o, v);
}

/* The whole */

static int parse_members(struct parse *p, size_t len)
{
	struct json_scan scan;
	struct json_member member;
	enum json_result result = json_members(&scan, p->text, len);

	while (result == JSON_OK &&
	       (result = json_next(&scan, &member)) == JSON_OK) {
		const struct option *o = row_of(p, &member.name);

		if (!o || set_value(p, o, &member.value) < 0)
			return -1;
	}
	if (result == JSON_END)
		return 0;
	return refuse_json(p, p->text + json_where(&scan), result, len);
}

int configfile_parse(const struct configfile *into, const char *text,
		     size_t len, struct configfile_fault *fault)
{
	struct parse p = {
		.into = into,
		.fault = fault,
		.text = len ? text : "", /* may have been NULL */
		.seen = calloc(option_rows(into->options) + 1, sizeof(bool)),
		/* A string has two quotes, a number something behind it. */
		.keep = option_keep(into->config, len + 1),
	};
	int result = -1;

	if (p.seen && p.keep)
		result = parse_members(&p, len);
	else
		refuse_file(fault, strerror(errno));
	free(p.seen);
	return result;
}

/* Appends all that can be read; 0, or -1 with errno (EFBIG: too large). */
static int read_all(int fd, struct buf *b)
{
	ssize_t n;

	do {
		char *room = buf_reserve(b, READ_SIZE);

		if (!room) {
			errno = ENOMEM;
			return -1;
		}
		n = read(fd, room, READ_SIZE);
		if (n > 0)
			buf_added(b, (size_t)n);
		if (buf_len(b) > CONFIGFILE_MAX) {
			errno = EFBIG;
			return -1;
		}
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 ? -1 : 0;
}

int configfile_load(const struct configfile *into, const char *path,
		    struct configfile_fault *fault)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct buf text;
	int result;

	if (fd < 0)
		return refuse_file(fault, strerror(errno));
	buf_init(&text);
	if (read_all(fd, &text) < 0)
		result = refuse_file(fault, errno == EFBIG ? "it is above 1 MiB"
							   : strerror(errno));
	else
		result = configfile_parse(into, buf_bytes(&text),
					  buf_len(&text), fault);
	buf_release(&text);
	close(fd);
	return result;
}

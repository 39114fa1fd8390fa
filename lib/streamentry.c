/* SPDX-License-Identifier: MIT */
#include "streamentry.h"

#include "json.h"
#include "jsonput.h"
#include "utf8.h"

#include <stdbool.h>
#include <string.h>

static bool are_texts(const struct redisreply *items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (items[i].type != REDISREPLY_BULK)
			return false;
	return true;
}

int streamentry_read(struct streamentry *entry, const struct redisreply *reply)
{
	const struct redisreply *id, *fields;

	if (reply->type != REDISREPLY_ARRAY || reply->count != 2)
		return -1;
	id = &reply->items[0];
	fields = &reply->items[1];
	if (id->type != REDISREPLY_BULK ||
	    entryid_parse(&entry->id, id->text, id->len) != 0)
		return -1;
	entry->fields = NULL;
	entry->count = 0;
	if (fields->type == REDISREPLY_NIL)
		return 0;
	if (fields->type != REDISREPLY_ARRAY || fields->count % 2 ||
	    !fields->count || !are_texts(fields->items, fields->count))
		return -1;
	entry->fields = fields->items;
	entry->count = fields->count;
	return 0;
}

int streamentry_read_list(struct streamentry_list *list,
			  const struct redisreply *reply)
{
	if (reply->type != REDISREPLY_ARRAY || reply->count != 2 ||
	    reply->items[0].type != REDISREPLY_BULK ||
	    reply->items[1].type != REDISREPLY_ARRAY)
		return -1;
	list->name = &reply->items[0];
	list->items = reply->items[1].items;
	list->count = reply->items[1].count;
	return 0;
}

static void add_weight(const struct redisreply *reply,
		       struct streamentry_weight *w)
{
	w->bytes += reply->len;
	w->elements += reply->count;
	for (size_t i = 0; i < reply->count; i++)
		add_weight(&reply->items[i], w);
}

void streamentry_weigh(const struct redisreply *reply,
		       struct streamentry_weight *weight)
{
	struct streamentry_list list;

	*weight = (struct streamentry_weight){0};
	add_weight(reply, weight);
	for (size_t i = 0; i < reply->count; i++)
		if (streamentry_read_list(&list, &reply->items[i]) == 0)
			weight->entries += list.count;
}

static enum streamentry_result put_one(const struct streamentry *entry,
				       const char *field, struct buf *out)
{
	const struct redisreply *found = NULL;

	for (size_t i = 0; i < entry->count; i += 2) {
		if (!redisreply_is(&entry->fields[i], field))
			continue;
		if (found)
			return STREAMENTRY_TWICE;
		found = &entry->fields[i + 1];
	}
	if (!found)
		return STREAMENTRY_NO_FIELD;
	buf_append(out, found->text, found->len);
	return STREAMENTRY_OK;
}

void streamentry_key(struct entryid id, const char *source, const char *stream,
		     struct buf *out)
{
	char text[ENTRYID_TEXT_MAX];

	buf_puts(out, source);
	buf_putc(out, ':');
	buf_puts(out, stream);
	buf_putc(out, ':');
	entryid_show(text, id);
	buf_puts(out, text);
}

void streamentry_show(const struct streamentry *entry, struct buf *out)
{
	buf_putc(out, '{');
	for (size_t i = 0; i < entry->count; i++) {
		if (i % 2)
			buf_putc(out, ':');
		else if (i)
			buf_putc(out, ',');
		json_put_string(out, entry->fields[i].text,
				entry->fields[i].len);
	}
	buf_putc(out, '}');
}

static enum streamentry_result put_all(const struct streamentry *entry,
				       struct buf *out)
{
	for (size_t i = 0; i < entry->count; i++)
		if (!utf8_valid(entry->fields[i].text, entry->fields[i].len))
			return STREAMENTRY_BINARY;
	streamentry_show(entry, out);
	return STREAMENTRY_OK;
}

enum streamentry_result streamentry_message(const struct streamentry *entry,
					    const char *field, struct buf *out)
{
	return field ? put_one(entry, field, out) : put_all(entry, out);
}

const char *streamentry_strerror(enum streamentry_result result)
{
	switch (result) {
	case STREAMENTRY_OK:
		return "is well";
	case STREAMENTRY_NO_FIELD:
		return "the entry does not have the field";
	case STREAMENTRY_TWICE:
		return "the entry has the field twice";
	case STREAMENTRY_BINARY:
		return "the entry is not UTF-8";
	}
	return "?";
}

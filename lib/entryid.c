/* SPDX-License-Identifier: MIT */
#include "entryid.h"

#include "num.h"

#include <string.h>

int entryid_parse(struct entryid *id, const char *text, size_t len)
{
	const char *hyphen = memchr(text, '-', len);
	size_t before;

	if (!hyphen)
		return -1;
	before = (size_t)(hyphen - text);
	if (num_parse_u64(text, before, &id->ms) != 0)
		return -1;
	return num_parse_u64(hyphen + 1, len - before - 1, &id->seq);
}

size_t entryid_show(char text[ENTRYID_TEXT_MAX], struct entryid id)
{
	size_t len = num_put_u64(text, id.ms);

	text[len++] = '-';
	len += num_put_u64(text + len, id.seq);
	text[len] = '\0';
	return len;
}

struct entryid entryid_before(struct entryid id)
{
	if (id.seq)
		return (struct entryid){id.ms, id.seq - 1};
	if (id.ms)
		return (struct entryid){id.ms - 1, UINT64_MAX};
	return id;
}

int entryid_compare(struct entryid a, struct entryid b)
{
	if (a.ms != b.ms)
		return a.ms < b.ms ? -1 : 1;
	return (a.seq > b.seq) - (a.seq < b.seq);
}

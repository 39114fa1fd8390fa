/* SPDX-License-Identifier: MIT */
#include "accept.h"

#include <string.h>
#include <strings.h>

#define WHOLE 1000 /* a weight of 1, in thousandths */

static const char blanks[] = " \t";

/* "0.5" is 500; what is no weight counts as none: 0. */
static int read_weight(const char *text, size_t len)
{
	int weight = 0, unit = WHOLE;

	if (len == 0 || len > 5 || (text[0] != '0' && text[0] != '1') ||
	    (len > 1 && text[1] != '.'))
		return 0;
	for (size_t i = 0; i < len; i += i ? 1 : 2, unit /= 10) {
		if (text[i] < '0' || text[i] > '9')
			return 0;
		weight += (text[i] - '0') * unit;
	}
	return weight > WHOLE ? WHOLE : weight;
}

/* Of a member of the list, from its first ';' on. */
static int weight_of(const char *at, const char *end)
{
	const char *next;

	while (at < end) {
		at++;
		at += strspn(at, blanks);
		next = memchr(at, ';', at < end ? (size_t)(end - at) : 0);
		if (!next)
			next = end;
		if (next - at >= 2 && strncasecmp(at, "q=", 2) == 0)
			return read_weight(at + 2, strcspn(at + 2, " \t;,"));
		at = next;
	}
	return WHOLE;
}

static int index_of(const char *name, size_t len, const char *const *types,
		    size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(types[i]) == len &&
		    strncasecmp(types[i], name, len) == 0)
			return (int)i;
	return -1;
}

int accept_choose(const char *header, const char *const *types, size_t count)
{
	int best = -1, best_weight = 0;

	while (header && *header) {
		const char *name = header + strspn(header, " \t,");
		const char *end = name + strcspn(name, ",");
		int found =
			index_of(name, strcspn(name, " \t;,"), types, count);
		int weight = weight_of(name + strcspn(name, ";,"), end);

		if (found >= 0 && weight > best_weight) {
			best = found;
			best_weight = weight;
		}
		header = end;
	}
	return best;
}

/* SPDX-License-Identifier: MIT */
/*
 * pages - the static files that a server has: the console at `/`, and the
 * client of clients/js at `/client.js`.
 *
 * They are part of the program: web/embed.sh makes the table out of web/ when
 * it is built. Nothing here knows what is in them.
 */
#ifndef PAGES_H
#define PAGES_H

#include <stdbool.h>
#include <stddef.h>

struct page {
	const char *path;
	const char *type; /* Content-Type */
	const char *etag; /* of these bytes, with its quotes */
	const char *bytes;
	size_t len;
};

/* All of them. */
extern const struct page pages_all[];
extern const size_t pages_count;

/*
 * What they may load (Content Security Policy, level 3): what comes from the
 * same server, and images that are in the page itself. Nobody shows them in a
 * frame, no text of a script becomes markup.
 */
#define PAGES_POLICY                                                           \
	"default-src 'none'; script-src 'self'; style-src 'self'; "            \
	"connect-src 'self'; img-src 'self' data:; base-uri 'none'; "          \
	"form-action 'none'; frame-ancestors 'none'; "                         \
	"require-trusted-types-for 'script'; trusted-types 'none'"

/* The one at a path; NULL: there is none. */
const struct page *pages_find(const char *path);

/*
 * Whether the one who asks has it already: `match` is an If-None-Match (RFC
 * 9110 section 13.1.2), of which NULL matches nothing. Compares weakly.
 */
bool pages_match(const struct page *p, const char *match);

#endif

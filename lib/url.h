/* SPDX-License-Identifier: MIT */
/*
 * url - the URLs of a wsd: ws://host:port/path, wss://…, and
 * ws+unix:/run/wsd.sock:/path for a Unix socket. The path is "/ws" when the
 * text has none; "ws://host/" has one.
 */
#ifndef URL_H
#define URL_H

#include <stdbool.h>
#include <stdint.h>

/* What is meant where nobody names a server. */
#define URL_DEFAULT "ws://localhost:3000/ws"

#define URL_PART_MAX 256

struct url {
	bool tls;
	bool local;		 /* host is the path of a Unix socket */
	char host[URL_PART_MAX]; /* without the brackets of IPv6 */
	uint16_t port; /* 80 or 443 when the text has none; 0: local */
	char path[URL_PART_MAX]; /* with its query; begins with '/' */
};

/*
 * Parses `text` (RFC 3986, the parts named above; no user, no fragment, and
 * no port that is empty, as "ws://$HOST:$PORT" gives without PORT). Nothing is
 * unescaped. The socket's path ends at the first ':' or '?'; it may be
 * relative, and "ws+unix:///run/wsd.sock" is another spelling.
 * 0, or -1 with a static text in `*why` that says what is wrong, such as
 * "no host"; `*why` is NULL after success, `*url` undefined after failure.
 */
int url_parse(struct url *url, const char *text, const char **why);

#endif

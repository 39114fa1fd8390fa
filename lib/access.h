/* SPDX-License-Identifier: MIT */
/*
 * access - who may talk to the server at all: the Host that a request names,
 * and the Origin of the web page that it comes from.
 *
 * A server on loopback is within reach of every web page that its user opens.
 * So a page may connect only from an origin that is allowed (RFC 6454), and a
 * request must name a host that is this server, or a page elsewhere could
 * point a name of its own at 127.0.0.1 (DNS rebinding). All names of loopback
 * count as one host, on any port.
 */
#ifndef ACCESS_H
#define ACCESS_H

#include <stdbool.h>
#include <stddef.h>

struct access {
	const char *const *hosts; /* names allowed beside loopback; borrowed */
	size_t hosts_count;
	const char *const *origins; /* origins allowed, exactly; borrowed */
	size_t origins_count;
};

enum access_verdict {
	ACCESS_ALLOWED,
	ACCESS_NO_HOST,	   /* no Host, or not one (RFC 9110 section 7.2) */
	ACCESS_BAD_HOST,   /* --host would allow it */
	ACCESS_BAD_ORIGIN, /* --origin would allow it */
};

/*
 * Judges a request by its headers; `origin` is NULL where there is none, as
 * from a program that is no browser. An Origin is compared whole, so that two
 * that were joined are none. One that names the same host and port as `host`
 * is allowed; where the request is known to have come by `https`, only one of
 * https is. One that is anybody's is not, whatever `a` says.
 */
enum access_verdict access_judge(const struct access *a, const char *host,
				 const char *origin, bool https);

/*
 * Whether it can name a host in `hosts`: "example.com", "[2001:db8::1]", either
 * with a port; of A-Z a-z 0-9 . _ - where it is a name.
 */
bool access_host_valid(const char *host);

/*
 * Whether a browser could send it (RFC 6454 section 6.2) for the pages of one
 * site: a scheme and a host, no default port, no path. Neither this nor a valid
 * host means anything to a shell.
 */
bool access_origin_valid(const char *origin);

/*
 * Whether anybody's pages can have it: "null", which is sent for a sandboxed
 * frame, whoever wrote it, and for files; and "file://", which some browsers
 * send for these, so for what was downloaded, too.
 */
bool access_origin_shared(const char *origin);

/* Whether a host name, without port or brackets, means this machine. */
bool access_is_loopback(const char *name, size_t len);

#endif

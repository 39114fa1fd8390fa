/* SPDX-License-Identifier: MIT */
#include "address.h"

#include "access.h"
#include "num.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/un.h>

const char address_off_loopback[] =
	"not a loopback address, and there is no access control: "
	"--no-access-control allows it";

static const char *parse_path(struct address *a, const char *path)
{
	a->kind = ADDRESS_UNIX;
	a->path = path;
	if (!*path)
		return "no path";
	if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return "the path is too long";
	return NULL;
}

static const char *parse_port(uint16_t *port, const char *text)
{
	uint64_t value;

	if (num_parse_u64(text, strlen(text), &value) < 0 || value > UINT16_MAX)
		return "no port from 0 to 65535 (as in 127.0.0.1:3000)";
	*port = (uint16_t)value;
	return NULL;
}

static bool is_numeric(const char *host)
{
	struct in6_addr address; /* the larger of both */

	return inet_pton(AF_INET, host, &address) == 1 ||
	       inet_pton(AF_INET6, host, &address) == 1;
}

static const char *parse_host(struct address *a, const char *host, size_t len,
			      bool anywhere)
{
	if (len > 2 && *host == '[' && host[len - 1] == ']') {
		host++;
		len -= 2;
	}
	if (len >= sizeof(a->host))
		return "not a numeric address";
	memcpy(a->host, host, len);
	a->host[len] = '\0';
	a->kind = ADDRESS_LOCALHOST;
	if (strcmp(a->host, "localhost") == 0)
		return NULL;
	a->kind = ADDRESS_IP;
	if (!is_numeric(a->host))
		return "not ADDRESS:PORT with a numeric address, "
		       "localhost:PORT or unix:PATH";
	if (!anywhere && !access_is_loopback(a->host, len))
		return address_off_loopback;
	return NULL;
}

const char *address_parse(struct address *a, const char *text, bool anywhere)
{
	const char *colon = strrchr(text, ':');
	const char *why;

	memset(a, 0, sizeof(*a));
	if (strncmp(text, "unix:", 5) == 0)
		return parse_path(a, text + 5);
	if (!colon)
		return ":PORT is missing (as in 127.0.0.1:3000)";
	why = parse_port(&a->port, colon + 1);
	if (why)
		return why;
	return parse_host(a, text, (size_t)(colon - text), anywhere);
}

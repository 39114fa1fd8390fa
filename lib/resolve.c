/* SPDX-License-Identifier: MIT */
#include "resolve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct resolve {
	uv_getaddrinfo_t request;
	resolve_done *done; /* NULL: nobody waits any more */
	void *user;
};

static const char *why_not(int error)
{
	switch (error) {
	case UV_EAI_NONAME:
	case UV_EAI_NODATA:
	case UV_EAI_ADDRFAMILY:
		return "no such host";
	case UV_EAI_AGAIN:
		return "the name server does not answer";
	default:
		return uv_strerror(error);
	}
}

static void finished(uv_getaddrinfo_t *request, int error,
		     struct addrinfo *found)
{
	struct resolve *lookup = request->data;

	if (lookup->done)
		lookup->done(lookup->user, error ? NULL : found,
			     error ? why_not(error) : NULL);
	else
		uv_freeaddrinfo(found);
	free(lookup);
}

struct resolve *resolve_start(uv_loop_t *uv, const char *name, uint16_t port,
			      resolve_done *done, void *user, const char **why)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC,
				       .ai_socktype = SOCK_STREAM};
	struct resolve *lookup = calloc(1, sizeof(*lookup));
	char service[8];
	int error;

	if (!lookup) {
		*why = "out of memory";
		return NULL;
	}
	lookup->request.data = lookup;
	lookup->done = done;
	lookup->user = user;
	snprintf(service, sizeof(service), "%u", port);
	error = uv_getaddrinfo(uv, &lookup->request, finished, name, service,
			       &hints);
	if (!error)
		return lookup;
	*why = why_not(error);
	free(lookup);
	return NULL;
}

void resolve_cancel(struct resolve *lookup)
{
	lookup->done = NULL;
	uv_cancel((uv_req_t *)&lookup->request);
}

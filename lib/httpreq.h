/* SPDX-License-Identifier: MIT */
/*
 * httpreq - the head of an HTTP request: what it asks for, or why it gets
 * something else.
 *
 * It judges what a request says of itself, in the order in which it matters to
 * who sent it: the resource, the method, how long the body is and what is in
 * it, the parameters. Who may ask is the gate's business. Nothing is copied:
 * a request points into its head.
 */
#ifndef HTTPREQ_H
#define HTTPREQ_H

#include "encoding.h"
#include "reply.h"

/* Entries of one page of a list, unless it asks for fewer or more. */
#define HTTPREQ_LIMIT 100
#define HTTPREQ_LIMIT_MAX 1000

enum httpreq_method {
	HTTPREQ_GET,
	HTTPREQ_HEAD,
	HTTPREQ_POST,
	HTTPREQ_OPTIONS,
	HTTPREQ_OTHER, /* known to HTTP, but nowhere here */
};

enum httpreq_endpoint {
	HTTPREQ_HEALTH,	     /* /healthz */
	HTTPREQ_READY,	     /* /readyz */
	HTTPREQ_PAGE,	     /* one of pages.h */
	HTTPREQ_METRICS,     /* /metrics */
	HTTPREQ_TENANTS,     /* /v1/tenants */
	HTTPREQ_CONNECTIONS, /* /v1/connections */
	HTTPREQ_TENANT,	     /* /v1/tenants/{tenant} */
	HTTPREQ_PUBLISH,     /* POST /v1/tenants/{tenant}/updates */
	HTTPREQ_FOLLOW,	     /* GET of the same */
};

/*
 * As it came, percent-decoded once; a header without the blanks around it, and
 * joined by commas when it came more than once. NULL: it is not there.
 */
struct httpreq_head {
	enum httpreq_method method;
	bool http10;	      /* HTTP/1.0, or older */
	bool target_too_long; /* path and query were not read */
	bool header_too_long; /* one of the headers below was not read */
	bool follow_too_long; /* or of those that only say how to follow */
	const char *path;     /* without the query */
	const char *query;    /* behind the '?' */
	const char *length;   /* Content-Length */
	const char *type;     /* Content-Type */
	const char *coding;   /* Content-Encoding */
	const char *transfer; /* Transfer-Encoding */
	const char *expect;   /* Expect */
	const char *accept;   /* Accept */
	const char *last_id;  /* Last-Event-ID */
	const char *match;    /* If-None-Match */
	const char *key;      /* Idempotency-Key */
	size_t key_len;	      /* bytes of it, which may be more than read */
};

struct page;

struct httpreq {
	/*
	 * The methods that its path takes, which it asks for by OPTIONS:
	 * static. NULL: it asks for something else, and only then the rest
	 * counts.
	 */
	const char *options;
	enum httpreq_endpoint endpoint;
	bool to_head;	    /* no content is to be sent */
	bool waits;	    /* for 100 before it sends its body */
	bool lines;	    /* the body is NDJSON */
	uint64_t length;    /* bytes of the body */
	const char *tenant; /* to publish to, follow or tell of; valid */
	size_t tenant_len;
	enum stream_view view;	  /* to follow in */
	struct proto_since since; /* to follow from there */
	const char *key;	  /* NULL: none */
	size_t key_len;
	const struct page *page;
	const char *match; /* of a page: as in the head */
	const char *after; /* list: begin behind it; NULL: at the beginning */
	size_t after_len;
	uint64_t after_number; /* the same as a number; 0: the beginning */
	size_t limit;	       /* list: 1 to HTTPREQ_LIMIT_MAX */
};

/* Bytes; a body that announces more is refused before it comes. */
struct httpreq_limits {
	uint64_t body;
	uint64_t update; /* of a body that is one */
};

/* 0, or -1 and `refusal` is the answer. */
int httpreq_parse(struct httpreq *r, const struct httpreq_head *head,
		  const struct httpreq_limits *limits, struct reply *refusal);

/*
 * In httpreqfollow.c, for httpreq alone: takes a parameter of what is to be
 * followed; NULL, or why not. `seen` has a bit for each that came.
 */
const char *httpreq_follow_parameter(struct httpreq *r, const char *name,
				     size_t name_len, const char *value,
				     size_t len, unsigned *seen);

/* The same for its headers, over which a parameter does not win. */
int httpreq_follow(struct httpreq *r, const struct httpreq_head *head,
		   struct reply *refusal);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * request - the messages from client to server: parsed by wsd, put together
 * by the tools.
 *
 * A request borrows from the text that it was parsed from; nothing is
 * allocated. Unknown members are ignored; a known one given twice is an
 * error, for two readers might take different ones.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include "json.h"
#include "proto.h"
#include "tenant.h"

enum request_type {
	REQUEST_AUTH,
	REQUEST_PRODUCER,
	REQUEST_SUBSCRIBE,
	REQUEST_UNSUBSCRIBE,
	REQUEST_PUBLISH,
	REQUEST_GAP,
	REQUEST_PING,
};

struct request_text {
	const char *bytes; /* NULL where the member is absent */
	size_t len;
};

struct request {
	enum request_type type;
	struct json_value id; /* any JSON as sent; text NULL: none */
	bool numbered;	      /* id is an integer: */
	uint64_t number;
	struct request_text tenant; /* valid; not the one of a bad request */
	bool all; /* it is TENANT_ALL: (UN)SUBSCRIBE to all tenants */
	struct request_text key;
	struct request_text producer;
	struct request_text reason; /* of a GAP: "source" */
	struct request_text token;
	struct proto_since since;
	struct json_value data; /* of a PUBLISH: the update; else none */

	/* Where texts go that had to be unescaped. */
	char tenant_store[TENANT_MAX];
	char key_store[PROTO_KEY_MAX];
	char producer_store[PROTO_PRODUCER_MAX];
	char reason_store[PROTO_KEY_MAX];
};

/* Why a request is refused. */
struct request_fault {
	enum proto_code code;
	const char *message; /* static */
	size_t offset;	     /* of BAD_JSON: the byte that is wrong */
};

/*
 * Parses one message. 0, or -1 with `fault` set; then `request->id` is still
 * set if it was read, so that the answer can name it.
 */
int request_parse(struct request *request, const char *text, size_t len,
		  struct request_fault *fault);

/*
 * These append one message without a newline. `id` 0 means without; ids are
 * at least 1. Texts must be valid (tenant_valid, UTF-8).
 */
void request_put_auth(struct buf *b, uint64_t id, const char *token);
void request_put_producer(struct buf *b, const char *producer);
void request_put_subscribe(struct buf *b, uint64_t id, const char *tenant,
			   const struct proto_since *since);
void request_put_unsubscribe(struct buf *b, uint64_t id, const char *tenant);
void request_put_ping(struct buf *b, uint64_t id);
void request_put_gap(struct buf *b, uint64_t id, struct request_text tenant,
		     const char *reason);

/* `key` may be absent (bytes NULL); `data` is JSON, appended as it is. */
void request_put_publish(struct buf *b, uint64_t id, struct request_text tenant,
			 struct request_text key, const char *data, size_t len);

#endif

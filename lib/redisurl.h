/* SPDX-License-Identifier: MIT */
/*
 * redisurl - the URLs of a Redis, as its clients know them:
 *
 *   redis://[[user]:password@]host[:port][/database]
 *   rediss://…                                     the same with TLS
 *   unix:/run/redis.sock?db=1                      a Unix socket; also
 *   unix://[[user]:password@]/run/redis.sock       and redis+unix: for unix:
 *
 * The database may be given as "?db=N" everywhere. User and password are
 * percent-decoded (RFC 3986 section 2.1); the last '@' ends them, so that a
 * password with an '@' needs no escape. Nothing else is decoded.
 *
 * It holds a secret: what is shown to people comes from redisurl_show(), and no
 * error text has a part of the URL.
 */
#ifndef REDISURL_H
#define REDISURL_H

#include "authority.h"

#include <stdbool.h>
#include <stdint.h>

/* What is meant where nobody names a Redis. */
#define REDISURL_DEFAULT "redis://127.0.0.1:6379"

#define REDISURL_PORT 6379

/* Bytes with the NUL; some clouds have tokens of 2 KiB as passwords. */
#define REDISURL_USER_MAX 256
#define REDISURL_PASSWORD_MAX 4096

/* Room for what redisurl_show() writes, with the NUL. */
#define REDISURL_SHOW_MAX 320

struct redisurl {
	bool tls;	   /* rediss */
	bool local;	   /* host is the path of a Unix socket */
	bool has_password; /* it may be empty when there is a user */
	uint16_t port;	   /* 0: local */
	uint32_t database; /* for SELECT; 0 is the default */
	char host[AUTHORITY_HOST_MAX]; /* without the brackets of IPv6 */
	char user[REDISURL_USER_MAX];  /* "": none */
	char password[REDISURL_PASSWORD_MAX];
};

/*
 * Parses `text`. A user without a password is taken: its password comes from
 * elsewhere then. A NUL (%00), a port that is empty, and parameters other than
 * db are refused. 0, or -1 with a static text in `*why`, such as "no host";
 * `*why` is NULL after success. After failure no secret is left in `*url`.
 */
int redisurl_parse(struct redisurl *url, const char *text, const char **why);

/*
 * For what comes from elsewhere: takes `user` and `password` in place of those
 * of the URL, each where it is not NULL. Returns NULL, or a static text that
 * says what is wrong; a user without a password is, then.
 */
const char *redisurl_login(struct redisurl *url, const char *user,
			   const char *password);

/*
 * The URL without user and password, for messages: "redis://host:6379/1".
 * Returns `out`.
 */
const char *redisurl_show(const struct redisurl *url,
			  char out[REDISURL_SHOW_MAX]);

#endif

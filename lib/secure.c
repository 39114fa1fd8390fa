/* SPDX-License-Identifier: MIT */
#include "secure.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/*
 * Of what belongs to TLS itself a connection may say so much in a turn, behind
 * its handshake: tickets, new keys.
 */
#define STEPS_MAX 64

static bool must_wait(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* From the socket: all that is read of it counts. */
static ssize_t take(struct secure *s, char *bytes, size_t len)
{
	ssize_t n;

	errno = EAGAIN;
	if (!s->budget)
		return -1;
	n = recv(s->fd, bytes, len, MSG_DONTWAIT);
	if (n > 0)
		s->budget -= (size_t)n < s->budget ? (uint32_t)n : s->budget;
	return n;
}

/* What OpenSSL reads from and writes to */

static int bio_read(BIO *bio, char *bytes, int len)
{
	struct secure *s = BIO_get_data(bio);
	ssize_t n = take(s, bytes, (size_t)len);

	BIO_clear_retry_flags(bio);
	if (n == 0)
		s->at_end = true;
	else if (n < 0 && must_wait())
		BIO_set_retry_read(bio);
	return (int)n;
}

/* 0, or -1: out of memory. */
static int keep(struct secure *s, const char *bytes, size_t len)
{
	s->kept = malloc(len);
	if (!s->kept)
		return -1;
	memcpy(s->kept, bytes, len);
	s->kept_at = 0;
	s->kept_end = (uint32_t)len;
	return 0;
}

static ssize_t send_bytes(const struct secure *s, const char *bytes, size_t len)
{
	ssize_t n =
		send(s->fd, bytes, len,
		     MSG_NOSIGNAL | MSG_DONTWAIT | (s->more ? MSG_MORE : 0));

	return n < 0 && must_wait() ? 0 : n;
}

/* Takes all of it, or nothing. */
static int bio_write(BIO *bio, const char *bytes, int len)
{
	struct secure *s = BIO_get_data(bio);
	ssize_t n;

	BIO_clear_retry_flags(bio);
	if (s->kept) {
		BIO_set_retry_write(bio);
		return -1;
	}
	n = send_bytes(s, bytes, (size_t)len);
	if (n < 0)
		return -1;
	if (n < len && keep(s, bytes + n, (size_t)(len - n)) < 0)
		return -1;
	return len;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return command == BIO_CTRL_FLUSH;
}

int secures_init(struct secures *all)
{
	all->method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "socket");
	if (!all->method) {
		ERR_clear_error();
		errno = ENOMEM;
		return -1;
	}
	BIO_meth_set_read(all->method, bio_read);
	BIO_meth_set_write(all->method, bio_write);
	BIO_meth_set_ctrl(all->method, bio_ctrl);
	return 0;
}

void secures_release(struct secures *all)
{
	BIO_meth_free(all->method);
	all->method = NULL;
}

/* Connections */

/*
 * OpenSSL takes any number of KeyUpdates, of which each costs as much as some
 * thousand bytes of an update: who sends so many is not heard any more.
 */
static void on_step(const SSL *ssl, int where, int result)
{
	struct secure *s = SSL_get_app_data(ssl);

	(void)result;
	if (!s->shaken || !(where & SSL_CB_LOOP))
		return;
	if (++s->steps > STEPS_MAX)
		SSL_set_shutdown(s->ssl, SSL_RECEIVED_SHUTDOWN);
}

static struct secure *open_on(const struct secures *all, SSL_CTX *cx, int fd)
{
	struct secure *s = calloc(1, sizeof(*s));
	BIO *bio = BIO_new(all->method);

	if (s)
		s->ssl = SSL_new(cx);
	if (!s || !s->ssl || !bio) {
		BIO_free(bio);
		secure_free(s);
		ERR_clear_error();
		return NULL;
	}
	s->fd = fd;
	BIO_set_data(bio, s);
	BIO_set_init(bio, 1);
	SSL_set_bio(s->ssl, bio, bio);
	SSL_set_app_data(s->ssl, s);
	SSL_set_info_callback(s->ssl, on_step);
	SSL_set_read_ahead(s->ssl, 1);
	SSL_set_mode(s->ssl, SSL_MODE_RELEASE_BUFFERS |
				     SSL_MODE_ENABLE_PARTIAL_WRITE |
				     SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	return s;
}

struct secure *secure_accept(const struct secures *all, SSL_CTX *cx, int fd)
{
	struct secure *s = open_on(all, cx, fd);

	if (s)
		SSL_set_accept_state(s->ssl);
	return s;
}

struct secure *secure_connect(const struct secures *all, SSL_CTX *cx, int fd)
{
	struct secure *s = open_on(all, cx, fd);

	if (s)
		SSL_set_connect_state(s->ssl);
	return s;
}

void secure_free(struct secure *s)
{
	if (!s)
		return;
	SSL_free(s->ssl);
	free(s->kept);
	free(s);
}

enum secure_step secure_shake(struct secure *s)
{
	unsigned long error;

	s->budget = SECURE_TURN;
	s->shaken = SSL_do_handshake(s->ssl) == 1;
	if (s->shaken) {
		ERR_clear_error();
		return SECURE_DONE;
	}
	switch (SSL_get_error(s->ssl, -1)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return SECURE_WAIT;
	}
	error = ERR_peek_error();
	s->why = error ? ERR_reason_error_string(error) : NULL;
	if (!s->why)
		s->why = "the connection ended";
	ERR_clear_error();
	return SECURE_FAILED;
}

/* Reading */

/* What a call that read nothing gives. */
static ssize_t nothing_read(struct secure *s)
{
	int error = SSL_get_error(s->ssl, 0);

	errno = EAGAIN;
	switch (error) {
	case SSL_ERROR_WANT_WRITE:
		s->reads_later = true;
		return -1;
	case SSL_ERROR_WANT_READ:
		return -1;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	}
	ERR_clear_error();
	errno = ECONNRESET;
	return s->at_end ? 0 : -1;
}

ssize_t secure_recv(struct secure *s, char *bytes, size_t room)
{
	size_t sum = 0, n;

	if (s->ended)
		return take(s, bytes, room);
	while (sum < room && SSL_read_ex(s->ssl, bytes + sum, room - sum, &n))
		sum += n;
	if (!sum)
		return nothing_read(s);
	/* The next call hears of it again; another connection must not. */
	ERR_clear_error();
	return (ssize_t)sum;
}

ssize_t secure_peek(struct secure *s, char *bytes, size_t room)
{
	size_t n;

	return SSL_peek_ex(s->ssl, bytes, room, &n) ? (ssize_t)n
						    : nothing_read(s);
}

bool secure_holds(const struct secure *s)
{
	return SSL_has_pending(s->ssl);
}

int secure_turn(struct secure *s)
{
	s->budget = SECURE_TURN;
	s->steps = 0;
	return s->kept ? secure_flush(s) : 0;
}

/* Sending */

int secure_flush(struct secure *s)
{
	ssize_t n;

	if (!s->kept)
		return 0;
	n = send_bytes(s, s->kept + s->kept_at, s->kept_end - s->kept_at);
	if (n < 0)
		return -1;
	s->kept_at += (uint32_t)n;
	if (s->kept_at < s->kept_end)
		return 0;
	free(s->kept);
	s->kept = NULL;
	s->reads_later = false;
	return 0;
}

/* One record, while nothing is kept. 0 or -1. */
static int put_record(struct secure *s, const char *bytes, size_t len)
{
	size_t n;

	if (SSL_write_ex(s->ssl, bytes, len, &n) && n == len)
		return 0;
	ERR_clear_error();
	return -1;
}

ssize_t secure_send(struct secure *s, const char *bytes, size_t len, bool more)
{
	size_t sum = 0, n;
	int result = secure_flush(s);

	s->more = more;
	while (result == 0 && !s->kept && sum < len) {
		n = len - sum < SECURE_RECORD ? len - sum : SECURE_RECORD;
		result = put_record(s, bytes + sum, n);
		sum += n;
	}
	s->more = false;
	return result < 0 ? -1 : (ssize_t)sum;
}

/* Where the next record begins in the pieces. */
struct place {
	const struct iovec *piece;
	const struct iovec *end;
	size_t at; /* in that piece */
};

/* Copies what begins there, at most a record; returns how much. */
static size_t collect(struct place *p, char record[SECURE_RECORD])
{
	size_t len = 0, n;

	while (p->piece < p->end && len < SECURE_RECORD) {
		n = p->piece->iov_len - p->at;
		if (n > SECURE_RECORD - len)
			n = SECURE_RECORD - len;
		memcpy(record + len, (char *)p->piece->iov_base + p->at, n);
		len += n;
		p->at += n;
		if (p->at == p->piece->iov_len) {
			p->piece++;
			p->at = 0;
		}
	}
	return len;
}

/* A record that lies in one piece is not copied. */
static size_t next_record(struct place *p, char record[SECURE_RECORD],
			  const char **bytes)
{
	size_t len = p->piece->iov_len - p->at;

	*bytes = record;
	if (len < SECURE_RECORD && p->piece + 1 < p->end)
		return collect(p, record);
	*bytes = (char *)p->piece->iov_base + p->at;
	if (len > SECURE_RECORD)
		len = SECURE_RECORD;
	p->at += len;
	if (p->at == p->piece->iov_len) {
		p->piece++;
		p->at = 0;
	}
	return len;
}

ssize_t secure_sendv(struct secure *s, const struct iovec *pieces, int count)
{
	struct place p = {pieces, pieces + count, 0};
	char record[SECURE_RECORD];
	const char *bytes;
	size_t sum = 0, len;

	if (secure_flush(s) < 0)
		return -1;
	while (!s->kept && p.piece < p.end) {
		len = next_record(&p, record, &bytes);
		if (put_record(s, bytes, len) < 0)
			return -1;
		sum += len;
	}
	return (ssize_t)sum;
}

void secure_end(struct secure *s)
{
	if (s->ended)
		return;
	s->ended = true;
	if (!s->kept && SSL_is_init_finished(s->ssl))
		SSL_shutdown(s->ssl);
	ERR_clear_error();
}

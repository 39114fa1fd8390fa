/* SPDX-License-Identifier: MIT */
/*
 * secure - TLS on a connected socket that never blocks (RFC 8446, RFC 5246), by
 * OpenSSL, of whose calls all that read and write are here.
 *
 * What was encrypted and the kernel did not take is kept: at most one record,
 * and as long as it is there nothing more is encrypted. So bytes that were
 * taken for sending never have to be given again. A connection that is quiet
 * has no buffers.
 *
 * Reading takes a bounded number of bytes from the socket in each turn, see
 * secure_turn(), whatever they are; those that are left wait there. Who has
 * new keys made all the time is as one that has ended.
 *
 * OpenSSL's queue of errors is left empty.
 */
#ifndef SECURE_H
#define SECURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Bytes that are encrypted together, at most (RFC 8446 section 5.1). */
#define SECURE_RECORD 16384

/* Bytes that a connection reads from its socket in a turn, about. */
#define SECURE_TURN (64 * 1024)

/* What OpenSSL holds while a record has not come whole, about. */
#define SECURE_PARTIAL (SECURE_RECORD + 512)

struct bio_method_st;
struct ssl_ctx_st;
struct ssl_st;

/* What all connections share. */
struct secures {
	struct bio_method_st *method;
};

struct secure {
	struct ssl_st *ssl; /* owned */
	char *kept;	    /* owned; encrypted, not sent; NULL: nothing */
	const char *why;    /* what failed, for people; static */
	int fd;		    /* borrowed */
	uint32_t kept_at;   /* of `kept`: where the unsent part begins */
	uint32_t kept_end;
	uint32_t budget;  /* bytes that this turn may still read */
	uint8_t steps;	  /* of TLS itself in this turn, after the handshake */
	bool shaken;	  /* that is done */
	bool more;	  /* something follows at once what is sent now */
	bool at_end;	  /* the peer has ended the connection */
	bool ended;	  /* secure_end() was called */
	bool reads_later; /* reading needs to send, and must wait for that */
};

/* 0, or -1 with errno ENOMEM. */
int secures_init(struct secures *all);

/* After the last connection. */
void secures_release(struct secures *all);

/* The server's end on `fd`, which is borrowed. NULL: out of memory. */
struct secure *secure_accept(const struct secures *all, struct ssl_ctx_st *cx,
			     int fd);

/* The client's end; whom it trusts is the context's business. */
struct secure *secure_connect(const struct secures *all, struct ssl_ctx_st *cx,
			      int fd);

/* Frees it without a word to the peer. NULL is allowed. */
void secure_free(struct secure *s);

enum secure_step {
	SECURE_DONE, /* shaken hands: now bytes can be read and sent */
	SECURE_WAIT, /* for the socket; see secure_waits() for what */
	SECURE_FAILED,
};

/* Goes on with the handshake. This may take a millisecond of computing. */
enum secure_step secure_shake(struct secure *s);

/* A turn begins: SECURE_TURN bytes may be read, and what is kept is sent. -1:
 * the connection is dead. */
int secure_turn(struct secure *s);

/*
 * As recv(2) on the plain bytes: how many, 0 at the end, or -1 with errno,
 * EAGAIN when they have not come, or the turn has had its bytes. An end without
 * notice (RFC 8446 section 6.1) is an end. After secure_end() what comes is
 * not decrypted any more, and only good for throwing away.
 */
ssize_t secure_recv(struct secure *s, char *bytes, size_t room);

/* The same, at most a record, which can then be read again. */
ssize_t secure_peek(struct secure *s, char *bytes, size_t room);

/* Whether something was read from the socket that secure_recv() did not give:
 * so SECURE_PARTIAL bytes are held. */
bool secure_holds(const struct secure *s);

/*
 * As send(2): how many were taken, 0 when the socket must be waited for, -1
 * when the connection is dead. `more` says that something follows at once.
 */
ssize_t secure_send(struct secure *s, const char *bytes, size_t len, bool more);

/* The same for pieces that belong together. */
ssize_t secure_sendv(struct secure *s, const struct iovec *pieces, int count);

/* Whether it waits for the socket to take what is kept. */
static inline bool secure_waits(const struct secure *s)
{
	return s->kept != NULL;
}

/* Sends what is kept, as far as can be. -1: the connection is dead. */
int secure_flush(struct secure *s);

/* Tells the peer that nothing more comes, once; while nothing is kept. */
void secure_end(struct secure *s);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What is promised of TLS when a peer means harm: it is the peer's harm alone.
 * Prints TAP.
 */
#include "secure.h"
#include "tap.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct secures all;
static SSL_CTX *server_cx, *client_cx;

/* A server's end, and a client of OpenSSL alone that writes into memory. */
struct pair {
	int fd[2];
	struct secure *server;
	SSL *client;
	BIO *out;
};

static void make_contexts(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x509 = X509_new();

	X509_gmtime_adj(X509_getm_notBefore(x509), 0);
	X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
	X509_set_pubkey(x509, key);
	X509_sign(x509, key, EVP_sha256());
	server_cx = SSL_CTX_new(TLS_server_method());
	client_cx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_use_certificate(server_cx, x509);
	SSL_CTX_use_PrivateKey(server_cx, key);
	X509_free(x509);
	EVP_PKEY_free(key);
}

/* What the client has written so far goes to the server. */
static void deliver(struct pair *p)
{
	char *bytes;
	long len = BIO_get_mem_data(p->out, &bytes);

	send(p->fd[1], bytes, (size_t)len, 0);
	BIO_reset(p->out);
}

static bool begin(struct pair *p)
{
	enum secure_step step = SECURE_WAIT;
	int size = 1 << 20;

	socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p->fd);
	setsockopt(p->fd[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	p->server = secure_accept(&all, server_cx, p->fd[0]);
	p->client = SSL_new(client_cx);
	p->out = BIO_new(BIO_s_mem());
	SSL_set_bio(p->client, BIO_new_socket(p->fd[1], BIO_NOCLOSE), p->out);
	SSL_set_connect_state(p->client);
	for (int i = 0; i < 10 && step == SECURE_WAIT; i++) {
		SSL_do_handshake(p->client);
		deliver(p);
		step = secure_shake(p->server);
	}
	ERR_clear_error();
	return step == SECURE_DONE;
}

static void end(struct pair *p)
{
	secure_free(p->server);
	SSL_free(p->client);
	close(p->fd[0]);
	close(p->fd[1]);
}

/* Good bytes, and then a record that somebody has changed. */
static void spoilt(void)
{
	struct pair p, other;
	char bytes[1000], *record;
	long len;

	ok(begin(&p) && begin(&other), "two shake hands");
	SSL_write(p.client, "good", 4);
	deliver(&p);
	SSL_write(p.client, "bad", 3);
	len = BIO_get_mem_data(p.out, &record);
	record[len - 1] ^= 1;
	deliver(&p);
	secure_turn(p.server);
	ok(secure_recv(p.server, bytes, sizeof(bytes)) == 4,
	   "what came before a spoilt record is read");
	secure_turn(other.server);
	ok(secure_recv(other.server, bytes, sizeof(bytes)) == -1 &&
		   errno == EAGAIN,
	   "another connection does not hear of that record");
	ok(secure_recv(p.server, bytes, sizeof(bytes)) == -1 &&
		   errno == ECONNRESET,
	   "its own does");
	end(&p);
	end(&other);
}

static void new_keys(struct pair *p, int count)
{
	for (int i = 0; i < count; i++) {
		SSL_key_update(p->client, SSL_KEY_UPDATE_REQUESTED);
		SSL_do_handshake(p->client);
	}
}

static void keys(void)
{
	struct pair p;
	char bytes[1000];
	int rounds = 0;

	begin(&p);
	for (; rounds < 100; rounds++) {
		new_keys(&p, 2);
		SSL_write(p.client, "good", 4);
		deliver(&p);
		secure_turn(p.server);
		if (secure_recv(p.server, bytes, sizeof(bytes)) != 4)
			break;
	}
	ok(rounds == 100, "a peer may have new keys at any time");
	new_keys(&p, 1000);
	SSL_write(p.client, "late", 4);
	deliver(&p);
	secure_turn(p.server);
	ok(secure_recv(p.server, bytes, sizeof(bytes)) == 0,
	   "one that has them made all the time is not heard any more");
	end(&p);
}

/* What follows our end is thrown away, but not for ever. */
static void behind_the_end(void)
{
	static char bytes[SECURE_TURN];
	ssize_t n, sum = 0;
	struct pair p;

	begin(&p);
	send(p.fd[1], bytes, sizeof(bytes), 0);
	send(p.fd[1], bytes, sizeof(bytes), 0);
	secure_end(p.server);
	secure_turn(p.server);
	while ((n = secure_recv(p.server, bytes, 16384)) > 0)
		sum += n;
	ok(n < 0 && errno == EAGAIN && sum == SECURE_TURN,
	   "behind the end a turn reads no more than before it");
	secure_turn(p.server);
	ok(secure_recv(p.server, bytes, 16384) == 16384,
	   "and the next one goes on");
	end(&p);
}

int main(void)
{
	secures_init(&all);
	make_contexts();
	spoilt();
	keys();
	behind_the_end();
	SSL_CTX_free(server_cx);
	SSL_CTX_free(client_cx);
	secures_release(&all);
	return tap_end();
}

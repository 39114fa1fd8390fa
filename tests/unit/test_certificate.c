/* SPDX-License-Identifier: MIT */
/*
 * What is promised of a server's certificate over time that its users cannot
 * wait for: the tickets of sessions, from one day to the next. Prints TAP.
 */
#include "certificate.h"
#include "tap.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Two files in memory, of one that signs itself. */
static char chain[40], key_file[40];

static FILE *make_file(char path[40])
{
	int fd = memfd_create("pem", MFD_CLOEXEC);

	snprintf(path, 40, "/proc/self/fd/%d", fd);
	fchmod(fd, 0600);
	return fdopen(fd, "w");
}

/* They are there until the process ends. */
static void write_files(void)
{
	FILE *chain_to = make_file(chain), *key_to = make_file(key_file);
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x509 = X509_new();

	X509_gmtime_adj(X509_getm_notBefore(x509), 0);
	X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
	X509_set_pubkey(x509, key);
	X509_sign(x509, key, EVP_sha256());
	PEM_write_X509(chain_to, x509);
	PEM_write_PrivateKey(key_to, key, NULL, NULL, 0, NULL, NULL);
	fflush(chain_to);
	fflush(key_to);
	X509_free(x509);
	EVP_PKEY_free(key);
}

/*
 * A client comes with a session, or NULL, and goes with another one, which is
 * the caller's. Whether its own was taken up.
 */
static bool resumes(const struct certificate *c, SSL_CTX *clients,
		    SSL_SESSION **session)
{
	enum secure_step step = SECURE_WAIT;
	SSL *client = SSL_new(clients);
	struct secure *server;
	bool reused;
	char byte;
	int fd[2];

	socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd);
	server = certificate_accept(c, fd[0]);
	SSL_set_fd(client, fd[1]);
	SSL_set_connect_state(client);
	if (*session)
		SSL_set_session(client, *session);
	for (int i = 0; i < 10 && step == SECURE_WAIT; i++) {
		SSL_do_handshake(client);
		step = secure_shake(server);
	}
	SSL_do_handshake(client);
	SSL_read(client, &byte, 1); /* TLS 1.3 sends the ticket behind it */
	reused = step == SECURE_DONE && SSL_session_reused(client);
	SSL_SESSION_free(*session);
	*session = SSL_get1_session(client);
	SSL_set_shutdown(client, SSL_SENT_SHUTDOWN);
	SSL_free(client);
	secure_free(server);
	close(fd[0]);
	close(fd[1]);
	ERR_clear_error();
	return reused;
}

static void tickets(struct certificate *c, int version)
{
	SSL_CTX *clients = SSL_CTX_new(TLS_client_method());
	SSL_SESSION *session = NULL;

	SSL_CTX_set_max_proto_version(clients, version);
	ok(!resumes(c, clients, &session), "the first is new");
	ok(resumes(c, clients, &session), "the second is resumed");
	ok(certificate_new_tickets(c) == 0, "a new day");
	ok(!resumes(c, clients, &session),
	   "what is from the day before is not");
	ok(resumes(c, clients, &session), "what is from this one is");
	SSL_SESSION_free(session);
	SSL_CTX_free(clients);
}

int main(void)
{
	char why[CERTIFICATE_WHY_MAX];
	struct certificate c;

	write_files();
	ok(certificate_open(&c, chain, key_file, why) == 0, "it is read");
	printf("# TLS 1.2\n");
	tickets(&c, TLS1_2_VERSION);
	printf("# TLS 1.3\n");
	tickets(&c, TLS1_3_VERSION);
	certificate_close(&c);
	return tap_end();
}

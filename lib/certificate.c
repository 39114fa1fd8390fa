/* SPDX-License-Identifier: MIT */
#include "certificate.h"

#include "secretfile.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define FILE_MAX (256 * 1024)

/* Of TLS 1.2 what TLS 1.3 has left. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"

/* The first one takes a third less time than the second. */
#define SUITES                                                                 \
	"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"                       \
	"TLS_CHACHA20_POLY1305_SHA256"

/* A client may not choose one that costs many times as much. */
#define GROUPS "X25519:P-256:P-384"

/* Where OpenSSL knows it: what no quantum computer will read. */
#define GROUPS_NEW "X25519MLKEM768:" GROUPS

/* A name, a key to sign and one to encrypt (SSL_CTX_set_tlsext_ticket_keys). */
#define TICKET_KEYS 80

#define PROTOCOL "http/1.1"

__attribute__((format(printf, 2, 3))) static int refuse(char *why,
							const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, CERTIFICATE_WHY_MAX, fmt, args);
	va_end(args);
	ERR_clear_error();
	return -1;
}

/* As the first thing that OpenSSL complains of. */
static int refuse_file(char *why, const char *path, const char *what)
{
	unsigned long error = ERR_peek_error();
	const char *reason = error ? ERR_reason_error_string(error) : NULL;

	return refuse(why, "'%s': %s%s%s", path, what, reason ? ": " : "",
		      reason ? reason : "");
}

/* No pass phrase is asked for on a terminal. */
static int no_phrase(char *phrase, int size, int rwflag, void *user)
{
	(void)phrase;
	(void)size;
	(void)rwflag;
	(void)user;
	return -1;
}

/* The certificates */

/* The first is the server's own. */
static int add(SSL_CTX *cx, X509 *x509, bool first)
{
	if (first)
		return SSL_CTX_use_certificate(cx, x509);
	return (int)SSL_CTX_add1_chain_cert(cx, x509);
}

/* How many there were, or -1 when one is not taken. */
static int add_all(SSL_CTX *cx, BIO *bio)
{
	int count = 0, taken = 1;
	X509 *x509;

	while (taken &&
	       (x509 = PEM_read_bio_X509(bio, NULL, no_phrase, NULL))) {
		taken = add(cx, x509, count == 0);
		X509_free(x509);
		count++;
	}
	if (!taken ||
	    ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return -1;
	ERR_clear_error();
	return count;
}

static int read_chain(SSL_CTX *cx, const char *path, const struct secretfile *f,
		      char *why)
{
	BIO *bio = BIO_new_mem_buf(f->bytes, (int)f->len);
	int count = bio ? add_all(cx, bio) : -1;

	BIO_free(bio);
	if (count < 0)
		return refuse_file(why, path, "a certificate cannot be taken");
	if (count == 0)
		return refuse(why, "'%s': it has no PEM certificate", path);
	return 0;
}

static int use_chain(SSL_CTX *cx, const char *path, char *why)
{
	char reason[SECRETFILE_WHY_MAX];
	struct secretfile f;
	int result;

	if (secretfile_open(&f, path, FILE_MAX, reason) != 0)
		return refuse(why, "'%s': %s", path, reason);
	if (secretfile_guarded(&f, reason) != 0)
		result = refuse(why, "'%s': %s", path, reason);
	else
		result = read_chain(cx, path, &f, why);
	secretfile_close(&f);
	return result;
}

/* The key */

/*
 * PEM_read_bio_PrivateKey() leaves a copy of the text behind in memory that it
 * frees; this does not.
 */
static EVP_PKEY *read_pem(const struct secretfile *f)
{
	BIO *bio = BIO_new_mem_buf(f->bytes, (int)f->len);
	unsigned char *der = NULL;
	const unsigned char *at;
	EVP_PKEY *key = NULL;
	long len;

	if (bio &&
	    PEM_bytes_read_bio_secmem(&der, &len, NULL, PEM_STRING_EVP_PKEY,
				      bio, no_phrase, NULL)) {
		at = der;
		key = d2i_AutoPrivateKey(NULL, &at, len);
		OPENSSL_secure_clear_free(der, (size_t)len);
	}
	BIO_free(bio);
	return key;
}

static int read_key(SSL_CTX *cx, const char *path, const struct secretfile *f,
		    char *why)
{
	X509 *own = SSL_CTX_get0_certificate(cx);
	EVP_PKEY *key = read_pem(f);
	int result = 0;

	if (!key && memmem(f->bytes, f->len, "ENCRYPTED", 9))
		return refuse(why, "'%s': it is encrypted", path);
	if (!key)
		return refuse(why, "'%s': it has no PEM key that can be read",
			      path);
	if (!X509_check_private_key(own, key))
		result = refuse(why,
				"'%s': it is not the key of the "
				"certificate",
				path);
	else if (SSL_CTX_use_PrivateKey(cx, key) != 1)
		result = refuse_file(why, path, "it cannot be used");
	EVP_PKEY_free(key);
	return result;
}

static int use_key(SSL_CTX *cx, const char *path, char *why)
{
	char reason[SECRETFILE_WHY_MAX];
	struct secretfile f;
	int result;

	if (secretfile_open(&f, path, FILE_MAX, reason) != 0)
		return refuse(why, "'%s': %s", path, reason);
	if (secretfile_private(&f, reason) != 0)
		result = refuse(why, "'%s': %s", path, reason);
	else
		result = read_key(cx, path, &f, why);
	secretfile_close(&f);
	return result;
}

/* The context */

/* Who offers protocols must offer ours; most programs offer none. */
static int choose_protocol(SSL *ssl, const unsigned char **out,
			   unsigned char *out_len, const unsigned char *in,
			   unsigned in_len, void *user)
{
	size_t len = strlen(PROTOCOL);

	(void)ssl;
	(void)user;
	for (unsigned at = 0; at < in_len; at += 1 + in[at]) {
		*out = in + at + 1;
		*out_len = in[at];
		if (*out_len == len && at + len < in_len &&
		    memcmp(*out, PROTOCOL, len) == 0)
			return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* Whether OpenSSL knows all of it. */
static bool set_rules(SSL_CTX *cx)
{
	SSL_CTX_set_options(cx, SSL_OP_NO_RENEGOTIATION |
					SSL_OP_NO_COMPRESSION |
					SSL_OP_CIPHER_SERVER_PREFERENCE |
					SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_alpn_select_cb(cx, choose_protocol, NULL);
	return SSL_CTX_set_min_proto_version(cx, TLS1_2_VERSION) &&
	       SSL_CTX_set_cipher_list(cx, CIPHERS) &&
	       SSL_CTX_set_ciphersuites(cx, SUITES) &&
	       (SSL_CTX_set1_groups_list(cx, GROUPS_NEW) ||
		SSL_CTX_set1_groups_list(cx, GROUPS));
}

/*
 * Sessions are resumed by tickets, so that nothing of them is remembered here.
 * They are good until the certificate is read anew, or their keys are made so.
 */
static void set_sessions(SSL_CTX *cx)
{
	SSL_CTX_set_session_cache_mode(cx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(cx, 1);
}

/* NULL and `why`. */
static SSL_CTX *make_context(const struct certificate *c, char *why)
{
	SSL_CTX *cx = SSL_CTX_new(TLS_server_method());

	if (!cx || !set_rules(cx)) {
		refuse_file(why, "TLS", "cannot be set up");
		SSL_CTX_free(cx);
		return NULL;
	}
	ERR_clear_error(); /* not every OpenSSL knows all groups */
	if (use_chain(cx, c->chain, why) == 0 &&
	    use_key(cx, c->key, why) == 0) {
		ERR_clear_error();
		set_sessions(cx);
		return cx;
	}
	SSL_CTX_free(cx);
	return NULL;
}

/* How long it is valid */

static int64_t ms_of(const ASN1_TIME *time)
{
	struct tm tm;

	return ASN1_TIME_to_tm(time, &tm) ? (int64_t)timegm(&tm) * 1000 : 0;
}

static void count_in(struct certificate *c, const X509 *x509)
{
	int64_t begins = ms_of(X509_get0_notBefore(x509));
	int64_t ends = ms_of(X509_get0_notAfter(x509));

	if (begins > c->begins_ms)
		c->begins_ms = begins;
	if (ends < c->ends_ms)
		c->ends_ms = ends;
}

static void read_times(struct certificate *c)
{
	STACK_OF(X509) *chain = NULL;

	c->begins_ms = 0;
	c->ends_ms = INT64_MAX;
	count_in(c, SSL_CTX_get0_certificate(c->context));
	SSL_CTX_get0_chain_certs(c->context, &chain);
	for (int i = 0; i < sk_X509_num(chain); i++)
		count_in(c, sk_X509_value(chain, i));
}

static bool tell(char *what, const char *how, int64_t at_ms)
{
	time_t at = (time_t)(at_ms / 1000);
	char date[32];
	struct tm tm;

	gmtime_r(&at, &tm);
	strftime(date, sizeof(date), "%Y-%m-%d %H:%M UTC", &tm);
	snprintf(what, CERTIFICATE_WHY_MAX, "%s %s", how, date);
	return true;
}

bool certificate_warns(const struct certificate *c, int64_t now_ms,
		       char what[CERTIFICATE_WHY_MAX])
{
	if (c->ends_ms <= now_ms)
		return tell(what, "has expired on", c->ends_ms);
	if (c->begins_ms > now_ms)
		return tell(what, "is not valid before", c->begins_ms);
	if (c->ends_ms - now_ms <= CERTIFICATE_SOON_MS)
		return tell(what, "expires on", c->ends_ms);
	return false;
}

int certificate_renew(struct certificate *c, char why[CERTIFICATE_WHY_MAX])
{
	SSL_CTX *cx = make_context(c, why);

	if (!cx)
		return -1;
	SSL_CTX_free(c->context);
	c->context = cx;
	read_times(c);
	return 0;
}

int certificate_open(struct certificate *c, const char *chain, const char *key,
		     char why[CERTIFICATE_WHY_MAX])
{
	memset(c, 0, sizeof(*c));
	c->chain = chain;
	c->key = key;
	if (secures_init(&c->secures) < 0)
		return refuse(why, "out of memory");
	if (certificate_renew(c, why) == 0)
		return 0;
	secures_release(&c->secures);
	return -1;
}

int certificate_new_tickets(struct certificate *c)
{
	unsigned char keys[TICKET_KEYS];
	bool done = RAND_bytes(keys, sizeof(keys)) == 1 &&
		    SSL_CTX_set_tlsext_ticket_keys(c->context, keys,
						   sizeof(keys)) == 1;

	OPENSSL_cleanse(keys, sizeof(keys));
	ERR_clear_error();
	return done ? 0 : -1;
}

void certificate_close(struct certificate *c)
{
	SSL_CTX_free(c->context);
	c->context = NULL;
	secures_release(&c->secures);
}

struct secure *certificate_accept(const struct certificate *c, int fd)
{
	return secure_accept(&c->secures, c->context, fd);
}

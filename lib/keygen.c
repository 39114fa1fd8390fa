/* SPDX-License-Identifier: MIT */
#include "keygen.h"

#include "base64.h"
#include "buf.h"
#include "hash.h"
#include "tokenlike.h"
#include "writeall.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_SIZE 32
#define RSA_BITS 3072

/* Longer than any key; so secrets are not left where a buffer was before. */
#define TEXT_MAX 8192

__attribute__((format(printf, 2, 3))) static int refuse(char *why,
							const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, KEYGEN_WHY_MAX, fmt, args);
	va_end(args);
	return -1;
}

/* Files */

static int fill(int fd, const struct buf *text)
{
	int result = -1;

	if (fchmod(fd, S_IRUSR | S_IWUSR) == 0 &&
	    writeall(fd, buf_bytes(text), buf_len(text)) == 0)
		result = fsync(fd);
	if (result == 0)
		return close(fd);
	close(fd);
	return -1;
}

/* A file that is not there yet. */
static int write_new(const char *path, const struct buf *text, char *why)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		      S_IRUSR | S_IWUSR);
	int error;

	if (fd < 0)
		return refuse(why, "cannot make '%s': %s",
			      tokenlike_hidden(path), strerror(errno));
	if (fill(fd, text) == 0)
		return 0;
	error = errno;
	unlink(path);
	return refuse(why, "cannot write '%s': %s", path, strerror(error));
}

static int write_pair(const char *path, const struct buf *private,
		      const struct buf *public, char *why)
{
	char public_path[PATH_MAX];

	if ((size_t)snprintf(public_path, sizeof(public_path), "%s.pub",
			     path) >= sizeof(public_path))
		return refuse(why, "the name of the file is too long");
	if (write_new(path, private, why) != 0)
		return -1;
	if (write_new(public_path, public, why) == 0)
		return 0;
	unlink(path);
	return -1;
}

/* Keys */

static int write_secret(const char *path, char *why)
{
	unsigned char secret[SECRET_SIZE];
	struct buf text;
	int result;

	if (hash_random(secret, sizeof(secret)) != 0)
		return refuse(why, "no random bytes: %s", strerror(errno));
	buf_init(&text);
	buf_reserve(&text, TEXT_MAX);
	base64_put(&text, secret, sizeof(secret));
	explicit_bzero(secret, sizeof(secret));
	buf_putc(&text, '\n');
	result = text.failed ? refuse(why, "out of memory")
			     : write_new(path, &text, why);
	buf_wipe(&text);
	return result;
}

static EVP_PKEY *generate(enum keygen_type type)
{
	if (type == KEYGEN_RSA)
		return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)RSA_BITS);
	if (type == KEYGEN_EC)
		return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
}

/* Appends what a BIO in memory has, and wipes it there. */
static void take(struct buf *out, BIO *bio)
{
	char *bytes;
	long len = BIO_get_mem_data(bio, &bytes);

	if (len <= 0)
		return;
	buf_append(out, bytes, (size_t)len);
	explicit_bzero(bytes, (size_t)len);
}

/* 0, or -1 when libcrypto cannot. */
static int put_pem(struct buf *out, EVP_PKEY *pkey, bool private)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	int done = 0;

	if (bio && private)
		done = PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0,
						     NULL, NULL);
	else if (bio)
		done = PEM_write_bio_PUBKEY(bio, pkey);
	if (done)
		take(out, bio);
	BIO_free(bio);
	return done && !out->failed ? 0 : -1;
}

static int write_keys(enum keygen_type type, const char *path, char *why)
{
	EVP_PKEY *pkey = generate(type);
	struct buf private, public;
	int result;

	buf_init(&private);
	buf_init(&public);
	buf_reserve(&private, TEXT_MAX);
	if (pkey && put_pem(&private, pkey, true) == 0 &&
	    put_pem(&public, pkey, false) == 0)
		result = write_pair(path, &private, &public, why);
	else
		result = refuse(why, "libcrypto cannot make a key");
	buf_wipe(&private);
	buf_release(&public);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return result;
}

int keygen_write(enum keygen_type type, const char *path,
		 char why[KEYGEN_WHY_MAX])
{
	return type == KEYGEN_HMAC ? write_secret(path, why)
				   : write_keys(type, path, why);
}

/* SPDX-License-Identifier: MIT */
/*
 * What tokens and keyfile promise: which files they take, and which tokens are
 * good by them.
 */
#include "tap.h"
#include "tokens.h"

#include "base64.h"
#include "jose_samples.h"
#include "keyfile.h"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW (JOSE_EXP - 1)

/* SHA-256 of "abc". */
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

/* That of nothing. */
#define NIL "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const char secret[] = "0123456789abcdef0123456789abcdef";

static char why[TOKENS_WHY_MAX];

/* A file in memory. */
struct file {
	int fd;
	char path[60];
};

static void make_file(struct file *f, const char *bytes, size_t len,
		      mode_t mode, const char *kid)
{
	f->fd = memfd_create("keys", MFD_CLOEXEC);
	snprintf(f->path, sizeof(f->path), "%s/proc/self/fd/%d", kid, f->fd);
	if (f->fd < 0 || write(f->fd, bytes, len) != (ssize_t)len ||
	    fchmod(f->fd, mode) != 0)
		abort();
}

/* Of one file; NULL and `why`. */
static struct tokens *with_key(const char *bytes, size_t len, mode_t mode,
			       const char *kid)
{
	struct tokens_config c = {.keys_count = 1};
	const char *path;
	struct tokens *t;
	struct file f;

	make_file(&f, bytes, len, mode, kid);
	path = f.path;
	c.keys = &path;
	t = tokens_new(&c, why);
	close(f.fd);
	return t;
}

static struct tokens *with_text(const char *text)
{
	return with_key(text, strlen(text), 0600, "");
}

static enum refusal check(const struct tokens *t, const char *token,
			  int64_t now)
{
	struct grant *g;
	enum refusal refusal = tokens_check(t, token, strlen(token), now, &g);

	if (refusal == REFUSAL_NONE)
		grant_free(g);
	return ERR_peek_error() ? REFUSAL_NO_MEMORY : refusal;
}

/* The token is good by this file at the time of its samples. */
static enum refusal judged(const char *file, const char *token)
{
	struct tokens *t = with_text(file);
	enum refusal refusal = t ? check(t, token, NOW) : REFUSAL_NO_MEMORY;

	tokens_free(t);
	return refusal;
}

#define NOT_A_SECRET                                                           \
	"it is neither JSON nor PEM, nor a secret of one word (other bytes "   \
	"go into a JWK, 'oct')"

static bool refuses(const char *bytes, size_t len, mode_t mode, const char *kid,
		    const char *want)
{
	struct tokens *t;
	const char *reason;

	*why = '\0';
	t = with_key(bytes, len, mode, kid);
	reason = strstr(why, "': ");
	if (!t && reason && strcmp(reason + 3, want) == 0)
		return strstr(why, "'/proc/self/fd/") == why;
	printf("# %s\n", why);
	tokens_free(t);
	return false;
}

static bool no_secret(const char *text)
{
	return refuses(text, strlen(text), 0600, "", NOT_A_SECRET);
}

static void vectors(void)
{
	ok(judged(JOSE_HS256_JWK, JOSE_HS256) == REFUSAL_NONE, "RFC 7515 A.1");
	ok(judged(JOSE_RS256_JWK, JOSE_RS256) == REFUSAL_NONE, "RFC 7515 A.2");
	ok(judged(JOSE_ES256_JWK, JOSE_ES256) == REFUSAL_NONE, "RFC 7515 A.3");
	ok(judged(JOSE_EDDSA_JWK, JOSE_EDDSA) == REFUSAL_CLAIMS,
	   "RFC 8037 A.4 has a signature, but no claims");
	ok(judged(JOSE_ES256_JWK, JOSE_RS256) == REFUSAL_NO_KEY,
	   "a key of another algorithm");
}

static void times(void)
{
	struct tokens *t = with_text(JOSE_RS256_JWK);

	ok(check(t, JOSE_RS256, JOSE_EXP - 1) == REFUSAL_NONE &&
		   check(t, JOSE_RS256, JOSE_EXP) == REFUSAL_EXPIRED,
	   "a token is good until its exp");
	tokens_free(t);
}

static void expected(void)
{
	struct tokens_config c = {.keys_count = 1};
	struct tokens *t;
	const char *path;
	struct file f;

	make_file(&f, JOSE_RS256_JWK, strlen(JOSE_RS256_JWK), 0644, "");
	path = f.path;
	c.keys = &path;
	c.expected.issuer = "joe";
	t = tokens_new(&c, why);
	ok(check(t, JOSE_RS256, NOW) == REFUSAL_NONE, "the issuer");
	tokens_free(t);
	c.expected.issuer = "jim";
	t = tokens_new(&c, why);
	ok(check(t, JOSE_RS256, NOW) == REFUSAL_ISSUER, "another");
	tokens_free(t);
	c.expected = (struct claims_expected){.audience = "wsd"};
	t = tokens_new(&c, why);
	ok(check(t, JOSE_RS256, NOW) == REFUSAL_AUDIENCE, "no audience");
	tokens_free(t);
	close(f.fd);
}

/* A token that is signed with `bytes`, as if that were a secret. */
static char *forged(const char *bytes, size_t len, const char *kid)
{
	struct jwtkey *key = jwtkey_from_secret(bytes, len, why);
	struct buf token, signature;

	buf_init(&token);
	buf_init(&signature);
	jwt_put_input(&token, JWT_HS256, kid, "{\"exp\":2000000000}", 18);
	jwtkey_sign(key, buf_bytes(&token), buf_len(&token), &signature);
	jwt_put_signature(&token, buf_bytes(&signature), buf_len(&signature));
	buf_putc(&token, '\0');
	buf_release(&signature);
	jwtkey_free(key);
	return token.base;
}

static bool good_by(const char *signer, size_t len, struct tokens *t,
		    enum refusal want)
{
	char *token = forged(signer, len, NULL);
	bool same = t && check(t, token, NOW) == want;

	free(token);
	tokens_free(t);
	return same;
}

static void secrets(void)
{
	char binary[34];

	ok(good_by(secret, 32, with_text("0123456789abcdef0123456789abcdef"),
		   REFUSAL_NONE),
	   "a secret is the bytes of its file");
	ok(good_by(secret, 32, with_text("0123456789abcdef0123456789abcdef\n"),
		   REFUSAL_NONE),
	   "without the newline at its end");
	ok(no_secret("0123456789abcdef0123456789abcdef\n\n"),
	   "and no more than one");
	memset(binary, 0x30, sizeof(binary));
	binary[1] = '\x2a';
	binary[2] = '\0';
	ok(refuses(binary, sizeof(binary), 0600, "", NOT_A_SECRET),
	   "a key in DER is no secret");
	ok(no_secret("<!DOCTYPE html><title>404</title>"),
	   "nor is a page that came in place of keys");
	ok(no_secret("[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"\"}]"),
	   "nor is a list of keys");
	ok(no_secret("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA me"),
	   "nor is a line of another program");
	ok(refuses(secret, 31, 0600, "",
		   "a secret has at least 32 bytes, not 31"),
	   "31 bytes are too few");
	ok(refuses("0123456789abcdef0123456789abcde\n", 32, 0600, "",
		   "a secret has at least 32 bytes, not 31"),
	   "the newline is none of them");
	ok(refuses("", 0, 0600, "", "a secret has at least 32 bytes, not 0"),
	   "an empty file");
	ok(refuses(secret, 32, 0644, "",
		   "others can read it: its mode is 0644"),
	   "others may not read it");
	ok(refuses(JOSE_HS256_JWK, strlen(JOSE_HS256_JWK), 0604, "",
		   "others can read it: its mode is 0604"),
	   "nor one in JSON");
	ok(refuses(JOSE_RS256_JWK, strlen(JOSE_RS256_JWK), 0646, "",
		   "others can write it: its mode is 0646"),
	   "nor write a public key");
}

static void files(void)
{
	struct tokens_config c = {.keys_count = 1};
	const char *path = "/nowhere/a=b";

	c.keys = &path;
	ok(!tokens_new(&c, why) &&
		   !strcmp(why, "'/nowhere/a=b': No such file or directory"),
	   "a file that is not there");
	ok(refuses("  {\"keys\":1}", 12, 0600, "", "'keys' is not an array"),
	   "what begins with { is JSON");
	ok(refuses("\xef\xbb\xbf-----BEGIN nonsense, which is long enough", 44,
		   0600, "", "it is no PEM key that can be read"),
	   "what has a BEGIN is PEM, and never a secret");
	ok(refuses(JOSE_RS256_JWK, strlen(JOSE_RS256_JWK), 0600,
		   "k=", "a JWK names its keys itself"),
	   "a kid for a set");
	ok(refuses(secret, 32, 0600, "=", "a kid has 1 to 256 bytes"),
	   "an empty kid");
}

/* A file that has a private key is there to check with, not to sign. */
static void private_key(void)
{
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	BIO *bio = BIO_new(BIO_s_mem());
	struct keyring ring;
	struct jwtkey *signer;
	struct file f;
	char *pem;
	long len;

	PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL);
	len = BIO_get_mem_data(bio, &pem);
	make_file(&f, pem, (size_t)len, 0600, "");
	keyring_init(&ring);
	ok(keyfile_add(&ring, f.path, why) == 0 && !ring.keys[0]->can_sign,
	   "of a private key the public half is kept");
	signer = keyfile_signer(f.path, why);
	ok(signer && signer->can_sign, "but to sign it is whole");
	jwtkey_free(signer);
	keyring_release(&ring);
	close(f.fd);
	BIO_free(bio);
	EVP_PKEY_free(pkey);
}

static void kids(void)
{
	struct tokens *t = with_key(secret, 32, 0600, "k1=");
	char *named = forged(secret, 32, "k1");
	char *misnamed = forged(secret, 32, "k2");
	char *unnamed = forged(secret, 32, NULL);

	ok(t && check(t, named, NOW) == REFUSAL_NONE, "KID=FILE names a key");
	ok(t && check(t, misnamed, NOW) == REFUSAL_KEY_NAME,
	   "another name is refused");
	ok(t && check(t, unnamed, NOW) == REFUSAL_NONE, "none is not");
	tokens_free(t);
	t = with_text(secret);
	ok(t && check(t, named, NOW) == REFUSAL_KEY_NAME,
	   "where the key has no kid a token's is unknown");
	tokens_free(t);
	free(named);
	free(misnamed);
	free(unnamed);
}

static void unsigned_tokens(void)
{
	static const char none[] = "eyJhbGciOiJub25lIn0."
				   "eyJleHAiOjIwMDAwMDAwMDB9.";
	struct tokens *t = with_text(secret);

	ok(check(t, none, NOW) == REFUSAL_ALGORITHM, "alg none is refused");
	ok(check(t, JOSE_HS256, NOW) == REFUSAL_SIGNATURE,
	   "so is a signature by another key");
	ok(check(t, "", NOW) == REFUSAL_EMPTY, "and nothing");
	ok(check(t, "abc", NOW) == REFUSAL_UNKNOWN &&
		   check(t, "a.b", NOW) == REFUSAL_FORM,
	   "and what is no token at all");
	tokens_free(t);
}

/* Static tokens and keys beside each other; grants outlive both. */
static void lists(void)
{
	static const char list[] = "# machines\n" ABC " ci publish=*\n";
	struct file key, lines;
	struct tokens_config c = {.keys_count = 1, .lists_count = 1};
	const char *keys, *paths;
	struct tokens *t;
	struct grant *g = NULL;

	make_file(&key, JOSE_RS256_JWK, strlen(JOSE_RS256_JWK), 0644, "");
	make_file(&lines, list, strlen(list), 0644, "");
	keys = key.path;
	paths = lines.path;
	c.keys = &keys;
	c.lists = &paths;
	t = tokens_new(&c, why);
	ok(t && tokens_check(t, "abc", 3, NOW, &g) == REFUSAL_NONE,
	   "a static token");
	ok(t && check(t, JOSE_RS256, NOW) == REFUSAL_NONE, "and a JWT");
	ok(t && check(t, "abd", NOW) == REFUSAL_UNKNOWN, "and neither");
	tokens_free(t);
	ok(g && !strcmp(g->name, "ci") && g->expires == GRANT_NEVER &&
		   rights_may(&g->rights, RIGHTS_PUBLISH, "x", 1) &&
		   !rights_may(&g->rights, RIGHTS_SUBSCRIBE, "x", 1),
	   "a grant outlives what gave it");
	grant_free(g);
	fchmod(lines.fd, 0666);
	ok(!tokens_new(&c, why) && strstr(why, "others can write it"),
	   "others may not write a list");
	close(key.fd);
	close(lines.fd);
}

/* Of which a list has these lines; with a key as well. */
static struct tokens *with_list(const char *list)
{
	struct tokens_config c = {.keys_count = 1, .lists_count = 1};
	const char *keys, *lists;
	struct file key, lines;
	struct tokens *t;

	make_file(&key, JOSE_RS256_JWK, strlen(JOSE_RS256_JWK), 0644, "");
	make_file(&lines, list, strlen(list), 0644, "");
	keys = key.path;
	lists = lines.path;
	c.keys = &keys;
	c.lists = &lists;
	t = tokens_new(&c, why);
	close(key.fd);
	close(lines.fd);
	return t;
}

static bool still(const struct grant *g, const char *list)
{
	struct tokens *t = with_list(list);
	bool listed = t && tokens_still_listed(t, g);

	tokens_free(t);
	return listed;
}

/* What a reload means for those who are there. */
static void revoked(void)
{
	struct tokens *t = with_list(ABC " ci subscribe=a-1 publish=b\n");
	struct grant *fixed = NULL, *jwt = NULL;

	ok(t && tokens_check(t, "abc", 3, NOW, &fixed) == REFUSAL_NONE &&
		   tokens_check(t, JOSE_RS256, strlen(JOSE_RS256), NOW, &jwt) ==
			   REFUSAL_NONE &&
		   fixed->fixed && !jwt->fixed,
	   "a grant says whether its token is a static one");
	tokens_free(t);
	ok(still(fixed, ABC " ci subscribe=a-1 publish=b\n") &&
		   still(fixed, ABC " other publish=b,c subscribe=a-* admin"),
	   "which is still there with the same rights, or more");
	ok(!still(fixed, "") && !still(fixed, NIL " ci subscribe=* publish=*"),
	   "or was taken out");
	ok(!still(fixed, ABC " ci subscribe=a-1") &&
		   !still(fixed, ABC " ci subscribe=a-2 publish=b"),
	   "or has lost a right");
	ok(still(jwt, "") && still(jwt, ABC " ci"), "a JWT is good to its end");
	grant_free(fixed);
	grant_free(jwt);
}

/* No secret stays in memory that is free again. */
static void wiped(void)
{
	char *token = forged(secret, 32, NULL);
	char signature[32];
	struct tokens *t;
	struct jwt jwt;
	bool good;

	jwt_decode(&jwt, token, strlen(token));
	memcpy(signature, buf_bytes(&jwt.signature), sizeof(signature));
	jwt_release(&jwt);
	spill_watch(secret, 32);
	t = with_text(secret);
	tokens_free(t);
	ok(t && spill_off() == 0, "a secret is wiped, and so is its file");
	t = with_text(secret);
	spill_watch(signature, sizeof(signature));
	good = check(t, token, NOW) == REFUSAL_NONE;
	ok(good && spill_off() == 0, "so are the parts of a token");
	tokens_free(t);
	free(token);
}

static void limits(void)
{
	struct tokens *t = with_text(secret);
	struct grant *g;
	static char big[TOKENS_MAX + 1];

	memset(big, '.', sizeof(big));
	ok(tokens_check(t, big, sizeof(big), NOW, &g) == REFUSAL_TOO_LONG &&
		   tokens_check(t, big, TOKENS_MAX, NOW, &g) == REFUSAL_FORM,
	   "a token has at most 16 KiB");
	tokens_free(t);
}

/* Each reason is a text of its own. */
static bool reasons_differ(void)
{
	for (int i = 0; i <= REFUSAL_NO_MEMORY; i++)
		for (int j = 0; j < i; j++)
			if (!strcmp(refusal_strerror((enum refusal)i),
				    refusal_strerror((enum refusal)j)))
				return false;
	return true;
}

static void memory(void)
{
	bool good = true;
	long n;

	for (n = 1;; n++) {
		struct tokens *t = with_text(JOSE_RS256_JWK);
		enum refusal refusal;

		oom_after(n);
		refusal = check(t, JOSE_RS256, NOW);
		tokens_free(t);
		if (!oom_off()) {
			good &= refusal == REFUSAL_NONE;
			break;
		}
		good &= refusal == REFUSAL_NO_MEMORY;
	}
	ok(good && n > 4, "out of memory at each step of a check");
	for (n = 1;; n++) {
		struct tokens *t;

		oom_after(n);
		t = with_text(JOSE_RS256_JWK);
		tokens_free(t);
		if (!oom_off()) {
			good &= t != NULL;
			break;
		}
		good &= t == NULL;
	}
	ok(good && n > 4, "and of reading");
}

int main(void)
{
	vectors();
	times();
	expected();
	secrets();
	files();
	private_key();
	kids();
	unsigned_tokens();
	lists();
	revoked();
	wiped();
	limits();
	ok(reasons_differ(), "each reason has its own text");
	memory();
	return tap_end();
}

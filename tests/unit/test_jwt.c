/* SPDX-License-Identifier: MIT */
/* What jwt promises: which texts are tokens, and what their headers may say. */
#include "jwt.h"
#include "tap.h"

#include "base64.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A token with this header; freed by the caller. */
static char *with(const char *header, const char *claims, const char *rest)
{
	struct buf b;
	char *text;

	buf_init(&b);
	base64_put(&b, header, strlen(header));
	buf_putc(&b, '.');
	base64_put(&b, claims, strlen(claims));
	buf_printf(&b, "%s%c", rest, 0);
	text = strdup(buf_bytes(&b));
	buf_release(&b);
	return text;
}

static enum refusal open_text(const char *text)
{
	struct jwt t;
	enum refusal refusal = jwt_open(&t, text, strlen(text));

	if (refusal == REFUSAL_NONE)
		jwt_release(&t);
	return refusal;
}

static enum refusal header(const char *json)
{
	char *text = with(json, "{}", ".AAAA");
	enum refusal refusal = open_text(text);

	free(text);
	return refusal;
}

static void parts(void)
{
	char *text = with("{\"alg\":\"ES256\",\"kid\":\"k\\u0031\"}",
			  "{\"a\":1}", ".Zm9v");
	struct jwt t;

	ok(jwt_open(&t, text, strlen(text)) == REFUSAL_NONE, "a token");
	ok(t.alg == JWT_ES256, "its algorithm");
	ok(t.has_kid && t.kid_len == 2 && !memcmp(t.kid, "k1", 2), "its kid");
	ok(t.input == text && t.input_len == strlen(text) - 5,
	   "what is signed: all before the last dot");
	ok(buf_len(&t.claims) == 7 &&
		   !memcmp(buf_bytes(&t.claims), "{\"a\":1}", 7),
	   "what it claims");
	ok(buf_len(&t.signature) == 3 &&
		   !memcmp(buf_bytes(&t.signature), "foo", 3),
	   "its signature");
	jwt_release(&t);
	free(text);
}

static void forms(void)
{
	ok(open_text("") == REFUSAL_EMPTY, "nothing");
	ok(open_text("abc") == REFUSAL_FORM, "no dots");
	ok(open_text("e30.e30") == REFUSAL_FORM, "two parts");
	ok(open_text("e30.e30.AA.AA") == REFUSAL_FORM, "four parts");
	ok(open_text("e30.e30.AA.AA.AA") == REFUSAL_FORM, "five, as of a JWE");
	ok(open_text("e30=.e30.AA") == REFUSAL_FORM, "padding");
	ok(open_text("e30.e30.AA==") == REFUSAL_FORM, "at the end");
	ok(open_text("e30.e30.AB") == REFUSAL_FORM, "bits that are left over");
	ok(open_text("e30.e30.AA\n") == REFUSAL_FORM, "a newline");
	ok(open_text(" e30.e30.AA") == REFUSAL_FORM, "a blank");
	ok(open_text("e30.e30.AA") == REFUSAL_HEADER, "an empty header");
	ok(open_text("..") == REFUSAL_HEADER, "three empty parts");
	ok(header("{\"alg\":\"HS256\"}") == REFUSAL_NONE, "a signature");
}

static void headers(void)
{
	ok(header("{\"alg\":\"none\"}") == REFUSAL_ALGORITHM, "alg none");
	ok(header("{\"alg\":\"None\"}") == REFUSAL_ALGORITHM &&
		   header("{\"alg\":\"hs256\"}") == REFUSAL_ALGORITHM &&
		   header("{\"alg\":\"\"}") == REFUSAL_ALGORITHM &&
		   header("{\"alg\":\"HS256\\u0000\"}") == REFUSAL_ALGORITHM,
	   "spellings");
	ok(header("{\"alg\":\"HS512\"}") == REFUSAL_ALGORITHM &&
		   header("{\"alg\":\"PS256\"}") == REFUSAL_ALGORITHM,
	   "others");
	ok(header("{\"typ\":\"JWT\"}") == REFUSAL_HEADER, "no alg");
	ok(header("{\"alg\":[\"HS256\"]}") == REFUSAL_HEADER &&
		   header("{\"alg\":null}") == REFUSAL_HEADER,
	   "alg of another type");
	ok(header("{\"\\u0061lg\":\"\\u0048S256\"}") == REFUSAL_NONE,
	   "escapes mean what they mean");
	ok(header("{\"alg\":\"HS256\",\"alg\":\"none\"}") == REFUSAL_HEADER,
	   "alg twice");
	ok(header("{\"alg\":\"none\",\"a\\u006cg\":\"HS256\"}") ==
		   REFUSAL_HEADER,
	   "in two spellings");
	ok(header("{\"alg\":\"HS256\",\"x\":1,\"x\":1}") == REFUSAL_HEADER,
	   "any name twice");
	ok(header("{\"alg\":\"HS256\",\"crit\":[\"exp\"]}") ==
			   REFUSAL_CRITICAL &&
		   header("{\"alg\":\"HS256\",\"crit\":[]}") ==
			   REFUSAL_CRITICAL,
	   "crit");
	ok(header("{\"alg\":\"HS256\",\"b64\":false}") == REFUSAL_CRITICAL,
	   "b64");
	ok(header("{\"alg\":\"RS256\",\"jku\":\"http://a/\"}") ==
			   REFUSAL_OWN_KEY &&
		   header("{\"alg\":\"RS256\",\"jwk\":{}}") ==
			   REFUSAL_OWN_KEY &&
		   header("{\"alg\":\"RS256\",\"x5u\":\"http://a/\"}") ==
			   REFUSAL_OWN_KEY &&
		   header("{\"alg\":\"RS256\",\"x5c\":[]}") == REFUSAL_OWN_KEY,
	   "a key of its own");
	ok(header("{\"alg\":\"RS256\",\"x5t\":\"AA\",\"x5t#S256\":\"AA\","
		  "\"typ\":\"at+jwt\",\"cty\":\"x\"}") == REFUSAL_NONE,
	   "what chooses nothing is passed over");
	ok(header("{\"alg\":\"HS256\",\"typ\":1}") == REFUSAL_HEADER,
	   "typ is a string");
	ok(header("[\"HS256\"]") == REFUSAL_HEADER &&
		   header("{\"alg\":\"HS256\"}x") == REFUSAL_HEADER &&
		   header("\xef\xbb\xbf{\"alg\":\"HS256\"}") ==
			   REFUSAL_HEADER &&
		   header("{\"alg\":\"HS256\",\"a\":\"\xff\"}") ==
			   REFUSAL_HEADER,
	   "no object, or not by the letter");
}

static enum refusal with_kid(size_t len)
{
	char json[600];

	snprintf(json, sizeof(json), "{\"alg\":\"HS256\",\"kid\":\"%0*d\"}",
		 (int)len, 0);
	return header(json);
}

static void kids(void)
{
	ok(with_kid(JWT_KID_MAX) == REFUSAL_NONE, "a kid of 256 bytes");
	ok(with_kid(JWT_KID_MAX + 1) == REFUSAL_KEY_NAME, "no key has more");
	ok(header("{\"alg\":\"HS256\",\"kid\":\"\"}") == REFUSAL_NONE,
	   "an empty one");
	ok(header("{\"alg\":\"HS256\",\"kid\":1}") == REFUSAL_HEADER &&
		   header("{\"alg\":\"HS256\",\"kid\":null}") == REFUSAL_HEADER,
	   "is a string");
	ok(header("{\"alg\":\"HS256\",\"kid\":\"../../dev/null\"}") ==
		   REFUSAL_NONE,
	   "of any characters: it is only compared");
}

static void sizes(void)
{
	char *text = with("{\"alg\":\"HS256\"}", "{}", ".");
	size_t len = strlen(text);
	char big[JWT_MAX + 1];
	struct jwt t;

	memset(big, 'A', sizeof(big));
	memcpy(big, text, len);
	/* The signature is a whole number of bytes, or it would be no text. */
	ok((JWT_MAX - len) % 4 != 1, "the lengths of this test fit");
	ok(jwt_open(&t, big, JWT_MAX) == REFUSAL_NONE, "16 KiB");
	jwt_release(&t);
	ok(jwt_open(&t, big, JWT_MAX + 1) == REFUSAL_TOO_LONG, "a byte more");
	free(text);
}

/* Each cut and each changed byte is refused or a token; nothing else. */
static void damage(void)
{
	char *text = with("{\"alg\":\"HS256\",\"kid\":\"a\"}", "{}", ".Zm9v");
	size_t len = strlen(text);
	bool cuts = true;
	size_t shortest = len;

	for (size_t i = 0; i < len; i++) {
		struct jwt t;
		enum refusal refusal = jwt_open(&t, text, i);

		if (refusal == REFUSAL_NONE) {
			jwt_release(&t);
			shortest = i < shortest ? i : shortest;
			cuts &= i >= len - 5;
		}
	}
	ok(cuts && shortest == len - 4, "a token is whole up to its last dot");
	free(text);
}

static void writing(void)
{
	struct buf b;
	struct jwt t;

	buf_init(&b);
	jwt_put_input(&b, JWT_EDDSA, "a \"b\"", "{\"x\":1}", 7);
	jwt_put_signature(&b, "foo", 3);
	ok(jwt_open(&t, buf_bytes(&b), buf_len(&b)) == REFUSAL_NONE &&
		   t.alg == JWT_EDDSA && t.kid_len == 5 &&
		   !memcmp(t.kid, "a \"b\"", 5) && buf_len(&t.claims) == 7 &&
		   buf_len(&t.signature) == 3,
	   "what is put together is taken apart");
	jwt_release(&t);
	buf_clear(&b, SIZE_MAX);
	jwt_put_input(&b, JWT_HS256, NULL, "{}", 2);
	jwt_put_signature(&b, "foo", 3);
	ok(jwt_open(&t, buf_bytes(&b), buf_len(&b)) == REFUSAL_NONE &&
		   !t.has_kid && t.alg == JWT_HS256,
	   "without a kid too");
	jwt_release(&t);
	buf_release(&b);
}

static void memory(void)
{
	char *text = with("{\"alg\":\"HS256\"}", "{}", ".Zm9v");
	bool good = true;
	long n;

	for (n = 1;; n++) {
		struct jwt t;
		enum refusal refusal;

		oom_after(n);
		refusal = jwt_open(&t, text, strlen(text));
		if (!oom_off()) {
			good &= refusal == REFUSAL_NONE;
			jwt_release(&t);
			break;
		}
		good &= refusal == REFUSAL_NO_MEMORY;
	}
	ok(good && n > 4, "out of memory at each step");
	free(text);
}

int main(void)
{
	parts();
	forms();
	headers();
	kids();
	sizes();
	damage();
	writing();
	memory();
	return tap_end();
}

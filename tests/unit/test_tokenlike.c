/* SPDX-License-Identifier: MIT */
/* What tokenlike promises: what a message may show, and what not. */
#include "tap.h"
#include "tokenlike.h"

#include <string.h>

#define JWT "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjF9.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_w"

static bool shown(const char *text)
{
	return !tokenlike(text) && tokenlike_hidden(text) == text;
}

static bool hidden(const char *text)
{
	return tokenlike(text) && !strstr(tokenlike_hidden(text), text);
}

int main(void)
{
	ok(hidden(JWT), "a token");
	ok(hidden("eyJhbGciOiJub25lIn0.eyJ9."), "a short one");
	ok(hidden("k1=" JWT) && hidden("./" JWT) &&
		   hidden("ws://h/ws?access_token=" JWT "&a=b"),
	   "one within something else");
	ok(hidden("MWrHsRBxNTkXyK-M0pQEDbCRiRKNXw5s0KDCkHg_vKc"),
	   "a secret of wstoken keygen");
	ok(hidden("5d41402abc4b2a76b9719d911017c592") &&
		   hidden("f81d4fae-7dec-11d0-a765-00a0c91e6bf6") &&
		   hidden("c2VjcmV0/c2VjcmV0/c2VjcmV0/c2VjcmV0+w=="),
	   "hex, a UUID, base64");
	ok(shown("key.pem.pub") && shown("k1=key.pem") && shown("acme-*") &&
		   shown("") && shown("mak"),
	   "names are shown");
	ok(shown("/run/credentials/wsd.service/jwt-public-key.pem") &&
		   shown("./a-key-of-a-very-long-name-in-production.pem") &&
		   shown("ws://push.example.com:3000/ws/and/more/of/it"),
	   "and long ones with a directory");
	ok(shown("the file of that key is in my home directory"),
	   "and what has blanks");
	ok(shown("eyJ.pem") && shown("eyJ.ey"), "and what only begins so");
	return tap_end();
}

/* SPDX-License-Identifier: MIT */
#include "tokenlike.h"

#include <string.h>

/* 128 bits in hex; a UUID has more. */
#define LONG 32

#define WORD                                                                   \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"       \
	"-_"

/* '{"' in base64, as header and claims begin. */
#define OBJECT "eyJ"

static bool has_jwt(const char *text)
{
	while ((text = strstr(text, OBJECT))) {
		text += strspn(text, WORD);
		if (strncmp(text, "." OBJECT, strlen("." OBJECT)) == 0)
			return true;
	}
	return false;
}

bool tokenlike(const char *text)
{
	size_t len = strlen(text);

	if (has_jwt(text))
		return true;
	if (len < LONG)
		return false;
	return strspn(text, WORD "+.~=:@*") == len ||
	       (text[len - 1] == '=' && strspn(text, WORD "+/=") == len);
}

const char *tokenlike_hidden(const char *text)
{
	return tokenlike(text) ? "(not shown: a token or secret belongs in a "
				 "file or stdin)"
			       : text;
}

/* SPDX-License-Identifier: MIT */
#include "renewal.h"

#include "request.h"
#include "tokenlike.h"

#include <stdio.h>
#include <string.h>

/* Bytes of an AUTH beside the token. */
#define AUTH_EXTRA 64

static bool is_fixed(const struct renewal *r)
{
	return !r->bearer || r->bearer->fixed;
}

int renewal_begin(struct renewal *r, struct failure *f)
{
	struct bearer *b = r->bearer;
	char why[BEARER_WHY_MAX];

	r->known = r->due = r->warned = false;
	if (!b)
		return 0;
	if (bearer_renew(b, why) < 0) {
		failure_connect(f, r->url, false, "--token-file: '%.300s': %s",
				tokenlike_hidden(b->path), why);
		f->status = EXIT_USAGE;
		return -1;
	}
	if (!b->ended)
		return 0;
	failure_expired(f, r->url, b->fixed ? NULL : tokenlike_hidden(b->path));
	return -1;
}

void renewal_opened(struct renewal *r)
{
	r->known = r->bearer && r->bearer->token;
}

void renewal_closed(struct renewal *r, unsigned code, struct failure *f)
{
	if (code != PROTO_CLOSE_TOKEN_EXPIRED || !r->known)
		return;
	r->bearer->ended = true;
	if (r->bearer->fixed)
		failure_expired(f, r->url, NULL);
}

bool renewal_hopes(struct renewal *r)
{
	char why[BEARER_WHY_MAX];

	if (is_fixed(r))
		return false;
	return bearer_renew(r->bearer, why) == 1 || r->patient;
}

/* `why` the file could not be read, or empty. */
static void warn(struct renewal *r, const char *expires, const char *why,
		 char *text)
{
	int n;

	if (r->warned)
		return;
	r->warned = true;
	n = snprintf(text, FAILURE_TEXT_MAX, "the token expires at %s",
		     expires);
	if (!is_fixed(r))
		snprintf(text + n, FAILURE_TEXT_MAX - (size_t)n,
			 "; '%.300s' has no other%s%s",
			 tokenlike_hidden(r->bearer->path), *why ? ": " : "",
			 why);
}

static void on_expiring(struct renewal *r, const struct answer *a, char *text)
{
	char why[BEARER_WHY_MAX] = "";

	if (!r->bearer)
		return;
	if (bearer_renew(r->bearer, why) != 1) {
		warn(r, a->expires, why, text);
		return;
	}
	r->known = false;
	r->due = true;
}

bool renewal_answer(struct renewal *r, const struct answer *a,
		    char text[FAILURE_TEXT_MAX])
{
	text[0] = '\0';
	if (a->type == ANSWER_EXPIRING) {
		on_expiring(r, a, text);
		return true;
	}
	if (a->id != RENEWAL_ID)
		return false;
	if (a->type == ANSWER_AUTHENTICATED) {
		r->known = true;
		r->warned = false;
	} else if (a->type == ANSWER_ERROR) {
		snprintf(text, FAILURE_TEXT_MAX,
			 "'%.300s' does not take the new token (%s): the old "
			 "one counts until it expires",
			 r->url, a->code_name);
	}
	return true;
}

void renewal_again(struct renewal *r)
{
	char why[BEARER_WHY_MAX];

	if (!r->bearer || !r->bearer->token)
		return;
	if (bearer_renew(r->bearer, why) == 1)
		r->known = false;
	r->due = true;
}

/* The room is made at once, as growing would leave copies behind. */
void renewal_put(struct renewal *r, struct buf *out)
{
	const char *token = r->bearer->token;

	r->due = false;
	buf_reserve(out, 2 * strlen(token) + AUTH_EXTRA);
	request_put_auth(out, RENEWAL_ID, token);
	buf_putc(out, '\n');
}

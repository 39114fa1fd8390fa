/* SPDX-License-Identifier: MIT */
#include "login.h"

#include "secrecy.h"
#include "tokenlike.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_ENV "WSD_TOKEN"

/* What the environment has is wiped where it is. */
static int init_bearer(struct login *l, const char *file, char *why)
{
	char reason[BEARER_WHY_MAX];
	char *given = getenv(TOKEN_ENV);
	int result;

	if (file || given)
		secrecy_begin();
	result = bearer_init(&l->bearer, file, given, reason);
	if (given)
		explicit_bzero(given, strlen(given));
	if (result != 0 && file)
		snprintf(why, LOGIN_WHY_MAX, "--token-file: '%.300s': %s",
			 tokenlike_hidden(file), reason);
	else if (result != 0)
		snprintf(why, LOGIN_WHY_MAX, TOKEN_ENV ": %s", reason);
	return result;
}

static int init_trust(struct login *l, const struct login_options *o,
		      const struct url *url, char *why)
{
	const struct trust_config config = {o->cacert, o->insecure};
	char reason[TRUST_WHY_MAX];

	if (trust_init(&l->trust, url, &config, reason) == 0)
		return 0;
	if (o->cacert)
		snprintf(why, LOGIN_WHY_MAX, "--cacert: '%.300s': %s",
			 o->cacert, reason);
	else
		snprintf(why, LOGIN_WHY_MAX, "%s", reason);
	return -1;
}

int login_init(struct login *l, const struct login_options *o, const char *text,
	       const struct diag *d, char why[LOGIN_WHY_MAX])
{
	struct url url;
	const char *ignored;

	memset(l, 0, sizeof(*l));
	if (o->cacert && o->insecure) {
		strcpy(why, "--cacert: not with --insecure, which checks none");
		return -1;
	}
	if (init_bearer(l, o->token_file, why) != 0)
		return -1;
	/* What is wrong with a URL the client tells. */
	if (url_parse(&url, text, &ignored) != 0 || !url.tls)
		return 0;
	if (o->insecure)
		diag(d, DIAG_WARN,
		     "--insecure: anybody can pretend to be '%s', and read all "
		     "that is sent",
		     text);
	return init_trust(l, o, &url, why);
}

void login_release(struct login *l)
{
	bearer_release(&l->bearer);
	trust_release(&l->trust);
}

/* SPDX-License-Identifier: MIT */
/* What failure and backoff promise, one line a promise. */
#include "backoff.h"
#include "failure.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

#define URL "ws://h:1/ws"

static bool says(const struct failure *f, const char *text)
{
	return strcmp(f->text, text) == 0;
}

static bool is(const struct failure *f, enum exits status, bool final)
{
	return f->status == status && f->final == final;
}

static bool answer_is(unsigned code, enum exits status, bool final)
{
	struct failure f;

	failure_answer(&f, URL, code, "", "", false);
	return is(&f, status, final);
}

static bool close_is(unsigned code, enum exits status, bool final)
{
	struct failure f;

	failure_close(&f, URL, code, "", false);
	return is(&f, status, final);
}

static void sentences(void)
{
	struct failure f;
	char long_text[2000];

	failure_connect(&f, URL, false, "%s", "connection refused");
	ok(says(&f, "cannot connect to '" URL "': connection refused"),
	   "a failed connect names the URL and the reason");
	failure_answer(&f, URL, 403, "Forbidden", "no such origin", false);
	ok(says(&f, "cannot connect to '" URL "': the server refused: "
		    "403 Forbidden: no such origin"),
	   "an HTTP answer is told whole");
	failure_answer(&f, URL, 404, "", "", false);
	ok(says(&f, "cannot connect to '" URL "': the server has nothing at "
		    "this path: 404"),
	   "and without what it lacks");
	failure_close(&f, URL, 4108, "", false);
	ok(says(&f, "lost the connection to '" URL "': closed with 4108 "
		    "(too slow)"),
	   "a close code is explained");
	failure_close(&f, URL, 1001, "bye", false);
	ok(says(&f, "lost the connection to '" URL "': closed with 1001 "
		    "(going away): bye"),
	   "a close reason is told");
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	failure_answer(&f, long_text, 500, long_text, long_text, false);
	ok(strlen(f.text) < sizeof(f.text), "texts of any length are cut");
}

static void consequences(void)
{
	ok(answer_is(401, EXIT_REFUSED, true) &&
		   answer_is(403, EXIT_REFUSED, true),
	   "401 and 403 are refusals");
	ok(answer_is(404, EXIT_CONNECTION, true), "404 is final");
	ok(answer_is(503, EXIT_CONNECTION, false) &&
		   answer_is(429, EXIT_CONNECTION, false),
	   "503 and 429 pass");
	ok(close_is(4003, EXIT_REFUSED, true) &&
		   close_is(4010, EXIT_REFUSED, true),
	   "4003 and 4010 are refusals");
	ok(close_is(4108, EXIT_CONNECTION, false) &&
		   close_is(4200, EXIT_CONNECTION, false) &&
		   close_is(1001, EXIT_CONNECTION, false) &&
		   close_is(0, EXIT_CONNECTION, false),
	   "41xx, 42xx, 1001 and an end without a close frame pass");
	ok(close_is(4001, EXIT_REJECTED, true) &&
		   close_is(1009, EXIT_REJECTED, true),
	   "4001 and 1009 blame what was sent");
}

/* What is about a token. `token`: one was shown. */
static bool answer_says(bool token, const char *meaning)
{
	struct failure f;
	char want[FAILURE_TEXT_MAX];

	failure_answer(&f, URL, 401, "Unauthorized", "", token);
	snprintf(want, sizeof(want),
		 "cannot connect to '" URL "': %s: 401 Unauthorized", meaning);
	return says(&f, want) && is(&f, EXIT_REFUSED, true) && f.token == token;
}

static bool close_helps(unsigned code, bool token, bool helps)
{
	struct failure f;

	failure_close(&f, URL, code, "", token);
	return f.token == helps;
}

static bool denied(enum proto_code code, bool token, bool helps)
{
	struct failure f;

	failure_denied(&f, code, "cannot", token);
	return is(&f, EXIT_REFUSED, true) && f.token == helps;
}

static void tokens(void)
{
	struct failure f;

	ok(answer_says(true, "the server does not take this token"),
	   "401 with a token: another may help");
	ok(answer_says(false, "the server asks for a token (--token-file, "
			      "WSD_TOKEN)"),
	   "401 without one says how to show one");
	ok(close_helps(4011, true, true) && close_helps(4011, false, false) &&
		   close_helps(4010, true, false) &&
		   close_helps(4003, true, false) &&
		   close_helps(4212, true, false),
	   "of the close codes another token helps after 4011 alone");
	failure_close(&f, URL, 4010, "too late", false);
	ok(says(&f, "lost the connection to '" URL "': closed with 4010 "
		    "(authentication required): too late (--token-file, "
		    "WSD_TOKEN)"),
	   "4010 without a token says how to show one");
	ok(denied(PROTO_AUTH_FAILED, true, true) &&
		   denied(PROTO_TOKEN_EXPIRED, true, true) &&
		   denied(PROTO_AUTH_REQUIRED, true, false) &&
		   denied(PROTO_AUTH_REQUIRED, false, false),
	   "of the ERRORs after AUTH_FAILED and TOKEN_EXPIRED");
	failure_denied(&f, PROTO_AUTH_REQUIRED, "it says no", false);
	ok(says(&f, "it says no (--token-file, WSD_TOKEN)"),
	   "AUTH_REQUIRED without a token says how to show one");
	failure_expired(&f, URL, "f");
	ok(says(&f, "cannot connect to '" URL "': the token has expired, and "
		    "'f' still has it") &&
		   is(&f, EXIT_REFUSED, true) && f.token,
	   "an expired token and its file");
	failure_expired(&f, URL, NULL);
	ok(says(&f, "cannot connect to '" URL "': the token has expired"),
	   "or without a file");
}

static bool close_is_busy(unsigned code)
{
	struct failure f;

	failure_close(&f, URL, code, "", false);
	return f.busy;
}

static void busy(void)
{
	struct failure f;

	failure_answer(&f, URL, 429, "", "", true);
	ok(f.busy && !f.token, "429 asks for fewer attempts");
	failure_answer(&f, URL, 503, "", "", true);
	ok(!f.busy, "503 does not");
	ok(close_is_busy(4100) && close_is_busy(4101),
	   "4100 and 4101 ask for fewer attempts");
	ok(!close_is_busy(4108) && !close_is_busy(4212) &&
		   !close_is_busy(4011) && !close_is_busy(1001),
	   "4108 and the others do not");
}

static void waiting(void)
{
	struct backoff b = {.first_ms = 250, .max_ms = 1000};

	ok(backoff_next(&b, 250) == 250 && b.failed == 1,
	   "the first delay is at most the first step");
	ok(backoff_next(&b, 501) == 0, "the second at most twice that");
	ok(backoff_next(&b, 1000) == 1000 && backoff_next(&b, 1001) == 0,
	   "it doubles up to the limit");
	for (int i = 0; i < 1000; i++)
		backoff_next(&b, 0);
	ok(backoff_next(&b, 1000) == 1000, "and stays there");
	backoff_reset(&b);
	ok(backoff_next(&b, 251) == 0, "success begins from the start");
	backoff_raise(&b, 2);
	ok(backoff_next(&b, 1000) == 1000, "a busy server gets more time");
	b = (struct backoff){.first_ms = 0, .max_ms = 0};
	ok(backoff_next(&b, 12345) == 0, "no delay at all is possible");
	b = (struct backoff){.first_ms = UINT64_MAX, .max_ms = UINT64_MAX};
	ok(backoff_next(&b, 7) == 7, "so is any delay");
}

int main(void)
{
	sentences();
	consequences();
	tokens();
	busy();
	waiting();
	return tap_end();
}

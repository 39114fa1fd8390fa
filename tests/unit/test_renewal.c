/* SPDX-License-Identifier: MIT */
/* What renewal promises: which token is shown, when, and when no more. */
#include "renewal.h"
#include "tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define URL "ws://h/ws"

static char path[] = "/tmp/test_renewal.XXXXXX";

/* A client with a token, "one", that it has shown. */
struct bed {
	struct bearer bearer;
	struct renewal renewal;
	struct failure failure;
	char text[FAILURE_TEXT_MAX];
};

static void write_file(const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		abort();
	close(fd);
}

static bool begins(struct bed *b)
{
	return renewal_begin(&b->renewal, &b->failure) == 0;
}

/* With the file, or with `given` in place of it. */
static void set_up(struct bed *b, const char *given, bool patient)
{
	char why[BEARER_WHY_MAX];

	memset(b, 0, sizeof(*b));
	write_file("one");
	if (bearer_init(&b->bearer, given ? NULL : path, given, why) != 0)
		abort();
	b->renewal.bearer = &b->bearer;
	b->renewal.url = URL;
	b->renewal.patient = patient;
	if (!begins(b))
		abort();
	renewal_opened(&b->renewal);
}

static void tear_down(struct bed *b)
{
	bearer_release(&b->bearer);
}

static bool shows(const struct bed *b, const char *token)
{
	return strcmp(b->bearer.token, token) == 0;
}

static bool fails(const struct bed *b, const char *text, enum exits status)
{
	return strcmp(b->failure.text, text) == 0 &&
	       b->failure.status == status;
}

/* The server says this, with ' for ". */
static bool hears(struct bed *b, const char *message)
{
	struct answer answer;
	char json[500];

	snprintf(json, sizeof(json), "%s", message);
	for (char *at = json; (at = strchr(at, '\'')); at++)
		*at = '"';
	if (answer_parse(&answer, json, strlen(json)) != JSON_OK)
		abort();
	return renewal_answer(&b->renewal, &answer, b->text);
}

static bool expiring(struct bed *b)
{
	return hears(b, "{'type':'EXPIRING','expires':"
			"'2026-01-01T00:00:00.000Z','inMs':1000}");
}

/* What was due is sent as `want`. */
static bool sends(struct bed *b, const char *want)
{
	struct buf out;
	bool same;

	buf_init(&out);
	renewal_put(&b->renewal, &out);
	same = buf_len(&out) == strlen(want) &&
	       memcmp(buf_bytes(&out), want, strlen(want)) == 0 &&
	       !b->renewal.due;
	buf_release(&out);
	return same;
}

static void attempts(void)
{
	struct bed b;

	set_up(&b, NULL, false);
	write_file("two\n");
	ok(begins(&b) && shows(&b, "two"), "the file is read for each attempt");
	write_file("");
	ok(!begins(&b) && strstr(b.failure.text, "it is empty") &&
		   b.failure.status == EXIT_USAGE && !b.failure.final,
	   "one that cannot be read is tried again");
	tear_down(&b);
	memset(&b, 0, sizeof(b));
	ok(begins(&b), "without a token all is well");
	renewal_opened(&b.renewal);
	renewal_closed(&b.renewal, 4212, &b.failure);
	ok(!renewal_hopes(&b.renewal) && expiring(&b) && !*b.text &&
		   !b.renewal.due,
	   "and nothing is done");
}

static void refused(void)
{
	struct bed b;

	set_up(&b, NULL, false);
	ok(!renewal_hopes(&b.renewal), "refused, and the file has no other");
	write_file("two");
	ok(renewal_hopes(&b.renewal) && shows(&b, "two"),
	   "refused, and the file has another");
	ok(!renewal_hopes(&b.renewal), "which is refused too");
	tear_down(&b);
	set_up(&b, NULL, true);
	ok(renewal_hopes(&b.renewal) && begins(&b) && shows(&b, "one"),
	   "who is patient shows the same again");
	tear_down(&b);
	set_up(&b, "env", true);
	ok(!renewal_hopes(&b.renewal),
	   "but nobody waits for a token that stays the same");
	tear_down(&b);
}

static void expired(void)
{
	struct bed b;

	set_up(&b, NULL, true);
	renewal_closed(&b.renewal, 4212, &b.failure);
	ok(!begins(&b) &&
		   strstr(b.failure.text, "the token has expired, and '") &&
		   b.failure.status == EXIT_REFUSED && b.failure.token,
	   "an expired token is not shown again");
	write_file("two");
	ok(begins(&b) && shows(&b, "two"), "another one is");
	tear_down(&b);
	set_up(&b, "env", false);
	renewal_closed(&b.renewal, 4200, &b.failure);
	ok(begins(&b), "after another close the same is shown");
	renewal_opened(&b.renewal);
	renewal_closed(&b.renewal, 4212, &b.failure);
	ok(fails(&b, "cannot connect to '" URL "': the token has expired",
		 EXIT_REFUSED),
	   "one that is no file's ends it at once");
	tear_down(&b);
}

static void exchanged(struct bed *b)
{
	write_file("two");
	ok(expiring(b) && b->renewal.due && !*b->text &&
		   sends(b, "{\"type\":\"AUTH\",\"id\":9007199254740991,"
			    "\"token\":\"two\"}\n"),
	   "the other token is sent");
	ok(hears(b, "{'type':'AUTHENTICATED','id':9007199254740991}") &&
		   !*b->text && b->renewal.known,
	   "and known");
	ok(expiring(b) && *b->text, "until that one expires");
}

static void expires(void)
{
	struct bed b;

	set_up(&b, NULL, false);
	ok(expiring(&b) && !b.renewal.due &&
		   strstr(b.text, "the token expires at "
				  "2026-01-01T00:00:00.000Z; '/tmp/"),
	   "that no other is there is told");
	ok(expiring(&b) && !*b.text, "once");
	exchanged(&b);
	tear_down(&b);
	set_up(&b, "env", false);
	ok(expiring(&b) && strcmp(b.text, "the token expires at "
					  "2026-01-01T00:00:00.000Z") == 0,
	   "it is told where there is no file");
	tear_down(&b);
	set_up(&b, NULL, false);
	write_file("a b");
	ok(expiring(&b) && strstr(b.text, "' has no other: this is no token"),
	   "and why a file has none");
	tear_down(&b);
}

static void not_taken(void)
{
	struct bed b;

	set_up(&b, NULL, false);
	write_file("bad");
	expiring(&b);
	sends(&b, "");
	ok(hears(&b, "{'type':'ERROR','id':9007199254740991,'code':"
		     "'AUTH_FAILED','message':'no'}") &&
		   strcmp(b.text, "'" URL "' does not take the new token "
				  "(AUTH_FAILED): the old one counts until it "
				  "expires") == 0,
	   "that the new one is not taken is told");
	renewal_closed(&b.renewal, 4212, &b.failure);
	ok(begins(&b) && shows(&b, "bad"),
	   "what expires then is the old one: the new one is shown");
	tear_down(&b);
}

static void again(void)
{
	struct bed b;

	set_up(&b, NULL, false);
	renewal_again(&b.renewal);
	ok(b.renewal.known &&
		   sends(&b, "{\"type\":\"AUTH\",\"id\":9007199254740991,"
			     "\"token\":\"one\"}\n"),
	   "the same is shown again");
	write_file("two");
	renewal_again(&b.renewal);
	ok(!b.renewal.known && b.renewal.due && shows(&b, "two"),
	   "or another one");
	tear_down(&b);
	set_up(&b, "", false);
	renewal_again(&b.renewal);
	ok(!b.renewal.due, "but not where there is none");
	tear_down(&b);
}

static void others(void)
{
	struct bed b;

	set_up(&b, NULL, false);
	ok(!hears(&b, "{'type':'ERROR','id':1,'code':'AUTH_FAILED'}") &&
		   !hears(&b, "{'type':'ACK','id':1}") &&
		   !hears(&b, "{'type':'NEWS'}"),
	   "other answers are about something else");
	tear_down(&b);
}

int main(void)
{
	close(mkstemp(path));
	attempts();
	refused();
	expired();
	expires();
	not_taken();
	again();
	others();
	unlink(path);
	return tap_end();
}

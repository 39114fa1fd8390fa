/* SPDX-License-Identifier: MIT */
/*
 * redisdrive - drives lib/redis.c by commands, one a line on stdin, and prints
 * what it is told, one a line on stdout.
 *
 *   redisdrive [NAME=VALUE]... URL
 *
 * NAME is a member of struct redis_config: user, password, name; retry,
 * patient (1: true); connect, heartbeat, timeout, backoff, backoff_max (ms);
 * commands, pending, bytes, elements.
 *
 *   cmd WORD...     sends it; \xHH in a word is a byte
 *   block MS WORD...  the same of a command that may wait so long
 *   sub WORD, psub WORD, unsub WORD, punsub WORD
 *   pause, resume   reading
 *   count N         prints no message, but "counted N" after N more of them, if
 *                   they were numbered from 1 on
 *   flood WORD N    publishes 1, 2, … N to the channel, as fast as it goes
 *   leave           closes in the callback of the next message
 *   quit            as the end of stdin
 *
 * It prints "ready", "reply …", "message …", "ended …" (a subscription), "sent
 * …" (an error of sending), "counted N", "flooded N", and "lost again|final
 * STATUS TEXT"; after the last it ends with that status.
 */
#include "lineio.h"
#include "num.h"
#include "redis.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES (1 << 20)
#define WORDS_MAX 64

struct driver {
	struct loop loop;
	struct log log;
	struct lineio in;
	struct redis *redis;
	uint64_t counting; /* messages still to count; 0: print them */
	uint64_t counted;
	char *flooded;	 /* owned; the channel, or NULL */
	uint64_t floods; /* PUBLISH in all */
	uint64_t flood;	 /* the last one that was sent */
	uint64_t settled;
	bool leaving;
	int status;
};

/* Printing */

static bool all_the_same(const char *text, size_t len)
{
	return memcmp(text, text + 1, len - 1) == 0;
}

/* What is long and of one byte only is not worth reading. */
static void print_text(const char *text, size_t len)
{
	if (len > 1000 && all_the_same(text, len)) {
		printf("%zu times %c", len, *text);
		return;
	}
	for (size_t i = 0; i < len; i++)
		if (isprint((unsigned char)text[i]) && text[i] != '\\')
			putchar(text[i]);
		else
			printf("\\x%02x", (unsigned char)text[i]);
}

static void print_reply(const struct redisreply *reply)
{
	switch (reply->type) {
	case REDISREPLY_NIL:
		printf("nil");
		break;
	case REDISREPLY_INTEGER:
		printf("%lld", (long long)reply->integer);
		break;
	case REDISREPLY_STATUS:
	case REDISREPLY_ERROR:
		putchar(reply->type == REDISREPLY_STATUS ? '+' : '-');
		print_text(reply->text, reply->len);
		break;
	case REDISREPLY_BULK:
		putchar('"');
		print_text(reply->text, reply->len);
		putchar('"');
		break;
	case REDISREPLY_ARRAY:
		putchar('[');
		for (size_t i = 0; i < reply->count; i++) {
			if (i)
				putchar(' ');
			print_reply(&reply->items[i]);
		}
		putchar(']');
		break;
	}
}

/* Ending */

static void finish(struct driver *d, int status)
{
	d->status = status;
	loop_stop(&d->loop);
}

/* A flood */

static void flood_on(struct driver *d);

static void flood_done(void *user, const struct redisreply *reply)
{
	struct driver *d = user;

	if (!reply)
		return;
	d->settled++;
	if (d->settled == d->floods)
		printf("flooded %llu\n", (unsigned long long)d->settled);
	else
		flood_on(d);
}

static void flood_on(struct driver *d)
{
	char number[NUM_TEXT_MAX];
	const char *words[] = {"PUBLISH", d->flooded, number};
	const struct redis_command command = {
		.words = words,
		.count = 3,
		.done = flood_done,
		.user = d,
	};

	while (d->flood < d->floods) {
		number[num_put_u64(number, d->flood + 1)] = '\0';
		if (redis_command(d->redis, &command) < 0)
			return;
		d->flood++;
	}
}

/* What the connection tells */

static void on_ready(void *user)
{
	(void)user;
	puts("ready");
}

static void on_writable(void *user)
{
	flood_on(user);
}

static void count_message(struct driver *d, const struct redisreply *payload)
{
	uint64_t number;

	d->counted++;
	if (num_parse_u64(payload->text, payload->len, &number) < 0 ||
	    number != d->counted) {
		printf("message %llu is not in order\n",
		       (unsigned long long)d->counted);
		finish(d, EXIT_EXPECTATION);
	} else if (--d->counting == 0) {
		printf("counted %llu\n", (unsigned long long)d->counted);
	}
}

static void on_push(void *user, const struct redispush *push)
{
	struct driver *d = user;

	if (d->leaving) {
		puts("left");
		redis_close(d->redis);
		finish(d, EXIT_DONE);
		return;
	}
	if (d->counting && push->kind == REDISPUSH_MESSAGE) {
		count_message(d, push->payload);
		return;
	}
	printf(push->kind == REDISPUSH_MESSAGE ? "message" : "ended");
	for (int i = 0; i < 3; i++) {
		const struct redisreply *part = i == 0	 ? push->pattern
						: i == 1 ? push->channel
							 : push->payload;

		if (part) {
			putchar(' ');
			print_reply(part);
		}
	}
	putchar('\n');
}

static void on_lost(void *user, const struct redis_loss *loss)
{
	struct driver *d = user;

	printf("lost %s %d %s\n", loss->final ? "final" : "again",
	       (int)loss->status, loss->text);
	if (loss->final)
		finish(d, (int)loss->status);
}

static void on_reply(void *user, const struct redisreply *reply)
{
	(void)user;
	printf("reply ");
	if (reply)
		print_reply(reply);
	else
		printf("lost");
	putchar('\n');
}

static const struct redis_events events = {
	.ready = on_ready,
	.push = on_push,
	.writable = on_writable,
	.lost = on_lost,
};

/* Commands */

/* Decodes \xHH in place; returns the bytes. */
static size_t decode(char *word)
{
	size_t n = 0;

	for (char *at = word; *at; at++) {
		if (strncmp(at, "\\x", 2) == 0 && at[2] && at[3]) {
			const char hex[] = {at[2], at[3], '\0'};

			word[n++] = (char)strtoul(hex, NULL, 16);
			at += 3;
		} else {
			word[n++] = *at;
		}
	}
	word[n] = '\0';
	return n;
}

struct words {
	const char *at[WORDS_MAX];
	size_t lens[WORDS_MAX];
	size_t count;
};

static void split(struct words *w, char *line)
{
	w->count = 0;
	for (char *word; w->count < WORDS_MAX && (word = strsep(&line, " "));) {
		w->lens[w->count] = decode(word);
		w->at[w->count++] = word;
	}
}

static void sent(int result)
{
	if (result < 0)
		printf("sent %s\n", strerrorname_np(errno));
}

static void send_words(struct driver *d, const struct words *w, size_t from,
		       uint64_t wait_ms)
{
	const struct redis_command command = {
		.words = w->at + from,
		.lens = w->lens + from,
		.count = w->count - from,
		.wait_ms = wait_ms,
		.done = on_reply,
	};

	sent(redis_command(d->redis, &command));
}

static bool subscribes(struct driver *d, const struct words *w)
{
	static const char *const names[] = {
		[REDISQUEUE_SUBSCRIBE] = "sub",
		[REDISQUEUE_PSUBSCRIBE] = "psub",
		[REDISQUEUE_UNSUBSCRIBE] = "unsub",
		[REDISQUEUE_PUNSUBSCRIBE] = "punsub",
	};

	for (int kind = REDISQUEUE_SUBSCRIBE; kind <= REDISQUEUE_PUNSUBSCRIBE;
	     kind++) {
		if (strcmp(w->at[0], names[kind]) != 0)
			continue;
		sent(redis_subscribe(d->redis, (enum redisqueue_kind)kind,
				     w->at[1], w->lens[1], on_reply, d));
		return true;
	}
	return false;
}

static uint64_t number(const char *text)
{
	uint64_t value = 0;

	num_parse_u64(text, strlen(text), &value);
	return value;
}

static void begin_flood(struct driver *d, const char *channel, uint64_t n)
{
	free(d->flooded);
	d->flooded = strdup(channel);
	d->floods = n;
	d->flood = d->settled = 0;
	flood_on(d);
}

static void obey(struct driver *d, const struct words *w)
{
	const char *verb = w->at[0];

	if (strcmp(verb, "pause") == 0 || strcmp(verb, "resume") == 0)
		redis_pause(d->redis, *verb == 'p');
	else if (strcmp(verb, "leave") == 0)
		d->leaving = true;
	else if (strcmp(verb, "quit") == 0)
		finish(d, EXIT_DONE);
	else if (w->count < 2)
		puts("what?");
	else if (strcmp(verb, "cmd") == 0)
		send_words(d, w, 1, 0);
	else if (strcmp(verb, "block") == 0 && w->count > 2)
		send_words(d, w, 2, number(w->at[1]));
	else if (strcmp(verb, "count") == 0)
		d->counting = number(w->at[1]);
	else if (strcmp(verb, "flood") == 0 && w->count == 3)
		begin_flood(d, w->at[1], number(w->at[2]));
	else if (!subscribes(d, w))
		puts("what?");
}

static void on_line(void *user, const struct lineio_line *line)
{
	char *text = strndup(line->text, line->len);
	struct words words;

	if (!text)
		return;
	split(&words, text);
	obey(user, &words);
	free(text);
}

static void on_end(void *user)
{
	finish(user, EXIT_DONE);
}

static void on_failed(void *user, size_t source, int error)
{
	(void)source;
	(void)error;
	finish(user, EXIT_OTHER);
}

static void ignore_line(void *user, const struct lineio_line *line)
{
	(void)user;
	(void)line;
}

static void ignore_idle(void *user)
{
	(void)user;
}

static const struct lineio_events lines = {
	.line = on_line,
	.too_long = ignore_line,
	.idle = ignore_idle,
	.end = on_end,
	.failed = on_failed,
};

/* "timeout=500". False when there is no such member. */
static bool configure(struct redis_config *c, char *text)
{
	struct {
		const char *name;
		const char **text;
		bool *flag;
		uint64_t *ms;
		size_t *size;
	} members[] = {
		{"user", .text = &c->user},
		{"password", .text = &c->password},
		{"name", .text = &c->name},
		{"retry", .flag = &c->retry},
		{"patient", .flag = &c->patient},
		{"connect", .ms = &c->connect_ms},
		{"heartbeat", .ms = &c->heartbeat_ms},
		{"timeout", .ms = &c->timeout_ms},
		{"backoff", .ms = &c->backoff_ms},
		{"backoff_max", .ms = &c->backoff_max_ms},
		{"commands", .size = &c->commands_max},
		{"pending", .size = &c->pending_max},
		{"bytes", .size = &c->limits.bytes},
		{"elements", .size = &c->limits.elements},
	};
	const char *value = strsep(&text, "=");

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (strcmp(value, members[i].name) != 0)
			continue;
		if (members[i].text)
			*members[i].text = text;
		else if (members[i].flag)
			*members[i].flag = number(text) != 0;
		else if (members[i].ms)
			*members[i].ms = number(text);
		else
			*members[i].size = number(text);
		return true;
	}
	return false;
}

static int run(struct driver *d, const struct redis_config *config)
{
	static const struct lws_protocols protocols[] = {{0}};
	const char *why;

	if (loop_init(&d->loop, &d->log, protocols, 0, NULL) < 0)
		return EXIT_OTHER;
	lineio_init(&d->in, &lines, d, LINE_MAX_BYTES, false);
	lineio_add_file(&d->in, "-");
	d->redis = redis_new(&d->loop.uv, config, &events, d, &why);
	if (!d->redis) {
		diag(&d->log.diag, DIAG_ERROR, "%s", why);
		d->status = EXIT_USAGE;
	} else if (lineio_start(&d->in, &d->loop) == 0) {
		loop_run(&d->loop);
	}
	lineio_close(&d->in);
	redis_free(d->redis);
	loop_release(&d->loop);
	free(d->flooded);
	return d->status;
}

int main(int argc, char **argv)
{
	static const struct diag diag_to = {"redisdrive", DIAG_WARN};
	struct redis_config config = {.url = NULL};
	struct driver d;

	memset(&d, 0, sizeof(d));
	setvbuf(stdout, NULL, _IOLBF, 0);
	log_init(&d.log, &diag_to, LOG_TEXT);
	for (int i = 1; i < argc - 1; i++)
		if (!strchr(argv[i], '=') || !configure(&config, argv[i]))
			argc = 0;
	if (argc < 2) {
		fprintf(stderr, "usage: redisdrive [NAME=VALUE]... URL\n");
		return EXIT_USAGE;
	}
	config.url = argv[argc - 1];
	return run(&d, &config);
}

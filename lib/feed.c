/* SPDX-License-Identifier: MIT */
#include "feed.h"

#include "clock.h"
#include "num.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Longest line where the server tells no limit. */
#define LINE_MAX_DEFAULT (16 << 20)

/* What a line may have besides its update: the tenant's member, blanks. */
#define LINE_EXTRA 4096

/* So much may be caught up at once after input was late. */
#define CATCH_UP_NS (100 * INT64_C(1000000))

#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

static const struct lineio_events line_events;

int feed_init(struct feed *feed, const struct feed_config *config,
	      const struct feed_events *events, void *user,
	      struct uplink *uplink)
{
	memset(feed, 0, sizeof(*feed));
	feed->config = config;
	feed->events = events;
	feed->user = user;
	feed->uplink = uplink;
	feed->rules.raw = config->raw;
	if (config->tenant) {
		feed->rules.tenant.bytes = config->tenant;
		feed->rules.tenant.len = strlen(config->tenant);
	}
	buf_init(&feed->scratch);
	lineio_init(&feed->lines, &line_events, feed, LINE_MAX_DEFAULT,
		    config->whole);
	return route_init(&feed->rules.route, config->tenant_field,
			  config->key_field);
}

int feed_add_file(struct feed *feed, const char *name)
{
	return lineio_add_file(&feed->lines, name);
}

/* Without a name: arguments come first, so that the index is the number. */
int feed_add_argument(struct feed *feed, const char *text)
{
	return lineio_add_text(&feed->lines, NULL, text);
}

int feed_open_rejects(struct feed *feed)
{
	int fd = open(feed->config->rejects, O_WRONLY | O_CREAT | O_CLOEXEC,
		      0666);
	int error = 0;

	if (fd < 0)
		return -1;
	if (lineio_reads(&feed->lines, fd))
		error = EEXIST;
	/* A pipe or a terminal can't be emptied and need not be. */
	else if (ftruncate(fd, 0) != 0 && errno != EINVAL)
		error = errno;
	else if (!(feed->rejects = fdopen(fd, "w")))
		error = errno;
	if (!error)
		return 0;
	close(fd);
	errno = error;
	return -1;
}

void feed_limit(struct feed *feed, uint64_t max)
{
	feed->rules.max = max;
	lineio_set_limit(&feed->lines, max && max < SIZE_MAX - LINE_EXTRA
					       ? (size_t)max + LINE_EXTRA
					       : LINE_MAX_DEFAULT);
}

static void update(struct feed *feed)
{
	lineio_pause(&feed->lines,
		     feed->ended || feed->pacing || uplink_full(feed->uplink));
}

void feed_resume(struct feed *feed)
{
	update(feed);
}

static void end(struct feed *feed, enum exits status)
{
	if (feed->ended)
		return;
	feed->ended = true;
	feed->status = status;
	update(feed);
}

void feed_stop(struct feed *feed)
{
	end(feed, EXIT_DONE);
}

/* Refusals */

const char *feed_place(const struct feed *feed, char *out, size_t source,
		       uint64_t line)
{
	const char *name = lineio_name(&feed->lines, source);

	if (!name)
		snprintf(out, FEED_PLACE_MAX, "argument %zu", source + 1);
	else if (strcmp(name, "-") == 0)
		snprintf(out, FEED_PLACE_MAX, "line %llu",
			 (unsigned long long)line);
	else
		snprintf(out, FEED_PLACE_MAX, "%.300s: line %llu", name,
			 (unsigned long long)line);
	return out;
}

static void keep(struct feed *feed, const char *text, size_t len)
{
	if (!feed->rejects)
		return;
	fwrite(text, 1, len, feed->rejects);
	putc('\n', feed->rejects);
}

void feed_count_refused(struct feed *feed)
{
	feed->refused++;
	if (!feed->config->skip)
		feed_stop(feed);
}

void feed_refuse(struct feed *feed, const struct window_line *line,
		 const char *why)
{
	char place[FEED_PLACE_MAX];
	char text[2 * FEED_PLACE_MAX];

	snprintf(text, sizeof(text), "%s: %s",
		 feed_place(feed, place, line->source, line->number), why);
	feed->events->refused(feed->user, text);
	keep(feed, line->origin, line->origin_len);
	feed_count_refused(feed);
}

static bool is_whole(const struct feed *feed, const struct lineio_line *line)
{
	return feed->config->whole || !lineio_name(&feed->lines, line->source);
}

/* A document that came to nothing: its text is as it was read. */
static void refuse_line(struct feed *feed, const struct lineio_line *line,
			const struct document_fault *fault)
{
	size_t number = (size_t)line->number;
	size_t column = fault->offset + 1;
	char place[FEED_PLACE_MAX];
	char text[2 * FEED_PLACE_MAX];

	if (is_whole(feed, line))
		json_position(line->text, fault->offset, &number, &column);
	feed_place(feed, place, line->source, number);
	if (!lineio_name(&feed->lines, line->source) && number > 1)
		snprintf(text, sizeof(text), "%s, line %zu, column %zu: %s",
			 place, number, column, fault->why);
	else
		snprintf(text, sizeof(text), "%s, column %zu: %s", place,
			 column, fault->why);
	feed->events->refused(feed->user, text);
	keep(feed, line->text, line->len);
	feed_count_refused(feed);
}

static void note_read(struct feed *feed, const struct lineio_line *line)
{
	feed->read++;
	feed->bytes += line->len + 1;
	feed->at.source = line->source;
	feed->at.number = line->number;
}

static void on_too_long(void *user, const struct lineio_line *line)
{
	struct feed *feed = user;
	char place[FEED_PLACE_MAX];
	char text[2 * FEED_PLACE_MAX];
	char size[NUM_TEXT_MAX];

	note_read(feed, line);
	snprintf(text, sizeof(text), "%s: longer than %s%s",
		 feed_place(feed, place, line->source, line->number),
		 num_show_size(size, feed->rules.max ? feed->rules.max
						     : LINE_MAX_DEFAULT),
		 feed->rejects ? "; not written to the rejects" : "");
	feed->events->refused(feed->user, text);
	feed_count_refused(feed);
}

/* Into the window */

static void on_pacer(uv_timer_t *timer)
{
	struct feed *feed = timer->data;

	feed->pacing = false;
	update(feed);
}

/* Waits until the next document is due, if it is not due already. */
static void pace(struct feed *feed)
{
	int64_t now = clock_mono_ns();

	if (feed->due_ns < now - CATCH_UP_NS)
		feed->due_ns = now - CATCH_UP_NS;
	feed->due_ns += NS_PER_S / (int64_t)feed->config->rate;
	if (feed->due_ns <= now)
		return;
	feed->pacing = true;
	uv_update_time(feed->pacer.loop);
	uv_timer_start(
		&feed->pacer, on_pacer,
		(uint64_t)((feed->due_ns - now + NS_PER_MS - 1) / NS_PER_MS),
		0);
}

static void put(struct feed *feed, const struct lineio_line *line,
		const struct document *doc)
{
	const struct uplink_message message = {
		.tenant = doc->tenant,
		.key = doc->key,
		.data = doc->data,
		.len = doc->len,
		.number = line->number,
		.source = (uint32_t)line->source,
	};

	if (uplink_put(feed->uplink, &message) != 0) {
		feed->events->refused(feed->user, strerror(errno));
		end(feed, EXIT_OTHER);
		return;
	}
	feed->taken++;
	if (feed->config->rate)
		pace(feed);
	if (feed->taken == feed->config->count)
		feed_stop(feed);
	else
		update(feed);
}

static void on_line(void *user, const struct lineio_line *line)
{
	struct feed *feed = user;
	struct document doc;
	struct document_fault fault;

	note_read(feed, line);
	/* Before the document is made from it, in place. */
	if (feed->rejects)
		buf_append(&feed->uplink->window.origins, line->text,
			   line->len);
	if (document_read(&doc, &feed->rules, line->text, line->len,
			  &feed->scratch, &fault) == 0) {
		put(feed, line, &doc);
		return;
	}
	uplink_abort(feed->uplink);
	refuse_line(feed, line, &fault);
}

static void on_idle(void *user)
{
	struct feed *feed = user;

	feed->events->changed(feed->user);
}

static void on_end(void *user)
{
	feed_stop(user);
}

static void on_failed(void *user, size_t source, int error)
{
	struct feed *feed = user;
	const char *name = lineio_name(&feed->lines, source);
	char text[FEED_PLACE_MAX];

	snprintf(text, sizeof(text), "cannot read '%.300s': %s",
		 !name			  ? "argument"
		 : strcmp(name, "-") == 0 ? "standard input"
					  : name,
		 strerror(error));
	feed->events->refused(feed->user, text);
	end(feed, EXIT_OTHER);
}

static const struct lineio_events line_events = {
	.line = on_line,
	.too_long = on_too_long,
	.idle = on_idle,
	.end = on_end,
	.failed = on_failed,
};

/* Beginning and end */

int feed_start(struct feed *feed, struct loop *loop, uint64_t max)
{
	feed_limit(feed, max);
	if (lineio_start(&feed->lines, loop) != 0)
		return -1;
	uv_timer_init(&loop->uv, &feed->pacer);
	feed->pacer.data = feed;
	feed->due_ns = clock_mono_ns();
	feed->started = true;
	return 0;
}

int feed_release(struct feed *feed)
{
	int result = 0;

	if (feed->started)
		uv_close((uv_handle_t *)&feed->pacer, NULL);
	feed->started = false;
	lineio_close(&feed->lines);
	buf_release(&feed->scratch);
	if (feed->rejects) {
		bool bad = ferror(feed->rejects);

		if (fclose(feed->rejects) != 0 || bad)
			result = -1;
	}
	feed->rejects = NULL;
	return result;
}

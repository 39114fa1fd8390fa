/* SPDX-License-Identifier: MIT */
#include "lineio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK (128 * 1024)

struct lineio_source {
	const char *name;
	const char *text; /* NULL: a file */
	int fd;		  /* of a file; -1 once it is closed */
	bool inherited;	  /* it is not ours to close */
	bool regular;	  /* size is known */
	uint64_t size;	  /* bytes */
	dev_t dev;
	ino_t ino;
};

void lineio_init(struct lineio *io, const struct lineio_events *events,
		 void *user, size_t limit, bool whole)
{
	memset(io, 0, sizeof(*io));
	io->events = events;
	io->user = user;
	io->limit = limit;
	io->whole = whole;
	io->epoll = -1;
	buf_init(&io->in);
}

/* Sources */

static int add(struct lineio *io, const struct lineio_source *source)
{
	struct lineio_source *sources =
		realloc(io->sources, (io->count + 1) * sizeof(*io->sources));

	if (!sources)
		return -1;
	io->sources = sources;
	sources[io->count++] = *source;
	return 0;
}

static void close_source(struct lineio_source *source)
{
	if (source->fd >= 0 && !source->inherited)
		close(source->fd);
	source->fd = -1;
}

/*
 * O_NONBLOCK is for FIFOs, where open() and read() would wait for a writer;
 * the description is ours alone.
 */
static int open_file(struct lineio_source *source)
{
	if (strcmp(source->name, "-") == 0) {
		source->fd = STDIN_FILENO;
		source->inherited = true;
		return 0;
	}
	source->fd = open(source->name,
			  O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return source->fd < 0 ? -1 : 0;
}

static int look_at(struct lineio_source *source)
{
	struct stat st;

	if (fstat(source->fd, &st) != 0)
		return -1;
	if (S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return -1;
	}
	source->dev = st.st_dev;
	source->ino = st.st_ino;
	source->regular = S_ISREG(st.st_mode);
	source->size = source->regular ? (uint64_t)st.st_size : 0;
	return 0;
}

int lineio_add_file(struct lineio *io, const char *name)
{
	struct lineio_source source = {.name = name, .fd = -1};
	int error;

	if (open_file(&source) == 0 && look_at(&source) == 0 &&
	    add(io, &source) == 0)
		return 0;
	error = errno;
	close_source(&source);
	errno = error;
	return -1;
}

int lineio_add_text(struct lineio *io, const char *name, const char *text)
{
	struct lineio_source source = {
		.name = name,
		.text = text,
		.fd = -1,
		.regular = true,
		.size = strlen(text),
	};

	return add(io, &source);
}

const char *lineio_name(const struct lineio *io, size_t source)
{
	return io->sources[source].name;
}

bool lineio_reads(const struct lineio *io, int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return false;
	for (size_t i = 0; i < io->count; i++)
		if (!io->sources[i].text && io->sources[i].dev == st.st_dev &&
		    io->sources[i].ino == st.st_ino)
			return true;
	return false;
}

uint64_t lineio_size(const struct lineio *io)
{
	uint64_t size = 0;

	for (size_t i = 0; i < io->count; i++) {
		if (!io->sources[i].regular)
			return 0;
		size += io->sources[i].size;
	}
	return size;
}

/* Lines out of the bytes that are there */

static bool is_whole(const struct lineio *io)
{
	return io->whole || io->sources[io->current].text;
}

static bool is_blank(const char *text, size_t len)
{
	while (len && (*text == ' ' || *text == '\t' || *text == '\r')) {
		text++;
		len--;
	}
	return !len;
}

/* Takes the first `len` bytes and the `more` behind them off the input. */
static struct lineio_line cut(struct lineio *io, size_t len, size_t more)
{
	struct lineio_line line = {
		.text = buf_bytes(&io->in),
		.len = len,
		.number = ++io->number,
		.source = io->current,
	};

	buf_consume(&io->in, len + more);
	io->scanned = 0;
	return line;
}

/* From here on `io` may have been closed by its user. */
static void give(struct lineio *io, struct lineio_line *line)
{
	if (!is_whole(io)) {
		if (line->len && line->text[line->len - 1] == '\r')
			line->len--;
		if (is_blank(line->text, line->len))
			return;
	}
	if (line->len > io->limit)
		io->events->too_long(io->user, line);
	else
		io->events->line(io->user, line);
}

static void skip_rest(struct lineio *io, const char *newline)
{
	size_t len = buf_len(&io->in);

	if (newline)
		len = (size_t)(newline - buf_bytes(&io->in)) + 1;
	io->skipping = !newline;
	buf_consume(&io->in, len);
	io->scanned = 0;
}

/* Gives out a line that is too long to wait for its end. */
static void give_up_on(struct lineio *io)
{
	struct lineio_line line = cut(io, buf_len(&io->in), 0);

	io->skipping = true;
	io->events->too_long(io->user, &line);
}

static char *find_newline(const struct lineio *io)
{
	size_t len = buf_len(&io->in);

	if (is_whole(io) || io->scanned == len)
		return NULL;
	return memchr(buf_bytes(&io->in) + io->scanned, '\n',
		      len - io->scanned);
}

/* False when there is no further line without more input. */
static bool give_next(struct lineio *io)
{
	char *newline = find_newline(io);

	if (io->skipping) {
		skip_rest(io, newline);
		return newline;
	}
	if (newline) {
		size_t len = (size_t)(newline - buf_bytes(&io->in));
		struct lineio_line line = cut(io, len, 1);

		give(io, &line);
		return true;
	}
	io->scanned = buf_len(&io->in);
	/* One more, as it may be the CR of the end. */
	if (io->scanned > io->limit && io->scanned - io->limit > 1)
		give_up_on(io);
	return false;
}

static void give_lines(struct lineio *io)
{
	while (!io->paused && give_next(io))
		;
}

/* The last line of a source, which has no newline; or all of it. */
static void give_last(struct lineio *io)
{
	struct lineio_line line;

	if (io->skipping || (!buf_len(&io->in) && !is_whole(io)))
		return;
	line = cut(io, buf_len(&io->in), 0);
	/* Not once more, when it is paused now and the turn comes again. */
	io->skipping = true;
	give(io, &line);
}

/* Reading */

static void source_failed(struct lineio *io, int error)
{
	buf_clear(&io->in, CHUNK);
	io->skipping = true;
	io->drained = true;
	io->events->failed(io->user, io->current, error);
}

static void fill(struct lineio *io)
{
	char *room = buf_reserve(&io->in, CHUNK);
	ssize_t n;

	if (!room) {
		source_failed(io, ENOMEM);
		return;
	}
	n = read(io->sources[io->current].fd, room, CHUNK);
	if (n > 0)
		buf_added(&io->in, (size_t)n);
	else if (n == 0)
		io->drained = true;
	else if (errno != EAGAIN && errno != EINTR)
		source_failed(io, errno);
}

/* Regular files and such can't be waited for: EPERM. */
static void begin_file(struct lineio *io, struct lineio_source *source)
{
	struct epoll_event event = {.events = EPOLLIN};

	if (epoll_ctl(io->epoll, EPOLL_CTL_ADD, source->fd, &event) == 0)
		io->pollable = true;
	else if (errno != EPERM)
		source_failed(io, errno);
}

static void begin_source(struct lineio *io)
{
	struct lineio_source *source = &io->sources[io->current];

	buf_clear(&io->in, 2 * CHUNK);
	io->number = io->scanned = 0;
	io->skipping = io->pollable = io->drained = false;
	io->begun = true;
	if (!source->text) {
		begin_file(io, source);
		return;
	}
	io->drained = true;
	buf_append(&io->in, source->text, (size_t)source->size);
	if (io->in.failed)
		source_failed(io, ENOMEM);
}

static void end_source(struct lineio *io)
{
	struct lineio_source *source = &io->sources[io->current];

	if (io->pollable)
		epoll_ctl(io->epoll, EPOLL_CTL_DEL, source->fd, NULL);
	close_source(source);
	io->begun = false;
	io->current++;
	if (io->current == io->count)
		io->events->end(io->user);
}

/* The loop */

static void on_idle(uv_idle_t *handle);
static void on_poll(uv_poll_t *handle, int status, int events);

/* Whether there is nothing to do before the current source is readable. */
static bool must_wait(const struct lineio *io)
{
	return io->begun && io->pollable && !io->drained;
}

/* libuv asks the kernel, also for what is so already. */
static void watch(struct lineio *io, bool wanted)
{
	if (wanted == (bool)uv_is_active((uv_handle_t *)&io->poll))
		return;
	if (wanted)
		uv_poll_start(&io->poll, UV_READABLE, on_poll);
	else
		uv_poll_stop(&io->poll);
}

static void arm(struct lineio *io, bool wait)
{
	bool stop = !io->started || io->paused || io->current == io->count;

	if (!io->handles)
		return;
	if (stop || wait)
		uv_idle_stop(&io->idle);
	else
		uv_idle_start(&io->idle, on_idle);
	watch(io, wait && !stop);
}

/* Reads at most one chunk, and gives all lines out. */
static void advance(struct lineio *io, bool readable)
{
	give_lines(io);
	if (!io->paused && !io->drained && readable) {
		fill(io);
		give_lines(io);
	}
	if (!io->paused && io->drained) {
		give_last(io);
		/* Where it was closed or paused, the rest comes later. */
		if (!io->paused)
			end_source(io);
	}
}

static void turn(struct lineio *io, bool readable)
{
	if (io->begun)
		advance(io, readable);
	else
		begin_source(io);
	if (io->started)
		io->events->idle(io->user);
	if (io->started)
		arm(io, must_wait(io));
}

static void on_idle(uv_idle_t *handle)
{
	struct lineio *io = handle->data;

	turn(io, !io->pollable);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
	(void)status;
	(void)events;
	turn(handle->data, true);
}

static int fail_start(struct lineio *io, int error)
{
	lineio_close(io);
	errno = error;
	return -1;
}

int lineio_start(struct lineio *io, struct loop *loop)
{
	int error;

	io->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (io->epoll < 0)
		return -1;
	error = uv_poll_init(&loop->uv, &io->poll, io->epoll);
	if (error)
		return fail_start(io, -error);
	uv_idle_init(&loop->uv, &io->idle);
	io->poll.data = io->idle.data = io;
	io->handles = true;
	io->started = true;
	arm(io, false);
	return 0;
}

void lineio_set_limit(struct lineio *io, size_t limit)
{
	io->limit = limit;
}

void lineio_pause(struct lineio *io, bool paused)
{
	if (io->paused == paused || !io->started)
		return;
	io->paused = paused;
	/* What was left in memory comes first, whatever the source. */
	arm(io, false);
}

void lineio_close(struct lineio *io)
{
	io->started = false;
	io->paused = true;
	if (io->handles) {
		uv_close((uv_handle_t *)&io->poll, NULL);
		uv_close((uv_handle_t *)&io->idle, NULL);
		io->handles = false;
	}
	if (io->epoll >= 0)
		close(io->epoll);
	io->epoll = -1;
	for (size_t i = 0; i < io->count; i++)
		close_source(&io->sources[i]);
	free(io->sources);
	io->sources = NULL;
	io->count = io->current = 0;
	buf_release(&io->in);
}

/* SPDX-License-Identifier: MIT */
#include "state.h"

#include "writeall.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file above this is none of ours: a hundred thousand tenants have 20 MB. */
#define FILE_MAX (64 << 20)

/* Reading */

static int read_all(int fd, struct buf *out)
{
	ssize_t n;

	do {
		char *at = buf_reserve(out, 1 << 16);

		if (!at) {
			errno = ENOMEM;
			return -1;
		}
		n = read(fd, at, 1 << 16);
		if (n > 0)
			buf_added(out, (size_t)n);
		if (buf_len(out) > FILE_MAX) {
			errno = EFBIG;
			return -1;
		}
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 ? -1 : 0;
}

static enum state_result failed(char why[STATE_WHY_MAX])
{
	snprintf(why, STATE_WHY_MAX, "%s", strerror(errno));
	return STATE_FAILED;
}

static enum state_result load(struct state *s, char why[STATE_WHY_MAX])
{
	enum state_result result = STATE_OK;
	const char *wrong;
	struct buf text;
	int fd = open(s->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? STATE_OK : failed(why);
	buf_init(&text);
	if (read_all(fd, &text) < 0) {
		result = failed(why);
	} else if (bookmarks_parse(&s->bookmarks,
				   buf_len(&text) ? buf_bytes(&text) : "",
				   buf_len(&text), &wrong) < 0) {
		snprintf(why, STATE_WHY_MAX, "%s", wrong);
		result = STATE_CORRUPT;
	}
	buf_release(&text);
	close(fd);
	return result;
}

/* Opening */

/* A pipe or a device has no content to come back to, and may never end. */
static enum state_result look(const char *path, char why[STATE_WHY_MAX])
{
	struct stat found;

	if (stat(path, &found) < 0)
		return errno == ENOENT ? STATE_OK : failed(why);
	if (S_ISREG(found.st_mode))
		return STATE_OK;
	snprintf(why, STATE_WHY_MAX, "it is not a regular file");
	return STATE_CORRUPT;
}

static char *with_suffix(const char *path, const char *suffix)
{
	char *whole;

	return asprintf(&whole, "%s%s", path, suffix) < 0 ? NULL : whole;
}

/* A symbolic link stays one: what it leads to is replaced. */
static char *follow(const char *path)
{
	char *real = realpath(path, NULL);

	return real ? real : strdup(path);
}

static enum state_result lock(struct state *s, char why[STATE_WHY_MAX])
{
	char *path = with_suffix(s->path, ".lock");

	if (!path)
		return failed(why);
	s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	free(path);
	if (s->lock < 0)
		return failed(why);
	if (flock(s->lock, LOCK_EX | LOCK_NB) == 0)
		return STATE_OK;
	if (errno != EWOULDBLOCK)
		return failed(why);
	snprintf(why, STATE_WHY_MAX, "another process is using it");
	return STATE_BUSY;
}

enum state_result state_open(struct state *s, const char *path,
			     char why[STATE_WHY_MAX])
{
	enum state_result result = STATE_FAILED;

	memset(s, 0, sizeof(*s));
	s->lock = -1;
	s->path = follow(path);
	s->temporary = s->path ? with_suffix(s->path, ".new") : NULL;
	if (s->temporary)
		result = look(s->path, why);
	else
		failed(why);
	if (result == STATE_OK)
		result = lock(s, why);
	if (result == STATE_OK)
		result = load(s, why);
	if (result != STATE_OK)
		state_release(s);
	return result;
}

int state_put(struct state *s, const char *url, const char *tenant,
	      const char *epoch, uint64_t seq)
{
	int n = bookmarks_put(&s->bookmarks, url, tenant, epoch, seq);

	if (n > 0)
		s->changed = true;
	return n < 0 ? -1 : 0;
}

/* Writing */

static int write_file(const char *path, const char *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	int result;
	int error;

	if (fd < 0)
		return -1;
	result = writeall(fd, bytes, len) < 0 || fsync(fd) < 0 ? -1 : 0;
	error = errno;
	if (close(fd) < 0 && result == 0)
		return -1;
	errno = error;
	return result;
}

/* So that the new name outlives a power failure too. */
static void sync_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;
	char *directory = slash ? strndup(path, n ? n : 1) : strdup(".");
	int fd;

	if (!directory)
		return;
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(directory);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

int state_save(struct state *s)
{
	struct buf text;
	int result = -1;

	if (!s->changed)
		return 0;
	buf_init(&text);
	bookmarks_write(&s->bookmarks, &text);
	if (text.failed)
		errno = ENOMEM;
	else if (write_file(s->temporary, buf_bytes(&text), buf_len(&text)) ==
		 0)
		result = rename(s->temporary, s->path);
	if (result == 0) {
		sync_directory(s->path);
		s->changed = false;
	}
	buf_release(&text);
	return result;
}

void state_release(struct state *s)
{
	if (s->lock >= 0)
		close(s->lock);
	s->lock = -1;
	free(s->path);
	free(s->temporary);
	s->path = s->temporary = NULL;
	bookmarks_release(&s->bookmarks);
}

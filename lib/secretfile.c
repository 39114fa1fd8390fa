/* SPDX-License-Identifier: MIT */
#include "secretfile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/vfs.h>
#include <unistd.h>

/* A newline may stand behind the secret. */
#define ROOM (SECRETFILE_MAX + 1)

__attribute__((format(printf, 2, 3))) static int refuse(char *why,
							const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, SECRETFILE_WHY_MAX, fmt, args);
	va_end(args);
	return -1;
}

int secretfile_private(const struct secretfile *f, char why[SECRETFILE_WHY_MAX])
{
	if (!(f->mode & S_IRWXO))
		return 0;
	return refuse(why, "others can %s it: its mode is %04o",
		      f->mode & S_IROTH ? "read" : "use", f->mode & 07777);
}

int secretfile_guarded(const struct secretfile *f, char why[SECRETFILE_WHY_MAX])
{
	if (!(f->mode & S_IWOTH))
		return 0;
	return refuse(why, "others can write it: its mode is %04o",
		      f->mode & 07777);
}

/* Reading */

/* All that there is, up to a byte more than may be; -1 with errno. */
static int read_all(struct secretfile *f, int fd)
{
	while (f->len <= f->max) {
		ssize_t n = read(fd, f->bytes + f->len, f->max + 1 - f->len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		f->len += (size_t)n;
	}
	return 0;
}

static int read_file(struct secretfile *f, int fd, char *why)
{
	f->bytes = calloc(1, f->max + 2);
	if (!f->bytes)
		return refuse(why, "%s", strerror(ENOMEM));
	if (read_all(f, fd) != 0)
		return refuse(why, "%s", strerror(errno));
	if (f->len > f->max)
		return refuse(why, "it is above %zu KiB", f->max / 1024);
	return 0;
}

/* Opening */

static bool is_unnamed_pipe(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == PIPEFS_MAGIC;
}

/* Whose it is: what has no name was handed to us by who has it. */
static int check_kind(int fd, const struct stat *st, char *why)
{
	if (S_ISDIR(st->st_mode))
		return refuse(why, "%s", strerror(EISDIR));
	if ((S_ISFIFO(st->st_mode) && is_unnamed_pipe(fd)) ||
	    (S_ISCHR(st->st_mode) && isatty(fd)))
		return 0;
	if (!S_ISREG(st->st_mode))
		return refuse(why, "it is no regular file");
	if (st->st_uid == 0 || st->st_uid == geteuid())
		return 0;
	return refuse(why, "it belongs to another user, of uid %u",
		      (unsigned)st->st_uid);
}

/* The open file is looked at, which nobody can exchange any more. */
static int examine(struct secretfile *f, int fd, bool private, char *why)
{
	int flags = fcntl(fd, F_GETFL);
	struct stat st;

	if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) != 0 ||
	    fstat(fd, &st) != 0)
		return refuse(why, "%s", strerror(errno));
	f->mode = st.st_mode;
	if (check_kind(fd, &st, why) != 0)
		return -1;
	return private ? secretfile_private(f, why) : 0;
}

static int open_file(struct secretfile *f, const char *path, size_t max,
		     bool private, char *why)
{
	/* Nonblocking, or a FIFO would be waited for. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int result;

	*f = (struct secretfile){.max = max};
	if (fd < 0)
		return refuse(why, "%s", strerror(errno));
	result = examine(f, fd, private, why);
	if (result == 0)
		result = read_file(f, fd, why);
	if (result != 0)
		secretfile_close(f);
	close(fd);
	return result;
}

int secretfile_open(struct secretfile *f, const char *path, size_t max,
		    char why[SECRETFILE_WHY_MAX])
{
	return open_file(f, path, max, false, why);
}

void secretfile_close(struct secretfile *f)
{
	if (f->bytes)
		explicit_bzero(f->bytes, f->len);
	free(f->bytes);
	f->bytes = NULL;
	f->len = 0;
}

/* One secret */

static int check_secret(struct secretfile *f, char *why)
{
	if (f->len && f->bytes[f->len - 1] == '\n')
		f->bytes[--f->len] = '\0';
	if (!f->len)
		return refuse(why, "it is empty");
	if (f->len > SECRETFILE_MAX)
		return refuse(why, "it is above %d KiB", SECRETFILE_MAX / 1024);
	if (strlen(f->bytes) != f->len)
		return refuse(why, "it has a NUL");
	return 0;
}

static char *take_secret(struct secretfile *f, char *why)
{
	if (check_secret(f, why) == 0)
		return f->bytes;
	secretfile_close(f);
	return NULL;
}

char *secretfile_read(const char *path, char why[SECRETFILE_WHY_MAX])
{
	struct secretfile f;

	if (open_file(&f, path, ROOM, true, why) != 0)
		return NULL;
	return take_secret(&f, why);
}

char *secretfile_read_fd(int fd, char why[SECRETFILE_WHY_MAX])
{
	struct secretfile f = {.max = ROOM};

	if (read_file(&f, fd, why) == 0)
		return take_secret(&f, why);
	secretfile_close(&f);
	return NULL;
}

void secretfile_free(char *secret)
{
	struct secretfile f = {.bytes = secret,
			       .len = secret ? strlen(secret) : 0};

	secretfile_close(&f);
}

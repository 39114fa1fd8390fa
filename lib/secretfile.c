/* SPDX-License-Identifier: MIT */
#include "secretfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

/* A newline may stand behind the secret, and it gets a NUL. */
#define ROOM (SECRETFILE_MAX + 2)

__attribute__((format(printf, 2, 3))) static int refuse(char *why,
							const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, SECRETFILE_WHY_MAX, fmt, args);
	va_end(args);
	return -1;
}

/* Looks at the open file, which nobody can exchange any more. */
static int check_mode(int fd, char *why)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return refuse(why, "%s", strerror(errno));
	if (!(st.st_mode & S_IRWXO))
		return 0;
	return refuse(why, "others can %s it: its mode is %04o",
		      st.st_mode & S_IROTH ? "read" : "use",
		      (unsigned)(st.st_mode & 07777));
}

/* All that there is, up to `room` bytes; -1 with errno. */
static ssize_t read_up_to(int fd, char *out, size_t room)
{
	size_t len = 0;

	while (len < room) {
		ssize_t n = read(fd, out + len, room - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

/* Into ROOM bytes that are zero. */
static int read_secret(int fd, char *secret, char *why)
{
	ssize_t len = read_up_to(fd, secret, ROOM);

	if (len < 0)
		return refuse(why, "%s", strerror(errno));
	if (len && secret[len - 1] == '\n')
		secret[--len] = '\0';
	if (!len)
		return refuse(why, "it is empty");
	if (len > SECRETFILE_MAX)
		return refuse(why, "it is above 64 KiB");
	if (strlen(secret) != (size_t)len)
		return refuse(why, "it has a NUL");
	return 0;
}

char *secretfile_read(const char *path, char why[SECRETFILE_WHY_MAX])
{
	char *secret = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0) {
		refuse(why, "%s", strerror(errno));
		return NULL;
	}
	if (check_mode(fd, why) != 0)
		goto out;
	secret = calloc(1, ROOM);
	if (!secret) {
		refuse(why, "%s", strerror(ENOMEM));
		goto out;
	}
	if (read_secret(fd, secret, why) != 0) {
		secretfile_free(secret);
		secret = NULL;
	}
out:
	close(fd);
	return secret;
}

void secretfile_free(char *secret)
{
	if (secret)
		explicit_bzero(secret, ROOM);
	free(secret);
}

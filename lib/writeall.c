/* SPDX-License-Identifier: MIT */
#include "writeall.h"

#include <errno.h>
#include <unistd.h>

int writeall(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

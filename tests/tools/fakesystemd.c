/* SPDX-License-Identifier: MIT */
/*
 * fakesystemd - what a service sees of its manager.
 *
 *   fakesystemd notify ADDRESS FILE
 *   fakesystemd listen SOCKET... -- COMMAND [ARGUMENT...]
 *
 * The first receives what services send to NOTIFY_SOCKET: ADDRESS is a path,
 * or "@name" in the abstract namespace. It prints "listening ADDRESS", and
 * appends each message to FILE, a line for each variable and a blank one
 * behind them.
 *
 * The second hands sockets to a command as sd_listen_fds(3) says, from
 * descriptor 3 on, and becomes that command. A SOCKET is 127.0.0.1:PORT,
 * 0.0.0.0:PORT, unix:PATH, or one that cannot be used: deaf (does not listen),
 * connected, udp, file, closed. With LISTEN_PID or LISTEN_FDS in the
 * environment these are what the command is told.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST 3
#define SOCKETS_MAX 16

static void die(const char *what)
{
	fprintf(stderr, "fakesystemd: %s: %s\n", what, strerror(errno));
	exit(1);
}

static socklen_t unix_address(struct sockaddr_un *a, const char *text)
{
	size_t len = strlen(text);

	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	if (len >= sizeof(a->sun_path))
		die(text);
	memcpy(a->sun_path, text, len);
	if (*text == '@')
		a->sun_path[0] = '\0';
	else
		len++;
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

static void receive(int fd, FILE *out)
{
	char message[4096];
	ssize_t n;

	while ((n = recv(fd, message, sizeof(message), 0)) >= 0) {
		fwrite(message, 1, (size_t)n, out);
		fputs(n && message[n - 1] == '\n' ? "\n" : "\n\n", out);
		fflush(out);
	}
}

static int notify(const char *address, const char *path)
{
	struct sockaddr_un a;
	socklen_t len = unix_address(&a, address);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	FILE *out = fopen(path, "a");

	if (fd < 0 || bind(fd, (const struct sockaddr *)&a, len) < 0)
		die(address);
	if (!out)
		die(path);
	printf("listening %s\n", address);
	fflush(stdout);
	receive(fd, out);
	return 1;
}

static int open_unix(const char *path)
{
	struct sockaddr_un a;
	socklen_t len = unix_address(&a, path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (bind(fd, (const struct sockaddr *)&a, len) < 0 || listen(fd, 1) < 0)
		die(path);
	return fd;
}

static int open_ip(const char *text)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char host[32];
	int port;

	if (sscanf(text, "%31[0-9.]:%d", host, &port) != 2 ||
	    inet_pton(AF_INET, host, &a.sin_addr) != 1)
		die(text);
	a.sin_port = htons((uint16_t)port);
	if (bind(fd, (const struct sockaddr *)&a, sizeof(a)) < 0 ||
	    listen(fd, 8) < 0)
		die(text);
	return fd;
}

static int open_socket(const char *text)
{
	int pair[2];

	if (strcmp(text, "deaf") == 0)
		return socket(AF_INET, SOCK_STREAM, 0);
	if (strcmp(text, "udp") == 0)
		return socket(AF_INET, SOCK_DGRAM, 0);
	if (strcmp(text, "connected") == 0)
		return socketpair(AF_UNIX, SOCK_STREAM, 0, pair) ? -1 : pair[0];
	if (strcmp(text, "file") == 0)
		return open("/dev/null", O_RDWR);
	if (strncmp(text, "unix:", 5) == 0)
		return open_unix(text + 5);
	return open_ip(text);
}

static void set_number(const char *name, int value)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", value);
	setenv(name, text, 0);
}

static int hand_over(char **words)
{
	int fds[SOCKETS_MAX], count = 0;

	for (; *words && strcmp(*words, "--") != 0; words++) {
		int fd = strcmp(*words, "closed") ? open_socket(*words) : -1;

		if (count == SOCKETS_MAX ||
		    (fd < 0 && strcmp(*words, "closed")))
			die(*words);
		/* Out of the way of the numbers that they are to have. */
		fds[count++] = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 100);
		close(fd);
	}
	for (int i = 0; i < count; i++) {
		close(FIRST + i);
		if (fds[i] >= 0)
			dup2(fds[i], FIRST + i);
	}
	set_number("LISTEN_FDS", count);
	set_number("LISTEN_PID", (int)getpid());
	setenv("LISTEN_FDNAMES", "any", 1);
	if (*words)
		execv(words[1], words + 1);
	die("no command");
	return 1;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "notify") == 0)
		return notify(argv[2], argv[3]);
	if (argc > 3 && strcmp(argv[1], "listen") == 0)
		return hand_over(argv + 2);
	fputs("fakesystemd: see its source for how it is used\n", stderr);
	return 2;
}

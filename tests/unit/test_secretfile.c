/* SPDX-License-Identifier: MIT */
/* What secretfile promises: the secret of a file, or why it is refused. */
#include "secretfile.h"
#include "tap.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A file in memory; its path is `path` while it is open. */
static int make_file(char path[40], const void *bytes, size_t len, mode_t mode)
{
	int fd = memfd_create("secret", MFD_CLOEXEC);

	snprintf(path, 40, "/proc/self/fd/%d", fd);
	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len ||
	    fchmod(fd, mode) != 0)
		abort();
	return fd;
}

/* Whether these bytes are read as `want`; NULL: refused because of `reason`. */
static bool reads(const void *bytes, size_t len, mode_t mode, const char *want,
		  const char *reason)
{
	char why[SECRETFILE_WHY_MAX] = "";
	char path[40];
	int fd = make_file(path, bytes, len, mode);
	char *secret = secretfile_read(path, why);
	bool same = want ? secret && strcmp(secret, want) == 0
			 : !secret && strcmp(why, reason) == 0;

	if (!same)
		printf("# \"%s\", %s\n", secret ? secret : "", why);
	secretfile_free(secret);
	close(fd);
	return same;
}

static bool holds(const char *text, const char *want)
{
	return reads(text, strlen(text), 0600, want, NULL);
}

static bool refuses(const char *bytes, size_t len, const char *why)
{
	return reads(bytes, len, 0600, NULL, why);
}

static bool with_mode(mode_t mode)
{
	return reads("secret\n", 7, mode, "secret", NULL);
}

static bool refuses_mode(mode_t mode, const char *why)
{
	return reads("secret\n", 7, mode, NULL, why);
}

static void contents(void)
{
	ok(holds("secret", "secret"), "all of the file");
	ok(holds("secret\n", "secret"), "without the newline at its end");
	ok(holds("secret\n\n", "secret\n"), "but no more than one");
	ok(holds(" a b\t\r\n", " a b\t\r"), "blanks are part of it");
	ok(holds("\xff\x01", "\xff\x01"), "and so is any other byte");
	ok(refuses("", 0, "it is empty"), "an empty file");
	ok(refuses("\n", 1, "it is empty"), "a newline alone");
	ok(refuses("a\0b", 3, "it has a NUL"), "a NUL within");
	ok(refuses("a\0\n", 3, "it has a NUL"), "a NUL at the end");
	ok(refuses("\0", 1, "it has a NUL"), "a NUL alone");
}

static void modes(void)
{
	ok(with_mode(0600) && with_mode(0400), "its owner may read it");
	ok(with_mode(0440) && with_mode(0660), "and its group");
	ok(refuses_mode(0644, "others can read it: its mode is 0644"),
	   "others may not");
	ok(refuses_mode(0604, "others can read it: its mode is 0604"),
	   "others that are not in the group");
	ok(refuses_mode(0602, "others can use it: its mode is 0602"),
	   "others may not write it either");
}

static void sizes(void)
{
	static char bytes[SECRETFILE_MAX + 3];
	static char want[SECRETFILE_MAX + 1];

	memset(bytes, 'x', sizeof(bytes));
	memset(want, 'x', SECRETFILE_MAX);
	ok(reads(bytes, SECRETFILE_MAX, 0600, want, NULL), "64 KiB");
	ok(refuses(bytes, SECRETFILE_MAX + 1, "it is above 64 KiB"),
	   "a byte more");
	ok(refuses(bytes, sizeof(bytes), "it is above 64 KiB"), "much more");
	bytes[SECRETFILE_MAX] = '\n';
	ok(reads(bytes, SECRETFILE_MAX + 1, 0600, want, NULL),
	   "64 KiB and a newline");
	ok(refuses(bytes, SECRETFILE_MAX + 2, "it is above 64 KiB"),
	   "and something behind that");
}

static bool says(const char *path, const char *want)
{
	char why[SECRETFILE_WHY_MAX] = "";

	return !secretfile_read(path, why) && strcmp(why, want) == 0;
}

static bool reads_a_pipe(void)
{
	char why[SECRETFILE_WHY_MAX];
	char path[40];
	char *secret;
	int fds[2];
	bool same;

	if (pipe(fds) != 0 || write(fds[1], "from a pipe\n", 12) != 12)
		return false;
	close(fds[1]);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[0]);
	secret = secretfile_read(path, why);
	same = secret && strcmp(secret, "from a pipe") == 0;
	secretfile_free(secret);
	close(fds[0]);
	return same;
}

/* Whether a process waits for something: its state is 'S', proc(5). */
static bool waits(pid_t pid)
{
	char text[100] = "";
	const char *name_end;
	FILE *f;

	snprintf(text, sizeof(text), "/proc/%d/stat", (int)pid);
	f = fopen(text, "re");
	if (!f)
		return true;
	name_end = fgets(text, sizeof(text), f) ? strrchr(text, ')') : NULL;
	fclose(f);
	return !name_end || name_end[2] == 'S';
}

/* Opened while it is empty; written to only when it is waited for. */
static bool reads_a_slow_pipe(void)
{
	char why[SECRETFILE_WHY_MAX];
	char path[40];
	char *secret;
	int fds[2];
	bool same;
	pid_t pid;

	if (pipe(fds) != 0)
		return false;
	pid = fork();
	if (pid == 0) {
		while (!waits(getppid()))
			sched_yield();
		_exit(write(fds[1], "late", 4) != 4);
	}
	close(fds[1]);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[0]);
	secret = secretfile_read(path, why);
	same = secret && strcmp(secret, "late") == 0;
	secretfile_free(secret);
	close(fds[0]);
	return waitpid(pid, NULL, 0) == pid && same;
}

static bool refuses_a_fifo(void)
{
	char why[SECRETFILE_WHY_MAX] = "";
	char dir[] = "/tmp/secretfile.XXXXXX";
	char path[40];
	char *secret;

	if (!mkdtemp(dir))
		return false;
	snprintf(path, sizeof(path), "%s/fifo", dir);
	if (mkfifo(path, 0600) != 0)
		return false;
	secret = secretfile_read(path, why);
	unlink(path);
	rmdir(dir);
	return !secret && strcmp(why, "it is no regular file") == 0;
}

/* Only root can make one. */
static bool refuses_anothers(void)
{
	char why[SECRETFILE_WHY_MAX] = "";
	char path[40];
	int fd = make_file(path, "secret", 6, 0600);
	struct secretfile f;
	bool refused;

	if (fchown(fd, 12345, (gid_t)-1) != 0) {
		close(fd);
		return geteuid() != 0;
	}
	refused = !secretfile_read(path, why) &&
		  !strcmp(why, "it belongs to another user, of uid 12345") &&
		  secretfile_open(&f, path, 100, why) != 0;
	close(fd);
	return refused;
}

/* Of a descriptor the mode is not looked at. */
static bool reads_a_descriptor(void)
{
	char why[SECRETFILE_WHY_MAX];
	char path[40];
	int fd = make_file(path, "secret\n", 7, 0666);
	char *secret;
	bool same;

	lseek(fd, 0, SEEK_SET);
	secret = secretfile_read_fd(fd, why);
	same = secret && strcmp(secret, "secret") == 0;
	secretfile_free(secret);
	same &= !secretfile_read_fd(fd, why) && !strcmp(why, "it is empty");
	close(fd);
	return same && !secretfile_read_fd(fd, why) &&
	       !strcmp(why, "Bad file descriptor");
}

/* Of a file for keys or tokens all bytes, and who may do what with it. */
static bool opens(mode_t mode, bool private, bool guarded)
{
	char why[SECRETFILE_WHY_MAX];
	struct secretfile f;
	char path[40];
	int fd = make_file(path, "a\0b\n", 4, mode);
	bool same = secretfile_open(&f, path, 4, why) == 0;

	close(fd);
	same &= f.len == 4 && memcmp(f.bytes, "a\0b\n", 5) == 0 &&
		(secretfile_private(&f, why) == 0) == private &&
		(secretfile_guarded(&f, why) == 0) == guarded;
	secretfile_close(&f);
	return same;
}

static bool opens_no_more(void)
{
	char why[SECRETFILE_WHY_MAX];
	struct secretfile f;
	char path[40];
	char bytes[1025] = {0};
	int fd = make_file(path, bytes, sizeof(bytes), 0600);
	int result = secretfile_open(&f, path, 1024, why);

	close(fd);
	return result != 0 && !f.bytes && !strcmp(why, "it is above 1 KiB");
}

static bool says_no_memory(void)
{
	char why[SECRETFILE_WHY_MAX] = "";
	char path[40];
	int fd = make_file(path, "secret", 6, 0600);
	char *secret;

	oom_after(1);
	secret = secretfile_read(path, why);
	oom_off();
	close(fd);
	return !secret && strcmp(why, "Cannot allocate memory") == 0;
}

static void files(void)
{
	char dir[] = "/tmp/secretfile.XXXXXX";

	ok(says("/nowhere/secret", "No such file or directory"),
	   "a file that is not there");
	ok(mkdtemp(dir) && says(dir, "Is a directory"), "a directory");
	rmdir(dir);
	ok(says("/dev/zero", "it is no regular file"), "an endless file");
	ok(refuses_a_fifo(), "a FIFO, without waiting for it");
	ok(refuses_anothers(), "a file of somebody else");
	ok(reads_a_pipe(), "a pipe");
	ok(reads_a_slow_pipe(), "a pipe that has nothing yet");
	ok(reads_a_descriptor(), "a descriptor, whatever its mode");
	ok(opens(0640, true, true) && opens(0644, false, true) &&
		   opens(0646, false, false),
	   "a file as it is: all its bytes, and who may read or write it");
	ok(opens_no_more(), "up to a limit");
	ok(says_no_memory(), "no memory");
	secretfile_free(NULL);
}

int main(void)
{
	contents();
	modes();
	sizes();
	files();
	return tap_end();
}

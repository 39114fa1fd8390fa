/* SPDX-License-Identifier: MIT */
/*
 * What secrecy promises: no core, nobody looks, and what a server reads of
 * itself is still there, also for a user who is not root.
 */
#include "procstat.h"
#include "secrecy.h"
#include "tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

/* How a child ended that is nobody, may dump core, and then runs `body`. */
static int child(int (*body)(void))
{
	struct rlimit limit;
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		if (geteuid() == 0 &&
		    (setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
			_exit(100);
		getrlimit(RLIMIT_CORE, &limit);
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_CORE, &limit);
		prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
		_exit(body());
	}
	waitpid(pid, &status, 0);
	return status;
}

static int says_no(void)
{
	struct rlimit limit;

	secrecy_begin();
	getrlimit(RLIMIT_CORE, &limit);
	return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0 || limit.rlim_cur ||
	       limit.rlim_max;
}

static int aborts(void)
{
	abort();
}

static int aborts_in_secret(void)
{
	secrecy_begin();
	abort();
}

/* What a server tells of itself, and /dev/stdin. */
static int reads_itself(void)
{
	struct procstat stat;
	uint64_t before = procstat_descriptors();
	int fds[2];

	secrecy_begin();
	if (pipe(fds) != 0 || procstat_read(&stat, getpid()) != 0 ||
	    stat.rss == 0)
		return 1;
	if (procstat_descriptors() != before + 2)
		return 2;
	dup2(fds[0], STDIN_FILENO);
	return open("/dev/stdin", O_RDONLY) < 0 ? 3 : 0;
}

/* Whether a process of the same user gets at the memory of another. */
static int looks(bool secret)
{
	char path[40];
	int ready[2], ended, fd;
	pid_t pid;
	char c;

	if (pipe(ready) != 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		if (secret)
			secrecy_begin();
		(void)!write(ready[1], "", 1);
		pause();
		_exit(0);
	}
	(void)!read(ready[0], &c, 1);
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	fd = open(path, O_RDONLY);
	kill(pid, SIGKILL);
	waitpid(pid, &ended, 0);
	return fd >= 0;
}

static int looks_at_others(void)
{
	return looks(true) ? 1 : !looks(false) ? 2 : 0;
}

/* With the core that is in it. */
static void remove_all(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(path);
}

int main(void)
{
	char dir[] = "/tmp/secrecy.XXXXXX";
	int plain, secret, others;

	ok(child(says_no) == 0, "no core, and not dumpable");
	if (!mkdtemp(dir) || chmod(dir, 0777) != 0 || chdir(dir) != 0)
		return 1;
	plain = child(aborts);
	printf("# without it %s core is dumped here\n",
	       WCOREDUMP(plain) ? "a" : "no");
	secret = child(aborts_in_secret);
	ok(WIFSIGNALED(plain) && WIFSIGNALED(secret) && !WCOREDUMP(secret),
	   "who aborts leaves no core");
	ok(child(reads_itself) == 0, "a process still sees itself");
	others = WEXITSTATUS(child(looks_at_others));
	if (others == 2)
		printf("# here nobody sees the memory of another anyway\n");
	ok(others != 1, "but no other process does");
	remove_all(dir);
	return tap_end();
}

/* SPDX-License-Identifier: MIT */
#include "procstat.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#define DESCRIPTORS "/proc/self/fd"

/* The same account as in /proc/PID/stat, but in ns in place of 10 ms. */
static int read_cpu(struct procstat *stat, pid_t pid)
{
	struct timespec ts;
	clockid_t clock;
	int error = clock_getcpuclockid(pid, &clock);

	if (error) {
		errno = error;
		return -1;
	}
	if (clock_gettime(clock, &ts) != 0)
		return -1;
	stat->cpu_ns = (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
	return 0;
}

/* See proc_pid_status(5). */
static int read_rss(struct procstat *stat, pid_t pid)
{
	unsigned long kib = 0;
	char line[128];
	FILE *f;

	snprintf(line, sizeof(line), "/proc/%ld/status", (long)pid);
	f = fopen(line, "re");
	if (!f) {
		errno = errno == ENOENT ? ESRCH : errno;
		return -1;
	}
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "VmRSS: %lu kB", &kib) == 1)
			break;
	fclose(f);
	stat->rss = (uint64_t)kib * 1024;
	return 0;
}

int procstat_read(struct procstat *stat, pid_t pid)
{
	if (read_cpu(stat, pid) != 0)
		return -1;
	return read_rss(stat, pid);
}

/* Takes 1 us for each of them: 10 ms with 9000 connections. */
static uint64_t count_descriptors(void)
{
	DIR *dir = opendir(DESCRIPTORS);
	const struct dirent *entry;
	uint64_t count = 0;

	if (!dir)
		return 0;
	while ((entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count ? count - 1 : 0; /* that of the directory */
}

/* Since Linux 6.2 the size of the directory says it. */
uint64_t procstat_descriptors(void)
{
	struct stat st;

	if (stat(DESCRIPTORS, &st) == 0 && st.st_size > 0)
		return (uint64_t)st.st_size;
	return count_descriptors();
}

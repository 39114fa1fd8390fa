/* SPDX-License-Identifier: MIT */
/*
 * procstat - what a process has used so far: processor time of all its
 * threads, and resident memory; and the descriptors of this one.
 */
#ifndef PROCSTAT_H
#define PROCSTAT_H

#include <stdint.h>
#include <sys/types.h>

struct procstat {
	uint64_t cpu_ns; /* user and system, all threads, ended ones too */
	uint64_t rss;	 /* bytes */
};

/* 0, or -1 with errno (ESRCH: there is no such process). */
int procstat_read(struct procstat *stat, pid_t pid);

/* Open descriptors of this process; 0 where /proc is not there. */
uint64_t procstat_descriptors(void);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * waitset - descriptors that are waited for by an epoll(7) of our own, which is
 * one descriptor of the loop: watching one takes a single call then, where
 * libuv takes seven, and no memory.
 *
 * Whoever is waited for has a struct waiter, which must stay for as long as the
 * call of `happened` lasts in which it ends.
 */
#ifndef WAITSET_H
#define WAITSET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <uv.h>

/* Zeroed: is not waited for. */
struct waiter {
	uint32_t events; /* of epoll, that it is watched for; 0: none */
	bool watched;	 /* the epoll knows it */
};

struct waitset {
	int epoll;
	uv_poll_t poll; /* of that */
	/* What of epoll has come; something it waits for, or an error. */
	void (*happened)(struct waiter *w, uint32_t events);
};

/* 0, or -1 with errno. */
int waitset_init(struct waitset *set, uv_loop_t *loop,
		 void (*happened)(struct waiter *w, uint32_t events));

/* The loop must run once more. */
void waitset_close(struct waitset *set);

/*
 * From now on `fd`, of this waiter, is watched for these events, or for none;
 * with EPOLLONESHOT for none once one has come. 0, or -1 with errno.
 */
int waitset_watch(struct waitset *set, struct waiter *w, int fd,
		  uint32_t events);

#endif

/* SPDX-License-Identifier: MIT */
#include "loop.h"

#include "lwslog.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

/*
 * The limit of descriptors is raised to no more than this, but stays where it
 * is higher: on each close lws 4.1 looks through as many entries (10 us for
 * 20 000), and it takes more than ten million for a mistake.
 */
#define DESCRIPTORS_RAISED (1 << 16)
#define DESCRIPTORS_MAX (1 << 20)

/* Those that are not lws's. */
#define OWN_OPTIONS (LOOP_PATIENT | LOOP_SERVER)

/* Longer than any of our own limits. */
#define PATIENT_SECS 86400

/* Closing a handle takes two turns; more are for what nobody can cancel. */
#define LAST_TURNS 100

static const int caught_signals[LOOP_SIGNALS] = {SIGINT, SIGTERM, SIGHUP};

static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	if (limit.rlim_cur < DESCRIPTORS_RAISED)
		limit.rlim_cur = limit.rlim_max < DESCRIPTORS_RAISED
					 ? limit.rlim_max
					 : DESCRIPTORS_RAISED;
	if (limit.rlim_cur > DESCRIPTORS_MAX)
		limit.rlim_cur = DESCRIPTORS_MAX;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/*
 * A program that was started with one of these closed would write its output
 * into whatever gets that number next. Opened so that using it is an error.
 */
static void keep_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null",
			     fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

/* 0, or an error of libuv. */
static int init_uv(struct loop *loop)
{
	int error;

	if (lwsmemory_init(&loop->memory) < 0)
		return UV_ENOMEM;
	error = uv_loop_init(&loop->uv);
	if (error)
		lwsmemory_release(&loop->memory);
	return error;
}

static int close_uv(struct loop *loop)
{
	lwsmemory_release(&loop->memory);
	return uv_loop_close(&loop->uv) == 0 ? 0 : -1;
}

static void free_handle(uv_handle_t *handle)
{
	free(handle);
}

static void on_nothing(uv_poll_t *poll, int status, int events)
{
	(void)poll;
	(void)status;
	(void)events;
}

/*
 * libuv has a table of descriptors that it watches, and ends the program when
 * there is no memory to enlarge it. So it is enlarged now, for as many as there
 * can be (lws has two such tables): by watching one with a number that high.
 */
static void enlarge_table(struct loop *loop)
{
	struct rlimit limit;
	uv_poll_t *poll = malloc(sizeof(*poll));
	int fd = eventfd(0, EFD_CLOEXEC), high = -1;

	/* Its size is two less than a power of two, which the limit may be. */
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		high = fcntl(fd, F_DUPFD_CLOEXEC, limit.rlim_cur - 3);
	if (poll && high >= 0 && uv_poll_init(&loop->uv, poll, high) == 0) {
		uv_poll_start(poll, UV_READABLE, on_nothing);
		uv_close((uv_handle_t *)poll, free_handle);
	} else {
		free(poll);
	}
	close(high);
	close(fd);
}

static int init(struct loop *loop, struct log *log,
		const struct lws_protocols *protocols, uint64_t options,
		SSL_CTX *tls, void *user)
{
	static const lws_retry_bo_t no_pings_of_lws = {0};
	void *foreign = &loop->uv;
	struct lws_context_creation_info info = {
		.port = options & LOOP_SERVER ? CONTEXT_PORT_NO_LISTEN_SERVER
					      : CONTEXT_PORT_NO_LISTEN,
		.protocols = protocols,
		.options = LWS_SERVER_OPTION_LIBUV | (options & ~OWN_OPTIONS),
		.timeout_secs = options & LOOP_PATIENT ? PATIENT_SECS : 0,
		.foreign_loops = &foreign,
		.pt_serv_buf_size = LOOP_READ_MAX,
		.retry_and_idle_policy = &no_pings_of_lws,
		.provided_client_ssl_ctx = tls,
		.user = user,
		.gid = (gid_t)-1,
		.uid = (uid_t)-1,
	};
	int error;

	memset(loop, 0, sizeof(*loop));
	signal(SIGPIPE, SIG_IGN);
	keep_standard_descriptors();
	lwslog_use(log, false);
	raise_descriptors();
	error = init_uv(loop);
	if (error) {
		log_event(log, LOG_FAILED, NULL,
			  "cannot make an event loop: %s", uv_strerror(error));
		return -1;
	}
	loop->lws = lws_create_context(&info);
	if (loop->lws) {
		if (options & LOOP_SERVER)
			enlarge_table(loop);
		return 0;
	}
	log_event(log, LOG_FAILED, NULL,
		  "cannot start libwebsockets; is its libuv plugin installed? "
		  "(Debian: apt-get install libwebsockets-evlib-uv)");
	close_uv(loop);
	return -1;
}

int loop_init(struct loop *loop, struct log *log,
	      const struct lws_protocols *protocols, uint64_t options,
	      void *user)
{
	return init(loop, log, protocols, options, NULL, user);
}

int loop_init_client(struct loop *loop, struct log *log,
		     const struct lws_protocols *protocols, SSL_CTX *tls)
{
	uint64_t options = tls ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0;

	return init(loop, log, protocols, LOOP_PATIENT | options, tls, NULL);
}

/* Signals */

static void signal_came(uv_signal_t *handle, int signum)
{
	struct loop *loop = handle->data;

	loop->on_signal(loop->signal_user, signum);
}

static bool is_ignored(int signum)
{
	struct sigaction now;

	return sigaction(signum, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

int loop_catch_signals(struct loop *loop,
		       void (*on_signal)(void *user, int signum), void *user)
{
	loop->on_signal = on_signal;
	loop->signal_user = user;
	for (int i = 0; i < LOOP_SIGNALS; i++) {
		uv_signal_t *handle = &loop->signals[loop->caught];
		int error;

		if (is_ignored(caught_signals[i]))
			continue;
		error = uv_signal_init(&loop->uv, handle);
		if (!error) {
			handle->data = loop;
			loop->caught++;
			error = uv_signal_start(handle, signal_came,
						caught_signals[i]);
		}
		if (error) {
			errno = -error;
			return -1;
		}
		/* Waiting for a signal alone is nothing to wait for. */
		uv_unref((uv_handle_t *)handle);
	}
	return 0;
}

void loop_release_signals(struct loop *loop)
{
	while (loop->caught)
		uv_close((uv_handle_t *)&loop->signals[--loop->caught], NULL);
}

/* Running and ending */

int loop_reserve(struct loop *loop)
{
	return lwsmemory_fill(&loop->memory);
}

void loop_run(struct loop *loop)
{
	uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *loop)
{
	uv_stop(&loop->uv);
}

static void run_out(struct loop *loop)
{
	for (int turn = 0; turn < LAST_TURNS; turn++)
		if (!uv_run(&loop->uv, UV_RUN_NOWAIT))
			break;
}

/*
 * When connect(2) fails at once, lws 4.1 forgets the watcher that it had
 * allocated for the socket; it is stopped, but still in the loop.
 */
static void close_forgotten(uv_handle_t *handle, void *arg)
{
	(void)arg;
	if (handle->type == UV_POLL && !uv_is_closing(handle))
		uv_close(handle, free_handle);
}

int loop_release(struct loop *loop)
{
	loop_release_signals(loop);
	/* The first call closes, the second one frees: lws on a foreign loop */
	lws_context_destroy(loop->lws);
	run_out(loop);
	lws_context_destroy(loop->lws);
	uv_walk(&loop->uv, close_forgotten, NULL);
	run_out(loop);
	return close_uv(loop);
}

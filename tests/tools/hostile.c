/* SPDX-License-Identifier: MIT */
/*
 * hostile - a peer that means harm, for tests of what a server endures.
 *
 *   hostile [-k] [-n PEERS] [-c COUNT] [-t SECONDS] [-i MS] [-b BYTES]
 *           [-s SEED] URL SCRIPT
 *
 * Plays a script on PEERS connections to ws://127.0.0.1:PORT/ws or
 * ws+unix:PATH:/ws at the same time; without arguments it lists the scripts.
 * What the server ends begins anew. It stops after SECONDS (10), when it has
 * done COUNT of what its script counts (with -k it stays connected then), or at
 * SIGTERM. The line "ready" says that each connection has begun, the last line
 * what was done. MS is the time between two acts of a connection, between its
 * end and the next beginning too. BYTES (1 MiB) is how long messages are that
 * are to be large. Exits 1 when it cannot connect.
 */
#include "hostile.h"

#include "clock.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define SECONDS_MAX 600
#define PEERS_MAX 10000
#define OPENED_MAX 200000 /* then what ends stays ended */
#define LOOK_MS 20	  /* at the clock, at least so often */

struct hostile {
	const char *url;
	const struct script *script;
	struct peer *peers;
	struct pollfd *polls;
	unsigned count; /* peers */
	uint32_t noise;
	uint64_t interval_ms;
	uint64_t end_ms; /* time of the clock */
	uint64_t max;	 /* of what the script counts; 0: no limit */
	uint64_t did;
	uint64_t opened;
	uint64_t ended; /* by the server */
	uint64_t sent;	/* bytes */
	uint64_t received;
	size_t large; /* bytes */
	bool keeps;   /* its connections, when all is done */
	bool said_ready;
};

static volatile sig_atomic_t stopped;

static void on_signal(int signum)
{
	(void)signum;
	stopped = 1;
}

void hostile_did(struct hostile *h, uint64_t n)
{
	h->did += n;
}

unsigned hostile_dice(struct hostile *h, unsigned sides)
{
	h->noise ^= h->noise << 13;
	h->noise ^= h->noise >> 17;
	h->noise ^= h->noise << 5;
	return h->noise % sides;
}

size_t hostile_large(const struct hostile *h)
{
	return h->large;
}

static bool all_done(const struct hostile *h)
{
	return h->max && h->did >= h->max;
}

static void die(const char *what)
{
	fprintf(stderr, "hostile: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* --- A connection ------------------------------------------------------ */

static void hang_up(struct peer *p)
{
	struct linger at_once = {1, 0};

	setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(p->fd);
	p->fd = -1;
	buf_clear(&p->out, 0);
}

static void ended(struct hostile *h, struct peer *p, uint64_t now)
{
	h->ended++;
	hang_up(p);
	p->tried = true;
	p->due_ms = now + h->interval_ms;
}

static void begin(struct hostile *h, struct peer *p, uint64_t now)
{
	char request[WIRE_REQUEST_MAX];

	if (h->opened >= OPENED_MAX)
		return;
	p->fd = wire_dial(h->url, h->script->deaf ? 65536 : 0);
	if (p->fd < 0 && stopped)
		return;
	if (p->fd < 0)
		die("cannot connect");
	h->opened++;
	p->acts = 0;
	p->due_ms = now;
	p->next = ACT;
	p->open = !h->script->protocol;
	if (!p->open)
		buf_append(&p->out, request,
			   wire_request(request, h->script->protocol));
}

/* The answer to a handshake comes in one piece, or is none. */
static void receive(struct hostile *h, struct peer *p, uint64_t now)
{
	static char bytes[1 << 16];
	ssize_t n = recv(p->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		h->received += (uint64_t)n;
	if (n <= 0)
		ended(h, p, now);
	else if (!p->open && n > 12 && memcmp(bytes, "HTTP/1.1 101", 12) == 0)
		p->open = true;
	else if (!p->open)
		ended(h, p, now);
}

static void transmit(struct hostile *h, struct peer *p, uint64_t now)
{
	ssize_t n = send(p->fd, buf_bytes(&p->out), buf_len(&p->out),
			 MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		ended(h, p, now);
		return;
	}
	h->sent += (uint64_t)n;
	buf_consume(&p->out, (size_t)n);
}

static bool may_act(const struct hostile *h, const struct peer *p, uint64_t now)
{
	return p->open && p->next == ACT && buf_len(&p->out) == 0 &&
	       now >= p->due_ms && !all_done(h);
}

static void act(struct hostile *h, struct peer *p, uint64_t now)
{
	p->next = h->script->act(h, p);
	p->acts++;
	p->tried = true;
	p->due_ms = now + h->interval_ms;
}

static void look_after(struct hostile *h, struct peer *p, short events,
		       uint64_t now)
{
	if (p->fd < 0) {
		if (now < p->due_ms || all_done(h))
			return;
		begin(h, p, now);
		if (p->fd >= 0 && buf_len(&p->out))
			transmit(h, p, now);
		return;
	}
	if (events & POLLIN)
		receive(h, p, now);
	else if (events & (POLLRDHUP | POLLHUP | POLLERR))
		ended(h, p, now);
	if (p->fd >= 0 && may_act(h, p, now))
		act(h, p, now);
	if (p->fd >= 0 && buf_len(&p->out))
		transmit(h, p, now);
	if (p->fd >= 0 && p->next == RESET && buf_len(&p->out) == 0) {
		hang_up(p);
		p->due_ms = now + h->interval_ms;
	}
}

/* --- All of them ------------------------------------------------------- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* What to wait for; returns for how long. */
static int prepare(struct hostile *h, uint64_t now)
{
	uint64_t until = now + LOOK_MS;

	for (unsigned i = 0; i < h->count; i++) {
		struct peer *p = &h->peers[i];
		struct pollfd *poll = &h->polls[i];

		poll->fd = p->fd;
		poll->events = POLLRDHUP;
		if (!p->open || !h->script->deaf)
			poll->events |= POLLIN;
		if (buf_len(&p->out))
			poll->events |= POLLOUT;
		else if (p->fd < 0 || (p->open && p->next == ACT))
			until = earlier(until, p->due_ms);
	}
	return until > now ? (int)(until - now) : 0;
}

static bool finished(const struct hostile *h)
{
	if (stopped)
		return true;
	if (!all_done(h) || h->keeps)
		return false;
	for (unsigned i = 0; i < h->count; i++)
		if (buf_len(&h->peers[i].out))
			return false;
	return true;
}

static void say_ready(struct hostile *h)
{
	for (unsigned i = 0; i < h->count; i++)
		if (!h->peers[i].tried)
			return;
	h->said_ready = true;
	puts("ready");
	fflush(stdout);
}

static void run(struct hostile *h)
{
	uint64_t now = (uint64_t)clock_mono_ms();

	while (now < h->end_ms && !finished(h)) {
		poll(h->polls, h->count, prepare(h, now));
		now = (uint64_t)clock_mono_ms();
		for (unsigned i = 0; i < h->count && !stopped; i++)
			look_after(h, &h->peers[i], h->polls[i].revents, now);
		if (!h->said_ready)
			say_ready(h);
	}
}

static void release(struct hostile *h)
{
	for (unsigned i = 0; i < h->count; i++) {
		if (h->peers[i].fd >= 0)
			hang_up(&h->peers[i]);
		buf_release(&h->peers[i].out);
	}
	free(h->peers);
	free(h->polls);
}

static void make_peers(struct hostile *h)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	h->peers = calloc(h->count, sizeof(*h->peers));
	h->polls = calloc(h->count, sizeof(*h->polls));
	if (!h->peers || !h->polls)
		die("cannot start");
	for (unsigned i = 0; i < h->count; i++) {
		h->peers[i].fd = -1;
		h->peers[i].number = i;
		buf_init(&h->peers[i].out);
	}
}

/* --- The command line -------------------------------------------------- */

static void usage(void)
{
	fputs("usage: hostile [-k] [-n PEERS] [-c COUNT] [-t SECONDS] "
	      "[-i MS] [-b BYTES] [-s SEED] URL SCRIPT\n",
	      stderr);
	for (const struct script *s = hostile_scripts; s->name; s++)
		fprintf(stderr, "  %-16s %s\n", s->name, s->what);
	exit(2);
}

static uint64_t number(const char *text, uint64_t max)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 10);

	if (end == text || *end || n > max)
		usage();
	return n;
}

static void find_script(struct hostile *h, const char *name)
{
	for (h->script = hostile_scripts; h->script->name; h->script++)
		if (strcmp(h->script->name, name) == 0)
			return;
	usage();
}

/* Returns for how many seconds it runs. */
static uint64_t parse(struct hostile *h, int argc, char **argv)
{
	uint64_t seconds = 10, interval = UINT64_MAX;
	int option;

	while ((option = getopt(argc, argv, "kn:c:t:i:b:s:")) != -1) {
		if (option == 'k')
			h->keeps = true;
		else if (option == 'n')
			h->count = (unsigned)number(optarg, PEERS_MAX);
		else if (option == 'c')
			h->max = number(optarg, UINT64_MAX);
		else if (option == 't')
			seconds = number(optarg, SECONDS_MAX);
		else if (option == 'i')
			interval = number(optarg, 1000 * SECONDS_MAX);
		else if (option == 'b')
			h->large = number(optarg, 1 << 30);
		else if (option == 's')
			h->noise ^= (uint32_t)number(optarg, UINT32_MAX - 1);
		else
			usage();
	}
	if (argc - optind != 2)
		usage();
	h->url = argv[optind];
	find_script(h, argv[optind + 1]);
	if (!h->count)
		h->count = h->script->peers;
	h->interval_ms =
		interval == UINT64_MAX ? h->script->interval_ms : interval;
	return seconds;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct hostile h = {.noise = UINT32_MAX, .large = 1 << 20};
	uint64_t seconds = parse(&h, argc, argv);

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	make_peers(&h);
	h.end_ms = (uint64_t)clock_mono_ms() + 1000 * seconds;
	run(&h);
	printf("%s: %" PRIu64 " %s, %" PRIu64 " connections, %" PRIu64
	       " ended by the server, %" PRIu64 " bytes sent, %" PRIu64
	       " received\n",
	       h.script->name, h.did, h.script->unit, h.opened, h.ended, h.sent,
	       h.received);
	release(&h);
	return 0;
}

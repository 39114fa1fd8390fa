/* SPDX-License-Identifier: MIT */
/*
 * post - an HTTP load: sends the same POST again and again, one connection
 * each, and tells how many were answered, how fast, and what they cost the
 * server.
 *
 *     post --body FILE --type application/x-ndjson http://127.0.0.1:3000/v1/…
 *
 * --concurrency POSTs are under way at any time, on one epoll(7) loop. Each
 * asks for `Connection: close`; where the server keeps its connections all the
 * same, they are closed from here. An answer counts when its status is 200 and
 * its content says `"count":N` of the N updates sent; all else is a failure,
 * and one failure makes the exit status 1.
 *
 * The result is a JSON object on stdout: times in ns, rates in 1/s.
 */
#include "clock.h"
#include "diag.h"
#include "exits.h"
#include "histogram.h"
#include "jsonput.h"
#include "options.h"
#include "postconn.h"
#include "procstat.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 256
#define TICK_MS 20 /* how late the end may be noticed */
#define MS ((uint64_t)1000000)
#define PATIENCE_MS 10000 /* without any answer */
#define READ_MAX 65536	  /* bytes of the body at a time */
#define URL_MAX 256
#define SHOWN_MAX 200 /* bytes of an answer in a message */

/* Failures without a status of their own; they are counted among these. */
enum failure { FAILED_CONNECTION, FAILED_ANSWER, FAILED_COUNT, FAILURES };

static const char *const failure_names[FAILURES] = {
	"connection", /* it broke before the answer was there */
	"answer",     /* not HTTP, or longer than is taken */
	"count",      /* 200, but not all updates were published */
};

struct settings {
	struct option_base options;
	uint64_t concurrency;
	uint64_t duration; /* ms */
	const char *body;  /* a file, or NULL */
	const char *type;
	uint64_t pid; /* 0: not known */
};

struct post {
	struct settings settings;
	struct diag diag;
	struct loadtarget target;
	struct buf request; /* head and body */
	uint64_t lines;	    /* updates in it */
	char want[32];	    /* what the content of an answer says */
	int epoll;
	struct postconn *conns;	   /* owned; settings.concurrency of them */
	uint64_t open;		   /* of these */
	uint64_t now, start, last; /* ns; `last`: of an answer that counts */
	uint64_t posts;		   /* answered as they should be */
	uint64_t failed;
	uint64_t statuses[POSTCONN_STATUS_MAX + 1]; /* of those that failed */
	uint64_t own_ns; /* processor time of this process */
	struct histogram latency;
	struct procstat before, after; /* of the server */
};

#define FIELD(name) .offset = offsetof(struct settings, name)

static const struct option options[] = {
	{0, "concurrency", OPTION_NUMBER, FIELD(concurrency), "K",
	 "POSTs under way (default 16)", NULL, 1, 10000},
	{0, "duration", OPTION_DURATION, FIELD(duration), "T",
	 "begin POSTs for this long (default 5s)", NULL, 0, 86400000},
	{0, "body", OPTION_TEXT, FIELD(body), "FILE",
	 "the body (default {\"sequence\":1})", NULL, 0, 0},
	{0, "type", OPTION_TEXT, FIELD(type), "TYPE",
	 "its Content-Type (default application/json); of "
	 "application/x-ndjson each line is an update",
	 NULL, 0, 0},
	{0, "pid", OPTION_NUMBER, FIELD(pid), "PID",
	 "of the server: shows its processor time", NULL, 1, INT32_MAX},
	{.name = NULL},
};

static const struct option_program program = {
	.name = "post",
	.synopsis = "[option ...] URL",
	.summary = "Sends POSTs, one a connection, and tells how many a second "
		   "are answered.",
	.options = options,
};

/* Says what went wrong, with errno. */
static int give_up(struct post *p, const char *doing)
{
	diag(&p->diag, DIAG_ERROR, "cannot %s: %s", doing, strerror(errno));
	return -1;
}

/* --- The request -----------------------------------------------------------
 */

static int read_file(struct buf *b, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	do {
		char *room = buf_reserve(b, READ_MAX);

		n = room ? read(fd, room, READ_MAX) : 0;
		if (n > 0)
			buf_added(b, (size_t)n);
	} while (n > 0);
	close(fd);
	return n < 0 ? -1 : 0;
}

/* Those that are not empty; the newline of the last one is optional. */
static uint64_t count_lines(const struct buf *body)
{
	const char *at = buf_bytes(body), *end = at + buf_len(body);
	uint64_t lines = 0;

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		lines += newline != at;
		at = newline ? newline + 1 : end;
	}
	return lines;
}

static void put_request(struct post *p, const char *url, const struct buf *body)
{
	const char *host = strstr(url, "://") + 3;

	buf_printf(&p->request,
		   "POST %s HTTP/1.1\r\nHost: %.*s\r\nContent-Type: %s\r\n"
		   "Content-Length: %zu\r\nConnection: close\r\n\r\n",
		   p->target.url.path, (int)strcspn(host, "/"), host,
		   p->settings.type, buf_len(body));
	buf_append(&p->request, buf_bytes(body), buf_len(body));
	p->lines = strstr(p->settings.type, "ndjson") ? count_lines(body) : 1;
	snprintf(p->want, sizeof(p->want), "\"count\":%" PRIu64, p->lines);
}

static int make_request(struct post *p, const char *url)
{
	struct buf body;
	int rc = 0;

	buf_init(&body);
	buf_init(&p->request);
	if (p->settings.body)
		rc = read_file(&body, p->settings.body);
	else
		buf_puts(&body, "{\"sequence\":1}");
	if (rc == 0)
		put_request(p, url, &body);
	if (body.failed || p->request.failed) {
		errno = ENOMEM;
		rc = -1;
	}
	buf_release(&body);
	return rc == 0 ? 0 : give_up(p, "make the request");
}

/* The address behind an http URL is found as that of a WebSocket is. */
static int find_target(struct post *p, const char *url)
{
	char text[URL_MAX];
	char why[256];
	bool usage;

	if (strncmp(url, "http://", 7) != 0 || !strchr(url + 7, '/') ||
	    strlen(url) >= sizeof(text))
		return options_wrong(&program,
				     "'%s' is not http://HOST:PORT/PATH", url);
	snprintf(text, sizeof(text), "ws%s", url + 4);
	if (loadtarget_find(&p->target, text, &usage, why, sizeof(why)) == 0)
		return EXIT_DONE;
	diag(&p->diag, DIAG_ERROR, "%s", why);
	return usage ? EXIT_USAGE : EXIT_CONNECTION;
}

/* --- Answers ---------------------------------------------------------------
 */

/* The first is shown, because the figures will not tell what it was. */
static void fail(struct post *p, unsigned what, const char *text)
{
	if (p->failed++ == 0)
		diag(&p->diag, DIAG_ERROR, "%s: %.*s",
		     what < FAILURES ? failure_names[what] : "refused",
		     SHOWN_MAX, text);
	p->statuses[what]++;
}

/* Whether it says that all were published. */
static bool counts_all(const struct post *p, const char *content)
{
	const char *at = strstr(content, p->want);

	return at && !isdigit((unsigned char)at[strlen(p->want)]);
}

static void judge(struct post *p, const struct postconn *c)
{
	if (c->status < FAILURES) {
		fail(p, FAILED_ANSWER, c->answer);
	} else if (c->status != 200) {
		fail(p, c->status, c->answer);
	} else if (!counts_all(p, c->content)) {
		fail(p, FAILED_COUNT, c->content);
	} else {
		p->posts++;
		p->last = p->now;
		histogram_record(&p->latency, p->now - c->begun, 1);
	}
}

static void judge_broken(struct post *p, const struct postconn *c)
{
	if (c->have == POSTCONN_ANSWER_MAX)
		fail(p, FAILED_ANSWER, c->answer);
	else
		fail(p, FAILED_CONNECTION,
		     c->error ? strerror(c->error) : "it ended too early");
}

static void take(struct post *p, struct postconn *c, uint32_t events)
{
	bool answered = c->answered;
	bool over = postconn_event(c, &p->request, events);

	p->now = (uint64_t)clock_mono_ns();
	if (c->answered && !answered)
		judge(p, c);
	if (!over)
		return;
	if (!c->answered)
		judge_broken(p, c);
	postconn_end(c);
	p->open--;
}

/* --- The run ---------------------------------------------------------------
 */

static int begin_more(struct post *p)
{
	for (uint64_t i = 0; i < p->settings.concurrency; i++) {
		struct postconn *c = &p->conns[i];

		if (c->fd >= 0)
			continue;
		if (postconn_begin(c, p->epoll, &p->target) != 0)
			return give_up(p, "connect");
		p->open++;
	}
	return 0;
}

static int turn(struct post *p)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(p->epoll, events, EVENTS, TICK_MS);

	if (n < 0 && errno != EINTR)
		return give_up(p, "wait");
	for (int i = 0; i < n; i++)
		take(p, events[i].data.ptr, events[i].events);
	p->now = (uint64_t)clock_mono_ns();
	return 0;
}

/* No POST begins behind the end; those under way are waited for. */
static int load(struct post *p)
{
	uint64_t end;

	p->now = p->start = p->last = (uint64_t)clock_mono_ns();
	end = p->start + p->settings.duration * MS;
	do {
		if (p->now < end && begin_more(p) != 0)
			return -1;
		if (turn(p) != 0)
			return -1;
		if (p->now - p->last > PATIENCE_MS * MS) {
			errno = ETIMEDOUT;
			return give_up(p, "get an answer");
		}
	} while (p->open || p->now < end);
	return 0;
}

static uint64_t own_cpu(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000 * MS + (uint64_t)ts.tv_nsec;
}

static int measure(struct post *p, struct procstat *stat)
{
	pid_t pid = (pid_t)p->settings.pid;

	if (!pid || procstat_read(stat, pid) == 0)
		return 0;
	return give_up(p, "see the process --pid");
}

static int run(struct post *p)
{
	uint64_t own = own_cpu();

	if (measure(p, &p->before) != 0 || load(p) != 0)
		return -1;
	p->own_ns = own_cpu() - own;
	return measure(p, &p->after);
}

/* --- The result ------------------------------------------------------------
 */

static double ratio(uint64_t a, uint64_t b)
{
	return b ? (double)a / (double)b : 0;
}

static void put_real(struct buf *b, const char *name, double value)
{
	jsonput_name(b, name);
	buf_printf(b, "%.1f", value);
}

static void put_failures(struct buf *b, const struct post *p)
{
	char number[8];

	jsonput_name(b, "failures");
	buf_putc(b, '{');
	for (unsigned i = 0; i <= POSTCONN_STATUS_MAX; i++) {
		snprintf(number, sizeof(number), "%u", i);
		if (p->statuses[i])
			jsonput_u64(b, i < FAILURES ? failure_names[i] : number,
				    p->statuses[i]);
	}
	buf_putc(b, '}');
}

static void put_latency(struct buf *b, const struct histogram *h)
{
	jsonput_name(b, "latencyNs");
	buf_putc(b, '{');
	jsonput_u64(b, "p50", histogram_quantile(h, 500000));
	jsonput_u64(b, "p99", histogram_quantile(h, 990000));
	buf_putc(b, '}');
}

static void put_server(struct buf *b, const struct post *p)
{
	uint64_t cpu = p->after.cpu_ns - p->before.cpu_ns;

	jsonput_name(b, "server");
	buf_putc(b, '{');
	jsonput_u64(b, "cpuNs", cpu);
	put_real(b, "cpuNsPerPost", ratio(cpu, p->posts));
	put_real(b, "cpuNsPerUpdate", ratio(cpu, p->posts * p->lines));
	buf_putc(b, '}');
}

static int tell(struct post *p)
{
	uint64_t ns = p->last - p->start;
	double rate = ratio(p->posts, ns) * 1e9;
	struct buf b;

	buf_init(&b);
	buf_putc(&b, '{');
	jsonput_u64(&b, "concurrency", p->settings.concurrency);
	jsonput_u64(&b, "requestBytes", buf_len(&p->request));
	jsonput_u64(&b, "runNs", ns);
	jsonput_u64(&b, "posts", p->posts);
	put_real(&b, "postsPerSecond", rate);
	jsonput_u64(&b, "updates", p->posts * p->lines);
	put_real(&b, "updatesPerSecond", rate * (double)p->lines);
	jsonput_u64(&b, "failed", p->failed);
	put_failures(&b, p);
	put_latency(&b, &p->latency);
	jsonput_u64(&b, "loadCpuNs", p->own_ns);
	if (p->settings.pid)
		put_server(&b, p);
	buf_puts(&b, "}\n");
	if (!b.failed)
		fwrite(buf_bytes(&b), 1, buf_len(&b), stdout);
	buf_release(&b);
	return fflush(stdout) == 0 ? 0 : give_up(p, "write the result");
}

static int prepare(struct post *p)
{
	histogram_init(&p->latency);
	p->epoll = epoll_create1(EPOLL_CLOEXEC);
	p->conns = calloc(p->settings.concurrency, sizeof(*p->conns));
	if (!p->conns || p->epoll < 0)
		return give_up(p, "prepare");
	for (uint64_t i = 0; i < p->settings.concurrency; i++)
		p->conns[i].fd = -1;
	return 0;
}

static void release(struct post *p)
{
	for (uint64_t i = 0; p->conns && i < p->settings.concurrency; i++)
		postconn_end(&p->conns[i]);
	free(p->conns);
	buf_release(&p->request);
	if (p->epoll >= 0)
		close(p->epoll);
}

static int post(struct post *p, const char *url)
{
	int rc = find_target(p, url);

	if (rc != EXIT_DONE)
		return rc;
	if (make_request(p, url) != 0 || prepare(p) != 0 || run(p) != 0 ||
	    tell(p) != 0)
		return EXIT_OTHER;
	return p->failed || !p->posts ? EXIT_OTHER : EXIT_DONE;
}

int main(int argc, char **argv)
{
	static struct post p = {
		.settings = {.concurrency = 16,
			     .duration = 5000,
			     .type = "application/json"},
		.diag = {"post", DIAG_WARN},
		.epoll = -1,
	};
	int operands;
	int rc;

	if (!options_begin(&program, argc, argv, &p.settings.options, &operands,
			   &rc))
		return rc;
	if (argc - operands == 1)
		rc = post(&p, argv[operands]);
	else
		rc = options_wrong(&program, "needs one URL");
	release(&p);
	options_release(&program, &p.settings.options);
	return rc;
}

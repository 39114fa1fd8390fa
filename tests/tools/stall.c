/* SPDX-License-Identifier: MIT */
/*
 * stall - a subscriber that reads in sips while updates flood and pings are
 * due, and looks at every byte.
 *
 *   stall URL plain|wsd.v1 ROUNDS SEED
 *
 * In each round a second connection publishes a burst and waits for its ACK;
 * the subscriber, whose receive buffer is tiny, sends a PING and reads a few
 * bytes, or all that has come. So the server's writes are cut at arbitrary
 * places while it owes pongs. Then all is read. Every frame must be whole and
 * every update there, in order, to the byte; pongs may come between frames
 * only and echo the pings in their order (not each of those in flight need be
 * answered, RFC 6455 section 5.5.3). Exits 1 when anything is wrong,
 * or when hardly a pong came before updates that were due already: then no
 * write was cut.
 */
#include "wire.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define FIN 0x80
#define BURST 16
#define RECEIVE_BUFFER 4096
#define UPDATE_MAX 70000
#define FRAME_MAX (UPDATE_MAX + 512)
#define TIMEOUT_SECONDS 20

struct conn {
	int fd;
	char bytes[2 * FRAME_MAX]; /* received, not yet looked at */
	size_t len;
};

struct reader {
	struct conn conn;
	bool envelopes;
	unsigned seen;	 /* updates */
	unsigned pings;	 /* sent; each says its number */
	unsigned ponged; /* the last number that came back */
	unsigned pongs;
	unsigned due;	 /* updates that were acknowledged */
	bool done;	 /* the last answer came */
	unsigned within; /* pongs that came before an update that was due */
};

static uint32_t noise;

static void fail(const char *format, ...)
{
	va_list args;

	fputs("stall: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static unsigned dice(unsigned sides)
{
	noise ^= noise << 13;
	noise ^= noise >> 17;
	noise ^= noise << 5;
	return noise % sides;
}

/* --- The updates ------------------------------------------------------- */

/* Most are short, some around the widths of a length, a few large. */
static size_t update_len(unsigned n)
{
	static const size_t edges[] = {123, 124,   125,	  126,
				       127, 65533, 65534, 65536};

	if (n % 50 == 0)
		return edges[n / 50 % (sizeof(edges) / sizeof(*edges))];
	return 10 + n * 7919 % 1500;
}

/* A JSON string whose bytes depend on its number. */
static size_t put_update(char *out, unsigned n)
{
	size_t len = update_len(n);
	int head = sprintf(out, "\"%u-", n);

	for (size_t i = (size_t)head; i < len - 1; i++)
		out[i] = (char)('a' + (n + i) % 26);
	out[len - 1] = '"';
	return len;
}

/* --- Connections ------------------------------------------------------- */

static int dial(const char *url, int receive_buffer)
{
	struct timeval timeout = {.tv_sec = TIMEOUT_SECONDS};
	int fd = wire_dial(url, receive_buffer);

	if (fd < 0)
		fail("cannot connect to '%s': %s", url, strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	return fd;
}

static void put(const struct conn *c, const void *bytes, size_t len)
{
	const char *at = bytes;
	ssize_t n;

	for (; len; at += n, len -= (size_t)n) {
		n = send(c->fd, at, len, MSG_NOSIGNAL);
		if (n <= 0)
			fail("cannot send: %s", strerror(errno));
	}
}

/* A whole message. */
static void put_frame(const struct conn *c, enum wsframe_opcode opcode,
		      const void *payload, size_t len)
{
	uint8_t header[WSFRAME_HEADER_MAX];
	size_t n = wire_header(header, (uint8_t)(FIN | opcode), len);

	put(c, header, n);
	put(c, payload, len);
}

static void put_text(const struct conn *c, const char *text)
{
	put_frame(c, WSFRAME_TEXT, text, strlen(text));
}

/*
 * Reads up to `max` bytes, without waiting unless `wait`. Returns how many, 0
 * when there is nothing now.
 */
static size_t get(struct conn *c, size_t max, bool wait)
{
	size_t room = sizeof(c->bytes) - c->len;
	ssize_t n = recv(c->fd, c->bytes + c->len, max < room ? max : room,
			 wait ? 0 : MSG_DONTWAIT);

	if (n < 0 && !wait && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	if (n < 0)
		fail("nothing came: %s", strerror(errno));
	if (n == 0)
		fail("the connection ended");
	c->len += (size_t)n;
	return (size_t)n;
}

static void drop(struct conn *c, size_t len)
{
	c->len -= len;
	memmove(c->bytes, c->bytes + len, c->len);
}

static void handshake(struct conn *c, const char *url, const char *protocol,
		      int receive_buffer)
{
	char request[WIRE_REQUEST_MAX];
	char *end;

	c->len = 0;
	c->fd = dial(url, receive_buffer);
	put(c, request, wire_request(request, protocol));
	do
		get(c, 1, true);
	while (!(end = memmem(c->bytes, c->len, "\r\n\r\n", 4)));
	if (memcmp(c->bytes, "HTTP/1.1 101 ", 13) != 0)
		fail("the handshake was refused");
	drop(c, (size_t)(end + 4 - c->bytes));
}

/* --- Looking at frames ------------------------------------------------- */

/* Whether a whole frame has come; any that could not be is a failure. */
static bool whole_frame(const struct conn *c, struct wsframe *frame)
{
	enum wsframe_result result =
		wsframe_decode(frame, (const uint8_t *)c->bytes, c->len);

	if (result == WSFRAME_SHORT)
		return false;
	if (result != WSFRAME_OK)
		fail("%s: %02x %02x", wsframe_strerror(result),
		     (unsigned char)c->bytes[0], (unsigned char)c->bytes[1]);
	if (frame->masked || frame->rsv || !frame->fin)
		fail("a frame is masked, reserved or a fragment");
	if (frame->header + frame->payload > sizeof(c->bytes))
		fail("a frame of %llu bytes",
		     (unsigned long long)frame->payload);
	return c->len >= frame->header + frame->payload;
}

static void look_at_update(struct reader *r, const char *text, size_t len)
{
	char want[UPDATE_MAX], begin[64];
	size_t n = put_update(want, ++r->seen);

	if (r->envelopes) {
		snprintf(begin, sizeof(begin), "\"seq\":%u,", r->seen);
		if (len < n + 1 || text[len - 1] != '}' ||
		    memcmp(text, "{\"type\":\"UPDATE\",", 17) != 0 ||
		    !memmem(text, len - n, begin, strlen(begin)))
			fail("update %u: not its envelope", r->seen);
		text += len - 1 - n;
		len = n;
	}
	if (len != n || memcmp(text, want, n) != 0)
		fail("update %u is not what was published", r->seen);
}

static void look_at_pong(struct reader *r, const char *text, size_t len)
{
	char digits[16] = "";
	unsigned number;

	if (len >= sizeof(digits))
		fail("a pong of %zu bytes", len);
	memcpy(digits, text, len);
	number = (unsigned)strtoul(digits, NULL, 10);
	if (number <= r->ponged || number > r->pings)
		fail("pong '%s' after %u", digits, r->ponged);
	r->ponged = number;
	r->pongs++;
	r->within += r->seen < r->due;
}

/* The answer to what asks whether anything is still to come. */
static bool is_last(struct reader *r, const char *text, size_t len)
{
	static const char answer[] = "{\"type\":\"PONG\",\"id\":\"last\"}";

	return r->seen == r->due && len >= sizeof(answer) - 1 &&
	       memcmp(text, answer, sizeof(answer) - 1) == 0;
}

static void look(struct reader *r)
{
	struct conn *c = &r->conn;
	struct wsframe frame;
	const char *payload;

	while (whole_frame(c, &frame)) {
		payload = c->bytes + frame.header;
		if (frame.opcode == WSFRAME_PONG)
			look_at_pong(r, payload, (size_t)frame.payload);
		else if (frame.opcode != WSFRAME_TEXT)
			fail("a frame of opcode %x after %u updates",
			     (unsigned)frame.opcode, r->seen);
		else if (is_last(r, payload, (size_t)frame.payload))
			r->done = true;
		else
			look_at_update(r, payload, (size_t)frame.payload);
		drop(c, frame.header + (size_t)frame.payload);
	}
}

/* Passes over text frames up to one that contains `text`. */
static void await(struct conn *c, const char *text)
{
	struct wsframe frame;
	bool found = false;

	while (!found) {
		while (!whole_frame(c, &frame))
			get(c, sizeof(c->bytes), true);
		found = memmem(c->bytes, frame.header + (size_t)frame.payload,
			       text, strlen(text));
		drop(c, frame.header + (size_t)frame.payload);
	}
}

/* --- The run ----------------------------------------------------------- */

/* Publishes a burst in one frame and waits until it has its numbers. */
static void publish(struct conn *c, unsigned first)
{
	static char lines[BURST * (UPDATE_MAX + 100)];
	char ack[64];
	size_t len = 0;

	for (unsigned n = first; n < first + BURST; n++) {
		len += (size_t)sprintf(lines + len,
				       "{\"type\":\"PUBLISH\",\"id\":%u,"
				       "\"tenantId\":\"t\",\"data\":",
				       n);
		len += put_update(lines + len, n);
		len += (size_t)sprintf(lines + len, "}\n");
	}
	put_frame(c, WSFRAME_TEXT, lines, len);
	snprintf(ack, sizeof(ack), "\"ACK\",\"id\":%u,", first + BURST - 1);
	await(c, ack);
}

static void ping(struct reader *r)
{
	char digits[16];
	int n = sprintf(digits, "%u", ++r->pings);

	put_frame(&r->conn, WSFRAME_PING, digits, (size_t)n);
}

/* A sip, or now and then all that is there. */
static void sip(struct reader *r)
{
	size_t n;

	if (dice(20)) {
		get(&r->conn, 1 + dice(3000), false);
		look(r);
		return;
	}
	do {
		n = get(&r->conn, sizeof(r->conn.bytes), false);
		look(r);
	} while (n);
}

static void drink_up(struct reader *r)
{
	int wide = 1 << 20;

	setsockopt(r->conn.fd, SOL_SOCKET, SO_RCVBUF, &wide, sizeof(wide));
	while (r->seen < r->due) {
		get(&r->conn, sizeof(r->conn.bytes), true);
		look(r);
	}
	put_text(&r->conn, "{\"type\":\"PING\",\"id\":\"last\"}");
	while (!r->done) {
		get(&r->conn, sizeof(r->conn.bytes), true);
		look(r);
	}
	if (r->conn.len)
		fail("something came behind the last update");
}

int main(int argc, char **argv)
{
	static struct reader r;
	static struct conn publisher;
	unsigned rounds;

	if (argc != 5)
		fail("usage: stall URL plain|wsd.v1 ROUNDS SEED");
	r.envelopes = strcmp(argv[2], "plain") != 0;
	rounds = (unsigned)atoi(argv[3]);
	noise = (uint32_t)atoi(argv[4]) * 2654435761U + 1;
	handshake(&r.conn, argv[1], r.envelopes ? argv[2] : "", RECEIVE_BUFFER);
	put_text(&r.conn, "{\"type\":\"SUBSCRIBE\",\"id\":1,"
			  "\"tenantId\":\"t\"}");
	await(&r.conn, "\"SUBSCRIBED\",\"id\":1,");
	handshake(&publisher, argv[1], "wsd.v1.bulk", 0);
	for (unsigned i = 0; i < rounds; i++) {
		publish(&publisher, 1 + i * BURST);
		r.due += BURST;
		ping(&r);
		sip(&r);
	}
	drink_up(&r);
	printf("%u updates, %u pings, %u pongs, %u within the flood\n", r.seen,
	       r.pings, r.pongs, r.within);
	if (r.within < rounds / 20)
		fail("hardly a pong came within the flood: nothing is proved");
	close(r.conn.fd);
	close(publisher.fd);
	return 0;
}

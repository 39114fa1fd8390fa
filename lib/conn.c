/* SPDX-License-Identifier: MIT */
#include "conn.h"

#include "access.h"
#include "list.h"
#include "proto.h"
#include "utf8.h"

#include <stdio.h>
#include <string.h>

/* Memory that is kept between messages, in each direction. */
#define KEPT (2 * LOOP_READ_MAX)

/* For the answer to our close frame. */
#define CLOSE_S 5

/* lws cuts the Host header here without a word. */
#define HOST_HEADER_MAX 110

#define TLS_FLAGS (LCCSCF_USE_SSL | LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK)

/* A header of ours is longer than the token by this. */
#define BEARER_EXTRA 32

void conn_init(struct conn *conn, struct loop *loop,
	       const struct conn_events *events, void *user, size_t message_max)
{
	memset(conn, 0, sizeof(*conn));
	conn->events = events;
	conn->user = user;
	conn->message_max = message_max;
	uv_idle_init(&loop->uv, &conn->idle);
}

void conn_release(struct conn *conn, uv_close_cb closed, void *data)
{
	buf_release(&conn->in);
	buf_release(&conn->out);
	conn->idle.data = data;
	uv_close((uv_handle_t *)&conn->idle, closed);
}

/* Connecting */

static void forget(struct conn *conn)
{
	conn->wsi = NULL;
	conn->stage = CONN_CONNECTING;
	conn->sending = conn->paused = false;
	conn->closing = conn->said_close = false;
	conn->heard = conn->ping_due = false;
	conn->status = conn->close_code = 0;
	conn->protocol[0] = conn->phrase[0] = conn->body[0] = '\0';
	conn->trouble[0] = conn->close_reason[0] = '\0';
	buf_clear(&conn->in, KEPT);
}

/* "host:port" as RFC 9110 wants it; the port only where it is not implied. */
static int host_header(char *out, size_t room, const struct url *url)
{
	bool v6 = strchr(url->host, ':');
	int n;

	if (url->local)
		n = snprintf(out, room, "localhost");
	else if (url->port == (url->tls ? 443 : 80))
		n = snprintf(out, room, v6 ? "[%s]" : "%s", url->host);
	else
		n = snprintf(out, room, v6 ? "[%s]:%u" : "%s:%u", url->host,
			     url->port);
	return n < 0 || (size_t)n >= room ? -1 : 0;
}

/* TCP, to another machine, without TLS. */
static bool is_overheard(const struct url *url, const char *address)
{
	return !url->tls && !url->local &&
	       !access_is_loopback(address, strlen(address));
}

static int fail(struct conn *conn, const char *why)
{
	snprintf(conn->trouble, sizeof(conn->trouble), "%s", why);
	return -1;
}

/*
 * libwebsockets checks no name of a certificate, as trust does; it would take
 * the host "[" for that of "[::1]:443".
 */
int conn_start(struct conn *conn, struct loop *loop, const struct url *url,
	       const char *address, const char *offer)
{
	static const lws_retry_bo_t no_pings_of_lws = {0};
	char host[HOST_HEADER_MAX];
	struct lws_client_connect_info info = {
		.context = loop->lws,
		.address = address,
		.port = url->port,
		.path = url->path,
		.host = host,
		.protocol = offer,
		.local_protocol_name = CONN_NAME,
		.ietf_version_or_minus_one = -1,
		.userdata = conn,
		.pwsi = &conn->wsi,
		.retry_and_idle_policy = &no_pings_of_lws,
		.alpn = "http/1.1",
		.ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT |
				  (url->tls ? TLS_FLAGS : 0),
	};

	forget(conn);
	if (host_header(host, sizeof(host), url) < 0)
		return fail(conn, "the name of the host is too long");
	if (url->tls && !conn->trust)
		return fail(conn, "this client does not speak TLS");
	if (conn->trust)
		trust_begin(conn->trust);
	conn->exposed = conn_token(conn) && is_overheard(url, address);
	if (lws_client_connect_via_info(&info))
		return 0;
	conn->wsi = NULL;
	return -1;
}

/* What is asked for */

/* `*at` has room for `room` bytes of headers. */
static int put_headers(const struct conn *conn, char **at, size_t room)
{
	const char *token = conn_token(conn);

	if (!token)
		return 0;
	if (strlen(token) + BEARER_EXTRA > room)
		return -1;
	*at += sprintf(*at, "Authorization: Bearer %s\r\n", token);
	return 0;
}

/* What the HTTP answer says */

/* The first line of the `len` bytes at `from`, as text. */
static void copy_line(char out[CONN_TEXT_MAX], const char *from, size_t len)
{
	size_t n = 0;

	while (n < len && n < CONN_TEXT_MAX - 1 && from[n] != '\n' &&
	       from[n] != '\r')
		n++;
	if (n)
		memcpy(out, from, n);
	out[n] = '\0';
}

/* The status line without the version: "403 Forbidden". */
static void read_phrase(struct conn *conn, struct lws *wsi)
{
	char line[CONN_TEXT_MAX];
	const char *space;
	int n = lws_hdr_copy(wsi, line, sizeof(line), WSI_TOKEN_HTTP);

	if (n <= 0)
		return;
	space = memchr(line, ' ', (size_t)n);
	if (space)
		copy_line(conn->phrase, space + 1,
			  (size_t)(line + n - (space + 1)));
}

/* What has come of the body of a refusal; it is not waited for. */
static void read_body(struct lws *wsi)
{
	char bytes[LWS_PRE + CONN_TEXT_MAX];
	char *at = bytes + LWS_PRE;
	int room = CONN_TEXT_MAX;

	if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0)
		lws_http_client_read(wsi, &at, &room);
}

static int answered(struct conn *conn, struct lws *wsi)
{
	conn->stage = CONN_ANSWERED;
	conn->status = lws_http_client_http_response(wsi);
	if (conn->status == 101)
		return 0;
	read_phrase(conn, wsi);
	read_body(wsi);
	return -1;
}

static void read_protocol(struct conn *conn, struct lws *wsi)
{
	int n = lws_hdr_copy(wsi, conn->protocol, sizeof(conn->protocol),
			     WSI_TOKEN_PROTOCOL);

	if (n <= 0)
		conn->protocol[0] = '\0';
}

/* Receiving */

static int refuse(struct conn *conn, unsigned code)
{
	conn_close(conn, code);
	return 0;
}

static void hand_over(struct conn *conn, struct lws *wsi, const char *bytes,
		      size_t len)
{
	if (lws_frame_is_binary(wsi))
		conn->events->binary(conn->user, bytes, len);
	else
		conn->events->message(conn->user, bytes, len);
}

static int receive(struct conn *conn, struct lws *wsi, const char *bytes,
		   size_t len)
{
	size_t left = lws_remaining_packet_payload(wsi);
	bool last = lws_is_final_fragment(wsi) && left == 0;

	conn->heard = true;
	if (lws_frame_is_binary(wsi) && !conn->events->binary)
		return refuse(conn, PROTO_CLOSE_UNACCEPTABLE);
	/* Before it is there: a frame may announce any length. */
	if (left > conn->message_max ||
	    buf_len(&conn->in) + len > conn->message_max - left)
		return refuse(conn, PROTO_CLOSE_TOO_BIG);
	if (last && buf_len(&conn->in) == 0) {
		hand_over(conn, wsi, bytes, len);
		return 0;
	}
	buf_append(&conn->in, bytes, len);
	if (conn->in.failed) {
		snprintf(conn->trouble, sizeof(conn->trouble), "out of memory");
		return -1;
	}
	if (last) {
		hand_over(conn, wsi, buf_bytes(&conn->in), buf_len(&conn->in));
		buf_clear(&conn->in, KEPT);
	}
	return 0;
}

/*
 * lws answers with the same payload, whose code it has looked at; a reason that
 * is not UTF-8 must not go back (RFC 6455 section 8.1).
 */
static void peer_closes(struct conn *conn, unsigned char *in, size_t len)
{
	char *reason = (char *)in + 2;

	if (len < 2)
		return;
	conn->close_code = (unsigned)(in[0] << 8 | in[1]);
	copy_line(conn->close_reason, reason, len - 2);
	if (utf8_valid(reason, len - 2))
		return;
	in[0] = PROTO_CLOSE_BAD_TEXT >> 8;
	in[1] = PROTO_CLOSE_BAD_TEXT & 0xff;
	memset(reason, '.', len - 2);
}

/* Sending */

static int send_ping(struct conn *conn, struct lws *wsi)
{
	unsigned char bytes[LWS_PRE + 1] = {0};

	conn->ping_due = false;
	lws_callback_on_writable(wsi);
	return lws_write(wsi, bytes + LWS_PRE, 0, LWS_WRITE_PING) < 0 ? -1 : 0;
}

/* What was sent has left. */
static void tell_writable(struct conn *conn)
{
	uv_idle_stop(&conn->idle);
	conn->sending = false;
	conn->events->writable(conn->user);
}

static int writable(struct conn *conn, struct lws *wsi)
{
	if (conn->closing || lws_partial_buffered(wsi))
		return 0;
	if (conn->ping_due)
		return send_ping(conn, wsi);
	if (conn->sending)
		tell_writable(conn);
	return 0;
}

static void on_idle(uv_idle_t *idle)
{
	struct conn *conn = list_entry(idle, struct conn, idle);

	uv_idle_stop(idle);
	if (!conn->wsi || !conn->sending || conn->closing)
		return;
	if (lws_partial_buffered(conn->wsi)) /* a pong of its own */
		lws_callback_on_writable(conn->wsi);
	else
		tell_writable(conn);
}

/*
 * As raw bytes, since lws would mask them one by one. It is one whole frame:
 * lws may put a frame of its own between two writes. What the kernel does not
 * take it copies, and only then has the loop ask whether there is room.
 */
static void write_frame(struct conn *conn)
{
	unsigned char *frame = (unsigned char *)buf_bytes(&conn->out) + LWS_PRE;
	size_t len = buf_len(&conn->out) - LWS_PRE;

	conn->sending = true;
	if (lws_write(conn->wsi, frame, len, LWS_WRITE_HTTP) < 0)
		conn_kill(conn);
	else if (lws_partial_buffered(conn->wsi))
		lws_callback_on_writable(conn->wsi);
	else
		uv_idle_start(&conn->idle, on_idle);
}

/* 0, or -1 without memory or random numbers. */
static int make_frame(struct conn *conn, enum wsframe_opcode opcode,
		      const char *payload, size_t len)
{
	static const char headroom[LWS_PRE];
	uint32_t key;

	if (masked_key(&conn->keys, &key) < 0)
		return -1;
	buf_append(&conn->out, headroom, LWS_PRE);
	masked_put(&conn->out, opcode, payload, len, key);
	return conn->out.failed ? -1 : 0;
}

static int send_as(struct conn *conn, struct buf *message,
		   enum wsframe_opcode opcode)
{
	int result;

	if (conn->stage != CONN_OPEN || conn->sending || conn->closing ||
	    message->failed)
		return -1;
	result = make_frame(conn, opcode, buf_bytes(message), buf_len(message));
	if (result == 0) {
		buf_consume(message, buf_len(message));
		write_frame(conn);
	} else {
		conn_kill(conn);
	}
	buf_clear(&conn->out, KEPT);
	return result;
}

int conn_send(struct conn *conn, struct buf *message)
{
	return send_as(conn, message, WSFRAME_TEXT);
}

int conn_send_secret(struct conn *conn, struct buf *message)
{
	int result = send_as(conn, message, WSFRAME_TEXT);

	buf_wipe(message);
	buf_wipe(&conn->out);
	return result;
}

int conn_send_binary(struct conn *conn, struct buf *message)
{
	return send_as(conn, message, WSFRAME_BINARY);
}

void conn_want_writable(struct conn *conn)
{
	if (conn->stage != CONN_OPEN)
		return;
	conn->sending = true;
	lws_callback_on_writable(conn->wsi);
}

void conn_pause(struct conn *conn, bool paused)
{
	if (conn->stage != CONN_OPEN || conn->paused == paused)
		return;
	conn->paused = paused;
	lws_rx_flow_control(conn->wsi, !paused);
}

void conn_ping(struct conn *conn)
{
	if (conn->stage != CONN_OPEN || conn->closing)
		return;
	conn->ping_due = true;
	lws_callback_on_writable(conn->wsi);
}

/* Ending */

void conn_close(struct conn *conn, unsigned code)
{
	if (!conn->wsi || conn->closing)
		return;
	if (conn->stage != CONN_OPEN) {
		conn_kill(conn);
		return;
	}
	conn_pause(conn, false);
	conn->closing = true;
	conn->close_with = code;
	lws_callback_on_writable(conn->wsi);
}

/*
 * Not at once, as it may be called from within a callback of lws. lws looks at
 * its timeouts only after an event of its own, so it gets one.
 */
void conn_kill(struct conn *conn)
{
	if (!conn->wsi)
		return;
	lws_set_timeout(conn->wsi, PENDING_TIMEOUT_USER_REASON_BASE,
			LWS_TO_KILL_ASYNC);
	lws_cancel_service(lws_get_context(conn->wsi));
}

/*
 * The close frame is ours: of lws_close_reason() lws makes one, but where it
 * was built for debugging, as in Debian, it ends the connection before that is
 * out. Then what the peer sent meanwhile makes the kernel forget what it had
 * not yet taken. lws's own answer to a close frame does leave.
 */
static int close_if_due(struct conn *conn, struct lws *wsi)
{
	const char code[] = {(char)(conn->close_with >> 8),
			     (char)conn->close_with};

	if (!conn->closing || conn->said_close || conn->stage != CONN_OPEN ||
	    lws_partial_buffered(wsi))
		return 0;
	if (make_frame(conn, WSFRAME_CLOSE, code, sizeof(code)) < 0)
		return -1;
	conn->said_close = true;
	lws_set_timeout(wsi, PENDING_TIMEOUT_USER_REASON_BASE, CLOSE_S);
	write_frame(conn);
	lws_callback_on_writable(wsi); /* for its timeouts, as in conn_kill() */
	buf_clear(&conn->out, KEPT);
	return 0;
}

static int gone(struct conn *conn, struct lws *wsi)
{
	if (conn->wsi != wsi)
		return 0; /* conn_start() has told already */
	conn->wsi = NULL;
	uv_idle_stop(&conn->idle);
	conn->events->gone(conn->user);
	return 0;
}

/* What lws calls */

static int dispatch(struct conn *conn, struct lws *wsi,
		    enum lws_callback_reasons reason, void *in, size_t len)
{
	switch (reason) {
	case LWS_CALLBACK_WSI_CREATE:
		conn->stage = CONN_CONNECTED;
		return 0;
	case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
		conn->stage = CONN_ASKED;
		return put_headers(conn, in, len);
	case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
		return answered(conn, wsi);
	case LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ:
		copy_line(conn->body, in, len);
		return 0;
	case LWS_CALLBACK_CLIENT_FILTER_PRE_ESTABLISH:
		read_protocol(conn, wsi);
		return 0;
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		conn->stage = CONN_OPEN;
		conn->events->open(conn->user);
		return 0;
	case LWS_CALLBACK_CLIENT_RECEIVE:
		return conn->closing ? 0 : receive(conn, wsi, in, len);
	case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
		conn->heard = true;
		return 0;
	case LWS_CALLBACK_CLIENT_WRITEABLE:
		return writable(conn, wsi);
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		peer_closes(conn, in, len);
		return conn->said_close ? -1 : 0;
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		if (in)
			copy_line(conn->trouble, in, len);
		return 0;
	case LWS_CALLBACK_WSI_DESTROY:
		return gone(conn, wsi);
	default:
		return 0;
	}
}

int conn_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user,
		  void *in, size_t len)
{
	struct conn *conn = user;
	int result;

	if (!conn)
		return 0;
	result = dispatch(conn, wsi, reason, in, len);
	if (result == 0 && (reason == LWS_CALLBACK_CLIENT_RECEIVE ||
			    reason == LWS_CALLBACK_CLIENT_WRITEABLE))
		result = close_if_due(conn, wsi);
	return result;
}

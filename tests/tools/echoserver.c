/* SPDX-License-Identifier: MIT */
/*
 * echoserver - wsd, but that each message comes back as it is: for WebSocket
 * conformance suites, which drive an echo server.
 *
 *   echoserver [OPTION OF WSD ...]
 *
 * It is linked from wsd's own main() and all of its modules; only the calls of
 * session_receive() come here (`ld --wrap`). So what a suite finds out of it
 * holds for wsd: accepting, the handshake, framing, control frames, closing,
 * limits, the way in which ready-made frames leave. It takes wsd's options, and
 * --ready-fd tells its URL.
 *
 * Text is checked as wsd does it, by our own utf8 on the whole message, not by
 * libwebsockets while it comes (LWS_SERVER_OPTION_VALIDATE_UTF8): that would be
 * another server than wsd. So text that is not UTF-8 is closed with 1007 when
 * its message is whole, which RFC 6455 section 8.1 leaves open; suites call
 * that not strict where they send the rest of a message later.
 *
 * An echo waits until the connection is found to be writable, so that the pong
 * of a ping that came before leaves before: suites look for that order, RFC
 * 6455 does not ask for it, and wsd's own messages do not wait for each other's
 * pongs.
 */
#include "session.h"
#include "utf8.h"
#include "wsframe.h"

/* What the linker makes of a wrapped session_receive(). */
void __real_session_receive(struct session *s,
			    const struct intake_piece *piece);
void __wrap_session_receive(struct session *s,
			    const struct intake_piece *piece);

static void put(struct outlet *o, enum wsframe_opcode opcode,
		const char *payload, size_t len)
{
	struct buf lost = {.failed = true};
	uint8_t header[WSFRAME_HEADER_MAX];

	if (o->closing)
		return;
	buf_append(&o->control, header, wsframe_encode(header, opcode, len));
	buf_append(&o->control, payload, len);
	if (o->control.failed) {
		outlet_put(o, &lost); /* it ends the connection */
		return;
	}
	o->ops->want_write(o->conn);
}

static void echo_binary(struct intake *in, const char *bytes, size_t len)
{
	struct session *s = list_entry(in, struct session, intake);

	put(&s->outlet, WSFRAME_BINARY, bytes, len);
}

static void echo_text(struct intake *in, const char *text, size_t len)
{
	struct session *s = list_entry(in, struct session, intake);

	if (utf8_valid(text, len))
		put(&s->outlet, WSFRAME_TEXT, text, len);
	else
		outlet_close(&s->outlet, PROTO_CLOSE_BAD_TEXT,
			     "text is not UTF-8");
	in->ended = s->outlet.closing;
}

void __wrap_session_receive(struct session *s, const struct intake_piece *piece)
{
	struct intake_piece any = *piece;

	s->intake.text = piece->binary ? echo_binary : echo_text;
	any.binary = false;
	__real_session_receive(s, &any);
}

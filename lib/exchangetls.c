/* SPDX-License-Identifier: MIT */
/*
 * exchangetls - the handshake of TLS, before there is a request.
 */
#include "exchange.h"

#include "clock.h"

/*
 * Computing that handshakes may take in a turn of the loop, and so the fan-out
 * wait. A signature by RSA takes half of it; one is made in any case.
 */
#define TURN_NS (1000 * 1000)

/* Of the first record and of the message in it: what says how long they are. */
#define HELLO_HEAD 9

/* A ClientHello may have 128 KiB, for which OpenSSL takes memory at once. */
#define HELLO_MAX (16 * 1024)

static void wake_at(const struct exchange *e, int bytes)
{
	setsockopt(e->wire.fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof(bytes));
}

void exchange_greet(struct exchange *e)
{
	e->state = EXCHANGE_HELLO;
	wake_at(e, HELLO_HEAD);
	exchange_watch(e, EPOLLIN | EPOLLONESHOT);
}

/*
 * Who has said something before is nearly done, at little cost. Of the others
 * the last one comes first: when more come than can be served, those who came
 * early are those who will have to go (see admission.h), or have gone.
 */
void exchange_greeted(struct exchange *e)
{
	if (!list_empty(&e->turn))
		return;
	if (e->state == EXCHANGE_HELLO)
		list_insert(&e->all->fresh, &e->turn);
	else
		list_append(&e->all->known, &e->turn);
}

/* A record of TLS begins with 22, a request of HTTP with a letter. */
static bool is_plain(const uint8_t *head)
{
	return (*head >= 'A' && *head <= 'Z') || (*head >= 'a' && *head <= 'z');
}

/* Whether it announces more than anybody has to say (RFC 8446, 4 and 5.1). */
static bool is_huge(const uint8_t *head)
{
	size_t record = (size_t)head[3] << 8 | head[4];
	size_t message = (size_t)head[6] << 16 | (size_t)head[7] << 8 | head[8];

	return *head == 22 && (record < 4 || message > HELLO_MAX);
}

/* It is answered in plain, so that people see what is wrong. */
static void go_astray(struct exchange *e)
{
	e->astray = true;
	e->state = EXCHANGE_HEAD;
	exchange_look(e);
}

static void fail(struct exchange *e, const char *why)
{
	struct callers *callers = e->all->callers;
	char address[NETADDR_TEXT_MAX];
	struct log_subject subject = {
		.address = netaddr_show_host(&e->caller->address, address),
	};

	callers->hub->counters.refused[REFUSED_TLS]++;
	log_event(callers->log, LOG_TLS_ERROR, &subject,
		  "a handshake of TLS failed: %s", why);
	exchange_end(e);
}

static void shake(struct exchange *e)
{
	e->state = EXCHANGE_SHAKE;
	switch (secure_shake(e->wire.tls)) {
	case SECURE_DONE:
		e->state = EXCHANGE_HEAD;
		exchange_look(e);
		break;
	case SECURE_WAIT:
		exchange_watch(e, EPOLLIN | EPOLLONESHOT);
		break;
	case SECURE_FAILED:
		fail(e, e->wire.tls->why);
	}
}

/* Something has come: who says nothing costs nothing. */
static void begin(struct exchange *e)
{
	struct callers *callers = e->all->callers;
	uint8_t head[HELLO_HEAD] = {0};

	wake_at(e, 1);
	recv(e->wire.fd, head, sizeof(head), MSG_PEEK | MSG_DONTWAIT);
	if (is_plain(head)) {
		go_astray(e);
		return;
	}
	if (is_huge(head)) {
		fail(e, "its first message is too long, or in pieces");
		return;
	}
	e->wire.tls = certificate_accept(callers->certificate, e->wire.fd);
	if (e->wire.tls) {
		shake(e);
		return;
	}
	callers->hub->counters.refused[REFUSED_MEMORY]++;
	exchange_end(e);
}

static void step(struct exchange *e)
{
	list_remove(&e->turn);
	if (e->state == EXCHANGE_HELLO)
		begin(e);
	else
		shake(e);
}

void exchanges_shake(struct exchanges *all)
{
	int64_t end;

	if (!exchanges_busy(all))
		return;
	callers_tell_time(all->callers);
	end = clock_mono_ns() + TURN_NS;
	do {
		struct list *next = list_empty(&all->known) ? all->fresh.next
							    : all->known.next;

		step(list_entry(next, struct exchange, turn));
	} while (exchanges_busy(all) && clock_mono_ns() < end);
}

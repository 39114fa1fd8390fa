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

void exchange_greet(struct exchange *e)
{
	e->state = EXCHANGE_HELLO;
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
static bool is_plain(const struct exchange *e)
{
	char first = 0;

	return recv(e->wire.fd, &first, 1, MSG_PEEK | MSG_DONTWAIT) == 1 &&
	       ((first >= 'A' && first <= 'Z') ||
		(first >= 'a' && first <= 'z'));
}

/* It is answered in plain, so that people see what is wrong. */
static void go_astray(struct exchange *e)
{
	e->astray = true;
	e->state = EXCHANGE_HEAD;
	exchange_look(e);
}

static void fail(struct exchange *e)
{
	struct callers *callers = e->all->callers;
	char address[NETADDR_TEXT_MAX];
	struct log_subject subject = {
		.address = netaddr_show_host(&e->caller->address, address),
	};

	callers->hub->counters.refused[REFUSED_TLS]++;
	log_event(callers->log, LOG_TLS_ERROR, &subject,
		  "a handshake of TLS failed: %s", e->wire.tls->why);
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
		fail(e);
	}
}

/* Something has come: who says nothing costs nothing. */
static void begin(struct exchange *e)
{
	struct callers *callers = e->all->callers;

	if (is_plain(e)) {
		go_astray(e);
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

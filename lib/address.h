/* SPDX-License-Identifier: MIT */
/*
 * address - where a server may listen, as its user writes it: "127.0.0.1:3000",
 * "[::1]:0", "localhost:3000" (both loopback addresses), "unix:/run/wsd.sock".
 *
 * Only reads the text; opens nothing and looks no name up.
 */
#ifndef ADDRESS_H
#define ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

enum address_kind {
	ADDRESS_IP,
	ADDRESS_LOCALHOST,
	ADDRESS_UNIX,
};

struct address {
	enum address_kind kind;
	char host[64];	  /* of ADDRESS_IP: numeric, without brackets */
	uint16_t port;	  /* but for ADDRESS_UNIX; 0: any */
	const char *path; /* of ADDRESS_UNIX; borrowed from the text */
};

/*
 * NULL, or why it is none: a static text. Unless `anywhere`, addresses off
 * loopback are refused too: there is no access control.
 */
const char *address_parse(struct address *a, const char *text, bool anywhere);

/* Why an address off loopback is refused. */
extern const char address_off_loopback[];

#endif

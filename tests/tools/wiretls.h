/* SPDX-License-Identifier: MIT */
/*
 * wiretls - TLS below a raw client of a test, which knows nothing of it: a
 * process of its own is between its socket and the server's.
 *
 * It holds little, so that who does not read keeps the server from writing. An
 * end of one side is an end of the other.
 */
#ifndef WIRETLS_H
#define WIRETLS_H

/*
 * Takes a blocking socket that is connected to a server, and checks no
 * certificate. Returns the socket to use in its place, or -1 with errno.
 */
int wiretls_begin(int fd);

#endif

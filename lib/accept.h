/* SPDX-License-Identifier: MIT */
/*
 * accept - the choice that an Accept header leaves (RFC 9110 section 12.5.1)
 * among types that a resource has.
 *
 * Only types that are named in full count: of what a resource can be, no kind
 * is what everybody expects. Parameters but for a weight are not looked at.
 */
#ifndef ACCEPT_H
#define ACCEPT_H

#include <stddef.h>

/*
 * The index of the type in `types`, of `count`, that has the highest weight;
 * of several, the one that the header names first. -1: none is acceptable.
 */
int accept_choose(const char *header, const char *const *types, size_t count);

#endif

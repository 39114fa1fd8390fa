/* SPDX-License-Identifier: MIT */
/*
 * tenant - the rules for tenant ids: 1 to 128 bytes of A-Z a-z 0-9 . _ : @ -
 * and neither "." nor "..", so that an id is safe in a URL path, a file name
 * and a shell word.
 */
#ifndef TENANT_H
#define TENANT_H

#include <stdbool.h>
#include <stddef.h>

#define TENANT_MAX 128

/* Where it may be asked for, stands for all tenants; no id. */
#define TENANT_ALL "*"

bool tenant_valid(const char *id, size_t len);

#endif

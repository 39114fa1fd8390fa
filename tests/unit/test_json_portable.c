/* SPDX-License-Identifier: MIT */
/*
 * test_json.c with the words of 8 bytes that stand in where there is no SSE2;
 * the copy here keeps the linker from taking the one of the library.
 */
#define JSONMARK_PORTABLE
#include "../../lib/jsonmark.c"

#include "test_json.c"

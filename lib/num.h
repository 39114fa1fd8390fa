/* SPDX-License-Identifier: MIT */
/*
 * num - numbers, sizes, durations and times as text.
 *
 * Parsing is strict: the whole text, no sign, no blanks, no overflow.
 * A parser returns 0, or -1 with errno EINVAL (not of this form), ERANGE (too
 * large) or EDOM (too small).
 */
#ifndef NUM_H
#define NUM_H

#include <stddef.h>
#include <stdint.h>

int num_parse_u64(const char *text, size_t len, uint64_t *value);

/*
 * "64k", "16M", "2G" in either case, or plain bytes; k is 1024. The result is
 * in bytes.
 */
int num_parse_size(const char *text, size_t len, uint64_t *bytes);

/*
 * "5" (seconds), "500ms", "10s", "10m", "24h", "7d", "1.5" and "0.2s".
 * The result is in milliseconds, rounded down; below one, and so 0, is EDOM.
 */
int num_parse_duration(const char *text, size_t len, uint64_t *ms);

/* Room for any of the texts below, with their NUL. */
#define NUM_TEXT_MAX 32

/* Writes decimal digits, no NUL; returns how many (1 to 20). */
size_t num_put_u64(char *out, uint64_t value);

/*
 * Writes a time in ms since 1970 as "2026-01-01T00:00:00.000Z", no NUL:
 * NUM_TIME_LEN bytes (RFC 3339 in UTC). Years 1970 to 9999; what lies outside
 * is shown as the nearest time within.
 */
#define NUM_TIME_LEN 24
void num_put_time(char *out, int64_t wall_ms);

/*
 * For messages: "900 B", "1.5 KiB", "16 MiB"; "250 ms", "1.5 s", "10 m".
 * Cut at tenths, so never more than there is. Returns out.
 */
const char *num_show_size(char out[NUM_TEXT_MAX], uint64_t bytes);
const char *num_show_duration(char out[NUM_TEXT_MAX], uint64_t ms);

/*
 * As the parsers take it, and exactly: "900", "1536", "16M"; "250ms", "90s",
 * "10m". Returns out.
 */
const char *num_exact_size(char out[NUM_TEXT_MAX], uint64_t bytes);
const char *num_exact_duration(char out[NUM_TEXT_MAX], uint64_t ms);

#endif

/* SPDX-License-Identifier: MIT */
/* What proto promises: names of codes, and `since` as people write it. */
#include "proto.h"
#include "tap.h"

#include <string.h>

static bool since_is(const char *text, enum proto_since_kind kind,
		     uint64_t number, const char *epoch)
{
	struct proto_since since = {.kind = PROTO_SINCE_HEAD};

	return proto_since_parse(&since, text) == 0 && since.kind == kind &&
	       since.number == number && strcmp(since.epoch, epoch) == 0;
}

static bool since_bad(const char *text)
{
	struct proto_since since;

	return proto_since_parse(&since, text) == -1;
}

static void since_good(void)
{
	ok(since_is("all", PROTO_SINCE_ALL, 0, ""), "all");
	ok(since_is("10", PROTO_SINCE_LAST, 10, ""), "a number of updates");
	ok(since_is("0", PROTO_SINCE_LAST, 0, ""), "even of none");
	ok(since_is("10m", PROTO_SINCE_AGE, 600000, ""), "an age");
	ok(since_is("500ms", PROTO_SINCE_AGE, 500, ""), "in small units");
	ok(since_is("k3x9q2.0:41", PROTO_SINCE_SEQ, 41, "k3x9q2.0"),
	   "a point: epoch and seq");
	ok(since_is("e:0", PROTO_SINCE_SEQ, 0, "e"), "seq 0 is before all");
	ok(since_is("12345678901234567890123456789012:1", PROTO_SINCE_SEQ, 1,
		    "12345678901234567890123456789012"),
	   "an epoch has up to 32 bytes");
	ok(since_is("9007199254740991", PROTO_SINCE_LAST, PROTO_NUMBER_MAX, ""),
	   "2^53 - 1 is the largest number");
}

static void since_refused(void)
{
	ok(since_bad(""), "nothing is no since");
	ok(since_bad("ALL") && since_bad("al"), "nor is what looks like all");
	ok(since_bad("-1") && since_bad("1.5") && since_bad(" 1"),
	   "nor a number with a sign, a point, a blank");
	ok(since_bad("9007199254740992"), "nor 2^53");
	ok(since_bad("10x") && since_bad("m"), "nor an unknown unit");
	ok(since_bad(":41") && since_bad("e:") && since_bad("e:x"),
	   "nor half a point");
	ok(since_bad("e:9007199254740992"), "nor a seq from 2^53");
	ok(since_bad("123456789012345678901234567890123:1"),
	   "nor an epoch of 33 bytes");
}

static bool codes_round_trip(void)
{
	for (unsigned i = PROTO_BAD_JSON; i < PROTO_CODES; i++) {
		const char *name = proto_code_name((enum proto_code)i);

		if (!*name || proto_code_from(name, strlen(name)) != i)
			return false;
	}
	return true;
}

static bool every_close_has_a_name(void)
{
	static const unsigned codes[] = {1000, 1001, 1002, 1003, 1006, 1007,
					 1009, 4001, 4003, 4010, 4011, 4100,
					 4101, 4108, 4200, 4212};
	const char *unknown = proto_close_name(4999);

	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		if (strcmp(proto_close_name(codes[i]), unknown) == 0)
			return false;
	return *unknown;
}

static void forbidding(void)
{
	ok(proto_code_forbids(PROTO_FORBIDDEN) &&
		   proto_code_forbids(PROTO_AUTH_REQUIRED) &&
		   proto_code_forbids(PROTO_AUTH_FAILED) &&
		   proto_code_forbids(PROTO_TOKEN_EXPIRED),
	   "codes that say that one may not");
	ok(proto_code_denies(PROTO_AUTH_REQUIRED) &&
		   proto_code_denies(PROTO_AUTH_FAILED) &&
		   proto_code_denies(PROTO_TOKEN_EXPIRED) &&
		   !proto_code_denies(PROTO_FORBIDDEN) &&
		   !proto_code_denies(PROTO_INTERNAL),
	   "which of them say who is not known");
	ok(!proto_code_forbids(PROTO_FINE) &&
		   !proto_code_forbids(PROTO_RATE_LIMITED) &&
		   !proto_code_forbids(PROTO_BAD_TENANT),
	   "and others");
}

int main(void)
{
	forbidding();
	ok(codes_round_trip(), "each code has a name that leads back to it");
	ok(proto_code_from("NEW_CODE", 8) == PROTO_INTERNAL &&
		   proto_code_from("", 0) == PROTO_INTERNAL &&
		   proto_code_from("BAD_JSONX", 9) == PROTO_INTERNAL,
	   "a code from the future counts as INTERNAL");
	ok(every_close_has_a_name(), "each close code is explained");
	since_good();
	since_refused();
	return tap_end();
}

/* SPDX-License-Identifier: MIT */
/* What edpoint promises: which public keys are refused, by their bytes. */
#include "edpoint.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

/* Of 64 digits. */
static bool valid(const char *hex)
{
	uint8_t key[EDPOINT_SIZE];
	unsigned byte;

	for (size_t i = 0; i < sizeof(key); i++) {
		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			return false;
		key[i] = (uint8_t)byte;
	}
	return edpoint_valid(key);
}

/* All points of which eight times is the neutral element. */
static const char *const small_order[] = {
	"0100000000000000000000000000000000000000000000000000000000000000",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0000000000000000000000000000000000000000000000000000000000000080",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
};

/* y = p + 0 to 18, of either sign; and x = -0. */
static bool refuses_other_encodings(void)
{
	char hex[65];
	bool any = false;

	for (unsigned low = 0xed; low <= 0xff; low++) {
		memset(hex, 'f', 64);
		sprintf(hex, "%02x", low);
		hex[2] = 'f';
		any |= valid(hex);
		hex[62] = '7';
		any |= valid(hex);
	}
	return !any &&
	       !valid("0100000000000000000000000000000000000000000000000000000"
		      "000000080") &&
	       !valid("ecfffffffffffffffffffffffffffffffffffffffffffffffffffff"
		      "fffffffff");
}

int main(void)
{
	bool any = false;

	for (size_t i = 0; i < sizeof(small_order) / sizeof(*small_order); i++)
		any |= valid(small_order[i]);
	ok(!any, "the eight points of small order");
	ok(refuses_other_encodings(), "encodings that are not the shortest");
	/* RFC 8032 section 7.1, tests 1 and 3 */
	ok(valid("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f7075"
		 "11a") &&
		   valid("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb9"
			 "11548908025"),
	   "keys are good");
	ok(valid("ebffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		 "ff7f") &&
		   valid("02000000000000000000000000000000000000000000000000000"
			 "00000000000"),
	   "and what stands beside those that are not");
	return tap_end();
}

/* SPDX-License-Identifier: MIT */
#include "loadframe.h"

void loadframe_begin(struct loadframe_walk *walk, const char *bytes, size_t len)
{
	walk->at = bytes;
	walk->end = bytes + len;
	walk->same = false;
}

enum wsframe_result loadframe_decode(struct loadframe_walk *walk)
{
	size_t have = (size_t)(walk->end - walk->at);
	struct wsframe *f = &walk->frame;
	enum wsframe_result result;

	walk->same = false;
	result = wsframe_decode(f, (const uint8_t *)walk->at, have);
	if (result != WSFRAME_OK)
		return result;
	if (f->payload > have - f->header)
		return WSFRAME_SHORT;
	if (have >= sizeof(walk->begin) && f->header <= sizeof(walk->begin)) {
		memcpy(walk->begin, walk->at, sizeof(walk->begin));
		walk->same = true;
	}
	walk->payload = walk->at + f->header;
	walk->at = walk->payload + f->payload;
	return WSFRAME_OK;
}

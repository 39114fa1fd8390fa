/* SPDX-License-Identifier: MIT */
#include "accept.h"
#include "tap.h"

static const char *const types[] = {"text/event-stream",
				    "application/x-ndjson"};

static int choice(const char *header)
{
	return accept_choose(header, types, 2);
}

int main(void)
{
	ok(choice("text/event-stream") == 0 &&
		   choice("application/x-ndjson") == 1 &&
		   choice("Application/X-NDJSON") == 1,
	   "what is named is chosen");
	ok(choice(NULL) == -1 && choice("") == -1 && choice("*/*") == -1 &&
		   choice("text/*") == -1 && choice(",, ,") == -1 &&
		   choice("text/event") == -1 &&
		   choice("text/event-streams") == -1,
	   "and nothing else");
	ok(choice("text/html, application/x-ndjson, */*;q=0.1") == 1 &&
		   choice("text/html,application/x-ndjson;charset=utf-8") ==
			   1 &&
		   choice(" \t,text/event-stream , x/y") == 0,
	   "it stands in a list");
	ok(choice("application/x-ndjson, text/event-stream") == 1 &&
		   choice("text/event-stream, application/x-ndjson") == 0,
	   "of two the first one");
	ok(choice("application/x-ndjson;q=0.5, text/event-stream;q=0.51") ==
			   0 &&
		   choice("application/x-ndjson; v=1 ;Q=0.2, "
			  "text/event-stream;q=0.125") == 1,
	   "or that with more weight");
	ok(choice("text/event-stream;q=0") == -1 &&
		   choice("text/event-stream;q=0.000") == -1 &&
		   choice("text/event-stream;q=0, application/x-ndjson;q=0.1") ==
			   1,
	   "without weight it is refused");
	ok(choice("text/event-stream;q=") == -1 &&
		   choice("text/event-stream;q=x") == -1 &&
		   choice("text/event-stream;q=0x5") == -1 &&
		   choice("text/event-stream;q=0.1234") == -1 &&
		   choice("text/event-stream;q=2") == -1,
	   "as with a weight that is none");
	ok(choice("text/event-stream;q=1") == 0 &&
		   choice("text/event-stream;q=1.000") == 0 &&
		   choice("text/event-stream;") == 0 &&
		   choice("text/event-stream;;q=0.1") == 0,
	   "all of it is what it is without");
	return tap_end();
}

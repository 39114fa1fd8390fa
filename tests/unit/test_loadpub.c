/* SPDX-License-Identifier: MIT */
/* What loadpub promises, one line a promise. Prints TAP. */
#include "loadframe.h"
#include "loadpub.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

static struct loadtally tally;
static struct histogram latency;
static struct loadpub_plan plan;
static struct loadpub pub;
static struct buf out;

static void begin(struct loadpub_plan p, uint64_t quota)
{
	loadtally_release(&tally);
	loadpub_release(&pub);
	buf_clear(&out, 0);
	histogram_init(&latency);
	plan = p;
	plan.prefix = "bench-";
	plan.prefix_len = strlen(plan.prefix);
	plan.size = 54;
	plan.random = 1;
	plan.flows =
		plan.publishers > plan.tenants ? plan.publishers : plan.tenants;
	plan.tally = &tally;
	plan.latency = &latency;
	loadtally_init(&tally, plan.flows, plan.tenants, 1);
	loadpub_init(&pub, &plan, 0, quota);
}

/* Takes the next frame off `out` and unmasks it into `text`. */
static size_t next_frame(char *text, size_t room, enum wsframe_opcode *opcode)
{
	struct wsframe f;

	text[0] = '\0';
	if (wsframe_decode(&f, (uint8_t *)buf_bytes(&out), buf_len(&out)) !=
		    WSFRAME_OK ||
	    f.payload >= room)
		return 0;
	for (size_t i = 0; i < f.payload; i++)
		text[i] = (char)(buf_bytes(&out)[f.header + i] ^ f.mask[i % 4]);
	text[f.payload] = '\0';
	*opcode = f.opcode;
	buf_consume(&out, f.header + (size_t)f.payload);
	return f.header + (size_t)f.payload;
}

static unsigned count_frames(unsigned *lines)
{
	static char text[65536];
	enum wsframe_opcode opcode;
	unsigned frames = 0;

	*lines = 0;
	for (; next_frame(text, sizeof(text), &opcode); frames++)
		for (char *at = text; (at = strstr(at, "\"PUBLISH\"")); at++)
			++*lines;
	return frames;
}

static void test_closed(void)
{
	static const char line[] = "{\"type\":\"PUBLISH\",\"id\":1,"
				   "\"tenantId\":\"bench-0\",\"data\":{";
	char text[300];
	enum wsframe_opcode opcode;
	unsigned lines;

	begin((struct loadpub_plan){.publishers = 1,
				    .tenants = 1,
				    .batch = 1,
				    .window = 4,
				    .settle = LOADPUB_ACKED},
	      6);
	loadpub_fill(&pub, &out, 1000);
	next_frame(text, sizeof(text), &opcode);
	ok(strncmp(text, line, sizeof(line) - 1) == 0 && opcode == WSFRAME_TEXT,
	   "an update is a PUBLISH with an id when it is to be acknowledged");
	ok(count_frames(&lines) == 3 && lines == 3,
	   "a window of four lets four go, one frame each");
	loadpub_answer(&pub, "{\"type\":\"ACK\",\"id\":3}", 21, 1500);
	ok(pub.settled == 3 && latency.total == 1 && latency.max == 500,
	   "an ACK settles all up to its id, and tells a latency");
	loadpub_fill(&pub, &out, 1600);
	ok(count_frames(&lines) == 2 && loadpub_done(&pub),
	   "then more go, to the quota");
	loadpub_answer(&pub, "{\"type\":\"ERROR\",\"id\":4}", 23, 1500);
	ok(pub.rejected == 1 && pub.settled == 4, "an ERROR is counted");
	loadpub_answer(&pub, "{\"type\":\"ACK\",\"id\":9}", 21, 1500);
	ok(pub.settled == 4, "an ACK of what was never sent is none");
}

static void test_batch(void)
{
	unsigned lines;

	begin((struct loadpub_plan){.publishers = 1,
				    .tenants = 1,
				    .batch = 100,
				    .window = 250,
				    .settle = LOADPUB_PONGED},
	      UINT64_MAX);
	loadpub_fill(&pub, &out, 0);
	ok(count_frames(&lines) == 4 && lines == 250,
	   "a batch is many lines in a frame, and a PING is behind the last");
	loadpub_pong(&pub, 10);
	ok(pub.settled == 250 && latency.max == 10, "its PONG settles them");
}

static void test_each(void)
{
	unsigned lines;

	begin((struct loadpub_plan){.publishers = 1,
				    .tenants = 1,
				    .batch = 1,
				    .each = true,
				    .window = 2,
				    .settle = LOADPUB_ACKED},
	      UINT64_MAX);
	loadpub_fill(&pub, &out, 0);
	ok(count_frames(&lines) == 1, "a send for each: one frame at a time");
	loadpub_fill(&pub, &out, 0);
	loadpub_fill(&pub, &out, 0);
	ok(count_frames(&lines) == 1, "within the window all the same");
}

static void test_open(void)
{
	unsigned lines;

	begin((struct loadpub_plan){.publishers = 2,
				    .tenants = 1,
				    .batch = 1,
				    .rate = 1000,
				    .start = 5000000,
				    .settle = LOADPUB_DELIVERED},
	      3);
	ok(loadpub_due(&pub) == 5000000, "the first is due at the start");
	loadpub_fill(&pub, &out, 6999999);
	ok(count_frames(&lines) == 1 && loadpub_due(&pub) == 7000000,
	   "of two publishers each has every second one");
	loadpub_fill(&pub, &out, 500000000);
	ok(count_frames(&lines) == 2 && loadpub_due(&pub) == UINT64_MAX,
	   "what is overdue goes at once, to the quota");
}

static void test_flows(void)
{
	char text[300];
	enum wsframe_opcode opcode;
	bool turns = true;

	begin((struct loadpub_plan){.publishers = 1,
				    .tenants = 3,
				    .batch = 1,
				    .rate = 1,
				    .settle = LOADPUB_DELIVERED},
	      7);
	loadpub_fill(&pub, &out, UINT64_MAX / 2);
	for (unsigned i = 0; i < 7; i++) {
		char tenant[20];

		snprintf(tenant, sizeof(tenant), "\"bench-%u\"", i % 3);
		next_frame(text, sizeof(text), &opcode);
		turns = turns && strstr(text, tenant);
	}
	ok(turns, "one publisher takes its tenants in turn");
	ok(tally.flow[0].published == 3 && tally.flow[2].published == 2,
	   "each with numbers of its own");
}

int main(void)
{
	buf_init(&out);
	test_closed();
	test_batch();
	test_each();
	test_open();
	test_flows();
	loadpub_release(&pub);
	loadtally_release(&tally);
	buf_release(&out);
	return tap_end();
}

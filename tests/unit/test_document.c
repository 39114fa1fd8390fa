/* SPDX-License-Identifier: MIT */
/* What document promises: what it makes of an input, and what is wrong. */
#include "document.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static const struct document_rules plain = {.tenant = {"t-1", 3}};
static const struct document_rules raw = {.tenant = {"t-1", 3}, .raw = true};

/* Whether `input` becomes `want` for the tenant. */
static bool becomes(const struct document_rules *rules, const char *input,
		    const char *tenant, const char *want)
{
	struct document doc;
	struct document_fault fault;
	struct buf scratch;
	char *text = strdup(input);
	bool same;

	buf_init(&scratch);
	same = document_read(&doc, rules, text, strlen(input), &scratch,
			     &fault) == 0 &&
	       doc.len == strlen(want) && !memcmp(doc.data, want, doc.len) &&
	       doc.tenant.len == strlen(tenant) &&
	       !memcmp(doc.tenant.bytes, tenant, doc.tenant.len);
	buf_release(&scratch);
	free(text);
	return same;
}

/* Whether it is refused at `offset`, so, and left as it was. */
static bool fails(const struct document_rules *rules, const char *input,
		  size_t offset, const char *why)
{
	struct document doc;
	struct document_fault fault;
	struct buf scratch;
	char *text = strdup(input);
	bool same;

	buf_init(&scratch);
	same = document_read(&doc, rules, text, strlen(input), &scratch,
			     &fault) == -1 &&
	       fault.offset == offset && strstr(fault.why, why) &&
	       !strcmp(text, input);
	buf_release(&scratch);
	free(text);
	return same;
}

static void json(void)
{
	struct document_rules small = plain;

	small.max = 5;
	ok(becomes(&plain, "{\"n\":1.10,\"n\":12345678901234567890}", "t-1",
		   "{\"n\":1.10,\"n\":12345678901234567890}"),
	   "JSON comes out as it went in");
	ok(becomes(&plain, " [1,\n2 ]\n", "t-1", "[1, 2 ]"),
	   "newlines become spaces, blanks around it go");
	ok(becomes(&plain, "[\"\\n\"]", "t-1", "[\"\\n\"]"),
	   "an escaped newline stays");
	ok(fails(&plain, "{\"a\":tru}", 8, ""), "bad JSON, and where");
	ok(fails(&plain, "", 0, ""), "nothing at all");
	ok(fails(&plain, "[1\n2]", 3, ""),
	   "a refused document keeps its newlines");
	ok(becomes(&small, " [1,2] ", "t-1", "[1,2]"), "as long as it may be");
	ok(fails(&small, "[1,23]", 0, "6 bytes"), "and one byte longer");
}

static void text(void)
{
	struct document_rules small = raw;

	small.max = 5;
	ok(becomes(&raw, "a \"b\"\t\\ \x1b\xc3\xa9", "t-1",
		   "\"a \\\"b\\\"\\t\\\\ \\u001b\xc3\xa9\""),
	   "text becomes a JSON string");
	ok(becomes(&raw, "a\nb\n", "t-1", "\"a\\nb\\n\""),
	   "with its newlines, escaped");
	ok(fails(&raw, "ab\xe9", 2, "UTF-8"), "that is not UTF-8");
	ok(fails(&small, "abcd", 0, "6 bytes"), "its quotes count");
}

static void routed(void)
{
	struct document_rules rules = {0};
	struct document doc;
	struct document_fault fault;
	char input[] = "{\"t\":\"x\",\"k\":5}";

	route_init(&rules.route, "t", NULL);
	ok(becomes(&rules, "{\"a\":1,\n\"t\":\"x\"}", "x", "{\"a\":1}"),
	   "the tenant comes out of the document");
	ok(fails(&rules, "{\"a\":1}", 0, "'t' is missing"), "or is missing");
	ok(fails(&rules, "{\"t\":[]}", 5, "'t' is neither"), "or is no text");
	ok(fails(&rules, "[]", 0, "not a JSON object"), "or can't be there");
	rules.max = 7;
	ok(becomes(&rules, "{\"t\":\"x\",\"a\":1}", "x", "{\"a\":1}"),
	   "what is taken out does not count");
	rules.max = 0;
	route_init(&rules.route, "t", "k");
	ok(document_read(&doc, &rules, input, strlen(input), NULL, &fault) ==
			   0 &&
		   doc.key.len == 1 && doc.key.bytes[0] == '5',
	   "a key is read");
}

static void no_memory(void)
{
	char input[] = "abc";
	struct document doc;
	struct document_fault fault;
	struct buf scratch;

	buf_init(&scratch);
	oom_after(1);
	ok(document_read(&doc, &raw, input, 3, &scratch, &fault) == -1,
	   "no memory for a string");
	oom_off();
	ok(document_read(&doc, &raw, input, 3, &scratch, &fault) == 0,
	   "and later there is");
	buf_release(&scratch);
}

int main(void)
{
	json();
	text();
	routed();
	no_memory();
	return tap_end();
}

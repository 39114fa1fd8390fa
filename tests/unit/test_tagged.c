/* SPDX-License-Identifier: MIT */
/* What tagged promises: a line that names the tenant, or why there is none. */
#include "tagged.h"
#include "tap.h"

#include <string.h>

static const struct request_text tenant = {"t-1", 3};

/* From a copy without a NUL, so that reading beyond it is seen. */
static enum tagged_result put(struct buf *out, const char *data)
{
	struct buf copy;
	enum tagged_result result;

	buf_init(&copy);
	buf_append(&copy, data, strlen(data));
	result = tagged_put(out, tenant, buf_bytes(&copy), buf_len(&copy));
	buf_release(&copy);
	return result;
}

static bool becomes(const char *data, const char *line)
{
	struct buf out;
	bool same;

	buf_init(&out);
	same = put(&out, data) == TAGGED_OK && buf_len(&out) == strlen(line) &&
	       memcmp(buf_bytes(&out), line, strlen(line)) == 0;
	buf_release(&out);
	return same;
}

/* It is refused, and nothing was appended. */
static bool is(const char *data, enum tagged_result result)
{
	struct buf out;
	bool same;

	buf_init(&out);
	same = put(&out, data) == result && !buf_len(&out);
	buf_release(&out);
	return same;
}

static bool says_no_memory(void)
{
	struct buf out;
	enum tagged_result result;
	bool failed;

	buf_init(&out);
	oom_after(1);
	result = tagged_put(&out, tenant, "{}", 2);
	failed = oom_off() && out.failed;
	buf_release(&out);
	return result == TAGGED_OK && failed;
}

int main(void)
{
	ok(becomes("{\"status\":\"done\"}",
		   "{\"tenantId\":\"t-1\",\"status\":\"done\"}"),
	   "the tenant comes first");
	ok(becomes("{}", "{\"tenantId\":\"t-1\"}"), "alone in an empty object");
	ok(becomes("{ \t}", "{\"tenantId\":\"t-1\" \t}"),
	   "alone, and the blanks stay");
	ok(becomes("{ \"a\" : 1.10, \"\\u0041\":\"\\/\" }",
		   "{\"tenantId\":\"t-1\", \"a\" : 1.10, \"\\u0041\":\"\\/\" }"),
	   "no other byte changes");
	ok(becomes("{\"a\":{\"tenantId\":1},\"tenantid\":[{\"tenantId\":2}]}",
		   "{\"tenantId\":\"t-1\","
		   "\"a\":{\"tenantId\":1},\"tenantid\":[{\"tenantId\":2}]}"),
	   "the member may be deeper, or have another name");
	ok(is("{\"tenantId\":\"t-1\"}", TAGGED_TAKEN),
	   "not when there is one already");
	ok(is("{\"a\":{},\"tenantId\":null}", TAGGED_TAKEN),
	   "whatever it is, and wherever");
	ok(is("{\"t\\u0065nant\\u0049d\":1}", TAGGED_TAKEN),
	   "also when it is written with escapes");
	ok(is("[{}]", TAGGED_NOT_OBJECT), "not in an array");
	ok(is("\"{}\"", TAGGED_NOT_OBJECT), "not in a string");
	ok(is("null", TAGGED_NOT_OBJECT), "not in null");
	ok(is("{\"a\":1,}", TAGGED_NOT_OBJECT), "not in what is not JSON");
	ok(says_no_memory(), "no memory is seen by the buffer");
	return tap_end();
}

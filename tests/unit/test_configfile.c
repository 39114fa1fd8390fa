/* SPDX-License-Identifier: MIT */
/* What configfile promises, one line a promise. */
#include "configfile.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct config {
	struct option_base base;
	bool quiet;
	int verbose;
	const char *file;
	struct option_texts origins;
	uint64_t count;
	uint64_t size;
	uint64_t age;
	uint64_t rate;
	unsigned on_error;
	uint64_t fd;
};

static const char *wrong_origin(const char *text)
{
	return strchr(text, '/') ? "has a slash" : NULL;
}

#define FIELD(name) .offset = offsetof(struct config, name)

static const struct option options[] = {
	{'q', "quiet", OPTION_FLAG, FIELD(quiet)},
	{'v', "verbose", OPTION_TALLY, FIELD(verbose)},
	{'f', "file", OPTION_TEXT, FIELD(file)},
	{0, "origin", OPTION_TEXTS, FIELD(origins), .wrong = wrong_origin},
	{0, "count", OPTION_NUMBER, FIELD(count), .min = 1, .max = 1000},
	{0, "size", OPTION_SIZE, FIELD(size)},
	{0, "history-age", OPTION_DURATION, FIELD(age)},
	{0, "rate", OPTION_RATE, FIELD(rate)},
	{0, "on-error", OPTION_CHOICE, FIELD(on_error), .choices = "stop|skip"},
	{0, "ready-fd", OPTION_NUMBER, FIELD(fd), .flags = OPTION_TYPED},
	{.name = NULL},
};

#define ROWS (sizeof(options) / sizeof(options[0]))

static const struct option others[] = {
	{.letter = 'h', .name = "help"},
	{.name = NULL},
};

/* One text: what it set, or what was wrong with it. */
struct run {
	struct config config;
	bool given[ROWS];
	struct configfile_fault fault;
	int result;
};

/* A copy of the exact size, so that the sanitizer sees each step outside. */
static void parse(struct run *r, const char *text, size_t len)
{
	const struct configfile into = {options, others, r->given,
					&r->config.base};
	char *copy = malloc(len ? len : 1);

	memcpy(copy, text, len);
	r->result = configfile_parse(&into, len ? copy : NULL, len, &r->fault);
	free(copy);
}

static bool done(struct run *r, bool pass)
{
	for (const struct option *o = options; o->name; o++)
		option_clear(o, &r->config.base);
	option_base_release(&r->config.base);
	return pass;
}

static bool says(const char *text, size_t line, size_t column, const char *why)
{
	struct run r = {0};

	parse(&r, text, strlen(text));
	if (r.result == 0)
		return done(&r, false);
	return done(&r, r.fault.line == line && r.fault.column == column &&
				strcmp(r.fault.why, why) == 0);
}

static bool sets_all(void)
{
	static const char text[] =
		" {\"quiet\":true, \"verbose\" : 2,\n\"file\":\"a\\u00e9\\nb\","
		"\"origin\":[ \"x\" , \"]\\\",\",\"\"],\n\"count\":5,"
		"\"size\":\"64k\",\"history-age\":1.5,\"rate\":\"100/s\","
		"\"on-error\":\"skip\"} \n";
	struct run r = {0};
	const struct config *c = &r.config;

	parse(&r, text, sizeof(text) - 1);
	return done(&r, r.result == 0 && c->quiet && c->verbose == 2 &&
				strcmp(c->file, "a\xc3\xa9\nb") == 0 &&
				c->origins.count == 3 &&
				strcmp(c->origins.items[0], "x") == 0 &&
				strcmp(c->origins.items[1], "]\",") == 0 &&
				strcmp(c->origins.items[2], "") == 0 &&
				c->count == 5 && c->size == 65536 &&
				c->age == 1500 && c->rate == 100 &&
				c->on_error == 1);
}

/* The same for numbers and a text where a list may be. */
static bool sets_otherwise(void)
{
	static const char text[] =
		"{\"quiet\":false,\"origin\":\"x\",\"count\":\"5\",\"size\":7,"
		"\"h\\u0069story-age\":\"10m\",\"rate\":3}";
	struct run r = {.config.quiet = true};
	const struct config *c = &r.config;

	parse(&r, text, sizeof(text) - 1);
	return done(&r, r.result == 0 && !c->quiet && c->origins.count == 1 &&
				c->count == 5 && c->size == 7 &&
				c->age == 600000 && c->rate == 3);
}

static bool empty_sets_nothing(void)
{
	struct run r = {.config.count = 3, .config.verbose = 1};

	parse(&r, "{\"origin\":[]}", 13);
	return done(&r, r.result == 0 && r.config.count == 3 &&
				r.config.verbose == 1 &&
				r.config.origins.count == 0);
}

static bool keeps_given(void)
{
	static const char text[] = "{\"verbose\":2,\"origin\":[\"x\",\"y\"],"
				   "\"count\":5,\"size\":9}";
	struct run r = {.config.count = 3};

	r.given[1] = r.given[3] = r.given[4] = true;
	parse(&r, text, sizeof(text) - 1);
	return done(&r, r.result == 0 && r.config.verbose == 0 &&
				r.config.origins.count == 0 &&
				r.config.count == 3 && r.config.size == 9);
}

static bool checks_given(void)
{
	struct run r = {0};

	r.given[3] = true;
	parse(&r, "{\"origin\":[\"x\",\"/\"]}", 20);
	return done(&r, r.result < 0 && r.fault.column == 16 &&
				strcmp(r.fault.why, "origin: '/': has a "
						    "slash") == 0);
}

/* Each allocation in turn fails; nothing is lost, and it is said. */
static bool survives_no_memory(void)
{
	static const char text[] = "{\"file\":\"f\",\"origin\":[\"x\",\"y\"]}";
	bool pass = true;

	for (long n = 1; n <= 4; n++) {
		struct run r = {0};
		const struct configfile into = {options, others, r.given,
						&r.config.base};

		oom_after(n);
		r.result = configfile_parse(&into, text, sizeof(text) - 1,
					    &r.fault);
		pass &= oom_off() > 0 && r.result < 0 &&
			strstr(r.fault.why, "Cannot allocate memory");
		done(&r, true);
	}
	return pass;
}

static bool load_says(const char *path, const char *why)
{
	struct run r = {0};
	const struct configfile into = {options, others, r.given,
					&r.config.base};

	r.result = configfile_load(&into, path, &r.fault);
	return done(&r, r.result < 0 && r.fault.line == 0 &&
				strcmp(r.fault.why, why) == 0);
}

static bool loads_from_a_pipe(void)
{
	struct run r = {0};
	const struct configfile into = {options, others, r.given,
					&r.config.base};
	char path[32];
	int ends[2];

	if (pipe(ends) < 0 || write(ends[1], "{\"count\":5}", 11) != 11)
		return false;
	close(ends[1]);
	snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
	r.result = configfile_load(&into, path, &r.fault);
	close(ends[0]);
	return done(&r, r.result == 0 && r.config.count == 5);
}

/* A file of `size` bytes: an object and blanks. */
static bool takes_size(size_t size)
{
	struct run r = {0};
	const struct configfile into = {options, others, r.given,
					&r.config.base};
	char path[] = "/tmp/test_configfile.XXXXXX";
	int fd = mkstemp(path);
	char *text = malloc(size);
	ssize_t n;

	memset(text, ' ', size);
	memcpy(text, "{}", 2);
	n = write(fd, text, size);
	free(text);
	close(fd);
	r.result = configfile_load(&into, path, &r.fault);
	unlink(path);
	return done(&r, n == (ssize_t)size && r.result == 0);
}

static void test_values(void)
{
	ok(sets_all(), "each kind of option has its type");
	ok(sets_otherwise(),
	   "amounts are strings or numbers, lists also texts");
	ok(empty_sets_nothing(), "what is not named keeps its value");
	ok(keeps_given(), "what is given keeps its value");
	ok(checks_given(), "but the file must be right all the same");
	ok(survives_no_memory(), "no memory is said");
}

static void test_names(void)
{
	ok(says("{\"size\":1,\n  \"histroy-age\":1}", 2, 3,
		"there is no option 'histroy-age'; did you mean "
		"'history-age'?"),
	   "an unknown member, with the name that is nearest");
	ok(says("{\"historyAge\":1}", 1, 2,
		"there is no option 'historyAge'; did you mean 'history-age'?"),
	   "in another way to write names");
	ok(says("{\"--count\":1}", 1, 2,
		"there is no option '--count'; did you mean 'count'?"),
	   "with dashes");
	ok(says("{\"elephant\":1}", 1, 2, "there is no option 'elephant'"),
	   "nothing is near");
	ok(says("{\"\":1}", 1, 2, "there is no option ''"), "an empty name");
	ok(says("{\"read-fd\":1}", 1, 2, "there is no option 'read-fd'"),
	   "what is not for a file is not suggested");
	ok(says("{\"count\":1,\"c\\u006funt\":1}", 1, 12, "count: given twice"),
	   "a member given twice, however it is written");
	ok(says("{\"ready-fd\":1}", 1, 2,
		"--ready-fd is an option for the command line alone"),
	   "an option that means nothing in a file");
	ok(says("{\"help\":true}", 1, 2,
		"--help is an option for the command line alone"),
	   "one that every program has");
}

static void test_types(void)
{
	ok(says("{\"quiet\":1}", 1, 10, "quiet: a number is not true or false"),
	   "a flag is no number");
	ok(says("{\"quiet\":\"true\"}", 1, 10,
		"quiet: a string is not true or false"),
	   "a flag is no string");
	ok(says("{\"verbose\":true}", 1, 12, "verbose: true is not a number"),
	   "a tally is no flag");
	ok(says("{\"verbose\":-1}", 1, 12, "verbose: '-1' is not a number"),
	   "a tally has no sign");
	ok(says("{\"verbose\":101}", 1, 12, "verbose: '101' is above 100"),
	   "a tally has an end");
	ok(says("{\"file\":5}", 1, 9, "file: a number is not a string"),
	   "a text is no number");
	ok(says("{\"file\":[\"a\"]}", 1, 9, "file: an array is not a string"),
	   "a text is no list");
	ok(says("{\"origin\":null}", 1, 11,
		"origin: null is not a string or an array of strings"),
	   "null is nothing");
	ok(says("{\"origin\":[\"a\", [\"b\"]]}", 1, 17, "origin: not a string"),
	   "a list has texts only");
	ok(says("{\"count\":{}}", 1, 10, "count: an object is not a number"),
	   "a number is no object");
	ok(says("{\"count\":1e3}", 1, 10, "count: '1e3' is not a number"),
	   "a number has digits only");
	ok(says("{\"count\":0}", 1, 10, "count: '0' is below 1"),
	   "below the least");
	ok(says("{\"count\":\"1001\"}", 1, 10, "count: '1001' is above 1000"),
	   "above the most");
	ok(says("{\"size\":\"64q\"}", 1, 9,
		"size: '64q' is not a size (such as 64k)"),
	   "not a size");
	ok(says("{\"history-age\":false}", 1, 16,
		"history-age: false is not a duration (such as 500ms or 10m)"),
	   "not a duration");
	ok(says("{\"on-error\":\"stay\"}", 1, 13,
		"on-error: 'stay' is not one of stop|skip"),
	   "not one of a choice");
	ok(says("{\"on-error\":1}", 1, 13,
		"on-error: a number is not one of stop|skip"),
	   "a choice is a word");
	ok(says("{\"file\":\"a\\u0000\"}", 1, 9,
		"file: a NUL cannot stand in a text"),
	   "a NUL");
	ok(says("{\"file\":\"\\ud800\"}", 1, 9,
		"file: half of a surrogate pair is no character"),
	   "half of a surrogate pair");
}

static void test_texts(void)
{
	ok(says("", 1, 1, "no value"), "an empty file");
	ok(says("[]", 1, 1, "not an object"), "an array");
	ok(says("{} {}", 1, 4, "something follows the document"),
	   "something behind it");
	ok(says("// c\n{}", 1, 1,
		"unexpected character (JSON has no comments)"),
	   "a comment before it");
	ok(says("{\n# c\n}", 2, 1,
		"unexpected character (JSON has no comments)"),
	   "a comment within");
	ok(says("{} // c", 1, 4,
		"something follows the document (JSON has no comments)"),
	   "a comment behind");
	ok(says("{\"count\":1,}", 1, 12, "unexpected character"),
	   "a comma too many");
	ok(says("{\"count\":1", 1, 11, "the text ends too early"),
	   "a brace too few");
	ok(says("{\"file\":\"\xff\"}", 1, 10, "invalid UTF-8"),
	   "what is not UTF-8");
	ok(says("\xef\xbb\xbf{}", 1, 1, "byte order mark"),
	   "a byte order mark");
}

static void test_files(void)
{
	ok(load_says("/tmp/no/such", "No such file or directory"),
	   "a file that is not there");
	ok(load_says("/tmp", "Is a directory"), "a directory");
	ok(load_says("/dev/zero", "it is above 1 MiB"), "an endless file");
	ok(takes_size(CONFIGFILE_MAX), "1 MiB is taken");
	ok(!takes_size(CONFIGFILE_MAX + 1), "one byte more is not");
	ok(loads_from_a_pipe(), "a pipe");
}

int main(void)
{
	test_values();
	test_names();
	test_types();
	test_texts();
	test_files();
	return tap_end();
}

/* SPDX-License-Identifier: MIT */
/* What settings promises, one line a promise. */
#include "settings.h"
#include "tap.h"

#include <errno.h>
#include <string.h>

struct config {
	struct option_base base;
	struct option_texts listen;
	const char *file;
	uint64_t age;
	uint64_t fd;
	bool quiet;
};

#define FIELD(name) .offset = offsetof(struct config, name)

static const struct option options[] = {
	{0, "listen", OPTION_TEXTS, FIELD(listen), .flags = OPTION_FIXED},
	{0, "file", OPTION_TEXT, FIELD(file)},
	{0, "age", OPTION_DURATION, FIELD(age)},
	{0, "fd", OPTION_NUMBER, FIELD(fd), .flags = OPTION_TYPED},
	{0, "quiet", OPTION_FLAG, FIELD(quiet), .flags = OPTION_FIXED},
	{.name = NULL},
};

static const struct option nothing[] = {{.name = NULL}};

static const char *a[] = {"a"};
static const char *ab[] = {"a", "b"};

static bool prints(const struct option *table, const struct config *c,
		   const char *want)
{
	char said[256] = "";
	FILE *file = tmpfile();
	bool printed = settings_print(table, &c->base, file) == 0;

	rewind(file);
	said[fread(said, 1, sizeof(said) - 1, file)] = '\0';
	fclose(file);
	return printed && strcmp(said, want) == 0;
}

static bool fails(const struct config *c, const char *path, int error)
{
	FILE *file = fopen(path, "w");
	bool failed = settings_print(options, &c->base, file) < 0;

	failed = failed && errno == error;
	fclose(file);
	return failed;
}

static void note(void *user, const struct option *o, const char *was,
		 const char *is)
{
	char *said = user;

	sprintf(said + strlen(said), "%s: %s -> %s\n", o->name, was, is);
}

/* Whether the change from one to another is told so. */
static bool tells(struct config *fresh, const struct config *old,
		  const char *want)
{
	char said[256] = "";

	return settings_renew(options, &fresh->base, &old->base, note, said) ==
		       0 &&
	       strcmp(said, want) == 0;
}

static void release(struct config *c)
{
	for (const struct option *o = options; o->name; o++)
		option_clear(o, &c->base);
	option_base_release(&c->base);
}

static bool changes(void)
{
	const struct config old = {.age = 600000};
	struct config fresh = {.age = 300000, .file = "f", .fd = 5};

	return tells(&fresh, &old,
		     "file: nothing -> \"f\"\nage: 10m -> 5m\n") &&
	       fresh.age == 300000 && strcmp(fresh.file, "f") == 0;
}

static bool keeps_fixed(void)
{
	const struct config old = {.listen = {a, 1}, .quiet = true};
	struct config fresh = {.age = 0};
	bool pass;

	option_add_text(&fresh.listen, "a");
	option_add_text(&fresh.listen, "b");
	pass = tells(&fresh, &old,
		     "listen: [\"a\"] -> [\"a\", \"b\"]\n"
		     "quiet: true -> false\n") &&
	       fresh.listen.count == 1 &&
	       strcmp(fresh.listen.items[0], "a") == 0 &&
	       fresh.listen.items[0] != a[0] && fresh.quiet;
	/* Once more, it is as it was. */
	pass = pass && tells(&fresh, &old, "");
	release(&fresh);
	return pass;
}

static bool survives_no_memory(void)
{
	const struct config old = {.listen = {ab, 2}};
	char said[256] = "";
	bool pass = true;

	for (long n = 1; n <= 4; n++) {
		struct config fresh = {.age = 0};

		oom_after(n);
		pass &= settings_renew(options, &fresh.base, &old.base, note,
				       said) < 0;
		pass &= oom_off() > 0;
		release(&fresh);
	}
	return pass;
}

int main(void)
{
	const struct config full = {.listen = {ab, 2},
				    .file = "f",
				    .age = 90000,
				    .fd = 5,
				    .quiet = true};
	const struct config empty = {0};
	const struct config bytes = {.file = "\xff"};

	ok(prints(options, &full,
		  "{\n  \"listen\": [\"a\", \"b\"],\n  \"file\": \"f\",\n"
		  "  \"age\": \"90s\",\n  \"quiet\": true\n}\n"),
	   "a member a line, without what is for the command line");
	ok(prints(options, &empty,
		  "{\n  \"listen\": [],\n  \"quiet\": false\n}\n"),
	   "what has no value is left out");
	ok(prints(nothing, &empty, "{}\n"), "an object even of nothing");
	ok(fails(&full, "/dev/full", ENOSPC), "what cannot be written is told");
	ok(fails(&bytes, "/dev/null", EILSEQ), "nor what is no UTF-8");
	ok(changes(), "each change is told, both values as text");
	ok(keeps_fixed(), "what cannot change is told, and stays, in a copy");
	ok(survives_no_memory(), "no memory is told");
	return tap_end();
}

/* SPDX-License-Identifier: MIT */
/*
 * A command line, its words ended by newlines. Whatever it says, argv is
 * reordered and nothing else, and no text is kept that was not on it.
 */
#include "options.h"

#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 64
#define BYTES_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct config {
	struct option_base base;
	bool flag;
	int tally;
	const char *text;
	struct option_texts texts;
	uint64_t amount;
	unsigned choice;
};

#define FIELD(name) .offset = offsetof(struct config, name)

static const struct option options[] = {
	{'q', "quiet", OPTION_FLAG, FIELD(flag), .help = "help"},
	{'v', "verbose", OPTION_TALLY, FIELD(tally), .help = "help"},
	{'f', "file", OPTION_TEXT, FIELD(text), .arg = "FILE", .help = "help"},
	{'o', "origin", OPTION_TEXTS, FIELD(texts), .arg = "O", .help = "help"},
	{'n', "number", OPTION_NUMBER, FIELD(amount), .help = "", .max = 100},
	{'s', "size", OPTION_SIZE, FIELD(amount), .help = "", .min = 10},
	{'d', "duration", OPTION_DURATION, FIELD(amount), .help = ""},
	{'r', "rate", OPTION_RATE, FIELD(amount), .help = ""},
	{0, "on-error", OPTION_CHOICE, FIELD(choice), NULL, "", "stop|skip"},
	{.name = NULL},
};

static const struct option_program program = {
	.name = "fuzz",
	.synopsis = "operand ...",
	.summary = "Summary.",
	.options = options,
};

static int split(char *text, char **argv)
{
	char *save = NULL;
	int argc = 0;

	for (char *word = strtok_r(text, "\n", &save); word && argc < WORDS_MAX;
	     word = strtok_r(NULL, "\n", &save))
		argv[argc++] = word;
	return argc;
}

/* What is in files of this machine is no input. */
static bool names_a_file(char **argv, int argc)
{
	for (int i = 0; i < argc; i++)
		if (strncmp(argv[i], "--config", 8) == 0)
			return true;
	return false;
}

static int by_address(const void *a, const void *b)
{
	const char *const *x = a;
	const char *const *y = b;

	return (*x > *y) - (*x < *y);
}

static void expect(bool what)
{
	if (!what)
		abort();
}

static void check_order(char **argv, int argc, int operands, char **before)
{
	expect(operands <= argc);
	for (int i = operands + 1; i < argc; i++)
		expect(argv[i - 1] < argv[i]);
	qsort(argv, (size_t)argc, sizeof(*argv), by_address);
	expect(memcmp(argv, before, (size_t)argc * sizeof(*argv)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[BYTES_MAX + 1];
	char *argv[WORDS_MAX + 1] = {0};
	char *before[WORDS_MAX + 1];
	struct config config = {0};
	int operands;
	int argc;

	if (size > BYTES_MAX)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	argc = split(text, argv);
	if (names_a_file(argv, argc))
		return 0;
	memcpy(before, argv, sizeof(argv));
	if (options_parse(&program, argc, argv, &config.base, &operands) ==
	    OPTIONS_RUN) {
		expect(config.choice <= 1);
		for (size_t i = 0; i < config.texts.count; i++)
			expect(config.texts.items[i] >= text &&
			       config.texts.items[i] <= text + size);
	}
	check_order(argv, argc, operands, before);
	options_release(&program, &config.base);
	return 0;
}

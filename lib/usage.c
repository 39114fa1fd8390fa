/* SPDX-License-Identifier: MIT */
/*
 * What --help prints: two columns, the right one broken between words so that
 * a terminal of 80 columns shows it.
 */
#include "options.h"

#include <string.h>

#define COLUMNS 80
#define LEFT_MAX 30 /* a longer left side gets a line of its own */

static int left_side(const struct option *o, char *out, size_t room)
{
	const char *arg = o->arg ? o->arg : o->choices;
	int n;

	if (o->letter)
		n = snprintf(out, room, "  -%c, --%s", o->letter, o->name);
	else
		n = snprintf(out, room, "      --%s", o->name);
	if (option_takes_argument(o) && arg && (size_t)n < room)
		n += snprintf(out + n, room - (size_t)n, " %s", arg);
	return n;
}

static int widest_left(const struct option *o, int widest)
{
	char left[128];

	for (; o->name; o++) {
		int n = left_side(o, left, sizeof(left));

		if (n > widest && n <= LEFT_MAX)
			widest = n;
	}
	return widest;
}

/* Writes `text` from column `indent` on, broken between words. */
static void put_wrapped(const char *text, int indent, FILE *out)
{
	size_t room = (size_t)(COLUMNS - 1 - indent);

	while (strlen(text) > room) {
		size_t n = room;

		while (n > 0 && text[n] != ' ')
			n--;
		if (n == 0)
			break;
		fprintf(out, "%.*s\n%*s", (int)n, text, indent, "");
		text += n + 1;
	}
	fprintf(out, "%s\n", text);
}

static void put_options(const struct option *o, int indent, FILE *out)
{
	char left[128];

	for (; o->name; o++) {
		int n = left_side(o, left, sizeof(left));

		fputs(left, out);
		if (n > indent - 2) {
			fputc('\n', out);
			n = 0;
		}
		fprintf(out, "%*s", indent - n, "");
		put_wrapped(o->help, indent, out);
	}
}

static void put_examples(const char *lines, FILE *out)
{
	fputs("\nExamples:\n", out);
	while (*lines) {
		const char *end = strchrnul(lines, '\n');

		fprintf(out, "  %.*s\n", (int)(end - lines), lines);
		lines = *end ? end + 1 : end;
	}
}

static void put_commands(const struct option_program *commands, FILE *out)
{
	const struct option_program *c;
	int widest = 0;

	for (c = commands; c->name; c++)
		if ((int)strlen(options_word(c)) > widest)
			widest = (int)strlen(options_word(c));
	fputs("\nCommands:\n", out);
	for (c = commands; c->name; c++) {
		fprintf(out, "  %-*s  ", widest, options_word(c));
		put_wrapped(c->summary, widest + 4, out);
	}
}

void options_help(const struct option_program *program, FILE *out)
{
	const struct option *common = options_common(program);
	int indent = widest_left(common, widest_left(program->options, 0)) + 2;

	fprintf(out, "Usage: %s %s\n", program->name, program->synopsis);
	put_wrapped(program->summary, 0, out);
	if (program->commands)
		put_commands(program->commands, out);
	fputs("\nOptions:\n", out);
	put_options(program->options, indent, out);
	put_options(common, indent, out);
	if (program->examples)
		put_examples(program->examples, out);
}

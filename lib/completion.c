/* SPDX-License-Identifier: MIT */
/*
 * What --completion prints, for three shells. An argument named FILE completes
 * files, a choice its words, any other nothing; operands complete nothing. The
 * first word of a program with commands completes these, what follows is by the
 * table of the command.
 *
 * Names and choices are plain words (letters, digits, '-'); only the names of
 * arguments and the help texts need quoting.
 */
#include "options.h"

#include <string.h>

enum completes {
	COMPLETES_NOTHING,
	COMPLETES_FILES,
	COMPLETES_WORDS,
};

static enum completes completes(const struct option *o)
{
	if (o->kind == OPTION_CHOICE)
		return COMPLETES_WORDS;
	if (o->arg && strcmp(o->arg, "FILE") == 0)
		return COMPLETES_FILES;
	return COMPLETES_NOTHING;
}

/* "stop|skip" as "stop skip" */
static void put_words(const char *choices, FILE *out)
{
	for (; *choices; choices++)
		fputc(*choices == '|' ? ' ' : *choices, out);
}

/* Within '…' of a shell; `special` are to be escaped once more. */
static void put_quoted(const char *text, const char *special, FILE *out)
{
	for (; *text; text++) {
		if (strchr(special, *text))
			fputc('\\', out);
		if (*text == '\'')
			fputs("'\\''", out);
		else
			fputc(*text, out);
	}
}

/* bash */

/* The words that an option may be: " -c --count". */
static void bash_names(const struct option *o, FILE *out)
{
	for (; o->name; o++) {
		if (o->letter)
			fprintf(out, " -%c", o->letter);
		fprintf(out, " --%s", o->name);
	}
}

/* A branch of the case on the word before the cursor. */
static void bash_argument(const struct option *o, FILE *out)
{
	fputc('\t', out);
	if (o->letter)
		fprintf(out, "-%c | ", o->letter);
	fprintf(out, "--%s)\n", o->name);
	switch (completes(o)) {
	case COMPLETES_WORDS:
		fputs("\t\tmapfile -t COMPREPLY < <(compgen -W '", out);
		put_words(o->choices, out);
		fputs("' -- \"$cur\")\n", out);
		break;
	case COMPLETES_FILES:
		fputs("\t\tcompopt -o filenames 2>/dev/null\n"
		      "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n",
		      out);
		break;
	case COMPLETES_NOTHING:
		break;
	}
	fputs("\t\treturn\n\t\t;;\n", out);
}

static void bash_arguments(const struct option *o, FILE *out)
{
	for (; o->name; o++)
		if (option_takes_argument(o))
			bash_argument(o, out);
}

/* A function has '_' where the name of a command has a blank. */
static void put_function(const struct option_program *program, FILE *out)
{
	fputc('_', out);
	for (const char *c = program->name; *c; c++)
		fputc(*c == ' ' ? '_' : *c, out);
}

/* The words that it has in place of operands: " make check". */
static void put_commands(const struct option_program *c, FILE *out)
{
	for (; c && c->name; c++)
		fprintf(out, " %s", options_word(c));
}

/* What is not an option: the command, and behind it what that completes. */
static void bash_commands(const struct option_program *program, FILE *out)
{
	if (!program->commands) {
		fputs("\t[[ $cur == -* ]] || return\n", out);
		return;
	}
	fputs("\tif [[ $COMP_CWORD -gt 1 ]]; then\n"
	      "\t\tcase ${COMP_WORDS[1]} in\n",
	      out);
	for (const struct option_program *c = program->commands; c->name; c++) {
		fprintf(out, "\t\t%s) ", options_word(c));
		put_function(c, out);
		fputs(" ;;\n", out);
	}
	fputs("\t\tesac\n\t\treturn\n\tfi\n", out);
}

/* bash splits "--name=word" into three words, hence the step over "=". */
static void bash_function(const struct option_program *program, FILE *out)
{
	put_function(program, out);
	fputs("() {\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]}\n"
	      "\tlocal prev=${COMP_WORDS[COMP_CWORD - 1]}\n\n"
	      "\tCOMPREPLY=()\n"
	      "\tif [[ $cur == = ]]; then\n"
	      "\t\tcur=\n"
	      "\telif [[ $prev == = && $COMP_CWORD -ge 2 ]]; then\n"
	      "\t\tprev=${COMP_WORDS[COMP_CWORD - 2]}\n"
	      "\tfi\n"
	      "\tcase $prev in\n",
	      out);
	bash_arguments(program->options, out);
	bash_arguments(options_common(program), out);
	fputs("\tesac\n", out);
	bash_commands(program, out);
	fputs("\tmapfile -t COMPREPLY < <(compgen -W '", out);
	put_commands(program->commands, out);
	bash_names(program->options, out);
	bash_names(options_common(program), out);
	fputs("' -- \"$cur\")\n}\n", out);
}

static void put_bash(const struct option_program *program, FILE *out)
{
	fprintf(out,
		"# bash completion for %s, by '%s --completion bash'\n"
		"# shellcheck shell=bash\n\n",
		program->name, program->name);
	for (const struct option_program *c = program->commands; c && c->name;
	     c++) {
		bash_function(c, out);
		fputc('\n', out);
	}
	bash_function(program, out);
	fputs("complete -F ", out);
	put_function(program, out);
	fprintf(out, " %s\n", program->name);
}

/* zsh */

/* "(-c --count)" or, for what may be given again, "*" */
static void zsh_exclusion(const struct option *o, FILE *out)
{
	if (o->kind == OPTION_TALLY || o->kind == OPTION_TEXTS)
		fputs("'*'", out);
	else if (o->letter)
		fprintf(out, "'(-%c --%s)'", o->letter, o->name);
}

/* "{-c+,--count=}", which zsh makes two specifications of */
static void zsh_names(const struct option *o, FILE *out)
{
	bool argument = option_takes_argument(o);

	if (o->letter)
		fprintf(out, "{-%c%s,", o->letter, argument ? "+" : "");
	fprintf(out, "--%s%s", o->name, argument ? "=" : "");
	if (o->letter)
		fputc('}', out);
}

static void zsh_action(const struct option *o, FILE *out)
{
	fputc(':', out);
	put_quoted(o->arg ? o->arg : o->name, ":\\", out);
	fputc(':', out);
	switch (completes(o)) {
	case COMPLETES_WORDS:
		fputc('(', out);
		put_words(o->choices, out);
		fputc(')', out);
		break;
	case COMPLETES_FILES:
		fputs("_files", out);
		break;
	case COMPLETES_NOTHING:
		fputc(' ', out);
		break;
	}
}

static void zsh_options(const struct option *o, FILE *out)
{
	for (; o->name; o++) {
		fputs(" \\\n\t", out);
		zsh_exclusion(o, out);
		zsh_names(o, out);
		fputs("'[", out);
		put_quoted(o->help, "[]:\\", out);
		fputc(']', out);
		if (option_takes_argument(o))
			zsh_action(o, out);
		fputc('\'', out);
	}
}

/* The first operand is a command, which has what follows to itself. */
static void zsh_commands(const struct option_program *commands, FILE *out)
{
	fputs(" \\\n\t'1:command:((", out);
	for (const struct option_program *c = commands; c->name; c++) {
		fprintf(out, "%s%s\\:\"", c == commands ? "" : " ",
			options_word(c));
		put_quoted(c->summary, "[]:\\\"", out);
		fputc('"', out);
	}
	fputs("))' \\\n\t'*::argument:->command' && return\n"
	      "case $line[1] in\n",
	      out);
	for (const struct option_program *c = commands; c->name; c++) {
		fprintf(out, "%s)\n\t_arguments -s -S", options_word(c));
		zsh_options(c->options, out);
		zsh_options(options_common(c), out);
		fputs(" \\\n\t'*:operand: '\n\t;;\n", out);
	}
	fputs("esac\n", out);
}

static void put_zsh(const struct option_program *program, FILE *out)
{
	fprintf(out,
		"#compdef %s\n"
		"# zsh completion for %s, by '%s --completion zsh'\n\n",
		program->name, program->name, program->name);
	if (program->commands)
		fputs("local state line\n\n", out);
	fprintf(out, "_arguments -s -S%s", program->commands ? " -A '-*'" : "");
	zsh_options(program->options, out);
	zsh_options(options_common(program), out);
	if (program->commands)
		zsh_commands(program->commands, out);
	else
		fputs(" \\\n\t'*:operand: '\n", out);
}

/* fish */

static void fish_action(const struct option *o, FILE *out)
{
	switch (completes(o)) {
	case COMPLETES_WORDS:
		fputs(" -x -a '", out);
		put_words(o->choices, out);
		fputc('\'', out);
		break;
	case COMPLETES_FILES:
		fputs(" -r -F", out);
		break;
	case COMPLETES_NOTHING:
		fputs(" -x", out);
		break;
	}
}

/* In fish '…' knows \' and \\ alone. */
static void fish_help(const char *help, FILE *out)
{
	fputs(" -d '", out);
	for (; *help; help++)
		fprintf(out, strchr("'\\", *help) ? "\\%c" : "%c", *help);
	fputs("'\n", out);
}

/* Where it is completed: of a program with commands only before or behind one.
 */
static void fish_begin(const struct option_program *whole,
		       const struct option_program *program, FILE *out)
{
	fprintf(out, "complete -c %s", whole->name);
	if (program != whole)
		fprintf(out, " -n '__fish_seen_subcommand_from %s'",
			options_word(program));
	else if (whole->commands)
		fputs(" -n __fish_use_subcommand", out);
}

static void fish_options(const struct option_program *whole,
			 const struct option_program *program,
			 const struct option *o, FILE *out)
{
	for (; o->name; o++) {
		fish_begin(whole, program, out);
		if (o->letter)
			fprintf(out, " -s %c", o->letter);
		fprintf(out, " -l %s", o->name);
		if (option_takes_argument(o))
			fish_action(o, out);
		fish_help(o->help, out);
	}
}

static void fish_program(const struct option_program *whole,
			 const struct option_program *program, FILE *out)
{
	fish_options(whole, program, program->options, out);
	fish_options(whole, program, options_common(program), out);
}

static void put_fish(const struct option_program *program, FILE *out)
{
	const struct option_program *c;

	fprintf(out,
		"# fish completion for %s, by '%s --completion fish'\n\n"
		"complete -c %s -f\n",
		program->name, program->name, program->name);
	for (c = program->commands; c && c->name; c++) {
		fish_begin(program, program, out);
		fprintf(out, " -a %s", options_word(c));
		fish_help(c->summary, out);
	}
	fish_program(program, program, out);
	for (c = program->commands; c && c->name; c++)
		fish_program(program, c, out);
}

int options_completion(const struct option_program *program, const char *shell,
		       FILE *out)
{
	if (strcmp(shell, "bash") == 0)
		put_bash(program, out);
	else if (strcmp(shell, "zsh") == 0)
		put_zsh(program, out);
	else if (strcmp(shell, "fish") == 0)
		put_fish(program, out);
	else
		return -1;
	return 0;
}

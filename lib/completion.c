/* SPDX-License-Identifier: MIT */
/*
 * What --completion prints, for three shells. An argument named FILE completes
 * files, a choice its words, any other nothing; operands complete nothing.
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

/* bash splits "--name=word" into three words, hence the step over "=". */
static void put_bash(const struct option_program *program, FILE *out)
{
	fprintf(out,
		"# bash completion for %s, by '%s --completion bash'\n"
		"# shellcheck shell=bash\n\n"
		"_%s() {\n"
		"\tlocal cur=${COMP_WORDS[COMP_CWORD]}\n"
		"\tlocal prev=${COMP_WORDS[COMP_CWORD - 1]}\n\n"
		"\tCOMPREPLY=()\n"
		"\tif [[ $cur == = ]]; then\n"
		"\t\tcur=\n"
		"\telif [[ $prev == = && $COMP_CWORD -ge 2 ]]; then\n"
		"\t\tprev=${COMP_WORDS[COMP_CWORD - 2]}\n"
		"\tfi\n"
		"\tcase $prev in\n",
		program->name, program->name, program->name);
	bash_arguments(program->options, out);
	bash_arguments(options_common, out);
	fputs("\tesac\n"
	      "\t[[ $cur == -* ]] || return\n"
	      "\tmapfile -t COMPREPLY < <(compgen -W '",
	      out);
	bash_names(program->options, out);
	bash_names(options_common, out);
	fprintf(out, "' -- \"$cur\")\n}\ncomplete -F _%s %s\n", program->name,
		program->name);
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

static void put_zsh(const struct option_program *program, FILE *out)
{
	fprintf(out,
		"#compdef %s\n"
		"# zsh completion for %s, by '%s --completion zsh'\n\n"
		"_arguments -s -S",
		program->name, program->name, program->name);
	zsh_options(program->options, out);
	zsh_options(options_common, out);
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
static void fish_options(const char *program, const struct option *o, FILE *out)
{
	for (; o->name; o++) {
		fprintf(out, "complete -c %s", program);
		if (o->letter)
			fprintf(out, " -s %c", o->letter);
		fprintf(out, " -l %s", o->name);
		if (option_takes_argument(o))
			fish_action(o, out);
		fputs(" -d '", out);
		for (const char *c = o->help; *c; c++)
			fprintf(out, strchr("'\\", *c) ? "\\%c" : "%c", *c);
		fputs("'\n", out);
	}
}

static void put_fish(const struct option_program *program, FILE *out)
{
	fprintf(out,
		"# fish completion for %s, by '%s --completion fish'\n\n"
		"complete -c %s -f\n",
		program->name, program->name, program->name);
	fish_options(program->name, program->options, out);
	fish_options(program->name, options_common, out);
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

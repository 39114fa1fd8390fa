/* SPDX-License-Identifier: MIT */
/* What options promises of a program with commands. */
#include "options.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct config {
	struct option_base base;
	uint64_t count;
	bool loud;
};

#define FIELD(name) .offset = offsetof(struct config, name)

static const struct option one_options[] = {
	{'c', "count", OPTION_NUMBER, FIELD(count), "N", "how many"},
	{.name = NULL},
};

static const struct option other_options[] = {
	{0, "loud", OPTION_FLAG, FIELD(loud), NULL, "shout"},
	{.name = NULL},
};

static const struct option none[] = {{.name = NULL}};

static const struct option_program commands[] = {
	{.name = "tool one",
	 .synopsis = "[option ...]",
	 .summary = "Does it.",
	 .options = one_options},
	{.name = "tool other",
	 .synopsis = "[option ...] file",
	 .summary = "Doesn't: it's \"that\".",
	 .options = other_options},
	{.name = NULL},
};

/* Bytes of what is said. */
static char said[8192];

static void hear(void *user, const char *message)
{
	(void)user;
	strcat(strcat(said, message), "\n");
}

static const struct option_program program = {
	.name = "tool",
	.synopsis = "command [option ...]",
	.summary = "Tool.",
	.options = none,
	.say = hear,
	.commands = commands,
};

static enum options_outcome outcome;

static const struct option_program *chosen(char *word, char *next)
{
	char name[] = "tool";
	char *argv[] = {name, word, next, NULL};

	said[0] = '\0';
	return options_command(&program, word ? next ? 3 : 2 : 1, argv,
			       &outcome);
}

/* The same, with what goes to stdout in `said`. */
static bool prints(char *word, char *next, const char *want)
{
	const struct option_program *command;
	FILE *file = tmpfile();
	int saved;
	size_t n;

	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	dup2(fileno(file), STDOUT_FILENO);
	command = chosen(word, next);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	rewind(file);
	n = fread(said, 1, sizeof(said) - 1, file);
	said[n] = '\0';
	fclose(file);
	return !command && outcome == OPTIONS_DONE && strstr(said, want);
}

static void choosing(void)
{
	char one[] = "one", other[] = "other", part[] = "on", dash[] = "--";
	char whole[] = "tool one", config[] = "--config", empty[] = "";

	ok(chosen(one, NULL) == &commands[0] &&
		   chosen(other, one) == &commands[1],
	   "the first word is the command");
	ok(!chosen(part, NULL) && outcome == OPTIONS_WRONG &&
		   !strcmp(said, "there is no command 'on'\n"),
	   "it is not abbreviated");
	ok(!chosen(whole, NULL) && outcome == OPTIONS_WRONG &&
		   !chosen(empty, NULL) && outcome == OPTIONS_WRONG,
	   "nor anything else");
	ok(!chosen(NULL, NULL) && outcome == OPTIONS_WRONG &&
		   !strcmp(said, "which command?\n"),
	   "there must be one");
	ok(!chosen(dash, one) && outcome == OPTIONS_WRONG,
	   "as the first word, without -- before it");
	ok(!chosen(config, one) && outcome == OPTIONS_WRONG &&
		   !strcmp(said, "unknown option '--config'\n"),
	   "a file of options is for a command");
}

static bool parses(const struct option_program *command, const char *line,
		   enum options_outcome want)
{
	struct option_program silent = *command;
	struct config config = {.count = 0};
	char words[100];
	char *argv[8] = {0};
	char *save = NULL;
	int argc = 0;
	int operands;

	silent.say = hear;
	said[0] = '\0';
	snprintf(words, sizeof(words), "%s", line);
	for (char *word = strtok_r(words, " ", &save); word;
	     word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	return options_parse(&silent, argc, argv, &config.base, &operands) ==
	       want;
}

static void parsing(void)
{
	ok(parses(&commands[0], "one -c 5", OPTIONS_RUN) &&
		   parses(&commands[1], "other --loud x", OPTIONS_RUN),
	   "a command has its own options");
	ok(parses(&commands[0], "one --loud", OPTIONS_WRONG) &&
		   !strcmp(said, "unknown option '--loud'\n"),
	   "and not those of another");
	ok(parses(&commands[0], "one --completion bash", OPTIONS_WRONG),
	   "the completion is that of the program");
	ok(parses(&commands[0], "one --config /dev/null/x", OPTIONS_WRONG) &&
		   strstr(said, "cannot read"),
	   "a command takes a file of options");
}

static void printing(void)
{
	char help[] = "--help", version[] = "-V";
	char completion[] = "--completion";
	char bash[] = "bash", zsh[] = "zsh", fish[] = "fish";

	ok(prints(help, NULL,
		  "Usage: tool command [option ...]\n"
		  "Tool.\n"
		  "\n"
		  "Commands:\n"
		  "  one    Does it.\n"
		  "  other  Doesn't: it's \"that\".\n"
		  "\n"
		  "Options:\n"
		  "  -h, --help              print this and exit\n"),
	   "--help lists the commands");
	ok(prints(version, NULL, "tool " WSD_VERSION "\n"), "--version");
	ok(prints(completion, bash, "compgen -W ' one other -h --help"),
	   "bash completes commands");
	ok(prints(completion, bash, "\t\tone) _tool_one ;;\n"),
	   "and what belongs to each");
	ok(prints(completion, zsh,
		  "'1:command:((one\\:\"Does it.\" "
		  "other\\:\"Doesn'\\''t\\: it'\\''s \\\"that\\\".\"))'"),
	   "zsh too, with what they do");
	ok(prints(completion, zsh, "one)\n\t_arguments -s -S \\\n"),
	   "and the options of each");
	ok(prints(completion, fish,
		  "complete -c tool -n __fish_use_subcommand -a other "
		  "-d 'Doesn\\'t: it\\'s \"that\".'\n"),
	   "and fish");
	ok(prints(completion, fish,
		  "complete -c tool -n '__fish_seen_subcommand_from one' "
		  "-s c -l count -x -d 'how many'\n"),
	   "and the options of each");
}

int main(void)
{
	choosing();
	parsing();
	printing();
	return tap_end();
}

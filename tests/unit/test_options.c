/* SPDX-License-Identifier: MIT */
/* What options promises, one line a promise. */
#include "exits.h"
#include "options.h"
#include "tap.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct config {
	struct option_base base;
	bool quiet;
	int verbose;
	const char *file;
	struct option_texts origins;
	uint64_t count;
	uint64_t size;
	uint64_t timeout;
	uint64_t rate;
	unsigned on_error;
};

#define FIELD(name) .offset = offsetof(struct config, name)

static const struct option options[] = {
	{.letter = 'q',
	 .name = "quiet",
	 .kind = OPTION_FLAG,
	 FIELD(quiet),
	 .help = "say errors only"},
	{.letter = 'v',
	 .name = "verbose",
	 .kind = OPTION_TALLY,
	 FIELD(verbose),
	 .help = "say more"},
	{.letter = 'f',
	 .name = "file",
	 .kind = OPTION_TEXT,
	 FIELD(file),
	 .arg = "FILE",
	 .help = "read the file [don't ask: why]"},
	{.name = "origin",
	 .kind = OPTION_TEXTS,
	 FIELD(origins),
	 .arg = "ORIGIN",
	 .help = "allow it"},
	{.letter = 'c',
	 .name = "count",
	 .kind = OPTION_NUMBER,
	 FIELD(count),
	 .arg = "N",
	 .help = "stop after so many updates have come, which is a help text "
		 "that is too long for one line",
	 .min = 1,
	 .max = 1000},
	{.name = "size",
	 .kind = OPTION_SIZE,
	 FIELD(size),
	 .arg = "BYTES",
	 .help = "limit",
	 .min = 1024},
	{.letter = 'W',
	 .name = "timeout",
	 .kind = OPTION_DURATION,
	 FIELD(timeout),
	 .arg = "T",
	 .help = "give up after it",
	 .max = 60000},
	{.name = "rate",
	 .kind = OPTION_RATE,
	 FIELD(rate),
	 .arg = "N/s",
	 .help = "go slow",
	 .min = 1},
	{.name = "on-error",
	 .kind = OPTION_CHOICE,
	 FIELD(on_error),
	 .choices = "stop|skip",
	 .help = "what a bad line does"},
	{.name = NULL},
};

static const struct option_program program = {
	.name = "wspub",
	.synopsis = "[option ...] tenant ...",
	.summary = "Publishes.",
	.options = options,
	.examples = "wspub t\nwspub -q t",
};

/* One command line: what was said on stdout or stderr, what became of it. */
struct run {
	enum options_outcome outcome;
	struct config config;
	char *argv[32];
	int argc;
	int operands;
	char words[512];
	char said[8192];
};

/* Runs with descriptor `fd` in a file, and reads that into r->said. */
static void run_captured(struct run *r, FILE *stream, int fd)
{
	FILE *file = tmpfile();
	int saved;
	size_t n;

	fflush(stream);
	saved = dup(fd);
	dup2(fileno(file), fd);
	r->outcome = options_parse(&program, r->argc, r->argv, &r->config.base,
				   &r->operands);
	fflush(stream);
	dup2(saved, fd);
	close(saved);
	rewind(file);
	n = fread(r->said, 1, sizeof(r->said) - 1, file);
	r->said[n] = '\0';
	fclose(file);
}

static void split(struct run *r, const char *line)
{
	char *save = NULL;

	memset(r, 0, sizeof(*r));
	snprintf(r->words, sizeof(r->words), "wspub %s", line);
	for (char *word = strtok_r(r->words, " ", &save); word;
	     word = strtok_r(NULL, " ", &save))
		r->argv[r->argc++] = word;
}

static enum options_outcome parse(struct run *r, const char *line)
{
	split(r, line);
	run_captured(r, stderr, STDERR_FILENO);
	return r->outcome;
}

/* Frees what was parsed; `pass` goes through. */
static bool done(struct run *r, bool pass)
{
	options_release(&program, &r->config.base);
	return pass && r->config.origins.items == NULL;
}

static bool operands_are(const struct run *r, const char *want)
{
	char got[512] = "";

	for (int i = r->operands; i < r->argc; i++) {
		strcat(got, i > r->operands ? " " : "");
		strcat(got, r->argv[i]);
	}
	return strcmp(got, want) == 0;
}

static bool says(const char *line, const char *first_line)
{
	struct run r;

	return parse(&r, line) == OPTIONS_WRONG &&
	       strncmp(r.said, first_line, strlen(first_line)) == 0 &&
	       strcmp(r.said + strlen(first_line),
		      "\nwspub: 'wspub --help' shows how it is used\n") == 0;
}

static bool counts(const char *line, uint64_t count)
{
	struct run r;

	return parse(&r, line) == OPTIONS_RUN && r.config.count == count &&
	       operands_are(&r, "");
}

static bool orders(const char *line, const char *operands)
{
	struct run r;

	return parse(&r, line) == OPTIONS_RUN && operands_are(&r, operands);
}

static bool bundles(void)
{
	struct run r;

	return parse(&r, "-vqvc7 -v t") == OPTIONS_RUN && r.config.quiet &&
	       r.config.verbose == 3 && r.config.count == 7 &&
	       operands_are(&r, "t");
}

static bool collects(void)
{
	struct run r;

	return done(&r, parse(&r, "--origin a t --origin=b") == OPTIONS_RUN &&
				r.config.origins.count == 2 &&
				strcmp(r.config.origins.items[0], "a") == 0 &&
				strcmp(r.config.origins.items[1], "b") == 0);
}

static bool converts(void)
{
	struct run r;

	return parse(&r, "--size 64k -W1.5 --rate 100/s --on-error skip "
			 "--file=") == OPTIONS_RUN &&
	       r.config.size == 65536 && r.config.timeout == 1500 &&
	       r.config.rate == 100 && r.config.on_error == 1 &&
	       strcmp(r.config.file, "") == 0;
}

static bool rate_without_unit(void)
{
	struct run r;

	return parse(&r, "--rate 100") == OPTIONS_RUN && r.config.rate == 100;
}

static bool keeps_defaults(void)
{
	struct run r;

	split(&r, "t");
	r.config.count = 42;
	run_captured(&r, stderr, STDERR_FILENO);
	return r.outcome == OPTIONS_RUN && r.config.count == 42;
}

static bool releases_when_wrong(void)
{
	struct run r;

	return parse(&r, "--origin a --nonsense") == OPTIONS_WRONG &&
	       r.config.origins.items == NULL;
}

/* What becomes of a repeatable option when the nth allocation fails. */
static enum options_outcome without_memory(long n)
{
	struct run r;
	enum options_outcome outcome;
	int operands;

	split(&r, "--origin a");
	fflush(stdout);
	oom_after(n);
	outcome = options_parse(&program, r.argc, r.argv, &r.config.base,
				&operands);
	return oom_off() == 1 ? outcome : OPTIONS_DONE;
}

static const char help[] =
	"Usage: wspub [option ...] tenant ...\n"
	"Publishes.\n"
	"\n"
	"Options:\n"
	"  -q, --quiet               say errors only\n"
	"  -v, --verbose             say more\n"
	"  -f, --file FILE           read the file [don't ask: why]\n"
	"      --origin ORIGIN       allow it\n"
	"  -c, --count N             stop after so many updates have come, "
	"which is a\n"
	"                            help text that is too long for one line\n"
	"      --size BYTES          limit\n"
	"  -W, --timeout T           give up after it\n"
	"      --rate N/s            go slow\n"
	"      --on-error stop|skip  what a bad line does\n"
	"      --config FILE         read more options from FILE, a JSON "
	"object of long\n"
	"                            names and values\n"
	"  -h, --help                print this and exit\n"
	"  -V, --version             print the version and exit\n"
	"      --completion SHELL    print the completion of that shell and "
	"exit\n"
	"\n"
	"Examples:\n"
	"  wspub t\n"
	"  wspub -q t\n";

static int ends_by(int signal_number)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0)
		exits_by_signal(signal_number);
	waitpid(child, &status, 0);
	return WIFSIGNALED(status) ? WTERMSIG(status) : -1;
}

static void test_words(void)
{
	ok(counts("-c 5", 5), "-c 5");
	ok(counts("-c5", 5), "-c5");
	ok(counts("--count 5", 5), "--count 5");
	ok(counts("--count=5", 5), "--count=5");
	ok(counts("-c5 -c6", 6), "the last one counts");
	ok(bundles(), "flags may be bundled, an argument ends the bundle");
	ok(collects(), "a repeatable option collects");
	ok(converts(), "sizes, durations, rates, choices, an empty text");
	ok(rate_without_unit(), "a rate needs no /s");
	ok(keeps_defaults(), "what is not given keeps its default");
	ok(orders("a -q b -c 5 c", "a b c"), "operands keep their order");
	ok(orders("a -- -q b", "a -q b"), "-- ends the options");
	ok(orders("-q -- --", "--"), "a second -- is an operand");
	ok(orders("- -q", "-"), "a lone - is an operand");
	ok(orders("-f -- a", "a"), "an argument may be --");
	ok(orders("", ""), "nothing at all");
}

static void test_messages(void)
{
	ok(says("--rate 5x", "wspub: --rate: '5x' is not a rate (such as "
			     "100/s)"),
	   "not a rate");
	ok(says("--rate=-1/s", "wspub: --rate: '-1/s' is not a rate (such as "
			       "100/s)"),
	   "a rate has no sign");
	ok(says("--rate /s", "wspub: --rate: '/s' is not a rate (such as "
			     "100/s)"),
	   "a rate has digits");
	ok(says("-c x", "wspub: --count: 'x' is not a number"), "not a number");
	ok(says("--size x", "wspub: --size: 'x' is not a size (such as 64k)"),
	   "not a size");
	ok(says("-W x", "wspub: --timeout: 'x' is not a duration (such as "
			"500ms or 10m)"),
	   "not a duration");
	ok(says("-c 0", "wspub: --count: '0' is below 1"), "below a minimum");
	ok(says("-c 1001", "wspub: --count: '1001' is above 1000"),
	   "above a maximum");
	ok(says("--size 5", "wspub: --size: '5' is below 1 KiB"),
	   "a size is shown as one");
	ok(says("-c 99999999999999999999",
		"wspub: --count: '99999999999999999999' is above 1000"),
	   "more than 64 bits");
	ok(says("--on-error s", "wspub: --on-error: 's' is not one of "
				"stop|skip"),
	   "a choice is not abbreviated");
	ok(says("--on-error stop|skip", "wspub: --on-error: 'stop|skip' is not "
					"one of stop|skip"),
	   "a choice is one word");
	ok(says("--coun 5", "wspub: unknown option '--coun'"),
	   "a name is not abbreviated");
	ok(says("--nope=5", "wspub: unknown option '--nope'"),
	   "an unknown name is shown without its argument");
	ok(says("-qx", "wspub: unknown option '-x'"), "an unknown letter");
	ok(says("--count", "wspub: --count: the N is missing"),
	   "a missing argument");
	ok(says("-qc", "wspub: --count: the N is missing"),
	   "a missing argument of a letter");
	ok(says("--quiet=1", "wspub: --quiet: takes no argument"),
	   "a flag takes no argument");
	ok(says("--completion tcsh", "wspub: --completion: 'tcsh' is not one "
				     "of bash|zsh|fish"),
	   "an unknown shell");
	ok(releases_when_wrong(), "after a failure nothing is to be released");
	ok(without_memory(1) == OPTIONS_FAILED, "no memory is said");
	ok(without_memory(2) == OPTIONS_WRONG, "none for a text neither");
}

static bool prints(const char *line, const char *want)
{
	struct run r;

	split(&r, line);
	run_captured(&r, stdout, STDOUT_FILENO);
	return r.outcome == OPTIONS_DONE && strstr(r.said, want);
}

/* A file with this text. */
static const char *file(char path[32], const char *text)
{
	int fd;

	strcpy(path, "/tmp/test_options.XXXXXX");
	fd = mkstemp(path);
	dprintf(fd, "%s", text);
	close(fd);
	return path;
}

/* Parses with "--config" and a file in the middle of the line. */
static bool with_file(struct run *r, const char *before, const char *text,
		      const char *after, enum options_outcome want)
{
	char path[32], line[256];

	snprintf(line, sizeof(line), "%s --config %s %s", before,
		 file(path, text), after);
	parse(r, line);
	unlink(path);
	return r->outcome == want;
}

static bool file_sets(void)
{
	struct run r;

	return done(&r, with_file(&r, "",
				  "{\"count\":7,\"origin\":[\"a\",\"b\"],"
				  "\"file\":\"f\",\"verbose\":2}",
				  "t", OPTIONS_RUN) &&
				r.config.count == 7 && r.config.verbose == 2 &&
				r.config.origins.count == 2 &&
				strcmp(r.config.origins.items[1], "b") == 0 &&
				strcmp(r.config.file, "f") == 0 &&
				operands_are(&r, "t"));
}

/* Wherever on the line --config stands. */
static bool line_wins(const char *before, const char *after)
{
	struct run r;

	return done(&r, with_file(&r, before,
				  "{\"count\":7,\"origin\":[\"a\",\"b\"],"
				  "\"verbose\":2,\"size\":\"64k\"}",
				  after, OPTIONS_RUN) &&
				r.config.count == 5 && r.config.verbose == 1 &&
				r.config.origins.count == 1 &&
				strcmp(r.config.origins.items[0], "c") == 0 &&
				r.config.size == 65536);
}

static bool file_is_wrong(const char *before, const char *text,
			  const char *want)
{
	struct run r;

	return with_file(&r, before, text, "", OPTIONS_WRONG) &&
	       strstr(r.said, want) && r.config.origins.items == NULL;
}

static void test_file(void)
{
	struct run r;

	ok(file_sets(), "--config sets options, the operands stay");
	ok(line_wins("", "-c5 -v --origin c"),
	   "the command line counts before the file");
	ok(line_wins("-c5 -v --origin c", ""), "on either side of it");
	ok(file_is_wrong("", "{\"origin\":\"a\",\n \"coutn\":1}",
			 "', line 2, column 2: there is no option 'coutn'; "
			 "did you mean 'count'?\n"),
	   "what is wrong in a file is said, with its place");
	ok(file_is_wrong("-c5", "{\"count\":\"x\"}",
			 "', line 1, column 10: count: 'x' is not a number\n"),
	   "also of an option that the command line sets");
	ok(says("--config /dev/null --config /dev/null",
		"wspub: --config: only one FILE"),
	   "two files are refused");
	ok(parse(&r, "--config /tmp/no/such") == OPTIONS_WRONG &&
		   strcmp(r.said, "wspub: cannot read '/tmp/no/such': No such "
				  "file or directory\n") == 0,
	   "a file that is not there is said");
	ok(prints("--config /tmp/no/such -V", "wspub " WSD_VERSION "\n"),
	   "--version does not look at the file");
}

static void test_printed(void)
{
	ok(prints("--help", help), "--help in two columns");
	ok(prints("-q -h", "Usage: wspub"), "-h prints the help");
	ok(prints("-V", "wspub " WSD_VERSION "\n"), "-V prints the version");
	ok(prints("--completion bash", "'stop skip'"),
	   "bash completes a choice");
	ok(prints("--completion bash", "-f | --file)\n\t\tcompopt"),
	   "bash completes files for FILE");
	ok(prints("--completion zsh", "'(-f --file)'{-f+,--file=}'[read the "
				      "file \\[don'\\''t ask\\: why\\]]"
				      ":FILE:_files'"),
	   "zsh: what is special in a help text is escaped");
	ok(prints("--completion zsh", "'*'{-v,--verbose}'[say more]'"),
	   "zsh: what adds up may be repeated");
	ok(prints("--completion fish", "complete -c wspub -s f -l file -r -F "
				       "-d 'read the file [don\\'t ask: "
				       "why]'\n"),
	   "fish completes files for FILE");
	ok(ends_by(SIGTERM) == SIGTERM, "exits_by_signal ends by that signal");
}

int main(void)
{
	test_words();
	test_messages();
	test_file();
	test_printed();
	return tap_end();
}

/* SPDX-License-Identifier: MIT */
/*
 * option - one row of a program's table of options, and the value that it has
 * in a configuration.
 *
 * Values come from a command line or from a file, and go out as JSON and into
 * messages. What each kind of option means is known here alone, so a new row
 * of a table needs no other code. A configuration is a struct that begins with
 * a struct option_base; each row says where in it its field is.
 */
#ifndef OPTION_H
#define OPTION_H

#include "buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_kind {
	OPTION_FLAG,	 /* bool: true when given */
	OPTION_TALLY,	 /* int: how often it was given */
	OPTION_TEXT,	 /* const char *, borrowed */
	OPTION_TEXTS,	 /* struct option_texts: repeatable */
	OPTION_NUMBER,	 /* uint64_t */
	OPTION_SIZE,	 /* uint64_t, bytes; "64k" */
	OPTION_DURATION, /* uint64_t, ms; "10m" */
	OPTION_RATE,	 /* uint64_t, per second; "100" or "100/s" */
	OPTION_CHOICE,	 /* unsigned: which word of `choices` */
};

enum option_flags {
	OPTION_FIXED = 1, /* cannot change while the program runs */
	OPTION_TYPED = 2, /* means something on a command line alone */
};

struct option_texts {
	const char **items; /* owned, what they point to is not; NULL: none */
	size_t count;
};

struct option {
	char letter;	  /* or 0 */
	const char *name; /* without the dashes */
	enum option_kind kind;
	size_t offset;	     /* of the field in the configuration */
	const char *arg;     /* name of the argument in --help: "FILE" */
	const char *help;    /* one line, no full stop, with the default */
	const char *choices; /* of OPTION_CHOICE: "stop|skip" */
	uint64_t min;	     /* of numbers, sizes, durations, rates */
	uint64_t max;	     /* 0: see option_max() */
	unsigned flags;	     /* of enum option_flags */
	/* Of texts: why one is refused, or NULL; no function: none is */
	const char *(*wrong)(const char *text);
};

/*
 * The first member of every configuration: where it came from, and the memory
 * that its texts borrow when they are not on the command line.
 */
struct option_base {
	const char *file;	     /* of --config, borrowed; NULL: none */
	struct option_block *blocks; /* owned */
};

/*
 * Memory that lives as long as the configuration. NULL with errno ENOMEM.
 * option_base_release() frees all of it.
 */
char *option_keep(struct option_base *base, size_t size);
void option_base_release(struct option_base *base);

/* How many rows a table has, up to the one whose name is NULL. */
size_t option_rows(const struct option *table);

/* Where its value is. */
static inline void *option_field(const struct option *o,
				 struct option_base *config)
{
	return (char *)config + o->offset;
}

static inline const void *option_value(const struct option *o,
				       const struct option_base *config)
{
	return (const char *)config + o->offset;
}

/* Ten years: as ms and as ns they can be added to any clock. */
#define OPTION_DURATION_MAX (UINT64_C(3650) * 24 * 60 * 60 * 1000)

/* The largest number, size, duration or rate; also where the row says none. */
static inline uint64_t option_max(const struct option *o)
{
	if (o->max)
		return o->max;
	return o->kind == OPTION_DURATION ? OPTION_DURATION_MAX : INT64_MAX;
}

/* Whether it is within its limits. */
static inline bool option_fits(const struct option *o, uint64_t amount)
{
	return amount >= o->min && amount <= option_max(o);
}

/* Whether it is followed by an argument on a command line. */
bool option_takes_argument(const struct option *o);

/* Room for a reason why a value is refused, with its NUL. */
#define OPTION_WHY_MAX 1000

/*
 * Sets it from an argument, which is borrowed by texts; those that are
 * repeatable get one more. NULL: given without one, so that a flag becomes
 * true and a tally one more; else these take "true" and "false", and a number.
 * 0, or -1 when it is none, or out of memory: `why` says so ("'5x' is not a
 * rate (such as 100/s)") and the value stays.
 */
int option_set(const struct option *o, struct option_base *config,
	       const char *arg, char why[OPTION_WHY_MAX]);

/* Whether option_set() would take it: 0, or -1 and why not. */
int option_check(const struct option *o, const char *arg,
		 char why[OPTION_WHY_MAX]);

/* Why a value of another kind is refused: "WHAT is not KIND". Returns -1. */
int option_refuse_kind(const struct option *o, const char *quote,
		       const char *what, char why[OPTION_WHY_MAX]);

/* One more, borrowed. 0, or -1 with errno ENOMEM. */
int option_add_text(struct option_texts *texts, const char *text);

/* Whether it has the same value in both. */
bool option_equal(const struct option *o, const struct option_base *a,
		  const struct option_base *b);

/*
 * Whether it has no value: a text that is NULL, or one that option_set() would
 * refuse, which stands for "not given".
 */
bool option_unset(const struct option *o, const struct option_base *config);

/*
 * Appends the value as the JSON that --config takes: "10m", ["a","b"], 5, true.
 * It has one. False when a text is not UTF-8, and so not what it was.
 */
bool option_put_json(struct buf *b, const struct option *o,
		     const struct option_base *config);

/* The same for a message: 10m; "nothing" where there is none. */
void option_put_text(struct buf *b, const struct option *o,
		     const struct option_base *config);

/*
 * Gives it the value that it has in another configuration; texts are copied.
 * 0, or -1 with errno ENOMEM.
 */
int option_copy(const struct option *o, struct option_base *to,
		const struct option_base *from);

/* Frees the list of an OPTION_TEXTS; else does nothing. */
void option_clear(const struct option *o, struct option_base *config);

#endif

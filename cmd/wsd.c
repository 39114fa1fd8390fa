/* SPDX-License-Identifier: MIT */
/*
 * wsd - the server: options → configuration → server_run(). On SIGHUP the
 * same once more, up to a configuration that takes the place of the one before.
 */
#include "diag.h"
#include "exits.h"
#include "settings.h"
#include "wsdconfig.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

struct wsd {
	int argc;
	char **argv;
	struct option_program program; /* says to the log, when it reloads */
	struct wsdconfig *settings;    /* owned; those that count */
	struct diag diag;	       /* until the server has its log */
	struct log *log;	       /* of the server, when that reloads */
	size_t changes;		       /* options that a reload found changed */
};

static const struct option_program program = {
	.name = "wsd",
	.synopsis = "[option ...]",
	.summary = "Sends each tenant's updates to everyone who watches it.",
	.options = wsdconfig_options,
	.examples = "wsd -v\n"
		    "wsd --listen 127.0.0.1:0 --ready-fd 3 3>url\n"
		    "wsd --listen unix:/run/wsd.sock\n"
		    "wsd --print-config >wsd.json; wsd --config wsd.json\n",
};

/* So many are allowed, or can be: the soft limit is raised to this one. */
static int check_descriptors(const struct wsdconfig *s)
{
	struct rlimit limit;

	if (s->ready_fd != WSDCONFIG_NO_FD &&
	    fcntl((int)s->ready_fd, F_GETFD) < 0)
		return options_wrong(&program,
				     "--ready-fd: descriptor %" PRIu64
				     " is not open",
				     s->ready_fd);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
	    limit.rlim_max < SERVER_DESCRIPTORS_MIN)
		return options_wrong(&program,
				     "%ju descriptors (ulimit -Hn) are too "
				     "few, it needs %d",
				     (uintmax_t)limit.rlim_max,
				     SERVER_DESCRIPTORS_MIN);
	return 0;
}

static void free_settings(struct wsdconfig *s)
{
	if (!s)
		return;
	wsdconfig_release(s);
	options_release(&program, &s->options);
	free(s);
}

static void cannot_reload(const struct wsd *w)
{
	log_event(w->log, LOG_CONFIG_REFUSED, NULL, "cannot reload: %s",
		  strerror(errno));
}

/*
 * Command line and file, checked; owned. NULL when there is nothing to run:
 * `*status` is the exit status then.
 */
static struct wsdconfig *read_settings(struct wsd *w, int *status)
{
	struct wsdconfig *s = malloc(sizeof(*s));
	int operands = w->argc;

	*status = EXIT_OTHER;
	if (!s) {
		if (w->log)
			cannot_reload(w);
		else
			diag(&w->diag, DIAG_ERROR, "cannot begin: %s",
			     strerror(errno));
		return NULL;
	}
	wsdconfig_defaults(s);
	switch (options_parse(&w->program, w->argc, w->argv, &s->options,
			      &operands)) {
	case OPTIONS_RUN:
		*status = operands < w->argc
				  ? options_wrong(&w->program,
						  "unexpected operand '%s'",
						  w->argv[operands])
				  : wsdconfig_check(s, &w->program);
		break;
	case OPTIONS_WRONG:
		*status = EXIT_USAGE;
		break;
	case OPTIONS_DONE:
		*status = EXIT_DONE;
		free(s);
		return NULL;
	case OPTIONS_FAILED:
		break;
	}
	if (*status == 0)
		return s;
	free_settings(s);
	return NULL;
}

/*
 * Segments and bodies come and go all the time: by default every few of them
 * are given back to the system and asked for again, page by page.
 */
static void tune_heap(void)
{
#ifdef __GLIBC__
	mallopt(M_TRIM_THRESHOLD, 2 << 20);
	mallopt(M_TOP_PAD, 256 << 10);
	mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
}

/* Reload */

static void tell_change(void *user, const struct option *o, const char *was,
			const char *is)
{
	struct wsd *w = user;

	w->changes++;
	log_event(w->log, LOG_CONFIG, NULL, "%s: %s -> %s%s", o->name, was, is,
		  o->flags & OPTION_FIXED ? " only after a restart" : "");
}

/* What was read anew takes the place of what was; takes it. */
static void renew(struct wsd *w, struct server *server, struct wsdconfig *fresh)
{
	struct wsdconfig *old = w->settings;

	w->changes = 0;
	if (settings_renew(wsdconfig_options, &fresh->options, &old->options,
			   tell_change, w) < 0) {
		cannot_reload(w);
		free_settings(fresh);
		return;
	}
	if (fresh->tokens)
		log_event(w->log, LOG_CONFIG, NULL,
			  "keys and tokens were read anew, %zu keys of other "
			  "kinds passed over",
			  tokens_passed_over(fresh->tokens));
	else if (!w->changes)
		log_event(w->log, LOG_CONFIG, NULL,
			  "the configuration has not changed");
	wsdconfig_apply(fresh);
	fresh->server.hangup = old->server.hangup;
	fresh->server.user = old->server.user;
	w->settings = fresh;
	server_reconfigure(server, &fresh->server);
	free_settings(old);
}

/* A pipe could keep everybody waiting, and has been read. */
static bool can_reload(const struct wsd *w)
{
	const char *path = w->settings->options.file;
	struct stat file;

	if (!path && (w->settings->tokens || w->settings->server.tls_cert))
		return true;
	if (!path)
		log_event(w->log, LOG_CONFIG, NULL,
			  "nothing to reload: there is no --config");
	else if (stat(path, &file) == 0 && !S_ISREG(file.st_mode))
		log_event(w->log, LOG_CONFIG, NULL,
			  "nothing to reload: '%s' is no regular file", path);
	else
		return true;
	return false;
}

/*
 * Nobody turns access control off by a slip, and those who are connected would
 * be without grants if it were turned on.
 */
static bool same_access(const struct wsd *w, const struct wsdconfig *fresh)
{
	if (!fresh->tokens == !w->settings->tokens)
		return true;
	log_event(w->log, LOG_CONFIG_REFUSED, NULL,
		  "access control (--jwt-key, --tokens) can be turned %s only "
		  "by a restart",
		  fresh->tokens ? "on" : "off");
	return false;
}

static void say_refused(void *user, const char *message)
{
	struct wsd *w = user;

	log_event(w->log, LOG_CONFIG_REFUSED, NULL, "%s", message);
}

static void on_hangup(void *user, struct server *server)
{
	struct wsd *w = user;
	struct wsdconfig *fresh;
	int status;

	w->log = &server->log;
	w->program.say = say_refused;
	w->program.user = w;
	if (!can_reload(w))
		return;
	fresh = read_settings(w, &status);
	if (fresh && same_access(w, fresh)) {
		renew(w, server, fresh);
		return;
	}
	free_settings(fresh);
	log_event(w->log, LOG_CONFIG_REFUSED, NULL,
		  "the configuration stays as it was");
}

/* The start */

static int print(const struct wsd *w)
{
	struct wsdconfig *s = w->settings;

	if ((s->listen.count ||
	     option_add_text(&s->listen, LISTENERS_DEFAULT) == 0) &&
	    settings_print(wsdconfig_options, &s->options, stdout) == 0)
		return EXIT_DONE;
	diag(&w->diag, DIAG_ERROR, "cannot print the configuration: %s",
	     strerror(errno));
	return EXIT_OTHER;
}

static int run(struct wsd *w)
{
	struct wsdconfig *s = w->settings;
	int status = check_descriptors(s);

	if (!status)
		status = wsdconfig_check_files(s, &program);
	if (status)
		return status;
	if (s->print_config)
		return print(w);
	if (s->check_config)
		return EXIT_DONE;
	wsdconfig_apply(s);
	s->server.hangup = on_hangup;
	s->server.user = w;
	w->diag.level = wsdconfig_level(s);
	tune_heap();
	return (int)server_run(&s->server, &w->diag);
}

int main(int argc, char **argv)
{
	struct wsd w = {
		.argc = argc,
		.argv = argv,
		.program = program,
		.diag = {program.name, DIAG_WARN},
	};
	int status;

	w.settings = read_settings(&w, &status);
	if (w.settings)
		status = run(&w);
	free_settings(w.settings);
	return status;
}

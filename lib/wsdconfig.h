/* SPDX-License-Identifier: MIT */
/*
 * wsdconfig - the configuration of wsd: its options, their defaults, and what
 * the server is told of them.
 *
 * The files of tokens are read with it, so that it is whole or not there.
 */
#ifndef WSDCONFIG_H
#define WSDCONFIG_H

#include "options.h"
#include "server.h"

#define WSDCONFIG_NO_FD UINT64_MAX

struct wsdconfig {
	struct option_base options;
	struct server_config server;
	struct option_texts listen;
	struct option_texts hosts;
	struct option_texts origins;
	struct option_texts proxies;
	struct netaddr_block *blocks; /* owned; the same, parsed */
	struct option_texts jwt_keys;
	struct option_texts token_lists;
	const char *jwt_audience;
	const char *jwt_issuer;
	const char *tenant_claim;
	struct tokens *tokens; /* owned; NULL: no access control */
	uint64_t ready_fd;
	uint64_t per_address;	/* 0: the default, by where it is */
	uint64_t auth_failures; /* UINT64_MAX: the same */
	unsigned slow;		/* 1: skip */
	unsigned log_format;	/* enum log_format */
	int verbose;
	bool no_access_control;
	bool quiet;
	bool check_config;
	bool print_config;
};

/* The table; ends with a row without a name. */
extern const struct option wsdconfig_options[];

void wsdconfig_defaults(struct wsdconfig *c);

/*
 * Checks what the table cannot, sets what was not given, and reads the files
 * that are named. 0, or the exit status after a message.
 */
int wsdconfig_check(struct wsdconfig *c, const struct option_program *p);

/* The same for files that the server reads itself; when it starts. */
int wsdconfig_check_files(const struct wsdconfig *c,
			  const struct option_program *p);

/* Fills in `c->server`, which borrows from the rest. */
void wsdconfig_apply(struct wsdconfig *c);

enum diag_level wsdconfig_level(const struct wsdconfig *c);

/* What it owns beside its texts. */
void wsdconfig_release(struct wsdconfig *c);

#endif

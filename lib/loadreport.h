/* SPDX-License-Identifier: MIT */
/*
 * loadreport - what a run of wsbench found, as aligned lines for people or as
 * one JSON object for machines (times in ns, memory in bytes, rates in 1/s).
 */
#ifndef LOADREPORT_H
#define LOADREPORT_H

#include "loader.h"

#include <stdbool.h>
#include <stdio.h>

/* `verbose` adds how the connecting went and what the load itself cost. */
void loadreport_text(const struct loadrig_config *config,
		     const struct loader_result *result, bool verbose,
		     FILE *out);

void loadreport_json(const struct loadrig_config *config,
		     const struct loader_result *result, FILE *out);

#endif

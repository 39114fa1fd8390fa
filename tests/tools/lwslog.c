/* SPDX-License-Identifier: MIT */
/*
 * lwslog FORMAT [limited] - has libwebsockets log what it can: a warning, an
 * error, what is below these, a dump of a payload, and then 3000 warnings; and
 * tells what was left out.
 */
#include "lwslog.h"

#include <libwebsockets.h>
#include <string.h>

int main(int argc, char **argv)
{
	static const struct diag diag = {"wsd", DIAG_NOTE};
	static const char payload[] = "{\"password\":\"open sesame\"}";
	bool json = argc > 1 && strcmp(argv[1], "json") == 0;
	struct log log;

	log_init(&log, &diag, json ? LOG_JSON : LOG_TEXT);
	lwslog_use(&log, argc > 2);
	lwsl_warn("a warning\n");
	lwsl_err("an error with \"quotes\"\n");
	lwsl_notice("a notice\n");
	lwsl_hexdump_level(LLL_ERR, payload, sizeof(payload) - 1);
	lwsl_hexdump_level(LLL_NOTICE, payload, sizeof(payload) - 1);
	for (int i = 0; i < (argc > 2 ? 3000 : 20); i++)
		lwsl_warn("again %d\n", i);
	lwslog_tell(&log);
	log_tell_all(&log);
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include "certwatch.h"

#include "clock.h"

#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)

static void tell(struct certwatch *w)
{
	char what[CERTIFICATE_WHY_MAX];

	w->told_day = clock_wall_ms() / DAY_MS;
	if (certificate_warns(&w->certificate, clock_wall_ms(), what))
		log_event(w->log, LOG_CERTIFICATE, NULL,
			  "the certificate in '%s' %s", w->certificate.chain,
			  what);
}

int certwatch_begin(struct certwatch *w, const char *chain, const char *key,
		    struct log *log)
{
	char why[CERTIFICATE_WHY_MAX];

	w->log = log;
	if (certificate_open(&w->certificate, chain, key, why) < 0) {
		log_event(log, LOG_FAILED, NULL, "cannot speak TLS: %s", why);
		return -1;
	}
	tell(w);
	return 0;
}

void certwatch_renew(struct certwatch *w)
{
	char why[CERTIFICATE_WHY_MAX];

	if (certificate_renew(&w->certificate, why) < 0) {
		log_event(w->log, LOG_CONFIG_REFUSED, NULL,
			  "the certificate stays as it was: %s", why);
		return;
	}
	log_event(w->log, LOG_CONFIG, NULL,
		  "the certificate and its key were read anew");
	tell(w);
}

void certwatch_look(struct certwatch *w)
{
	if (clock_wall_ms() / DAY_MS == w->told_day)
		return;
	tell(w);
	if (certificate_new_tickets(&w->certificate) < 0)
		log_event(w->log, LOG_CERTIFICATE, NULL,
			  "the keys of TLS tickets stay as they were: no "
			  "random bytes");
}

void certwatch_end(struct certwatch *w)
{
	certificate_close(&w->certificate);
}

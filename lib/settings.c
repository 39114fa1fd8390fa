/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include <errno.h>

static int put_all(struct buf *b, const struct option *o,
		   const struct option_base *config)
{
	const char *before = "{\n  \"";
	bool valid = true;

	for (; o->name; o++) {
		if ((o->flags & OPTION_TYPED) || option_unset(o, config))
			continue;
		buf_printf(b, "%s%s\": ", before, o->name);
		valid &= option_put_json(b, o, config);
		before = ",\n  \"";
	}
	buf_puts(b, before[0] == '{' ? "{}\n" : "\n}\n");
	if (valid && !b->failed)
		return 0;
	errno = b->failed ? ENOMEM : EILSEQ;
	return -1;
}

int settings_print(const struct option *table, const struct option_base *config,
		   FILE *out)
{
	struct buf b;
	int result;

	buf_init(&b);
	result = put_all(&b, table, config);
	if (result == 0 &&
	    (fwrite(buf_bytes(&b), 1, buf_len(&b), out) != buf_len(&b) ||
	     fflush(out) != 0))
		result = -1;
	buf_release(&b);
	return result;
}

static int tell(const struct option *o, const struct option_base *old,
		const struct option_base *fresh, settings_fn *changed,
		void *user)
{
	struct buf was, is;
	int result = -1;

	buf_init(&was);
	buf_init(&is);
	option_put_text(&was, o, old);
	option_put_text(&is, o, fresh);
	buf_putc(&was, '\0');
	buf_putc(&is, '\0');
	if (was.failed || is.failed) {
		errno = ENOMEM;
	} else {
		changed(user, o, buf_bytes(&was), buf_bytes(&is));
		result = 0;
	}
	buf_release(&was);
	buf_release(&is);
	return result;
}

int settings_renew(const struct option *table, struct option_base *fresh,
		   const struct option_base *old, settings_fn *changed,
		   void *user)
{
	for (const struct option *o = table; o->name; o++) {
		if ((o->flags & OPTION_TYPED) || option_equal(o, old, fresh))
			continue;
		if (tell(o, old, fresh, changed, user) < 0)
			return -1;
		if ((o->flags & OPTION_FIXED) && option_copy(o, fresh, old) < 0)
			return -1;
	}
	return 0;
}

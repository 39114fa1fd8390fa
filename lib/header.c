/* SPDX-License-Identifier: MIT */
#include "header.h"

#include <string.h>

static void trim(char *text)
{
	size_t skip = strspn(text, " \t");
	size_t len = strlen(text + skip);

	while (len && strchr(" \t", text[skip + len - 1]))
		len--;
	memmove(text, text + skip, len);
	text[len] = '\0';
}

/* `n` is what copying said: the length, 0 or less when it was not copied. */
static void finish(struct header *h, bool present, int n)
{
	h->present = present;
	h->too_long = present && n < 0;
	if (n <= 0)
		h->text[0] = '\0';
	trim(h->text);
}

void header_read(struct lws *wsi, enum lws_token_indexes token,
		 struct header *h)
{
	int n = lws_hdr_copy(wsi, h->text, sizeof(h->text), token);

	finish(h, lws_hdr_total_length(wsi, token) > 0, n);
}

void header_read_other(struct lws *wsi, const char *name, struct header *h)
{
	int len = (int)strlen(name);
	int n = lws_hdr_custom_copy(wsi, h->text, sizeof(h->text), name, len);

	finish(h, lws_hdr_custom_length(wsi, name, len) >= 0, n);
}

/* lws joins them with a comma or an '&', as its version is. */
void header_read_query(struct lws *wsi, struct header *h)
{
	size_t used = 0;
	int n;

	h->text[0] = '\0';
	h->present = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_URI_ARGS) > 0;
	h->too_long = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_URI_ARGS) >=
		      HEADER_MAX - 1;
	for (int i = 0; h->present && !h->too_long; i++) {
		n = lws_hdr_copy_fragment(wsi, h->text + used,
					  (int)(HEADER_MAX - used),
					  WSI_TOKEN_HTTP_URI_ARGS, i);
		if (n < 0)
			break;
		used += (size_t)n;
		h->text[used++] = '&';
		h->text[used] = '\0';
	}
}

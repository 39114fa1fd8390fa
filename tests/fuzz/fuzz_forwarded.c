/* SPDX-License-Identifier: MIT */
/*
 * Lines: the addresses of proxies, between blanks; where a request comes from;
 * then values of X-Forwarded-For, or behind a '=' of X-Forwarded-Proto. Whose
 * it is, is what a naive reading says, and what a client has sent before its
 * proxy's word makes no difference.
 */
#include "forwarded.h"
#include "script.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BLOCKS_MAX 4
#define FIELDS_MAX 8

struct input {
	struct netaddr_block blocks[BLOCKS_MAX];
	struct forwarded_proxies proxies;
	struct netaddr from;
	struct httphead head;
};

/* The next line as memory of its own, so that each step outside is seen. */
static char *next_line(struct script *s)
{
	const char *at = (const char *)s->at;
	const char *end = s->left ? memchr(at, '\n', s->left) : NULL;
	size_t len = end ? (size_t)(end - at) : s->left;
	char *line = malloc(len + 1);

	memcpy(line, script_bytes(s, &len), len);
	line[len] = '\0';
	if (end)
		script_byte(s);
	return line;
}

static void read_proxies(struct input *in, char *line)
{
	char *rest = NULL;
	struct netaddr_block *b = in->blocks;

	for (char *word = strtok_r(line, " ", &rest);
	     word && in->proxies.count < BLOCKS_MAX;
	     word = strtok_r(NULL, " ", &rest))
		if (!netaddr_parse_block(&b[in->proxies.count], word))
			in->proxies.count++;
	in->proxies.blocks = in->blocks;
}

static void add_field(struct input *in, const char *name, const char *value)
{
	struct httphead_field *f = &in->head.fields[in->head.count++];

	f->name = (struct httphead_span){name, strlen(name)};
	f->value = (struct httphead_span){value, strlen(value)};
}

/* Naively */

static bool naive_proxy(const struct input *in, const struct netaddr *a)
{
	for (size_t i = 0; i < in->proxies.count; i++) {
		const struct netaddr_block *b = &in->blocks[i];
		unsigned bit = 0;

		while (bit < b->bits &&
		       !((a->bytes[bit / 8] ^ b->base.bytes[bit / 8]) >>
				 (7 - bit % 8) &
			 1))
			bit++;
		if (a->family == b->base.family && bit == b->bits)
			return true;
	}
	return false;
}

/* Without a port: whether the text is an address, after one of these forms. */
static bool naive_address(char *text, struct netaddr *a)
{
	char *end = text + strlen(text), *port = end;
	struct in6_addr any;
	unsigned long number = 0;

	if (strcasecmp(text, "unix:") == 0) {
		memset(a, 0, sizeof(*a));
		return true;
	}
	if (inet_pton(AF_INET, text, &any) == 1 ||
	    inet_pton(AF_INET6, text, &any) == 1)
		return netaddr_parse(a, text, strlen(text)) == 0;
	while (port > text && port[-1] >= '0' && port[-1] <= '9')
		port--;
	if (port < end && port > text && port[-1] == ':') {
		for (char *c = port; *c && number <= UINT16_MAX; c++)
			number = number * 10 + (unsigned long)(*c - '0');
		if (number > UINT16_MAX)
			return false;
		port[-1] = '\0';
		end = port - 1;
	}
	if (*text == '[' && end[-1] == ']') {
		end[-1] = '\0';
		return inet_pton(AF_INET6, text + 1, &any) == 1 &&
		       netaddr_parse(a, text + 1, strlen(text + 1)) == 0;
	}
	return inet_pton(AF_INET, text, &any) == 1 &&
	       netaddr_parse(a, text, strlen(text)) == 0;
}

/* Member by member from the front; the last one that is no proxy counts. */
static int naive(const struct input *in, char *joined, struct netaddr *client)
{
	struct netaddr a;
	bool first = true;
	char *rest = NULL;
	int result = 0;

	*client = in->from;
	if (!naive_proxy(in, &in->from))
		return 0;
	for (char *m = strtok_r(joined, ",", &rest); m;
	     m = strtok_r(NULL, ",", &rest)) {
		char *end = m + strlen(m);

		m += strspn(m, " \t");
		while (end > m && (end[-1] == ' ' || end[-1] == '\t'))
			*--end = '\0';
		if (!*m)
			continue;
		if (!naive_address(m, &a)) {
			result = -1;
		} else if (!naive_proxy(in, &a)) {
			*client = a;
			result = 0;
		} else if (first) {
			*client = a; /* if all are proxies */
		}
		first = false;
	}
	return result;
}

static bool same_host(const struct netaddr *a, const struct netaddr *b)
{
	return a->family == b->family &&
	       memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static void check(struct input *in, const char *joined, const char *claim)
{
	struct forwarded f, g;
	struct netaddr client;
	char *copy = strdup(joined);
	int want = naive(in, copy, &client);
	int got = forwarded_read(&f, &in->proxies, &in->from, &in->head);

	must(got == want);
	must(got < 0 || same_host(&f.client, &client));
	must(!f.https || naive_proxy(in, &in->from));
	if (got == 0 && !naive_proxy(in, &f.client)) {
		memmove(in->head.fields + 1, in->head.fields,
			in->head.count * sizeof(*in->head.fields));
		in->head.count++;
		in->head.fields[0].name =
			(struct httphead_span){"X-Forwarded-For", 15};
		in->head.fields[0].value =
			(struct httphead_span){claim, strlen(claim)};
		must(forwarded_read(&g, &in->proxies, &in->from, &in->head) ==
			     0 &&
		     memcmp(&g.client, &f.client, sizeof(g.client)) == 0);
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script s = {data, size};
	struct input in = {.head = {.count = 0}};
	char *proxies = next_line(&s), *from = next_line(&s);
	char *values[FIELDS_MAX];
	char *joined = calloc(1, 2 * size + 2 * FIELDS_MAX + 1);
	size_t n = 0;

	read_proxies(&in, proxies);
	netaddr_parse(&in.from, from, strlen(from));
	for (; s.left && n < FIELDS_MAX; n++) {
		values[n] = next_line(&s);
		if (values[n][0] == '=') {
			add_field(&in, "X-Forwarded-Proto", values[n] + 1);
			continue;
		}
		add_field(&in, "x-forwarded-for", values[n]);
		strcat(joined, values[n]);
		strcat(joined, ",");
	}
	check(&in, joined, from);
	for (size_t i = 0; i < n; i++)
		free(values[i]);
	free(joined);
	free(proxies);
	free(from);
	return 0;
}

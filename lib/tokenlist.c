/* SPDX-License-Identifier: MIT */
#include "tokenlist.h"

#include "secretfile.h"
#include "tenant.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_MEMORY "out of memory"

/* A word of a line; borrowed. */
struct word {
	const char *at;
	size_t len;
};

__attribute__((format(printf, 2, 3))) static int refuse(char *why,
							const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, TOKENLIST_WHY_MAX, fmt, args);
	va_end(args);
	return -1;
}

void tokenlist_init(struct tokenlist *l)
{
	memset(l, 0, sizeof(*l));
}

static void entry_free(struct tokenlist_entry *entry)
{
	grant_free(entry->grant);
	free(entry);
}

void tokenlist_release(struct tokenlist *l)
{
	struct map_node *node;
	size_t bucket = 0;

	while ((node = map_any(&l->entries, &bucket))) {
		map_remove(&l->entries, node);
		entry_free(map_entry(node, struct tokenlist_entry, node));
	}
	map_release(&l->entries);
	tokenlist_init(l);
}

/* Looking up */

static bool hash_of(uint8_t hash[GRANT_HASH], const char *token, size_t len)
{
	bool good = EVP_Digest(token, len, hash, NULL, EVP_sha256(), NULL) == 1;

	ERR_clear_error();
	return good;
}

/*
 * In which bucket it looks, and so how long it takes, is told by a keyed hash
 * of the SHA-256 of what was sent. Who measures that learns nothing of a token
 * that is there: he does not know the key, and he cannot choose a SHA-256.
 */
const struct grant *tokenlist_find_hash(const struct tokenlist *l,
					const uint8_t hash[GRANT_HASH])
{
	struct map_node *node;

	if (!l->entries.count)
		return NULL;
	node = map_first(&l->entries, hash_bytes(&l->key, hash, GRANT_HASH));
	for (; node; node = map_next(node)) {
		const struct grant *g =
			map_entry(node, struct tokenlist_entry, node)->grant;

		if (CRYPTO_memcmp(hash, g->hash, GRANT_HASH) == 0)
			return g;
	}
	return NULL;
}

enum refusal tokenlist_find(const struct tokenlist *l, const char *token,
			    size_t len, const struct grant **found)
{
	uint8_t hash[GRANT_HASH];

	*found = NULL;
	if (!l->entries.count)
		return REFUSAL_UNKNOWN;
	if (!hash_of(hash, token, len))
		return REFUSAL_NO_MEMORY;
	*found = tokenlist_find_hash(l, hash);
	return *found ? REFUSAL_NONE : REFUSAL_UNKNOWN;
}

/* Reading a line */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The next word of `line`, which is cut by it; empty at the end. */
static struct word next_word(struct word *line)
{
	struct word word;

	while (line->len && is_blank(*line->at)) {
		line->at++;
		line->len--;
	}
	word.at = line->at;
	while (line->len && !is_blank(*line->at)) {
		line->at++;
		line->len--;
	}
	word.len = (size_t)(line->at - word.at);
	return word;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int read_hash(uint8_t hash[GRANT_HASH], struct word word, char *why)
{
	for (size_t i = 0; word.len == 2 * GRANT_HASH; i++) {
		int high, low;

		if (i == GRANT_HASH)
			return 0;
		high = hex_value(word.at[2 * i]);
		low = hex_value(word.at[2 * i + 1]);
		if (high < 0 || low < 0)
			break;
		hash[i] = (unsigned char)(high << 4 | low);
	}
	return refuse(why, "it does not begin with a SHA-256 of 64 digits of "
			   "0-9 a-f");
}

/* "acme-*,beta" */
static int read_patterns(struct rights *rights, enum rights_what what,
			 struct word list, char *why)
{
	const char *end = list.at + list.len;

	if (rights->lists[what].count)
		return refuse(why, "'%s' is there twice", rights_name(what));
	for (const char *at = list.at; at; at++) {
		const char *comma = memchr(at, ',', (size_t)(end - at));
		size_t len = (size_t)((comma ? comma : end) - at);
		enum rights_result result = rights_allow(rights, what, at, len);

		if (result != RIGHTS_OK)
			return refuse(why, "'%s': %s", rights_name(what),
				      rights_strerror(result));
		if (!comma)
			break;
		at = comma;
	}
	return 0;
}

static bool begins(struct word word, const char *with)
{
	size_t len = strlen(with);

	return word.len > len && word.at[len] == '=' &&
	       memcmp(word.at, with, len) == 0;
}

static int read_right(struct rights *rights, struct word word, char *why)
{
	for (unsigned i = 0; i < RIGHTS_KINDS; i++) {
		enum rights_what what = (enum rights_what)i;
		size_t name = strlen(rights_name(what)) + 1;

		if (begins(word, rights_name(what)))
			return read_patterns(
				rights, what,
				(struct word){word.at + name, word.len - name},
				why);
	}
	if (word.len != 5 || memcmp(word.at, "admin", 5) != 0)
		return refuse(why, "a right is subscribe=PATTERN,…, "
				   "publish=PATTERN,… or admin");
	if (rights->admin)
		return refuse(why, "'admin' is there twice");
	rights->admin = true;
	return 0;
}

bool tokenlist_name_valid(const char *name, size_t len)
{
	return tenant_valid(name, len);
}

/* Owned; NULL and `why`. */
static struct grant *read_line(struct word line, char *why)
{
	uint8_t hash[GRANT_HASH];
	struct grant *grant;
	struct word name;
	struct word word;

	if (read_hash(hash, next_word(&line), why) != 0)
		return NULL;
	name = next_word(&line);
	if (!tokenlist_name_valid(name.at, name.len)) {
		refuse(why, "behind the hash goes a name of A-Z a-z 0-9 . _ : "
			    "@ -");
		return NULL;
	}
	grant = grant_new(name.at, name.len);
	if (!grant) {
		refuse(why, NO_MEMORY);
		return NULL;
	}
	grant->fixed = true;
	memcpy(grant->hash, hash, sizeof(hash));
	while ((word = next_word(&line)).len)
		if (read_right(&grant->rights, word, why) != 0) {
			grant_free(grant);
			return NULL;
		}
	return grant;
}

/* Reading all */

/* Makes it ready for its first entry. */
static int make_table(struct tokenlist *l, char *why)
{
	if (l->entries.buckets)
		return 0;
	if (hash_random(&l->key, sizeof(l->key)) != 0)
		return refuse(why, "no random bytes");
	return map_init(&l->entries) == 0 ? 0 : refuse(why, NO_MEMORY);
}

/* Takes the grant, if it can. */
static int add_grant(struct tokenlist *l, struct grant *grant, char *why)
{
	struct tokenlist_entry *entry;

	if (tokenlist_find_hash(l, grant->hash))
		return refuse(why, "this hash is there twice");
	if (l->entries.count == TOKENLIST_MAX)
		return refuse(why, "there are more than %d tokens",
			      TOKENLIST_MAX);
	if (make_table(l, why) != 0)
		return -1;
	entry = malloc(sizeof(*entry));
	if (!entry)
		return refuse(why, NO_MEMORY);
	entry->grant = grant;
	map_insert(&l->entries, &entry->node,
		   hash_bytes(&l->key, grant->hash, GRANT_HASH));
	return 0;
}

static int add_line(struct tokenlist *l, struct word line, char *why)
{
	struct grant *grant = read_line(line, why);

	if (grant && add_grant(l, grant, why) == 0)
		return 0;
	grant_free(grant);
	return -1;
}

static bool says_nothing(struct word line)
{
	struct word first = next_word(&line);

	return !first.len || *first.at == '#';
}

/*
 * A CR that ends no line is what is left of a file whose lines ended in CR
 * alone; all of it would be one line, or one comment.
 */
static int read_any(struct tokenlist *l, struct word line, char *why)
{
	line.len -= line.len && line.at[line.len - 1] == '\r';
	if (line.len && memchr(line.at, '\r', line.len))
		return refuse(why, "a CR is in it; lines end in LF or CR LF");
	return says_nothing(line) ? 0 : add_line(l, line, why);
}

int tokenlist_parse(struct tokenlist *l, const char *text, size_t len,
		    char why[TOKENLIST_WHY_MAX])
{
	char reason[TOKENLIST_WHY_MAX - 40];
	size_t number = 0;

	while (len) {
		const char *newline = memchr(text, '\n', len);
		size_t used = newline ? (size_t)(newline - text) + 1 : len;
		struct word line = {text, newline ? used - 1 : used};

		number++;
		if (read_any(l, line, why) != 0) {
			snprintf(reason, sizeof(reason), "%s", why);
			return refuse(why, "line %zu: %s", number, reason);
		}
		text += used;
		len -= used;
	}
	return 0;
}

int tokenlist_load(struct tokenlist *l, const char *path,
		   char why[TOKENLIST_WHY_MAX])
{
	char reason[SECRETFILE_WHY_MAX];
	struct secretfile f;
	int result;

	if (secretfile_open(&f, path, TOKENLIST_FILE_MAX, reason) != 0)
		return refuse(why, "%s", reason);
	if (secretfile_guarded(&f, reason) != 0)
		result = refuse(why, "%s", reason);
	else
		result = tokenlist_parse(l, f.bytes, f.len, why);
	secretfile_close(&f);
	return result;
}

/* Writing */

static void put_patterns(struct buf *out, const struct rights *rights,
			 enum rights_what what)
{
	const char *pattern;
	size_t at = 0, len;
	char before = '=';

	if (!rights->lists[what].count)
		return;
	buf_printf(out, " %s", rights_name(what));
	while ((pattern = rights_next(rights, what, &at, &len))) {
		buf_putc(out, before);
		buf_append(out, pattern, len);
		before = ',';
	}
}

int tokenlist_put(struct buf *out, const char *token, size_t len,
		  const char *name, const struct rights *rights)
{
	uint8_t hash[GRANT_HASH];

	if (!hash_of(hash, token, len))
		return -1;
	for (size_t i = 0; i < sizeof(hash); i++)
		buf_printf(out, "%02x", hash[i]);
	buf_printf(out, " %s", name);
	for (unsigned i = 0; i < RIGHTS_KINDS; i++)
		put_patterns(out, rights, (enum rights_what)i);
	if (rights->admin)
		buf_puts(out, " admin");
	buf_putc(out, '\n');
	return 0;
}

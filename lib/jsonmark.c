/* SPDX-License-Identifier: MIT */
/*
 * jsonmark - with SSE2 or, where there is none or JSONMARK_PORTABLE is
 * defined, with words of 8 bytes; both mark exactly the same.
 */
#include "jsonmark.h"

#if defined(__SSE2__) && !defined(JSONMARK_PORTABLE)

#include <emmintrin.h>

static inline uint64_t mark16(const char *at)
{
	__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
	/* The quote and the space change places: then one comparison, which
	   takes bytes as signed, finds quotes, controls and non-ASCII. */
	__m128i swapped = _mm_xor_si128(bytes, _mm_set1_epi8('"' ^ ' '));
	__m128i low = _mm_cmplt_epi8(swapped, _mm_set1_epi8(' ' + 1));
	__m128i escape = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));

	return (unsigned)_mm_movemask_epi8(_mm_or_si128(low, escape));
}

static inline uint64_t mark64(const char *at)
{
	return mark16(at) | mark16(at + 16) << 16 | mark16(at + 32) << 32 |
	       mark16(at + 48) << 48;
}

#else

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* The top bit of each byte whose low 7 bits are at least `n`. */
static inline uint64_t at_least(uint64_t word, unsigned n)
{
	return (word & EACH(0x7f)) + EACH(0x80 - n);
}

static inline uint64_t mark8(const char *at)
{
	uint64_t word, plain;

	memcpy(&word, at, sizeof(word));
	word = le64toh(word);
	plain = at_least(word, ' ') & at_least(word ^ EACH('"'), 1) &
		at_least(word ^ EACH('\\'), 1) & ~word;
	/* Collects the lowest bits of 8 bytes in the highest byte. */
	return (~plain >> 7 & EACH(1)) * UINT64_C(0x0102040810204080) >> 56;
}

static inline uint64_t mark64(const char *at)
{
	uint64_t bits = 0;

	for (int i = 0; i < 64; i += 8)
		bits |= mark8(at + i) << i;
	return bits;
}

#endif

/* Fewer than 64 bytes, which are all that may be read. */
__attribute__((noinline)) static uint64_t mark_copy(const char *at, size_t len)
{
	char bytes[64] = {0};

	memcpy(bytes, at, len);
	return mark64(bytes);
}

/*
 * The last bytes, with some of those before them where there are such. What is
 * behind the text is marked, so a search ends there. The word behind is only
 * there to be loaded.
 */
static void mark_end(struct jsonmark *m, size_t word, const char *at)
{
	size_t left = (size_t)(m->end - at);
	uint64_t bits = word && left ? mark64(m->end - 64) >> (64 - left)
				     : mark_copy(at, left);

	m->bits[word] = htole64(bits | UINT64_MAX << left);
	m->bits[word + 1] = 0;
	m->reach = SIZE_MAX;
}

void jsonmark_read(struct jsonmark *m, const char *at)
{
	size_t n = 0;

	m->base = at;
	for (; n <= JSONMARK_WORDS && m->end - at >= 64; n++, at += 64)
		m->bits[n] = htole64(mark64(at));
	if (n < JSONMARK_WORDS)
		mark_end(m, n, at);
	else
		m->reach = (n - 1) * 64;
}

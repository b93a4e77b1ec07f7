#include "stages/literal.h"

#include "stages/blocks.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

/* How common each byte is, on a scale of its own: counted over access, application (JSON, key=value) and system logs,
 * access logs most, then evened out by hand; what did not occur has a floor by kind: printable, control, UTF-8. */
const uint8_t literal_commonness[256] = {
    10,  1,   1,   1,   1,   1,   1,   1,   1,   113, 141, 1,   1,   120, 1,   1,   /* 00 */
    1,   1,   1,   1,   1,   1,   1,   1,   1,   1,   1,   40,  1,   1,   1,   1,   /* 10 */
    196, 53,  185, 53,  67,  80,  80,  80,  123, 123, 56,  117, 144, 151, 176, 174, /* space */
    187, 182, 180, 166, 168, 166, 159, 157, 157, 154, 177, 121, 53,  148, 53,  80,  /* 0 */
    80,  93,  91,  86,  120, 125, 119, 119, 119, 102, 101, 97,  111, 130, 116, 113, /* @ */
    121, 62,  110, 119, 147, 71,  80,  105, 92,  62,  119, 135, 80,  135, 53,  133, /* P */
    53,  173, 145, 166, 162, 186, 139, 146, 150, 172, 113, 143, 168, 162, 165, 179, /* ` */
    162, 104, 173, 173, 175, 158, 137, 151, 133, 122, 105, 114, 80,  114, 53,  1,   /* p */
    60,  50,  50,  50,  50,  50,  50,  50,  50,  50,  50,  50,  50,  50,  50,  50,  /* 80 */
    50,  50,  50,  50,  50,  50,  50,  50,  50,  50,  50,  50,  50,  50,  50,  50,  /* 90 */
    50,  50,  50,  50,  50,  50,  50,  50,  50,  50,  50,  50,  50,  50,  50,  50,  /* a0 */
    50,  50,  50,  50,  50,  50,  50,  50,  50,  50,  50,  50,  50,  50,  50,  50,  /* b0 */
    1,   1,   40,  70,  40,  40,  30,  30,  30,  30,  30,  30,  30,  30,  40,  40,  /* c0 */
    70,  70,  30,  30,  30,  30,  30,  30,  40,  40,  40,  40,  30,  30,  30,  30,  /* d0 */
    50,  50,  65,  65,  60,  60,  60,  60,  60,  60,  50,  50,  50,  50,  50,  50,  /* e0 */
    50,  1,   1,   1,   1,   1,   1,   1,   1,   1,   1,   1,   1,   1,   1,   10,  /* f0 */
};

/* A verification that fails is paid for by the bytes passed over since the search began: one for each 4 bytes, and
 * these to begin with. A region that asks for more is left to memmem(), slower at its best, linear at its worst. */
enum { FAILURES_FREE = 64, BYTES_PER_FAILURE = 4 };

void literal_prepare(struct literal *l, const void *bytes, size_t length)
{
	assert(length >= 1 && length <= UINT32_MAX);
	const uint8_t *b = bytes;
	uint32_t rarest = 0, second = 0;
	for (uint32_t i = 1; i < length; i++)
		if (literal_commonness[b[i]] < literal_commonness[b[rarest]])
			rarest = i;
	/* the same byte twice says less than two bytes do */
	for (uint32_t i = 0; i < length; i++) {
		if (i == rarest)
			continue;
		unsigned cost = literal_commonness[b[i]] + (b[i] == b[rarest] ? 64u : 0u);
		unsigned best = literal_commonness[b[second]] + (b[second] == b[rarest] ? 64u : 0u);
		if (second == rarest || cost < best)
			second = i;
	}
	*l = (struct literal){
	    .bytes = b,
	    .length = length,
	    .rare_first = rarest < second ? rarest : second,
	    .rare_second = rarest < second ? second : rarest,
	};
}

static uint32_t load32(const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof v);
	return v;
}

static uint64_t load64(const uint8_t *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof v);
	return v;
}

/* memcmp() == 0; candidates are many and most needles short, so those are compared on the spot, by two loads that may
 * overlap. */
static inline bool is_same(const uint8_t *a, const uint8_t *b, size_t n)
{
	if (n > 16 || n < 4)
		return memcmp(a, b, n) == 0;
	if (n >= 8)
		return load64(a) == load64(b) && load64(a + n - 8) == load64(b + n - 8);
	return load32(a) == load32(b) && load32(a + n - 4) == load32(b + n - 4);
}

/* The first of the candidates in one block that is the needle, or NULL, with the failures added to *spent. */
static const uint8_t *verify(const struct literal *l, const uint8_t *at, uint64_t mask,
			     size_t *spent)
{
	for (; mask; mask &= mask - 1) {
		const uint8_t *candidate = at + __builtin_ctzll(mask);
		if (is_same(candidate, l->bytes, l->length))
			return candidate;
		*spent += 1 + l->length / 16;
	}
	return NULL;
}

/* last: one past the last position at which the needle has room. */
static const uint8_t *search(const struct literal *l, const uint8_t *from, const uint8_t *last)
{
	const uint8_t x = l->bytes[l->rare_first], y = l->bytes[l->rare_second];
	const uint8_t *at = from;
	size_t spent = 0;
	while ((size_t)(last - at) >= BLOCK_BYTES) {
		size_t blocks = (size_t)(last - at) / BLOCK_BYTES;
		uint64_t mask;
		size_t passed = block_kernels->pair(at + l->rare_first, at + l->rare_second, blocks,
						    x, y, &mask);
		at += passed * BLOCK_BYTES;
		if (passed == blocks)
			break;
		const uint8_t *hit = verify(l, at, mask, &spent);
		if (hit)
			return hit;
		at += BLOCK_BYTES;
		if (spent > FAILURES_FREE + (size_t)(at - from) / BYTES_PER_FAILURE)
			return memmem(at, (size_t)(last - at) + l->length - 1, l->bytes, l->length);
	}
	uint64_t mask =
	    blocks_pair_rest(at + l->rare_first, at + l->rare_second, (size_t)(last - at), x, y);
	return verify(l, at, mask, &spent);
}

const uint8_t *literal_find(const struct literal *l, const uint8_t *from, const uint8_t *end)
{
	assert(from <= end);
	size_t length = (size_t)(end - from);
	if (length < l->length)
		return NULL;
	if (l->length == 1)
		return memchr(from, l->bytes[0], length);
	return search(l, from, end - l->length + 1);
}

#include "stages/literals.h"

#include "stages/automaton.h"
#include "stages/blocks.h"
#include "stages/literal.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
	BUCKETS = 8,
	FINGERPRINT_STRINGS_MAX = 64, /* with more, the buckets let too much through */
};

/* As in literal.c: verifications that fail, weighted by what they cost, have to be worth the bytes passed over;
 * beyond that the automaton, which looks at each byte once, takes the rest of the region. */
enum { FAILURES_FREE = 128, BYTES_PER_FAILURE = 4 };

/* A bucket's strings are neighbours in literals.strings. */
struct bucket {
	uint32_t first, end;
	uint32_t cost; /* of verifying all of them */
};

struct literals {
	size_t count;
	struct literal one; /* count == 1; then nothing below is used */
	bool fingerprinted; /* few enough for buckets; the automaton is there in any case */
	struct fingerprints prints;
	struct bucket buckets[BUCKETS];
	struct literal_bytes strings[FINGERPRINT_STRINGS_MAX];
	struct automaton automaton;
};

int literal_bytes_compare(const void *a, const void *b)
{
	const struct literal_bytes *x = a, *y = b;
	size_t common = x->length < y->length ? x->length : y->length;
	int order = memcmp(x->bytes, y->bytes, common);
	if (order != 0)
		return order;
	return (x->length > y->length) - (x->length < y->length);
}

/* Lets string s through bucket `bit`. Bytes that it does not have may be any. */
static void print_string(struct fingerprints *f, const struct literal_bytes *s, uint8_t bit)
{
	const uint8_t *bytes = s->bytes;
	for (unsigned k = 0; k < FINGERPRINT_BYTES; k++) {
		if (k < s->length) {
			f->low[k][bytes[k] & 15] |= bit;
			f->high[k][bytes[k] >> 4] |= bit;
			continue;
		}
		for (unsigned nibble = 0; nibble < 16; nibble++) {
			f->low[k][nibble] |= bit;
			f->high[k][nibble] |= bit;
		}
	}
}

/* Deals the strings out in their sorted order: what begins alike shares a bucket, so that a bucket's tables let
 * through little that is in none of its strings. */
static void fill_buckets(struct literals *l, const struct literal_bytes *strings, size_t count)
{
	memcpy(l->strings, strings, count * sizeof(*strings));
	qsort(l->strings, count, sizeof(*l->strings), literal_bytes_compare);
	for (uint32_t i = 0; i < BUCKETS; i++) {
		struct bucket *b = &l->buckets[i];
		b->first = (uint32_t)(i * count / BUCKETS);
		b->end = (uint32_t)((i + 1) * count / BUCKETS);
		for (uint32_t s = b->first; s < b->end; s++) {
			b->cost += 1 + (uint32_t)(l->strings[s].length / 16);
			print_string(&l->prints, &l->strings[s], (uint8_t)(1u << i));
		}
	}
	l->fingerprinted = true;
}

int literals_prepare(struct literals **ret_literals, const struct literal_bytes *strings,
		     size_t count)
{
	if (count == 0)
		return -EINVAL;
	for (size_t i = 0; i < count; i++)
		if (strings[i].length == 0)
			return -EINVAL;

	struct literals *l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->count = count;
	if (count == 1) {
		literal_prepare(&l->one, strings[0].bytes, strings[0].length);
	} else {
		if (automaton_init(&l->automaton, strings, count) < 0) {
			free(l);
			return -ENOMEM;
		}
		if (count <= FINGERPRINT_STRINGS_MAX)
			fill_buckets(l, strings, count);
	}
	*ret_literals = l;
	return 0;
}

void literals_free(struct literals *l)
{
	if (!l)
		return;
	automaton_release(&l->automaton);
	free(l);
}

size_t literals_footprint(size_t bytes_total, size_t count)
{
	return sizeof(struct literals) + (count > 1 ? automaton_footprint(bytes_total, count) : 0);
}

/* True if a string of one of the buckets stands at `at`; else what that took is added to *spent. */
static bool verify_at(const struct literals *l, const uint8_t *at, const uint8_t *end,
		      unsigned buckets, size_t *ret_length, size_t *spent)
{
	for (; buckets; buckets &= buckets - 1) {
		const struct bucket *b = &l->buckets[__builtin_ctz(buckets)];
		for (uint32_t i = b->first; i < b->end; i++) {
			const struct literal_bytes *s = &l->strings[i];
			if (s->length <= (size_t)(end - at) &&
			    memcmp(at, s->bytes, s->length) == 0) {
				*ret_length = s->length;
				return true;
			}
		}
		*spent += b->cost;
	}
	return false;
}

static const uint8_t *verify_hits(const struct literals *l, const uint8_t *at, const uint8_t *end,
				  const struct fingerprint_hits *hits, size_t *ret_length,
				  size_t *spent)
{
	for (uint64_t mask = hits->mask; mask; mask &= mask - 1) {
		unsigned i = (unsigned)__builtin_ctzll(mask);
		if (verify_at(l, at + i, end, hits->buckets[i], ret_length, spent))
			return at + i;
	}
	return NULL;
}

static const uint8_t *find_by_fingerprints(const struct literals *l, const uint8_t *from,
					   const uint8_t *end, size_t *ret_length)
{
	const size_t beyond = FINGERPRINT_BYTES - 1;
	struct fingerprint_hits hits;
	const uint8_t *at = from, *hit;
	size_t spent = 0;
	while ((size_t)(end - at) >= BLOCK_BYTES + beyond) {
		size_t blocks = ((size_t)(end - at) - beyond) / BLOCK_BYTES;
		size_t passed = block_kernels->fingerprints(&l->prints, at, blocks, &hits);
		at += passed * BLOCK_BYTES;
		if (passed == blocks)
			break;
		hit = verify_hits(l, at, end, &hits, ret_length, &spent);
		if (hit)
			return hit;
		at += BLOCK_BYTES;
		if (spent > FAILURES_FREE + (size_t)(at - from) / BYTES_PER_FAILURE)
			return automaton_find(&l->automaton, at, end, ret_length);
	}
	/* up to a block and what a fingerprint reads beyond it: at most two looks */
	while (at < end) {
		size_t left = (size_t)(end - at);
		if (blocks_fingerprints_rest(&l->prints, at, left, &hits)) {
			hit = verify_hits(l, at, end, &hits, ret_length, &spent);
			if (hit)
				return hit;
		}
		at += left < BLOCK_BYTES ? left : BLOCK_BYTES;
	}
	return NULL;
}

const uint8_t *literals_find(const struct literals *l, const uint8_t *from, const uint8_t *end,
			     size_t *ret_length)
{
	assert(from <= end);
	if (l->fingerprinted)
		return find_by_fingerprints(l, from, end, ret_length);
	if (l->count > 1)
		return automaton_find(&l->automaton, from, end, ret_length);
	const uint8_t *hit = literal_find(&l->one, from, end);
	if (hit)
		*ret_length = l->one.length;
	return hit;
}

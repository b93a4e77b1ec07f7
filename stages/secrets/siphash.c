#include "stages/secrets/siphash.h"

#include <endian.h>
#include <string.h>

struct state {
	uint64_t a, b, c, d;
};

static uint64_t rotated(uint64_t x, unsigned by)
{
	return x << by | x >> (64 - by);
}

static void mix(struct state *s, unsigned rounds)
{
	while (rounds-- > 0) {
		s->a += s->b;
		s->c += s->d;
		s->b = rotated(s->b, 13) ^ s->a;
		s->d = rotated(s->d, 16) ^ s->c;
		s->a = rotated(s->a, 32);
		s->c += s->b;
		s->a += s->d;
		s->b = rotated(s->b, 17) ^ s->c;
		s->d = rotated(s->d, 21) ^ s->a;
		s->c = rotated(s->c, 32);
	}
}

static void take(struct state *s, uint64_t word)
{
	s->d ^= word;
	mix(s, 2);
	s->a ^= word;
}

static uint64_t load(const uint8_t *from)
{
	uint64_t word;
	memcpy(&word, from, sizeof word);
	return le64toh(word);
}

/* What is left at the end, and how long it all was. */
static uint64_t last_word(const uint8_t *rest, size_t count, size_t length)
{
	uint8_t word[8] = {0};
	if (count > 0)
		memcpy(word, rest, count);
	word[7] = (uint8_t)length;
	return load(word);
}

static void give(struct state *s, uint8_t *to)
{
	mix(s, 4);
	uint64_t word = htole64(s->a ^ s->b ^ s->c ^ s->d);
	memcpy(to, &word, sizeof word);
}

void siphash(const uint8_t key[SIPHASH_KEY_BYTES], const uint8_t *bytes, size_t length,
	     uint8_t hash[SIPHASH_BYTES])
{
	const uint64_t low = load(key), high = load(key + 8);
	struct state s = {
	    .a = low ^ UINT64_C(0x736f6d6570736575),
	    .b = high ^ UINT64_C(0x646f72616e646f6d) ^ 0xee,
	    .c = low ^ UINT64_C(0x6c7967656e657261),
	    .d = high ^ UINT64_C(0x7465646279746573),
	};
	size_t at = 0;
	for (; length - at >= 8; at += 8)
		take(&s, load(bytes + at));
	take(&s, last_word(bytes + at, length - at, length));
	s.c ^= 0xee;
	give(&s, hash);
	s.b ^= 0xdd;
	give(&s, hash + 8);
}

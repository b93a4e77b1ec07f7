#include "stages/secrets/secret_sketch.h"

#include <string.h>

enum {
	VECTOR = 16,
	AHEAD = 8,        /* how far ahead of a byte is looked, and one more */
	ROUNDS_MAX = 255, /* of counts in bytes */
};

typedef uint8_t bytes16 __attribute__((vector_size(VECTOR)));

/* Bytes that count so far, by lane; a hint is there if any lane is not 0. */
struct lanes {
	bytes16 digits, dots, colons, dashes;
	bytes16 at, escaped, bearer, basic, authorization, object, key_id, secret;
};

static bytes16 load(const uint8_t *from)
{
	bytes16 v;
	memcpy(&v, from, sizeof v);
	return v;
}

/* The sixteen at `p`, and what stands up to AHEAD - 1 behind each. */
static inline void look(struct lanes *l, const uint8_t *p)
{
	const bytes16 v = load(p), v1 = load(p + 1), v2 = load(p + 2), v3 = load(p + 3);
	const bytes16 low = v | 0x20, low4 = load(p + 4) | 0x20, low5 = load(p + 5) | 0x20,
		      low7 = load(p + 7) | 0x20;
	l->digits -= (bytes16)(v - '0' <= 9);
	l->dots -= (bytes16)(v == '.');
	l->colons -= (bytes16)(v == ':');
	l->dashes -= (bytes16)(v == '-');
	l->at |= (bytes16)(v == '@');
	l->escaped |= (bytes16)((v == '%') & (v1 == '4') & (v2 == '0'));
	l->bearer |= (bytes16)((low == 'b') & (low5 == 'r'));
	l->basic |= (bytes16)((low == 'b') & (low4 == 'c'));
	l->authorization |= (bytes16)((low == 'a') & (low7 == 'z'));
	l->object |= (bytes16)((v == 'e') & (v2 == 'J'));
	l->key_id |= (bytes16)((v == 'A') & (v3 == 'A'));
	l->secret |= (bytes16)((low == 's') & (low5 == 't'));
}

static size_t sum(bytes16 v)
{
	size_t n = 0;
	for (unsigned i = 0; i < VECTOR; i++)
		n += v[i];
	return n;
}

static bool any(bytes16 v)
{
	return sum(v) > 0;
}

static void add(struct secret_sketch *s, const struct lanes *l)
{
	s->digits += sum(l->digits);
	s->dots += sum(l->dots);
	s->colons += sum(l->colons);
	s->dashes += sum(l->dashes);
	s->hints |= (any(l->at) ? HINT_AT : 0) | (any(l->escaped) ? HINT_AT_ESCAPED : 0) |
		    (any(l->bearer) ? HINT_BEARER : 0) | (any(l->basic) ? HINT_BASIC : 0) |
		    (any(l->authorization) ? HINT_AUTHORIZATION : 0) |
		    (any(l->object) ? HINT_OBJECT : 0) | (any(l->key_id) ? HINT_KEY_ID : 0) |
		    (any(l->secret) ? HINT_SECRET : 0);
}

/* Fewer than VECTOR + AHEAD bytes; behind them are zeros. */
static void look_at_rest(struct lanes *l, const uint8_t *text, size_t length)
{
	uint8_t room[2 * VECTOR + 2 * AHEAD] = {0};
	if (length > 0)
		memcpy(room, text, length);
	for (size_t at = 0; at < length; at += VECTOR)
		look(l, room + at);
}

void secret_sketch(struct secret_sketch *s, const uint8_t *text, size_t length)
{
	size_t at = 0;
	*s = (struct secret_sketch){.digits = 0};
	for (bool more = true; more;) {
		struct lanes lanes = {.digits = {0}};
		unsigned rounds = 0;
		for (; rounds < ROUNDS_MAX - 2 && length - at >= VECTOR + AHEAD; rounds++) {
			look(&lanes, text + at);
			at += VECTOR;
		}
		more = length - at >= VECTOR + AHEAD;
		if (!more)
			look_at_rest(&lanes, text + at, length - at);
		add(s, &lanes);
	}
}

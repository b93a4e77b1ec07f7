#include "stages/shape.h"

#include "stages/literal.h"

#include <string.h>

const struct set set_of_empty = {.count = 1};

static bool string_within(const struct string *part, const struct string *whole)
{
	return memmem(whole->bytes, whole->length, part->bytes, part->length) != NULL;
}

bool set_add(struct set *s, const struct string *string)
{
	if (s->count == REQUIRED_STRINGS_MAX)
		return false;
	s->strings[s->count++] = *string;
	return true;
}

bool set_add_all(struct set *s, const struct set *from)
{
	if (s->count + from->count > REQUIRED_STRINGS_MAX)
		return false;
	for (size_t i = 0; i < from->count; i++)
		set_add(s, &from->strings[i]);
	return true;
}

bool set_multiply(struct set *s, const struct set *next, struct set *scratch)
{
	if (s->count * next->count > REQUIRED_STRINGS_MAX)
		return false;
	scratch->count = 0;
	for (size_t i = 0; i < s->count; i++) {
		for (size_t j = 0; j < next->count; j++) {
			struct string joined = s->strings[i];
			const struct string *tail = &next->strings[j];
			if (joined.length + tail->length > REQUIRED_STRING_BYTES_MAX)
				return false;
			memcpy(joined.bytes + joined.length, tail->bytes, tail->length);
			joined.length = (uint8_t)(joined.length + tail->length);
			set_add(scratch, &joined);
		}
	}
	*s = *scratch;
	return true;
}

void set_reduce(struct set *s)
{
	size_t kept = 0;
	for (size_t i = 0; i < s->count; i++) {
		bool needed = true;
		for (size_t j = 0; j < s->count && needed; j++) {
			bool same = s->strings[i].length == s->strings[j].length;
			if (j != i && string_within(&s->strings[j], &s->strings[i]))
				needed = same && i < j; /* of two equal ones the first stays */
		}
		if (needed)
			s->strings[kept++] = s->strings[i];
	}
	s->count = kept;
}

/* In sixteenths of a bit: how much rarer than once at every position. */
static unsigned string_rarity(const struct string *s)
{
	unsigned rarity = 0;
	for (unsigned i = 0; i < s->length; i++)
		rarity += 256u - literal_commonness[s->bytes[i]];
	return rarity;
}

unsigned set_rarity(const struct set *s)
{
	if (s->count == 0)
		return 0;
	unsigned least = UINT32_MAX;
	for (size_t i = 0; i < s->count; i++) {
		unsigned rarity = string_rarity(&s->strings[i]);
		least = rarity < least ? rarity : least;
	}
	unsigned cost = s->count > 1 ? 32 : 0;
	for (size_t n = s->count; n > 1; n /= 2)
		cost += 16;
	if (least == 0)
		return 0;
	return least > cost ? least - cost : 1;
}

/* Is one of weak's strings in whatever one of strong's is in? */
static bool set_implied(const struct set *weak, const struct set *strong)
{
	for (size_t i = 0; i < strong->count; i++) {
		bool found = false;
		for (size_t j = 0; j < weak->count && !found; j++)
			found = string_within(&weak->strings[j], &strong->strings[i]);
		if (!found)
			return false;
	}
	return strong->count > 0;
}

void shape_unknown(struct shape *s)
{
	s->exact = false;
	s->strings.count = 0;
	s->best.count = 0;
	s->second.count = 0;
}

void shape_require(struct shape *s, const struct set *set)
{
	unsigned rarity = set_rarity(set);
	if (rarity > set_rarity(&s->best)) {
		s->second.count = 0;
		if (!set_implied(&s->best, set))
			s->second = s->best;
		s->best = *set;
	} else if (rarity > set_rarity(&s->second) && !set_implied(set, &s->best)) {
		s->second = *set;
	}
}

void shape_string(struct shape *s, const struct string *string)
{
	shape_unknown(s);
	s->exact = true;
	set_add(&s->strings, string);
	shape_require(s, &s->strings);
}

void shape_empty(struct shape *s)
{
	shape_unknown(s);
	s->exact = true;
	s->strings = set_of_empty;
}

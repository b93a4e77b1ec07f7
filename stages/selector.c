#include "stages/selector.h"
#include "stages/sift.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct sieve {
	const struct selector *selector;
	struct sift sift;
	size_t errors;
};

static inline const uint8_t *record_start(const struct batch *b, uint32_t i)
{
	return b->bytes + b->records[i].offset;
}

static inline const uint8_t *record_end(const struct batch *b, uint32_t i)
{
	return record_start(b, i) + b->records[i].length;
}

/* The next record: keeps or drops it. */
static inline void decide(struct sieve *v, bool matches)
{
	sift_next(&v->sift, matches != v->selector->invert);
}

/* Decides, as not matching, the records up to the one that ends after `hit`. */
static inline void pass_over(struct sieve *v, const uint8_t *hit)
{
	while (record_end(v->sift.batch, v->sift.passed) <= hit)
		decide(v, false);
}

static bool passes_gates(const struct pattern *p, const uint8_t *start, const uint8_t *end)
{
	size_t length;
	for (unsigned i = 0; i < PATTERN_GATES; i++)
		if (p->gates[i] && !literals_find(p->gates[i], start, end, &length))
			return false;
	return true;
}

static bool any_pattern_matches(struct sieve *v, const uint8_t *start, const uint8_t *end)
{
	const struct selector *s = v->selector;
	int failed = 0;
	for (size_t i = 0; i < s->pattern_count; i++) {
		const struct pattern *p = &s->patterns[i];
		if (!passes_gates(p, start, end))
			continue;
		int r = regex_matches(&p->regex, start, (size_t)(end - start));
		if (r > 0)
			return true;
		failed |= r;
	}
	v->errors += failed != 0;
	return false;
}

/* The next record, in which `hit` is known to stand if it is not NULL. */
static bool next_matches(struct sieve *v, const uint8_t *hit)
{
	const struct selector *s = v->selector;
	const uint8_t *start = record_start(v->sift.batch, v->sift.passed);
	const uint8_t *end = record_end(v->sift.batch, v->sift.passed);
	size_t length;
	if (s->finder && !hit && !literals_find(s->finder, start, end, &length))
		return false;
	return s->pattern_count == 0 || any_pattern_matches(v, start, end);
}

/* One search over all records and what lies between them. */
static void sift_region(struct sieve *v)
{
	struct batch *b = v->sift.batch;
	const uint8_t *region_end = record_end(b, b->count - 1);
	while (v->sift.passed < b->count) {
		size_t length;
		const uint8_t *hit = literals_find(
		    v->selector->finder, record_start(b, v->sift.passed), region_end, &length);
		if (!hit)
			break;
		pass_over(v, hit);
		/* a hit may begin in a gap or reach into one: then the record itself is asked */
		bool within = hit >= record_start(b, v->sift.passed) &&
			      hit + length <= record_end(b, v->sift.passed);
		decide(v, next_matches(v, within ? hit : NULL));
	}
}

static void sift_each(struct sieve *v)
{
	while (v->sift.passed < v->sift.batch->count)
		decide(v, next_matches(v, NULL));
}

/* Searching the gaps that other filters left must not cost more than it saves. */
static bool is_dense(const struct batch *b)
{
	size_t span = (size_t)(record_end(b, b->count - 1) - record_start(b, 0));
	return b->bytes_total >= span / 2;
}

size_t selector_apply(const struct selector *s, struct batch *b)
{
	if (b->count == 0)
		return 0;
	struct sieve v = {.selector = s};
	sift_begin(&v.sift, b);
	if (s->finder && is_dense(b)) {
		sift_region(&v);
		while (v.sift.passed < b->count)
			decide(&v, false);
	} else {
		sift_each(&v);
	}
	sift_end(&v.sift);
	return v.errors;
}

/* --- preparation --- */

static int gate_init(struct literals **gate, const struct literal_bytes *strings, size_t count)
{
	return count ? literals_prepare(gate, strings, count) : 0;
}

static int pattern_init(struct pattern *p, const struct literal_bytes *text,
			struct regex_error *ret_error)
{
	int r = regex_init(&p->regex, text->bytes, text->length, ret_error);
	if (r == 0)
		r = required_from_pattern(&p->required, text->bytes, text->length, false);
	if (r == 0)
		r = gate_init(&p->gates[0], p->required.strings, p->required.count);
	if (r == 0)
		r = gate_init(&p->gates[1], p->required.also, p->required.also_count);
	return r;
}

static void pattern_release(struct pattern *p)
{
	regex_release(&p->regex);
	required_release(&p->required);
	for (unsigned i = 0; i < PATTERN_GATES; i++)
		literals_free(p->gates[i]);
	*p = (struct pattern){0};
}

static int init_patterns(struct selector *s, const struct selector_wish *wish,
			 struct regex_error *ret_error)
{
	int r = 0;
	s->patterns = calloc(wish->regex_count, sizeof(*s->patterns));
	if (!s->patterns)
		return -ENOMEM;
	for (; r == 0 && s->pattern_count < wish->regex_count; s->pattern_count++)
		r = pattern_init(&s->patterns[s->pattern_count], &wish->regexes[s->pattern_count],
				 ret_error);
	return r;
}

/* How many strings all the patterns require together; 0 if one of them requires none. */
static size_t count_required(const struct selector *s)
{
	size_t total = 0;
	for (size_t i = 0; i < s->pattern_count; i++) {
		if (s->patterns[i].required.count == 0)
			return 0;
		total += s->patterns[i].required.count;
	}
	return total;
}

static int find_by_all_required(struct selector *s, size_t total)
{
	struct literal_bytes *strings = calloc(total, sizeof(*strings));
	if (!strings)
		return -ENOMEM;
	size_t filled = 0;
	for (size_t i = 0; i < s->pattern_count; i++)
		for (size_t j = 0; j < s->patterns[i].required.count; j++)
			strings[filled++] = s->patterns[i].required.strings[j];
	int r = literals_prepare(&s->finder, strings, total);
	free(strings);
	return r;
}

/* A finder for what any match of any pattern contains, if that is known for each of them. */
static int find_by_required(struct selector *s)
{
	if (s->pattern_count == 1) { /* what its first gate would ask is then known already */
		s->finder = s->patterns[0].gates[0];
		s->patterns[0].gates[0] = NULL;
		return 0;
	}
	size_t total = count_required(s);
	return total ? find_by_all_required(s, total) : 0;
}

int selector_init(struct selector *s, const struct selector_wish *wish,
		  struct regex_error *ret_error)
{
	assert(wish->contains_count || wish->regex_count);
	*s = (struct selector){.invert = wish->invert};
	int r = 0;
	if (wish->regex_count)
		r = init_patterns(s, wish, ret_error);
	if (r == 0 && wish->contains_count)
		r = literals_prepare(&s->finder, wish->contains, wish->contains_count);
	else if (r == 0)
		r = find_by_required(s);
	if (r < 0)
		selector_release(s);
	return r;
}

void selector_release(struct selector *s)
{
	literals_free(s->finder);
	for (size_t i = 0; i < s->pattern_count; i++)
		pattern_release(&s->patterns[i]);
	free(s->patterns);
	*s = (struct selector){0};
}

size_t selector_footprint(const struct selector_wish *wish)
{
	enum { CODE_PER_PATTERN_BYTE = 512 }; /* compiled and as machine code: generous */
	size_t bytes = 0, total = 0;
	for (size_t i = 0; i < wish->contains_count; i++)
		bytes += wish->contains[i].length;
	if (wish->contains_count)
		total += literals_footprint(bytes, wish->contains_count);
	size_t gate = literals_footprint(REQUIRED_BYTES_MAX, REQUIRED_STRINGS_MAX);
	for (size_t i = 0; i < wish->regex_count; i++)
		total += REGEX_STACK_BYTES + wish->regexes[i].length * CODE_PER_PATTERN_BYTE +
			 PATTERN_GATES * gate;
	if (wish->regex_count > 1 && !wish->contains_count)
		total += literals_footprint(REQUIRED_BYTES_MAX * wish->regex_count,
					    REQUIRED_STRINGS_MAX * wish->regex_count);
	return total;
}

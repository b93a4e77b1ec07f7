#include "stages/selector.h"

#include "tests/unit/stages/guarded.h"

#include <criterion/criterion.h>
#include <errno.h>

static struct batch batch, wanted;

static struct literal_bytes bytes_of(const char *text)
{
	return (struct literal_bytes){text, strlen(text)};
}

/* The text's lines; at the end of what can be read. */
static void fill_batch(const char *text, size_t length)
{
	memset(&batch, 0, offsetof(struct batch, records));
	batch.bytes = guarded_at_end(text, length);
	batch.delimiter = (struct delimiter){.bytes = "\n", .length = 1};
	size_t start = 0;
	for (size_t i = 0; i <= length; i++) {
		if (i < length ? batch.bytes[i] != '\n' : start == i)
			continue;
		batch.records[batch.count++] =
		    (struct record){(uint32_t)start, (uint32_t)(i - start)};
		batch.bytes_total += i - start;
		batch.unterminated = i == length;
		start = i + 1;
	}
}

static bool holds_one(const struct record *r, const struct literal_bytes *strings, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (memmem(batch.bytes + r->offset, r->length, strings[i].bytes, strings[i].length))
			return true;
	return count == 0;
}

static bool matches_one(const struct record *r, const struct regex *patterns, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (regex_matches(&patterns[i], batch.bytes + r->offset, r->length) > 0)
			return true;
	return count == 0;
}

/* What selector_apply() promises, a record at a time. */
static void select_plainly(const struct selector_wish *w, const struct regex *patterns)
{
	wanted.count = 0;
	wanted.bytes_total = 0;
	wanted.unterminated = false;
	for (uint32_t i = 0; i < batch.count; i++) {
		const struct record *r = &batch.records[i];
		bool matches = holds_one(r, w->contains, w->contains_count) &&
			       matches_one(r, patterns, w->regex_count);
		if (matches == w->invert)
			continue;
		wanted.records[wanted.count++] = *r;
		wanted.bytes_total += r->length;
		wanted.unterminated = batch.unterminated && i + 1 == batch.count;
	}
}

static void compare(const struct selector *s)
{
	cr_assert_eq(selector_apply(s, &batch), 0);
	cr_assert(batch.count == wanted.count, "%s: %u records, want %u", block_kernels->name,
		  batch.count, wanted.count);
	cr_assert(memcmp(batch.records, wanted.records, wanted.count * sizeof(struct record)) == 0);
	cr_assert_eq(batch.bytes_total, wanted.bytes_total);
	cr_assert_eq(batch.unterminated, wanted.unterminated);
}

/* As an earlier filter would: leaves about one record in n. */
static void thin_out(uint64_t *seed, size_t n)
{
	uint32_t kept = 0;
	batch.bytes_total = 0;
	batch.unterminated = false;
	for (uint32_t i = 0; i < batch.count; i++) {
		if (dice_below(seed, n) != 0)
			continue;
		batch.records[kept++] = batch.records[i];
		batch.bytes_total += batch.records[i].length;
	}
	batch.count = kept;
}

static void select_random(struct selector_wish w, uint64_t seed)
{
	char text[3000];
	struct regex patterns[2];
	struct regex_error error;
	for (size_t i = 0; i < w.regex_count; i++)
		cr_assert_eq(
		    regex_init(&patterns[i], w.regexes[i].bytes, w.regexes[i].length, &error), 0);
	for (unsigned i = 0; i < 300; i++) {
		struct selector s;
		w.invert = i & 1;
		cr_assert_eq(selector_init(&s, &w, &error), 0);
		size_t length = dice_below(&seed, i % 4 ? 200 : sizeof(text));
		dice_fill(&seed, (uint8_t *)text, length, i % 3 ? "aaabbbccc\n" : "ab\nc .");
		fill_batch(text, length);
		if (i % 5 > 2)
			thin_out(&seed, i % 5 == 3 ? 2 : 8);
		select_plainly(&w, patterns);
		compare(&s);
		selector_release(&s);
	}
	for (size_t i = 0; i < w.regex_count; i++)
		regex_release(&patterns[i]);
}

#define STRINGS(...) ((const struct literal_bytes[]){__VA_ARGS__})

Test(selector, strings_select_what_a_search_of_each_record_would)
{
	uint64_t seed = 1;
	for (const struct block_kernels *k = NULL; (k = next_kernels(k));) {
		select_random(
		    (struct selector_wish){.contains = STRINGS({"abc", 3}), .contains_count = 1},
		    ++seed);
		select_random(
		    (struct selector_wish){.contains = STRINGS({"a", 1}), .contains_count = 1},
		    ++seed);
		select_random(
		    (struct selector_wish){.contains = STRINGS({"aab", 3}, {"cb", 2}, {"bccab", 5}),
					   .contains_count = 3},
		    ++seed);
	}
}

/* A hit across the delimiter, or in it, is none; but another string may stand in the record at the same place. */
Test(selector, strings_that_hold_the_delimiter_never_match)
{
	uint64_t seed = 100;
	for (const struct block_kernels *k = NULL; (k = next_kernels(k));) {
		select_random(
		    (struct selector_wish){.contains = STRINGS({"a\nb", 3}), .contains_count = 1},
		    ++seed);
		select_random(
		    (struct selector_wish){.contains = STRINGS({"\n", 1}), .contains_count = 1},
		    ++seed);
		select_random(
		    (struct selector_wish){.contains = STRINGS({"ab\nc", 4}, {"ab", 2}, {"\na", 2}),
					   .contains_count = 3},
		    ++seed);
	}
}

Test(selector, patterns_select_what_a_match_of_each_record_would)
{
	uint64_t seed = 200;
	const char *const patterns[] = {"abc",       "^a.*b$",  "a(b|c)+c", "[ab]{4}", "(?i)ABC",
					"\\n",       "^$",      "ab.*cc",   "b\\b",    "a|bc",
					"(?!a)bb.c", "c\\sb|a", "$",        "(?<=b)a"};
	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
		struct literal_bytes one = bytes_of(patterns[i]);
		select_random((struct selector_wish){.regexes = &one, .regex_count = 1}, ++seed);
	}
	select_random(
	    (struct selector_wish){.regexes = STRINGS({"ab+c", 4}, {"cc.*a", 5}), .regex_count = 2},
	    ++seed);
	select_random(
	    (struct selector_wish){.regexes = STRINGS({"ab+c", 4}, {"[ab]", 4}), .regex_count = 2},
	    ++seed);
	select_random(
	    (struct selector_wish){.regexes = STRINGS({"ab+c", 4}, {"^.$", 3}), .regex_count = 2},
	    ++seed);
}

Test(selector, strings_and_patterns_must_both_hold)
{
	uint64_t seed = 300;
	select_random((struct selector_wish){.contains = STRINGS({"bc", 2}, {"ca", 2}),
					     .contains_count = 2,
					     .regexes = STRINGS({"^a", 2}, {"aa.*b", 5}),
					     .regex_count = 2},
		      seed);
}

Test(selector, an_empty_batch_stays_empty)
{
	struct selector s;
	struct regex_error error;
	struct selector_wish w = {.contains = STRINGS({"a", 1}), .contains_count = 1};
	cr_assert_eq(selector_init(&s, &w, &error), 0);
	fill_batch("", 0);
	batch.bytes = NULL;
	cr_assert_eq(selector_apply(&s, &batch), 0);
	cr_assert_eq(batch.count, 0);
	selector_release(&s);
}

Test(selector, only_the_last_record_kept_can_be_unterminated)
{
	const char text[] = "keep\nother\nkeep";
	struct selector s;
	struct regex_error error;
	struct selector_wish w = {.contains = STRINGS({"keep", 4}), .contains_count = 1};
	cr_assert_eq(selector_init(&s, &w, &error), 0);
	fill_batch(text, sizeof(text) - 1);
	selector_apply(&s, &batch);
	cr_assert(batch.unterminated && batch.count == 2);
	fill_batch(text, sizeof(text) - 3);
	selector_apply(&s, &batch);
	cr_assert(!batch.unterminated && batch.count == 1);
	selector_release(&s);
}

Test(selector, a_record_that_a_pattern_gives_up_on_is_counted_and_does_not_match)
{
	char text[300];
	memset(text, 'a', sizeof(text));
	memcpy(text + 200, "b\naaa\nb", 7);
	for (int invert = 0; invert < 2; invert++) {
		struct selector s;
		struct regex_error error;
		struct selector_wish w = {
		    .regexes = STRINGS({"^(a+)+$", 7}), .regex_count = 1, .invert = invert};
		cr_assert_eq(selector_init(&s, &w, &error), 0);
		fill_batch(text, 207);
		cr_assert_eq(selector_apply(&s, &batch), 1);
		cr_assert_eq(batch.count, invert ? 2 : 1);
		cr_assert_eq(batch.records[0].length, invert ? 201 : 3);
		selector_release(&s);
	}
}

Test(selector, a_pattern_that_does_not_compile_is_refused)
{
	struct selector s;
	struct regex_error error;
	struct selector_wish w = {.regexes = STRINGS({"good", 4}, {"(bad", 4}), .regex_count = 2};
	cr_assert_eq(selector_init(&s, &w, &error), -EINVAL);
	cr_assert_eq(error.offset, 4);
	selector_release(&s); /* what init leaves on failure can be released */
}

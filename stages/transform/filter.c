/* filter.c - keeps the records that hold a string, match a pattern, or for which an expression is true; or, inverted, the
 * others.
 *
 * The work is selector.h's and expression.h's; here are the options and what goes wrong with them. */
#include "stages/builtin.h"
#include "stages/expression.h"
#include "stages/failures.h"
#include "stages/selector.h"
#include "stages/sift.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct filter_options {
	struct text_list contains;
	struct text_list regex;
	struct text where;
	bool invert;
};

static const struct option filter_table[] = {
    {"contains", OPTION_TEXTS, offsetof(struct filter_options, contains),
     .doc = "Keep records that hold one of these strings, byte for byte"},
    {"regex", OPTION_TEXTS, offsetof(struct filter_options, regex),
     .doc = "Keep records in which one of these PCRE2 patterns matches; with `contains`, both have "
	    "to hold"},
    {"where", OPTION_TEXT, offsetof(struct filter_options, where), .min = 1,
     .doc = "Keep records for which this CEL expression is true; with `contains` or `regex`, all "
	    "have to "
	    "hold"},
    {"invert", OPTION_BOOL, offsetof(struct filter_options, invert), .preset = "false",
     .doc = "Keep the other records instead"},
    {0},
};

struct filter {
	struct selector selector; /* unless only `where` is asked for */
	struct expression where;  /* if it is */
	bool selects, tests;
	struct literal_bytes *texts; /* contains, then regex */
	bool said;                   /* that a pattern gave up */
};

/* 0 or -ENOMEM. *ret_texts holds the strings that wish points at, to be freed when wish is no longer used. */
static int wish_from_options(struct selector_wish *wish, const struct filter_options *o,
			     struct literal_bytes **ret_texts)
{
	size_t count = o->contains.count + o->regex.count;
	struct literal_bytes *texts = calloc(count ? count : 1, sizeof(*texts));
	if (!texts)
		return -ENOMEM;
	struct literal_bytes *next = texts;
	for (size_t i = 0; i < o->contains.count; i++)
		*next++ =
		    (struct literal_bytes){o->contains.items[i].bytes, o->contains.items[i].length};
	for (size_t i = 0; i < o->regex.count; i++)
		*next++ = (struct literal_bytes){o->regex.items[i].bytes, o->regex.items[i].length};
	*wish = (struct selector_wish){
	    .contains = texts,
	    .contains_count = o->contains.count,
	    .regexes = texts + o->contains.count,
	    .regex_count = o->regex.count,
	    .invert = o->invert,
	};
	*ret_texts = texts;
	return 0;
}

static void check_regex(const struct text *pattern, struct problems *problems)
{
	struct regex_error error;
	int r = regex_check(pattern->bytes, pattern->length, &error);
	if (r == -ENOMEM)
		problem_add(problems, pattern->at, "out of memory while compiling `regex`");
	else if (r < 0)
		problem_add(problems, pattern->at, "`regex` does not compile: %s, at offset %zu",
			    error.message, error.offset);
}

static bool selects(const struct filter_options *o)
{
	return o->contains.count > 0 || o->regex.count > 0;
}

static bool tests(const struct filter_options *o)
{
	return o->where.bytes != NULL;
}

static void filter_check(const void *options, struct place at, struct problems *problems)
{
	const struct filter_options *o = options;
	if (!selects(o) && !tests(o))
		problem_add(problems, at, "filter needs `contains`, `regex` or `where`");
	if (selects(o) && tests(o) && o->invert)
		problem_add(
		    problems, at,
		    "`invert` beside `where` and others; write `!(...)` in `where` instead");
	for (size_t i = 0; i < o->contains.count; i++)
		if (o->contains.items[i].length == 0)
			problem_add(problems, o->contains.items[i].at,
				    "`contains` is empty, which every record holds; give at least "
				    "one byte");
	for (size_t i = 0; i < o->regex.count; i++)
		check_regex(&o->regex.items[i], problems);
	if (tests(o))
		expression_check(&o->where, VALUE_BOOL, "where", problems);
}

static void filter_fields(const void *options, struct field_uses *uses)
{
	const struct filter_options *o = options;
	if (!tests(o))
		return;
	expression_declare(&o->where, uses);
	failures_declare(uses);
}

/* What an expression makes on its way. */
static unsigned filter_scratch(const void *options, size_t capacity, bool needs_all,
			       size_t *ret_capacity)
{
	(void)needs_all;
	*ret_capacity = capacity;
	return tests(options) ? 1 : 0;
}

static size_t filter_memory(const void *options)
{
	struct selector_wish wish;
	struct literal_bytes *texts;
	if (!selects(options))
		return 0;
	if (wish_from_options(&wish, options, &texts) < 0)
		return SIZE_MAX; /* in no budget */
	size_t bytes = selector_footprint(&wish);
	free(texts);
	return bytes;
}

static int open_selector(struct filter *f, const struct filter_options *o)
{
	struct selector_wish wish;
	struct regex_error error;
	if (!selects(o))
		return 0;
	int r = wish_from_options(&wish, o, &f->texts);
	if (r == 0)
		r = selector_init(&f->selector, &wish, &error);
	f->selects = r == 0;
	return r;
}

static int open_where(struct filter *f, const struct stage *s)
{
	const struct filter_options *o = s->options;
	f->tests = tests(o);
	return f->tests ? expression_open(&f->where, &o->where, s->fields) : 0;
}

static int filter_open(struct stage *s)
{
	struct filter *f = s->state = calloc(1, sizeof(*f));
	int r = f ? open_selector(f, s->options) : -ENOMEM;
	if (r == 0)
		r = open_where(f, s);
	/* all compiled when the topology was checked, so it can only be memory */
	if (r < 0)
		env_say(s->env, SAY_ERROR, "filter not prepared", "error=%d", -r);
	return r;
}

static void filter_close(struct stage *s)
{
	struct filter *f = s->state;
	if (!f)
		return;
	if (f->selects)
		selector_release(&f->selector);
	if (f->tests)
		expression_close(&f->where);
	free(f->texts);
	free(f);
	s->state = NULL;
}

static void apply_selector(struct stage *s, struct filter *f, struct batch *b)
{
	size_t gave_up = selector_apply(&f->selector, b);
	if (!gave_up)
		return;
	counter_add(&s->counters->errors, gave_up);
	if (!f->said)
		env_say(s->env, SAY_WARN, "regex gave up", "steps_max=%d action=%s",
			REGEX_STEPS_MAX, "such records count as not matching");
	f->said = true;
}

/* What cannot be told stays, to be seen to as `on_error` says. */
static void test(struct filter *f, struct stage *s, struct batch *b, struct failures *failures)
{
	const bool invert = ((const struct filter_options *)s->options)->invert;
	struct sift sift;
	struct value result;
	sift_begin(&sift, b);
	while (sift.passed < b->count) {
		expression_eval(&f->where, b, sift.passed, &result);
		bool is_told = result.type == VALUE_BOOL;
		sift_next(&sift, !is_told || result.b != invert);
		if (!is_told)
			failures_add(failures, sift.kept - 1,
				     result.type == VALUE_ERROR ? result.why : "not a bool");
	}
	sift_end(&sift);
}

static int apply_where(struct stage *s, struct filter *f, struct batch **b, struct outlet *out)
{
	struct failures failures;
	batch_give_rows(*b);
	batch_make_room(*b, s->home);
	failures_begin(&failures, s, *b);
	expression_begin(&f->where, s, *b);
	test(f, s, *b, &failures);
	return failures_settle(&failures, b, out);
}

static int filter_apply(struct stage *s, struct batch *b, struct outlet *out)
{
	struct filter *f = s->state;
	int r = 0;
	assert(f);
	if (f->selects)
		apply_selector(s, f, b);
	if (f->tests && b->count > 0)
		r = apply_where(s, f, &b, out);
	if (b)
		emit(out, &b);
	return r;
}

const struct stage_type filter_type = {
    .schema =
	{
	    .kind = STAGE_TRANSFORM,
	    .name = "filter",
	    .summary =
		"keeps the records that hold a string, match a pattern or make an expression true",
	    .options = filter_table,
	    .options_size = sizeof(struct filter_options),
	    .check = filter_check,
	    .has_failures = true,
	    .workers_max = 64,
	},
    .open = filter_open,
    .close = filter_close,
    .transform_apply = filter_apply,
    .memory = filter_memory,
    .fields = filter_fields,
    .scratch = filter_scratch,
    .light = true,
    .stateless = true,
};

/* filter.c - keeps the records that hold a string, match a pattern, or both; or, inverted, the others.
 *
 * The work is selector.h's; here are the options and what goes wrong with them. */
#include "stages/builtin.h"
#include "stages/selector.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct filter_options {
	struct text_list contains;
	struct text_list regex;
	bool invert;
};

static const struct option filter_table[] = {
    {"contains", OPTION_TEXTS, offsetof(struct filter_options, contains),
     .doc = "Keep records that hold one of these strings, byte for byte"},
    {"regex", OPTION_TEXTS, offsetof(struct filter_options, regex),
     .doc = "Keep records in which one of these PCRE2 patterns matches; with `contains`, both have "
	    "to hold"},
    {"invert", OPTION_BOOL, offsetof(struct filter_options, invert), .preset = "false",
     .doc = "Keep the other records instead"},
    {0},
};

struct filter {
	struct selector selector;
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

static void filter_check(const void *options, struct place at, struct problems *problems)
{
	const struct filter_options *o = options;
	if (o->contains.count == 0 && o->regex.count == 0)
		problem_add(problems, at, "filter needs `contains` or `regex`");
	for (size_t i = 0; i < o->contains.count; i++)
		if (o->contains.items[i].length == 0)
			problem_add(problems, o->contains.items[i].at,
				    "`contains` is empty, which every record holds; give at least "
				    "one byte");
	for (size_t i = 0; i < o->regex.count; i++)
		check_regex(&o->regex.items[i], problems);
}

static size_t filter_memory(const void *options)
{
	struct selector_wish wish;
	struct literal_bytes *texts;
	if (wish_from_options(&wish, options, &texts) < 0)
		return SIZE_MAX; /* in no budget */
	size_t bytes = selector_footprint(&wish);
	free(texts);
	return bytes;
}

static int filter_open(struct stage *s)
{
	s->state = NULL;
	struct filter *f = calloc(1, sizeof(*f));
	struct selector_wish wish;
	struct regex_error error;
	int r = -ENOMEM;
	if (f)
		r = wish_from_options(&wish, s->options, &f->texts);
	if (r == 0)
		r = selector_init(&f->selector, &wish, &error);
	if (r < 0) {
		if (f)
			free(f->texts);
		free(f);
		/* the patterns compiled when the topology was checked, so it can only be memory */
		env_say(s->env, SAY_ERROR, "filter not prepared", "error=%d", -r);
		return r;
	}
	s->state = f;
	return 0;
}

static void filter_close(struct stage *s)
{
	struct filter *f = s->state;
	if (!f)
		return;
	selector_release(&f->selector);
	free(f->texts);
	free(f);
	s->state = NULL;
}

static int filter_apply(struct stage *s, struct batch *b, struct outlet *out)
{
	struct filter *f = s->state;
	assert(f);
	size_t gave_up = selector_apply(&f->selector, b);
	if (gave_up) {
		counter_add(&s->counters->errors, gave_up);
		if (!f->said)
			env_say(s->env, SAY_WARN, "regex gave up", "steps_max=%d action=%s",
				REGEX_STEPS_MAX, "such records count as not matching");
		f->said = true;
	}
	emit(out, &b);
	return 0;
}

const struct stage_type filter_type = {
    .schema =
	{
	    .kind = STAGE_TRANSFORM,
	    .name = "filter",
	    .summary = "keeps the records that hold a string or match a pattern",
	    .options = filter_table,
	    .options_size = sizeof(struct filter_options),
	    .check = filter_check,
	    .workers_max = 64,
	},
    .open = filter_open,
    .close = filter_close,
    .transform_apply = filter_apply,
    .memory = filter_memory,
    .light = true,
    .stateless = true,
};

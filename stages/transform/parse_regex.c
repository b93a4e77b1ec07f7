/* parse_regex.c - finds fields in records with regular expressions: what a group (?<name>...) matches is the field `name`.
 *
 * The work is matcher.h's; here are the options and what goes wrong with them. */
#include "stages/builtin.h"
#include "stages/matcher.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct parse_regex_options {
	struct parser_options common;
	struct text_list regex;
};

static const struct option parse_regex_table[] = {
    {"regex", OPTION_TEXTS, offsetof(struct parse_regex_options, regex), .required = true, .min = 1,
     .doc =
	 "PCRE2 pattern whose groups (?<name>...) are fields; of several, the first that matches"},
    PARSER_OPTIONS(struct parse_regex_options, common),
    {0},
};

static struct matcher_wish wish_of(const struct text *regex)
{
	return (struct matcher_wish){
	    .pattern = regex->bytes, .length = regex->length, .syntax = REGEX_PLAIN};
}

static void check_regex(const struct text *regex, struct problems *problems)
{
	struct matcher_wish wish = wish_of(regex);
	struct regex_error error;
	switch (matcher_check(&wish, &error)) {
	case 0:
		return;
	case -ENOENT:
		problem_add(problems, regex->at,
			    "`regex` has no named group; write `(?<name>...)` around each field");
		return;
	case -EINVAL:
		problem_add(problems, text_place(regex, error.offset),
			    "`regex` does not compile: %s", error.message);
		return;
	default:
		problem_add(problems, regex->at, "out of memory while compiling `regex`");
	}
}

static void parse_regex_check(const void *options, struct place at, struct problems *problems)
{
	const struct parse_regex_options *o = options;
	struct parser_names names = {.list = NULL};
	(void)at;
	parser_check(&o->common, problems);
	size_t before = problems_total(problems);
	for (size_t i = 0; i < o->regex.count; i++)
		check_regex(&o->regex.items[i], problems);
	if (problems_total(problems) > before)
		return;
	for (size_t i = 0; i < o->regex.count; i++) {
		struct matcher_wish wish = wish_of(&o->regex.items[i]);
		matcher_names(&wish, &names);
	}
	parser_names_check(&names, &o->common, problems);
}

static void parse_regex_fields(const void *options, struct field_uses *uses)
{
	const struct parse_regex_options *o = options;
	parser_declare(&o->common, uses);
	for (size_t i = 0; i < o->regex.count; i++) {
		struct matcher_wish wish = wish_of(&o->regex.items[i]);
		matcher_declare(&o->common, &wish, uses);
	}
}

static unsigned parse_regex_scratch(const void *options, size_t capacity, bool needs_all,
				    size_t *ret_capacity)
{
	const struct parse_regex_options *o = options;
	(void)needs_all;
	return matcher_scratch(&o->common, capacity, ret_capacity);
}

static size_t parse_regex_memory(const void *options)
{
	const struct parse_regex_options *o = options;
	return matcher_footprint(o->regex.count);
}

static int parse_regex_open(struct stage *s)
{
	const struct parse_regex_options *o = s->options;
	struct matcher *m = s->state = calloc(1, sizeof *m);
	int r = m ? matcher_open(m, s, &o->common) : -ENOMEM;
	for (size_t i = 0; i < o->regex.count && r == 0; i++) {
		struct matcher_wish wish = wish_of(&o->regex.items[i]);
		r = matcher_add(m, &wish);
	}
	if (r < 0)
		env_say(s->env, SAY_ERROR, "parser not prepared", "error=%s", strerror(-r));
	return r;
}

static void parse_regex_close(struct stage *s)
{
	struct matcher *m = s->state;
	if (m)
		matcher_close(m);
	free(m);
	s->state = NULL;
}

static int parse_regex_apply(struct stage *s, struct batch *b, struct outlet *out)
{
	return matcher_apply(s->state, b, out);
}

const struct stage_type parse_regex_type = {
    .schema = {.kind = STAGE_TRANSFORM,
	       .name = "parse_regex",
	       .summary = "finds fields in records with regular expressions",
	       .options = parse_regex_table,
	       .options_size = sizeof(struct parse_regex_options),
	       .check = parse_regex_check,
	       .has_failures = true,
	       .workers_max = 64},
    .zone = parser_zone,
    .open = parse_regex_open,
    .close = parse_regex_close,
    .transform_apply = parse_regex_apply,
    .memory = parse_regex_memory,
    .fields = parse_regex_fields,
    .scratch = parse_regex_scratch,
    .light = true,
    .stateless = true,
};

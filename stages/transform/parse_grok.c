/* parse_grok.c - finds fields in records with patterns that have names: %{IP:client}.
 *
 * What such a text stands for is stages/grok's business, the rest is matcher.h's. */
#include "stages/builtin.h"
#include "stages/grok/grok.h"
#include "stages/field_type.h"
#include "stages/matcher.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static_assert(GROK_SYNTAX == (REGEX_NAMED_ONLY | REGEX_SAME_NAMES), "what grok.h promises");

struct parse_grok_options {
	struct parser_options common;
	struct text_list match;
	struct text_map patterns;
};

static const struct option parse_grok_table[] = {
    {"match", OPTION_TEXTS, offsetof(struct parse_grok_options, match), .required = true, .min = 1,
     .doc = "Pattern such as `%{IP:client} %{WORD:verb} %{INT:status:int}`; what stands around the "
	    "names is PCRE2; of several, the first that matches"},
    {"patterns", OPTION_MAP, offsetof(struct parse_grok_options, patterns),
     .doc = "Patterns of your own by name, which go before those that are built in"},
    PARSER_OPTIONS(struct parse_grok_options, common),
    {0},
};

/* ---- what is to be expanded ---- */

/* NULL: no memory; the caller frees it. */
static struct grok_own *own_patterns(const struct parse_grok_options *o)
{
	struct grok_own *own = calloc(o->patterns.count + 1, sizeof *own);
	for (size_t i = 0; own && i < o->patterns.count; i++) {
		const struct text_pair *p = &o->patterns.items[i];
		own[i] = (struct grok_own){p->name.bytes, p->name.length, p->value.bytes,
					   p->value.length};
	}
	return own;
}

static struct grok_wish wish_for(const struct parse_grok_options *o, const struct grok_own *own,
				 const struct text *match)
{
	return (struct grok_wish){.text = match->bytes,
				  .length = match->length,
				  .own = own,
				  .own_count = o->patterns.count};
}

static const char *to_string(const struct regex_span *s, struct value *ret_value)
{
	return field_to_string(s->bytes, s->length, ret_value);
}

static const char *to_int(const struct regex_span *s, struct value *ret_value)
{
	return field_to_int(s->bytes, s->length, ret_value);
}

static const char *to_float(const struct regex_span *s, struct value *ret_value)
{
	return field_to_float(s->bytes, s->length, ret_value);
}

static const char *to_bool(const struct regex_span *s, struct value *ret_value)
{
	return field_to_bool(s->bytes, s->length, ret_value);
}

/* A matcher_field; context: the expansion. */
static void field_of_group(const void *grok, const char **name, size_t *length,
			   matcher_convert **convert)
{
	static matcher_convert *const converts[] = {
	    [GROK_UNTYPED] = to_string, [GROK_STRING] = to_string, [GROK_INT] = to_int,
	    [GROK_FLOAT] = to_float,    [GROK_BOOL] = to_bool,
	};
	const struct grok_field *f = grok_field_of(grok, *name, *length);
	if (!f)
		return;
	*name = f->name;
	*length = f->length;
	*convert = converts[f->type];
}

static struct matcher_wish matcher_of(const struct grok *g)
{
	return (struct matcher_wish){.pattern = g->length > 0 ? g->pattern : "",
				     .length = g->length,
				     .syntax = GROK_SYNTAX,
				     .field = field_of_group,
				     .context = g};
}

/* ---- checking ---- */

/* Where an expansion went wrong. */
static void tell(const struct parse_grok_options *o, const struct text *text,
		 const struct grok_error *error, struct problems *problems)
{
	bool is_own = error->own >= 0;
	const struct text *in = is_own ? &o->patterns.items[error->own].value : text;
	problem_add(problems, text_place(in, error->offset), "%s: %s",
		    is_own ? "`patterns`" : "`match`", error->message);
}

static void tell_regex(const struct text *in, const char *key, const struct grok *g, int r,
		       const struct regex_error *error, struct problems *problems)
{
	if (r == -ENOENT)
		problem_add(problems, in->at, "`%s` has no fields; write `%%{NAME:field}` for each",
			    key);
	else if (r == -EINVAL)
		problem_add(problems, text_place(in, grok_offset(g, error->offset)),
			    "`%s` does not compile: %s", key, error->message);
	else if (r < 0)
		problem_add(problems, in->at, "out of memory while compiling `%s`", key);
}

/* By itself, so that what is wrong with it is told there, whether anybody refers to it or not. */
static bool check_own(const struct parse_grok_options *o, const struct grok_own *own, size_t i,
		      struct problems *problems)
{
	const struct text_pair *pair = &o->patterns.items[i];
	struct grok_wish wish = wish_for(o, own, &pair->value);
	struct grok g;
	struct grok_error wrong;
	struct regex_error error;
	size_t before = problems_total(problems);
	int r = grok_expand_own(&g, &wish, i, &wrong);
	if (r == -EINVAL)
		tell(o, &pair->value, &wrong, problems);
	if (r == 0) {
		struct matcher_wish matcher = matcher_of(&g);
		r = matcher_check(&matcher, &error);
		if (r != -ENOENT) /* it need not have any */
			tell_regex(&pair->value, "patterns", &g, r, &error, problems);
	}
	grok_release(&g);
	if (!grok_is_name(own[i].name, own[i].name_length))
		problem_add(problems, pair->name.at,
			    "a pattern's name has letters, digits and `_`, at most %d",
			    GROK_NAME_BYTES_MAX);
	return problems_total(problems) == before;
}

static void check_match(const struct parse_grok_options *o, const struct grok_own *own,
			const struct text *match, struct parser_names *names,
			struct problems *problems)
{
	struct grok_wish wish = wish_for(o, own, match);
	struct grok g;
	struct grok_error wrong;
	struct regex_error error;
	int r = grok_expand(&g, &wish, &wrong);
	if (r == -EINVAL)
		tell(o, match, &wrong, problems);
	if (r == -ENOMEM)
		problem_add(problems, match->at, "out of memory while reading `match`");
	if (r == 0) {
		struct matcher_wish matcher = matcher_of(&g);
		r = matcher_check(&matcher, &error);
		tell_regex(match, "match", &g, r, &error, problems);
		if (r == 0)
			matcher_names(&matcher, names);
	}
	grok_release(&g);
}

static void parse_grok_check(const void *options, struct place at, struct problems *problems)
{
	const struct parse_grok_options *o = options;
	struct grok_own *own = own_patterns(o);
	struct parser_names names = {.list = NULL};
	bool well = true;
	parser_check(&o->common, problems);
	if (!own) {
		problem_add(problems, at, "out of memory while reading `patterns`");
		return;
	}
	for (size_t i = 0; i < o->patterns.count; i++)
		well &= check_own(o, own, i, problems);
	size_t before = problems_total(problems);
	for (size_t i = 0; well && i < o->match.count; i++)
		check_match(o, own, &o->match.items[i], &names, problems);
	names.is_incomplete |= !well || problems_total(problems) > before;
	parser_names_check(&names, &o->common, problems);
	free(own);
}

/* ---- the plan ---- */

static void declare_match(const struct parse_grok_options *o, const struct grok_own *own,
			  const struct text *match, struct field_uses *uses)
{
	struct grok_wish wish = wish_for(o, own, match);
	struct grok g;
	struct grok_error wrong;
	int r = grok_expand(&g, &wish, &wrong);
	assert(r != -EINVAL && "the topology was checked");
	if (r == 0) {
		struct matcher_wish matcher = matcher_of(&g);
		matcher_declare(&o->common, &matcher, uses);
	} else {
		uses->error = -ENOMEM;
	}
	grok_release(&g);
}

static void parse_grok_fields(const void *options, struct field_uses *uses)
{
	const struct parse_grok_options *o = options;
	struct grok_own *own = own_patterns(o);
	parser_declare(&o->common, uses);
	if (!own)
		uses->error = -ENOMEM;
	for (size_t i = 0; own && i < o->match.count; i++)
		declare_match(o, own, &o->match.items[i], uses);
	free(own);
}

static unsigned parse_grok_scratch(const void *options, size_t capacity, bool needs_all,
				   size_t *ret_capacity)
{
	const struct parse_grok_options *o = options;
	(void)needs_all;
	return matcher_scratch(&o->common, capacity, ret_capacity);
}

static size_t parse_grok_memory(const void *options)
{
	const struct parse_grok_options *o = options;
	return matcher_footprint(o->match.count);
}

/* ---- opening ---- */

static bool is_wanted(const void *matcher, const char *field, size_t length)
{
	return matcher_wants(matcher, field, length);
}

/* wants NULL: with all fields. 0; -ENOMEM; -EINVAL: it does not compile. */
static int add(struct matcher *m, const struct grok_wish *wish)
{
	struct grok g;
	struct grok_error wrong;
	int r = grok_expand(&g, wish, &wrong);
	if (r == 0) {
		struct matcher_wish matcher = matcher_of(&g);
		r = matcher_add(m, &matcher);
	}
	grok_release(&g);
	return r;
}

/* A group that nobody wants may still be one that the pattern refers back to (\k<name>): then all are there. */
static int add_match(struct matcher *m, const struct parse_grok_options *o,
		     const struct grok_own *own, const struct text *match)
{
	struct grok_wish wish = wish_for(o, own, match);
	wish.wants = is_wanted;
	wish.context = m;
	int r = add(m, &wish);
	if (r != -EINVAL)
		return r;
	wish.wants = NULL;
	return add(m, &wish);
}

static int open_matcher(struct matcher *m, struct stage *s)
{
	const struct parse_grok_options *o = s->options;
	int r = matcher_open(m, s, &o->common);
	struct grok_own *own = own_patterns(o);
	if (!own)
		r = -ENOMEM;
	for (size_t i = 0; i < o->match.count && r == 0; i++)
		r = add_match(m, o, own, &o->match.items[i]);
	free(own);
	return r;
}

static int parse_grok_open(struct stage *s)
{
	struct matcher *m = s->state = calloc(1, sizeof *m);
	int r = m ? open_matcher(m, s) : -ENOMEM;
	if (r < 0)
		env_say(s->env, SAY_ERROR, "parser not prepared", "error=%s", strerror(-r));
	return r;
}

static void parse_grok_close(struct stage *s)
{
	struct matcher *m = s->state;
	if (m)
		matcher_close(m);
	free(m);
	s->state = NULL;
}

static int parse_grok_apply(struct stage *s, struct batch *b, struct outlet *out)
{
	return matcher_apply(s->state, b, out);
}

const struct stage_type parse_grok_type = {
    .schema = {.kind = STAGE_TRANSFORM,
	       .name = "parse_grok",
	       .summary = "finds fields in records with patterns that have names, %{IP:client}",
	       .options = parse_grok_table,
	       .options_size = sizeof(struct parse_grok_options),
	       .check = parse_grok_check,
	       .has_failures = true,
	       .workers_max = 64},
    .zone = parser_zone,
    .open = parse_grok_open,
    .close = parse_grok_close,
    .transform_apply = parse_grok_apply,
    .memory = parse_grok_memory,
    .fields = parse_grok_fields,
    .scratch = parse_grok_scratch,
    .light = true,
    .stateless = true,
};

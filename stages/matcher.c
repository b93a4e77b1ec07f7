#include "stages/matcher.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A field that somebody wants, and where a pattern finds it. */
struct matcher_target {
	unsigned slot;
	matcher_convert *convert;
};

struct matcher_pattern {
	struct regex regex;
	struct matcher_target *targets;
	unsigned target_count;
};

enum {
	CODE_BYTES_MAX = 512 * 1024
}; /* PCRE2 compiles to 64 KiB at most, and that to some three times as much */

/* ---- names ---- */

static const char *as_string(const struct regex_span *span, struct value *ret_value)
{
	*ret_value = (struct value){
	    .bytes = span->bytes, .length = (uint32_t)span->length, .type = VALUE_STRING};
	return NULL;
}

struct named {
	const char *name;
	size_t length;
	matcher_convert *convert;
};

static struct named field_of(const struct matcher_wish *wish, const struct regex_name *group)
{
	struct named n = {group->name, group->length, as_string};
	if (wish->field)
		wish->field(wish->context, &n.name, &n.length, &n.convert);
	return n;
}

/* Groups of one name stand beside each other. */
static bool is_again(const struct regex *r, unsigned i)
{
	return i > 0 && strcmp(regex_name(r, i - 1).name, regex_name(r, i).name) == 0;
}

/* ---- the plan ---- */

static int compile(struct regex *r, const struct matcher_wish *wish, struct regex_error *ret_error)
{
	return regex_compile(r, wish->pattern, wish->length, wish->syntax, ret_error);
}

int matcher_check(const struct matcher_wish *wish, struct regex_error *ret_error)
{
	struct regex r;
	int result = compile(&r, wish, ret_error);
	if (result == 0 && regex_name_count(&r) == 0)
		result = -ENOENT;
	regex_release(&r);
	return result;
}

void matcher_names(const struct matcher_wish *wish, struct parser_names *names)
{
	struct regex r;
	struct regex_error error;
	names->is_incomplete |= compile(&r, wish, &error) < 0;
	for (unsigned i = 0; r.code && i < regex_name_count(&r); i++) {
		struct regex_name group = regex_name(&r, i);
		struct named n = field_of(wish, &group);
		if (!is_again(&r, i))
			parser_names_add(names, n.name, n.length);
	}
	regex_release(&r);
}

void matcher_declare(const struct parser_options *o, const struct matcher_wish *wish,
		     struct field_uses *uses)
{
	struct regex r;
	struct regex_error error;
	int result = compile(&r, wish, &error);
	assert(result != -EINVAL && "the topology was checked");
	if (result < 0) {
		uses->error = -ENOMEM;
		return;
	}
	for (unsigned i = 0; i < regex_name_count(&r); i++) {
		struct regex_name group = regex_name(&r, i);
		struct named n = field_of(wish, &group);
		if (!is_again(&r, i))
			parser_declare_field(o, uses, n.name, n.length);
	}
	regex_release(&r);
}

size_t matcher_footprint(size_t patterns)
{
	return patterns * (REGEX_STACK_BYTES + CODE_BYTES_MAX);
}

unsigned matcher_scratch(const struct parser_options *o, size_t capacity, size_t *ret_capacity)
{
	*ret_capacity = parser_room(o, capacity);
	return *ret_capacity > 0 ? 1 : 0;
}

/* ---- opening ---- */

int matcher_open(struct matcher *m, struct stage *s, const struct parser_options *o)
{
	*m = (struct matcher){.patterns = NULL};
	int r = parser_open(&m->parser, s, o);
	if (r < 0)
		return r;
	m->spans = calloc(m->parser.slot_count + 1, sizeof *m->spans);
	return m->spans ? 0 : -ENOMEM;
}

static int want(struct matcher *m, struct matcher_pattern *p, const struct matcher_wish *wish,
		const struct regex_name *group)
{
	struct named n = field_of(wish, group);
	int slot = parser_slot(&m->parser, n.name, n.length);
	if (slot < 0)
		return 0;
	p->targets[p->target_count++] = (struct matcher_target){(unsigned)slot, n.convert};
	return regex_want(&p->regex, group->name, group->length, (unsigned)slot);
}

static int prepare(struct matcher *m, struct matcher_pattern *p, const struct matcher_wish *wish)
{
	unsigned names = regex_name_count(&p->regex);
	int r = 0;
	p->targets = calloc(names + 1, sizeof *p->targets);
	if (!p->targets)
		return -ENOMEM;
	for (unsigned i = 0; i < names && r == 0; i++) {
		struct regex_name group = regex_name(&p->regex, i);
		if (!is_again(&p->regex, i))
			r = want(m, p, wish, &group);
	}
	return r == 0 ? regex_prepare(&p->regex) : r;
}

static void pattern_release(struct matcher_pattern *p)
{
	regex_release(&p->regex);
	free(p->targets);
}

int matcher_add(struct matcher *m, const struct matcher_wish *wish)
{
	struct regex_error error;
	struct matcher_pattern p = {.targets = NULL};
	struct matcher_pattern *more = reallocarray(m->patterns, m->count + 1, sizeof *more);
	if (!more)
		return -ENOMEM;
	m->patterns = more;
	int r = compile(&p.regex, wish, &error);
	if (r == 0)
		r = prepare(m, &p, wish);
	if (r < 0)
		pattern_release(&p);
	else
		m->patterns[m->count++] = p;
	return r;
}

void matcher_close(struct matcher *m)
{
	for (size_t i = 0; i < m->count; i++)
		pattern_release(&m->patterns[i]);
	free(m->patterns);
	free(m->spans);
	parser_close(&m->parser);
	*m = (struct matcher){.patterns = NULL};
}

bool matcher_wants(const struct matcher *m, const char *field, size_t length)
{
	return parser_slot(&m->parser, field, length) >= 0;
}

/* ---- a record ---- */

static const char *fill(struct matcher *m, const struct matcher_pattern *p)
{
	for (unsigned i = 0; i < p->target_count; i++) {
		const struct matcher_target *t = &p->targets[i];
		const struct regex_span *span = &m->spans[t->slot];
		const char *why = span->bytes ? t->convert(span, &m->parser.found[t->slot]) : NULL;
		if (why)
			return why;
	}
	return NULL;
}

/* That one gave up is no reason to try the next: it might have matched. */
static const char *why_none(int result)
{
	return result == -ELOOP ? "regex gave up" : "regex failed";
}

static const char *parse(struct parser *p, void *context, const struct value *text)
{
	struct matcher *m = context;
	const uint8_t *bytes = text->length > 0 ? text->bytes : (const uint8_t *)"";
	(void)p;
	for (size_t i = 0; i < m->count; i++) {
		int found = regex_capture(&m->patterns[i].regex, bytes, text->length, m->spans);
		if (found < 0)
			return why_none(found);
		if (found > 0)
			return fill(m, &m->patterns[i]);
	}
	return "no match";
}

int matcher_apply(struct matcher *m, struct batch *b, struct outlet *out)
{
	return parser_apply(&m->parser, b, out, parse, m);
}

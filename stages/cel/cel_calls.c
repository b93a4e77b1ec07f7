#include "stages/cel/cel_calls.h"

#include "conf/excerpt.h"
#include "conf/suggest.h"
#include "stages/cel/cel_functions.h"
#include "stages/cel/cel_overloads.h"
#include "stages/cel/cel_refuse.h"
#include "stages/cel/cel_time.h"

#include <errno.h>
#include <string.h>

static bool is_named(const struct cel_node *n, const char *name)
{
	return n->name_length == strlen(name) && memcmp(n->name, name, n->name_length) == 0;
}

static bool is_macro(const struct cel_node *n)
{
	static const char *const names[] = {"all", "exists", "exists_one",    "existsOne",
					    "map", "filter", "transformList", "transformMap"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (n->op == CEL_METHOD && is_named(n, names[i]))
			return true;
	return false;
}

static int refuse_unknown(struct cel_checker *c, const struct cel_node *n)
{
	struct suggest s;
	struct excerpt name = excerpt_of(n->name, n->name_length, false);
	if (is_macro(n))
		return cel_refuse(c->error, n->offset, "the macro `%s` is not supported",
				  name.text);
	if (n->op == CEL_CALL && is_named(n, "type"))
		return cel_refuse(c->error, n->offset, "type() is not supported");
	suggest_init(&s, n->name, n->name_length);
	cel_functions_consider(&s, n->op == CEL_METHOD ? CEL_METHODICAL : CEL_GLOBAL);
	if (!s.best)
		return cel_refuse(c->error, n->offset, "there is no function `%s`", name.text);
	return cel_refuse(c->error, n->offset, "there is no function `%s`; did you mean `%s`?",
			  name.text, s.best);
}

static int refuse_style(struct cel_checker *c, const struct cel_node *n,
			const struct cel_function *f)
{
	return cel_refuse(c->error, n->offset,
			  n->op == CEL_METHOD ? "`%s` is called as %s(x)"
					      : "`%s` is called as x.%s()",
			  f->name, f->name);
}

static int refuse_count(struct cel_checker *c, const struct cel_node *n,
			const struct cel_function *f)
{
	unsigned target = n->op == CEL_METHOD;
	unsigned least = f->least - target, most = f->most - target, got = n->count - target;
	if (least == most)
		return cel_refuse(c->error, n->offset, "`%s` takes %u argument%s, not %u", f->name,
				  most, most == 1 ? "" : "s", got);
	return cel_refuse(c->error, n->offset, "`%s` takes %u or %u arguments, not %u", f->name,
			  least, most, got);
}

int cel_check_callee(struct cel_checker *c, struct cel_node *n)
{
	const struct cel_function *f = cel_function_named(n->name, n->name_length);
	if (!f)
		return refuse_unknown(c, n);
	if (!(f->styles & (n->op == CEL_METHOD ? CEL_METHODICAL : CEL_GLOBAL)))
		return refuse_style(c, n, f);
	if (n->count < f->least || n->count > f->most)
		return refuse_count(c, n, f);
	return 0;
}

static int check_types(struct cel_checker *c, const struct cel_node *n,
		       const struct cel_function *f)
{
	unsigned i = 0;
	for (const struct cel_node *child = n->first; child; child = child->next, i++)
		if (child->type != CEL_DYN && !(f->takes[i] & CEL_BIT(child->type)))
			return cel_refuse(c->error, child->offset, "`%s` does not take %s", f->name,
					  cel_type_name(child->type));
	return 0;
}

static bool is_text(const struct cel_node *n)
{
	return n->op == CEL_CONSTANT && n->constant.type == VALUE_STRING;
}

/* Names of zones need files that change: fixed offsets do not. */
static int check_zone(struct cel_checker *c, const struct cel_node *zone)
{
	const struct value *v = &zone->constant;
	int64_t ns;
	if (!is_text(zone) ||
	    (v->length && cel_zone_parse((const char *)v->bytes, v->length, &ns) == 0))
		return 0;
	return cel_refuse(c->error, zone->offset,
			  "time zones by name are not supported: UTC, or an offset such as +02:00");
}

static int check_pattern(struct cel_checker *c, struct cel_node *n)
{
	const struct cel_node *pattern = n->last;
	struct cel_program *p = c->program;
	struct regex_error error;
	if (!is_text(pattern))
		return cel_refuse(c->error, pattern->offset,
				  "matches() takes a pattern that is written out");
	if (p->pattern_count >= CEL_REGEXES_MAX)
		return cel_refuse(c->error, pattern->offset, "more than %d patterns",
				  CEL_REGEXES_MAX);
	const struct value *v = &pattern->constant;
	int r = regex_check((const char *)v->bytes, v->length, &error);
	if (r == -EINVAL)
		return cel_refuse(c->error, pattern->offset, "pattern, at its byte %zu: %s",
				  error.offset, error.message);
	struct cel_pattern *grown =
	    arena_grow(&p->arena, c->patterns, p->pattern_count, &c->pattern_room, sizeof *grown);
	if (r < 0 || !grown)
		return -ENOMEM;
	n->op = CEL_MATCHES;
	n->pattern = p->pattern_count;
	n->count = 1;
	n->first->next = NULL;
	n->last = n->first;
	grown[p->pattern_count++] = (struct cel_pattern){(const char *)v->bytes, v->length};
	p->patterns = c->patterns = grown;
	return 0;
}

int cel_check_call(struct cel_checker *c, struct cel_node *n)
{
	const struct cel_function *f = cel_function_named(n->name, n->name_length);
	int r = check_types(c, n, f);
	if (r < 0)
		return r;
	n->type = f->gives;
	if (!f->call)
		return check_pattern(c, n);
	n->op = CEL_CALL;
	n->function = f;
	return n->count > CEL_ZONE && (f->takes[0] & CEL_BIT(VALUE_TIMESTAMP))
		   ? check_zone(c, n->last)
		   : 0;
}

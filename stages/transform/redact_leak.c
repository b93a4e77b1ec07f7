#include "stages/transform/redact_leak.h"
#include "stages/field_names.h"
#include "stages/transform/redact_options.h"

/* Its values may be bytes of the body; a moment is none, nor is what a stage has said is wrong. */
static bool may_be_of_body(const struct field_traffic *t, unsigned column)
{
	const struct field *f = &t->fields->list[column];
	if (f->known == FIELD_RECORD_TIME || !fields_may_be_filled(t, column))
		return false;
	return f->known != FIELD_ERROR || f->is_changed || !column_set_has(t->above, column);
}

static void tell_leak(const struct text *body, struct place at, const struct field *f,
		      struct problems *problems)
{
	struct place where = body->at.file ? body->at : at;
	if (f->known == FIELD_OBJECT)
		problem_add(problems, where,
			    "`body` is redacted where a parser has found fields in it, which are "
			    "written out as they were; redact it before it is parsed");
	else
		problem_add(problems, where,
			    "`body` is redacted where `%s` was found in it, which is read further "
			    "down as it was; redact it before it is parsed, or `%s` here too",
			    f->name, f->name);
}

static void check_body(const struct redact_options *o, const struct field_traffic *t,
		       struct place at, struct problems *problems)
{
	const struct text *body = redact_find_body(o);
	for (unsigned c = 0; body && c < t->fields->count; c++) {
		const struct field *f = &t->fields->list[c];
		if (field_is_among(f, &o->fields) || !fields_are_read_below(t, c) ||
		    !may_be_of_body(t, c))
			continue;
		tell_leak(body, at, f, problems);
		return;
	}
}

/* What holds a field that is redacted, and is not redacted itself. */
static void check_above(const struct redact_options *o, const struct text *name,
			const struct field_traffic *t, struct problems *problems)
{
	for (unsigned c = 0; c < t->fields->count; c++) {
		const struct field *f = &t->fields->list[c];
		bool holds = f->known < FIELD_RECORD_TIME && !field_is_among(f, &o->fields) &&
			     field_is_within(name->bytes, name->length, f->name, f->length);
		if (holds && fields_are_read_below(t, c) && fields_may_be_filled(t, c))
			problem_add(problems, name->at,
				    "`%s` is redacted, but `%s`, which holds it, is read further "
				    "down as it was; redact `%s`",
				    name->bytes, f->name, f->name);
	}
}

static bool is_read_below(const struct text *name, const struct field_traffic *t)
{
	for (unsigned c = 0; c < t->fields->count; c++)
		if (field_is_or_is_within(&t->fields->list[c], name) && column_set_has(t->below, c))
			return true;
	return t->all_below;
}

void redact_check_fields(const void *options, const struct field_traffic *t, struct place at,
			 struct problems *problems)
{
	const struct redact_options *o = options;
	check_body(o, t, at, problems);
	for (size_t i = 0; i < o->fields.count; i++) {
		const struct text *name = &o->fields.items[i];
		if (redact_is_body(name))
			continue;
		check_above(o, name, t, problems);
		if (!is_read_below(name, t))
			problem_add(problems, name->at,
				    "nobody further down reads `%s`, and records are written as "
				    "they were read; redact `body`, or give a sink an `encoding`",
				    name->bytes);
	}
}

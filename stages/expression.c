#include "stages/expression.h"
#include "stages/field_names.h"
#include "stages/known.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* Any name may be one of a field. */
static int any_column(void *context, const char *name, size_t length)
{
	(void)context;
	(void)name;
	(void)length;
	return 0;
}

static bool gives(unsigned type, unsigned wants)
{
	return wants == CEL_DYN || type == CEL_DYN || type == wants;
}

static const char *what_is_wanted(unsigned wants)
{
	if (wants == VALUE_BOOL)
		return "true or false for each record";
	return wants == VALUE_TIMESTAMP ? "a timestamp; `timestamp(...)` makes one of a text"
					: "a text; `string(...)` makes one of anything";
}

void expression_check(const struct text *text, unsigned wants, const char *key,
		      struct problems *problems)
{
	const struct cel_names names = {.column = any_column};
	struct cel_program program;
	struct cel_error error;
	int r = cel_program_init(&program, text->bytes, text->length, &names, &error);
	if (r == -ENOMEM)
		problem_add(problems, text->at, "out of memory while compiling `%s`", key);
	else if (r < 0)
		problem_add(problems, text_place(text, error.offset), "`%s`: %s", key,
			    error.message);
	else if (!gives(program.type, wants))
		problem_add(problems, text->at, "`%s` has to be %s", key, what_is_wanted(wants));
	cel_program_release(&program);
}

static bool is_field(const struct cel_program *p, const struct text *text)
{
	return p->field_count == 1 && strlen(p->fields[0].name) == text->length &&
	       memcmp(p->fields[0].name, text->bytes, text->length) == 0;
}

bool expression_makes_text(const struct text *text)
{
	const struct cel_names names = {.column = any_column};
	struct cel_program p;
	struct cel_error error;
	int r = cel_program_init(&p, text->bytes, text->length, &names, &error);
	bool makes = r < 0 || p.type == VALUE_STRING || p.type == VALUE_BYTES ||
		     p.type == VALUE_LIST || p.type == VALUE_MAP || p.type == CEL_DYN;
	makes = makes && (r < 0 || (p.field_count > 0 && !is_field(&p, text)));
	cel_program_release(&p);
	return makes;
}

static int declared_column(void *uses, const char *name, size_t length)
{
	return fields_read(uses, name, length);
}

/* has() looks for it, or for what it lies within. */
static bool is_asked_for(const struct cel_program *p, const struct cel_field *f)
{
	for (size_t i = 0; i < p->field_count; i++) {
		const struct cel_field *other = &p->fields[i];
		if (other->is_asked_for &&
		    (other == f ||
		     field_is_within(f->name, strlen(f->name), other->name, strlen(other->name))))
			return true;
	}
	return false;
}

static void mention_fields(const struct text *text, const struct cel_program *p,
			   struct field_uses *uses)
{
	for (size_t i = 0; i < p->field_count && !text->secret; i++)
		if (!is_asked_for(p, &p->fields[i]))
			fields_mention(uses, p->fields[i].column,
				       text_place(text, p->fields[i].offset));
}

void expression_declare(const struct text *text, struct field_uses *uses)
{
	const struct cel_names names = {.column = declared_column, .context = uses};
	struct cel_program program;
	struct cel_error error;
	int r = cel_program_init(&program, text->bytes, text->length, &names, &error);
	if (r == -ENOMEM && !uses->error)
		uses->error = r;
	if (r == 0)
		mention_fields(text, &program, uses);
	cel_program_release(&program);
}

static int known_column(void *fields, const char *name, size_t length)
{
	return fields_find(fields, name, length);
}

int expression_open(struct expression *e, const struct text *text, const struct fields *fields)
{
	const struct cel_names names = {.column = known_column,
					.context = (void *)(uintptr_t)fields};
	struct cel_error error;
	*e = (struct expression){.program = {.root = NULL}};
	int r = cel_program_init(&e->program, text->bytes, text->length, &names, &error);
	assert(r != -EINVAL && "it compiled when the topology was checked");
	return r == 0 ? cel_runner_init(&e->runner, &e->program) : r;
}

void expression_close(struct expression *e)
{
	cel_runner_release(&e->runner);
	cel_program_release(&e->program);
}

void expression_begin(struct expression *e, const struct stage *s, struct batch *b)
{
	for (size_t i = 0; i < e->program.field_count; i++) {
		unsigned column = (unsigned)e->program.fields[i].column;
		e->columns[column] = known_values(s, b, column);
	}
}

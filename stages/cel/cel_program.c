#include "stages/cel/cel.h"

#include "stages/cel/cel_check.h"
#include "stages/cel/cel_eval.h"
#include "stages/cel/cel_items.h"
#include "stages/cel/cel_json_text.h"
#include "stages/cel/cel_parser.h"
#include "stages/cel/cel_refuse.h"
#include "stages/cel/cel_utf8.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

static int compile(struct cel_program *p, const char *text, size_t length,
		   const struct cel_names *names, struct cel_error *error)
{
	struct cel_node *root;
	if (length > CEL_TEXT_BYTES_MAX)
		return cel_refuse(error, CEL_TEXT_BYTES_MAX, "expression longer than %d bytes",
				  CEL_TEXT_BYTES_MAX);
	if (!cel_utf8_valid((const uint8_t *)text, length))
		return cel_refuse(error, 0, "expression is not valid UTF-8");
	const char *copy = arena_copy(&p->arena, text, length);
	if (!copy)
		return -ENOMEM;
	int r = cel_parse(copy, length, &p->arena, &root, error);
	return r < 0 ? r : cel_check(p, root, names, error);
}

int cel_program_init(struct cel_program *p, const char *text, size_t length,
		     const struct cel_names *names, struct cel_error *ret_error)
{
	*p = (struct cel_program){0};
	*ret_error = (struct cel_error){0};
	arena_init(&p->arena, CEL_PROGRAM_BYTES_MAX);
	int r = compile(p, text, length, names, ret_error);
	if (r < 0)
		cel_program_release(p);
	return r;
}

void cel_program_release(struct cel_program *p)
{
	arena_release(&p->arena);
	*p = (struct cel_program){0};
}

int cel_runner_init(struct cel_runner *r, const struct cel_program *program)
{
	struct regex_error error;
	size_t count = program->pattern_count;
	*r = (struct cel_runner){.program = program};
	if (count == 0)
		return 0;
	r->regexes = calloc(count, sizeof *r->regexes);
	int result = r->regexes ? 0 : -ENOMEM;
	for (size_t i = 0; i < count && result == 0; i++) {
		const struct cel_pattern *pattern = &program->patterns[i];
		result = regex_init(&r->regexes[i], pattern->bytes, pattern->length, &error);
		assert(result != -EINVAL); /* the check has compiled it */
	}
	if (result < 0)
		cel_runner_release(r);
	return result;
}

void cel_runner_release(struct cel_runner *r)
{
	for (size_t i = 0; r->regexes && i < r->program->pattern_count; i++)
		regex_release(&r->regexes[i]);
	free(r->regexes);
	*r = (struct cel_runner){0};
}

void cel_eval(const struct cel_runner *r, const struct value *const *columns, size_t row,
	      struct scratch *scratch, struct value *ret_result)
{
	struct cel_context x = {r->regexes, columns, row, scratch};
	uint8_t *before = scratch->at;
	struct value v = cel_eval_node(&x, r->program->root);
	*ret_result = v.form == CEL_ITEMS ? cel_json_text(&v, scratch) : v;
	bool has_bytes = ret_result->type == VALUE_STRING || ret_result->type == VALUE_BYTES ||
			 ret_result->type == VALUE_LIST || ret_result->type == VALUE_MAP;
	if (!has_bytes)
		scratch->at = before;
}

#include "stages/cel/cel_check.h"

#include "conf/excerpt.h"
#include "conf/suggest.h"
#include "stages/cel/cel_calls.h"
#include "stages/cel/cel_checker.h"
#include "stages/cel/cel_fold.h"
#include "stages/cel/cel_functions.h"
#include "stages/cel/cel_overloads.h"
#include "stages/cel/cel_refuse.h"

#include <errno.h>
#include <string.h>

enum { PATH_BYTES_MAX = 512 };

/* ---- fields ---- */

/* `a.b.c` as text; 0 when the node is no such path, or one that is too long. A quoted name with a dot in it is no part of a
 * path: it would read as two. */
static size_t path_of(const struct cel_node *n, char to[static PATH_BYTES_MAX])
{
	size_t length = 0;
	if (n->op == CEL_SELECT) {
		length = memchr(n->name, '.', n->name_length) ? 0 : path_of(n->first, to);
		if (length == 0)
			return 0;
		to[length++] = '.';
	} else if (n->op != CEL_IDENT) {
		return 0;
	}
	if (length + n->name_length + 1 >= PATH_BYTES_MAX)
		return 0;
	memcpy(to + length, n->name, n->name_length);
	return length + n->name_length;
}

/* Where a path begins. */
static size_t beginning_of(const struct cel_node *n)
{
	while (n->op == CEL_SELECT)
		n = n->first;
	return n->offset;
}

static int remember_field(struct cel_checker *c, const char *name, size_t length, int column,
			  size_t offset)
{
	struct cel_program *p = c->program;
	for (size_t i = 0; i < p->field_count; i++)
		if (p->fields[i].column == column)
			return 0;
	struct cel_field *grown =
	    arena_grow(&p->arena, c->fields, p->field_count, &c->field_room, sizeof *grown);
	char *copy = arena_copy(&p->arena, name, length);
	if (!grown || !copy)
		return -ENOMEM;
	grown[p->field_count++] = (struct cel_field){copy, column, offset, false};
	p->fields = c->fields = grown;
	return 0;
}

/* 1: n is a field and a COLUMN now; 0: it is not one as a whole; -ENOMEM. */
static int resolve(struct cel_checker *c, struct cel_node *n)
{
	char path[PATH_BYTES_MAX];
	size_t length = path_of(n, path);
	int column = length ? c->names->column(c->names->context, path, length) : -1;
	if (column < 0)
		return 0;
	int r = remember_field(c, path, length, column, beginning_of(n));
	if (r < 0)
		return r;
	n->op = CEL_COLUMN;
	n->column = (size_t)column;
	n->count = 0;
	n->first = NULL;
	return 1;
}

static int refuse_name(struct cel_checker *c, const struct cel_node *n)
{
	struct suggest s;
	struct excerpt name = excerpt_of(n->name, n->name_length, false);
	if (cel_function_named(n->name, n->name_length))
		return cel_refuse(c->error, n->offset, "`%s` is a function, not a field",
				  name.text);
	suggest_init(&s, n->name, n->name_length);
	if (c->names->consider)
		c->names->consider(c->names->context, &s);
	if (!s.best)
		return cel_refuse(c->error, n->offset, "there is no field `%s`", name.text);
	return cel_refuse(c->error, n->offset, "there is no field `%s`; did you mean `%s`?",
			  name.text, s.best);
}

static int check_ident(struct cel_checker *c, struct cel_node *n)
{
	int r = resolve(c, n);
	return r == 0 ? refuse_name(c, n) : r < 0 ? r : 0;
}

static int check_select(struct cel_checker *c, struct cel_node *n)
{
	int r = resolve(c, n);
	if (r != 0)
		return r < 0 ? r : 0;
	r = cel_check_node(c, n->first);
	if (r < 0)
		return r;
	if (n->first->type == VALUE_MAP || n->first->type == CEL_DYN)
		return 0;
	return cel_refuse(c->error, n->offset, "%s has no fields", cel_type_name(n->first->type));
}

static void note_asked(struct cel_checker *c, size_t column)
{
	for (size_t i = 0; c->fields && i < c->program->field_count; i++)
		if (c->fields[i].column == (int)column)
			c->fields[i].is_asked_for = true;
}

int cel_check_has(struct cel_checker *c, struct cel_node *n)
{
	struct cel_node *asked = n->first;
	if (n->count != 1 || (asked->op != CEL_SELECT && asked->op != CEL_IDENT))
		return cel_refuse(c->error, n->offset, "has() takes a field: has(a.b)");
	int r = resolve(c, asked);
	if (r > 0)
		note_asked(c, asked->column);
	if (r == 0)
		r = asked->op == CEL_IDENT ? refuse_name(c, asked) : check_select(c, asked);
	n->op = CEL_HAS;
	n->type = VALUE_BOOL;
	return r < 0 ? r : 0;
}

/* ---- operators ---- */

static int check_children(struct cel_checker *c, struct cel_node *n)
{
	int r = 0;
	for (struct cel_node *child = n->first; child && r == 0; child = child->next)
		r = cel_check_node(c, child);
	return r;
}

static bool may_be(const struct cel_node *n, unsigned type)
{
	return n->type == type || n->type == CEL_DYN;
}

static int check_operator(struct cel_checker *c, struct cel_node *n)
{
	unsigned type, left = n->first->type, right = n->last->type;
	if (cel_overload(n->op, left, right, &type)) {
		n->type = (uint8_t)type;
		return 0;
	}
	if (n->count == 1)
		return cel_refuse(c->error, n->offset, "`%s` does not take %s", cel_op_sign(n->op),
				  cel_type_name(left));
	return cel_refuse(c->error, n->offset, "`%s` does not take %s and %s", cel_op_sign(n->op),
			  cel_type_name(left), cel_type_name(right));
}

static int refuse_test(struct cel_checker *c, const struct cel_node *n, const struct cel_node *test)
{
	return cel_refuse(c->error, test->offset, "`%s` takes bool, not %s", cel_op_sign(n->op),
			  cel_type_name(test->type));
}

static int check_junction(struct cel_checker *c, struct cel_node *n)
{
	n->type = VALUE_BOOL;
	for (struct cel_node *child = n->first; child; child = child->next)
		if (!may_be(child, VALUE_BOOL))
			return refuse_test(c, n, child);
	return 0;
}

static int check_condition(struct cel_checker *c, struct cel_node *n)
{
	const struct cel_node *yes = n->first->next, *no = n->last;
	if (!may_be(n->first, VALUE_BOOL))
		return refuse_test(c, n, n->first);
	if (yes->type == no->type)
		n->type = yes->type;
	else if (yes->type != CEL_DYN && no->type != CEL_DYN)
		return cel_refuse(
		    c->error, n->offset,
		    "`?:` gives either %s or %s: where that is meant, put dyn() around one",
		    cel_type_name(yes->type), cel_type_name(no->type));
	return 0;
}

static int check_map(struct cel_checker *c, struct cel_node *n)
{
	n->type = VALUE_MAP;
	for (const struct cel_node *key = n->first; key; key = key->next->next)
		if (!may_be(key, VALUE_STRING) && !may_be(key, VALUE_INT) &&
		    !may_be(key, VALUE_UINT) && !may_be(key, VALUE_BOOL))
			return cel_refuse(c->error, key->offset,
					  "a key is an int, uint, bool or string, not %s",
					  cel_type_name(key->type));
	return 0;
}

static int check_by_op(struct cel_checker *c, struct cel_node *n)
{
	switch (n->op) {
	case CEL_LIST:
		n->type = VALUE_LIST;
		return 0;
	case CEL_MAP:
		return check_map(c, n);
	case CEL_AND:
	case CEL_OR:
		return check_junction(c, n);
	case CEL_CONDITION:
		return check_condition(c, n);
	case CEL_CALL:
	case CEL_METHOD:
		return cel_check_call(c, n);
	default:
		return check_operator(c, n);
	}
}

static int check_inner(struct cel_checker *c, struct cel_node *n)
{
	int r = n->op == CEL_CALL || n->op == CEL_METHOD ? cel_check_callee(c, n) : 0;
	if (r == 0)
		r = check_children(c, n);
	if (r == 0)
		r = check_by_op(c, n);
	return r;
}

int cel_check_node(struct cel_checker *c, struct cel_node *n)
{
	int r;
	if (n->op == CEL_CONSTANT)
		return 0;
	if (n->op == CEL_IDENT)
		return check_ident(c, n);
	if (n->op == CEL_CALL && n->name_length == 3 && memcmp(n->name, "has", 3) == 0)
		return cel_check_has(c, n);
	r = n->op == CEL_SELECT ? check_select(c, n) : check_inner(c, n);
	return r < 0 ? r : cel_fold(&c->program->arena, &c->folding, n);
}

int cel_check(struct cel_program *p, struct cel_node *root, const struct cel_names *names,
	      struct cel_error *ret_error)
{
	struct cel_checker c = {.program = p, .names = names, .error = ret_error};
	uint8_t *room = arena_take(&p->arena, CEL_FOLDING_BYTES);
	if (!room)
		return -ENOMEM;
	c.folding = (struct scratch){room, room + CEL_FOLDING_BYTES};
	int r = cel_check_node(&c, root);
	p->root = root;
	p->type = root->type;
	return r;
}

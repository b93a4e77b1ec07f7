#include "stages/cel/cel_fold.h"

#include "stages/cel/cel_eval.h"
#include "stages/cel/cel_items.h"

#include <errno.h>
#include <string.h>

static bool may_fold(const struct cel_node *n)
{
	if (n->op == CEL_CONSTANT || n->op == CEL_COLUMN || n->op == CEL_HAS ||
	    n->op == CEL_MATCHES)
		return false;
	for (const struct cel_node *child = n->first; child; child = child->next)
		if (child->op != CEL_CONSTANT)
			return false;
	return true;
}

static bool lies_in(const struct scratch *scratch, const uint8_t *bytes)
{
	return bytes >= scratch->at && bytes < scratch->end;
}

/* Only the array: text that was made for an element, and lists in it, have been constants of their own before. */
static int keep_array(struct arena *arena, struct value *v)
{
	size_t count = (size_t)v->length * (v->type == VALUE_MAP ? 2 : 1);
	struct value *array = arena_take(arena, (count ? count : 1) * sizeof *array);
	if (!array)
		return -ENOMEM;
	if (count)
		memcpy(array, v->bytes, count * sizeof *array);
	v->bytes = (const uint8_t *)array;
	return 0;
}

static int keep(struct arena *arena, const struct scratch *scratch, struct value *v)
{
	bool text = v->type == VALUE_STRING || v->type == VALUE_BYTES;
	bool items = v->form == CEL_ITEMS;
	if ((!text && !items) || !lies_in(scratch, v->bytes))
		return 0;
	if (items)
		return keep_array(arena, v);
	v->bytes = (const uint8_t *)arena_copy(arena, (const char *)v->bytes, v->length);
	return v->bytes ? 0 : -ENOMEM;
}

int cel_fold(struct arena *arena, const struct scratch *scratch, struct cel_node *n)
{
	if (!may_fold(n))
		return 0;
	struct scratch borrowed = *scratch;
	struct cel_context x = {.scratch = &borrowed};
	struct value v = cel_eval_node(&x, n);
	if (v.type == VALUE_ERROR)
		return 0;
	int r = keep(arena, scratch, &v);
	if (r < 0)
		return r;
	n->op = CEL_CONSTANT;
	n->constant = v;
	n->first = n->last = NULL;
	n->count = 0;
	return 0;
}

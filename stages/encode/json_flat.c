#include "stages/encode/json_flat.h"

#include "stages/encode/json_splice.h"
#include "stages/json/json_place.h"

enum { CHILDREN_MAX = 64 }; /* a bit for each */

/* Places are of the members of one object, which nobody writes into. */
void json_flat_init(struct json_flat *f, const struct json_tree *tree)
{
	const struct json_tree_node *root = tree->nodes;
	bool is_flat = root->object_count == 1 && root->objects[0].prefix_length == 0 &&
		       root->child_count <= CHILDREN_MAX;
	*f = (struct json_flat){.tree = tree, .object = -1, .places = -1};
	memset(f->children, 0xff, sizeof f->children); /* JSON_NO_COLUMN */
	for (uint32_t i = 0; i < root->child_count; i++) {
		const struct json_tree_node *child = &tree->nodes[root->children[i]];
		is_flat = is_flat && child->child_count == 0 && child->object_count == 0;
		if (child->column >= 0)
			f->children[child->column] = (uint16_t)i;
	}
	if (!is_flat)
		return;
	f->object = root->objects[0].column;
	f->places = f->object + 1;
}

struct flat {
	const struct json_flat *of;
	const struct value *const *columns;
	uint32_t row;
	uint64_t written; /* children */
};

static const struct json_tree_node *child_at(const struct json_flat *f, uint32_t i)
{
	return &f->tree->nodes[f->tree->nodes->children[i]];
}

static void put_member(struct flat *f, const struct json_place *place, struct splice *p,
		       struct writer *w)
{
	const uint16_t i = f->of->children[place->column];
	if (i == JSON_NO_COLUMN)
		return; /* it stays as it is */
	const struct value *v = &f->columns[place->column][f->row];
	const uint64_t bit = UINT64_C(1) << i;
	if (v->type == VALUE_MISSING || (f->written & bit)) {
		splice_leave_out(p, place->from, place->to, w);
		return;
	}
	const struct json_tree_node *child = child_at(f->of, i);
	splice_copy_to(p, place->from, w);
	writer_put(w, child->key, child->key_length);
	json_put_value(w, v);
	p->copied = place->to;
	f->written |= bit;
}

/* Those that the record did not have. */
static void put_others(const struct flat *f, const uint8_t *from, struct writer *w)
{
	for (uint32_t i = 0; i < f->of->tree->nodes->child_count; i++) {
		const struct json_tree_node *child = child_at(f->of, i);
		if ((f->written >> i & 1) || child->column < 0)
			continue;
		const struct value *v = &f->columns[child->column][f->row];
		if (v->type == VALUE_MISSING)
			continue;
		if (json_member_follows(w, from))
			writer_put_byte(w, ',');
		writer_put(w, child->key, child->key_length);
		json_put_value(w, v);
	}
}

bool json_flat_put(const struct json_flat *f, const struct value *const *columns, uint32_t row,
		   const uint8_t *line, const uint8_t *line_end, struct writer *w)
{
	if (f->places < 0)
		return false;
	const struct value *places = &columns[f->places][row], *object = &columns[f->object][row];
	if (places->type != VALUE_BYTES || object->type != VALUE_MAP)
		return false;
	const struct json_place *at = (const struct json_place *)(const void *)places->bytes;
	struct flat flat = {f, columns, row, 0};
	const bool is_line = object->bytes >= line && object->bytes < line_end;
	struct splice p = {object->bytes, object->length, 0, w->at, is_line};
	for (uint32_t i = 0; i < places->length; i++)
		put_member(&flat, &at[i], &p, w);
	splice_copy_to(&p, splice_close(&p), w);
	if (!w->is_full)
		put_others(&flat, p.from, w);
	splice_copy_to(&p, p.length, w);
	return true;
}

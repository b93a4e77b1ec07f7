#include "stages/encode/json_flat.h"

#include "stages/encode/json_splice.h"
#include "stages/json/json_place.h"

/* Nobody writes into a member, and all are of one object at most. */
static bool is_flat(const struct json_tree *tree)
{
	const struct json_tree_node *root = tree->nodes;
	bool flat = root->object_count <= 1 && root->child_count <= JSON_FLAT_MEMBERS_MAX;
	if (root->object_count == 1)
		flat = flat && root->objects[0].prefix_length == 0;
	for (uint32_t i = 0; i < root->child_count && flat; i++) {
		const struct json_tree_node *child = &tree->nodes[root->children[i]];
		flat = child->child_count == 0 && child->object_count == 0 && child->column >= 0;
	}
	return flat;
}

void json_flat_init(struct json_flat *f, const struct json_tree *tree, int error)
{
	const struct json_tree_node *root = tree->nodes;
	*f = (struct json_flat){
	    .is_flat = is_flat(tree), .object = -1, .places = -1, .error = error};
	memset(f->by_column, 0xff, sizeof f->by_column); /* JSON_NO_COLUMN */
	for (uint32_t i = 0; f->is_flat && i < root->child_count; i++) {
		const struct json_tree_node *child = &tree->nodes[root->children[i]];
		f->by_column[child->column] = (uint16_t)i;
		f->members[f->count++] = (struct json_flat_member){child->key, child->key_length,
								   (uint32_t)child->column};
	}
	if (f->is_flat && root->object_count == 1) {
		f->object = root->objects[0].column;
		f->places = f->object + 1;
	}
}

/* ---- with a text ---- */

/* A record on its way. */
struct flat {
	const struct json_flat *of;
	const struct value *const *columns;
	uint32_t row;
	uint64_t written; /* members */
};

static void put_member(struct flat *f, const struct json_place *place, struct splice *p,
		       struct writer *w)
{
	const uint16_t i = f->of->by_column[place->column];
	if (i == JSON_NO_COLUMN)
		return; /* it stays as it is */
	const struct json_flat_member *m = &f->of->members[i];
	const struct value *v = &f->columns[m->column][f->row];
	const uint64_t bit = UINT64_C(1) << i;
	if (v->type == VALUE_MISSING || (f->written & bit)) {
		splice_leave_out(p, place->from, place->to, w);
		return;
	}
	splice_copy_to(p, place->from, w);
	writer_put(w, m->key, m->key_length);
	json_put_value(w, v);
	p->copied = place->to;
	f->written |= bit;
}

/* Those that the record did not have. */
static void put_others(const struct flat *f, const uint8_t *from, struct writer *w)
{
	for (uint32_t i = 0; i < f->of->count; i++) {
		const struct json_flat_member *m = &f->of->members[i];
		const struct value *v = &f->columns[m->column][f->row];
		if (v->type == VALUE_MISSING || (f->written >> i & 1))
			continue;
		if (json_member_follows(w, from))
			writer_put_byte(w, ',');
		writer_put(w, m->key, m->key_length);
		json_put_value(w, v);
	}
}

static bool put_spliced(struct flat *f, const uint8_t *line, const uint8_t *line_end,
			struct writer *w)
{
	const struct value *places = &f->columns[f->of->places][f->row];
	const struct value *object = &f->columns[f->of->object][f->row];
	if (places->type != VALUE_BYTES || object->type != VALUE_MAP)
		return false;
	const bool is_line = object->bytes >= line && object->bytes < line_end;
	const struct json_place *at = (const struct json_place *)(const void *)places->bytes;
	struct splice p = {object->bytes, object->length, 0, w->at, is_line};
	for (uint32_t i = 0; i < places->length; i++)
		put_member(f, &at[i], &p, w);
	splice_copy_to(&p, splice_close(&p), w);
	if (!w->is_full)
		put_others(f, p.from, w);
	splice_copy_to(&p, p.length, w);
	return true;
}

/* ---- without ---- */

/* False: the record's body may belong to it, too. */
static bool put_fresh(const struct flat *f, struct writer *w)
{
	uint8_t *from = w->at;
	if (f->of->error >= 0 && f->columns[f->of->error][f->row].type != VALUE_MISSING)
		return false;
	for (uint32_t i = 0; i < f->of->count; i++) {
		const struct json_flat_member *m = &f->of->members[i];
		const struct value *v = &f->columns[m->column][f->row];
		if (v->type == VALUE_MISSING)
			continue;
		writer_put_byte(w, w->at == from ? '{' : ',');
		writer_put(w, m->key, m->key_length);
		json_put_value(w, v);
	}
	if (w->at == from)
		return false;
	writer_put_byte(w, '}');
	return true;
}

bool json_flat_put(const struct json_flat *f, const struct value *const *columns, uint32_t row,
		   const uint8_t *line, const uint8_t *line_end, struct writer *w)
{
	struct flat flat = {f, columns, row, 0};
	if (!f->is_flat)
		return false;
	return f->object >= 0 ? put_spliced(&flat, line, line_end, w) : put_fresh(&flat, w);
}

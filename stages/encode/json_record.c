#include "stages/encode/json_record.h"

#include "stages/encode/json_splice.h"
#include "stages/json/json_scan.h"

/* What one record is written from. */
struct source {
	struct json_record *j;
	uint32_t row;
	const uint8_t *line, *line_end; /* its bytes, if there are no line breaks in them */
	bool without_objects;           /* what parsers found does not count */
};

static struct json_tree_node *child_at(const struct source *s, const struct json_tree_node *n,
				       uint32_t i)
{
	return &s->j->tree.nodes[n->children[i]];
}

static const struct value *value_of(const struct source *s, const struct json_tree_node *n)
{
	static const struct value missing;
	return n->column < 0 ? &missing : &s->j->columns[n->column][s->row];
}

/* The text that a parser found; NULL: none did. */
static const struct value *object_of(const struct source *s, const struct json_tree_node *n)
{
	const struct value *found = NULL;
	for (uint32_t i = 0; i < n->object_count && !s->without_objects; i++) {
		const struct value *v = &s->j->columns[n->objects[i].column][s->row];
		if (v->type == VALUE_MAP)
			found = v;
	}
	return found;
}

static bool has_any(const struct source *s, const struct json_tree_node *n)
{
	if (value_of(s, n)->type != VALUE_MISSING || object_of(s, n))
		return true;
	for (uint32_t i = 0; i < n->child_count; i++)
		if (has_any(s, child_at(s, n, i)))
			return true;
	return false;
}

/* ---- objects ---- */

static void put_object(const struct source *s, struct json_tree_node *n, const uint8_t *text,
		       uint32_t length, struct writer *w);

static void put_merged(const struct source *s, struct json_tree_node *n, const struct value *base,
		       struct writer *w);

/* What a node has of which nobody wrote the whole. base: the object that stands there already; NULL: none does. */
static void put_parts(const struct source *s, struct json_tree_node *n, const struct value *base,
		      struct writer *w)
{
	const struct value *object = object_of(s, n), *text = base ? base : object;
	if (object && n->merge.entries)
		put_merged(s, n, base, w);
	else
		put_object(s, n, text ? text->bytes : NULL, text ? text->length : 0, w);
}

/* What a node has, which has something. */
static void put_node(const struct source *s, struct json_tree_node *n, struct writer *w)
{
	const struct value *v = value_of(s, n);
	/* Who writes the whole sees to it that its parts are what is in there: what they are beyond that was written later. */
	bool has_parts = v->type == VALUE_MAP && n->child_count > 0;
	for (uint32_t i = 0; i < n->child_count && !has_parts; i++)
		has_parts = has_any(s, child_at(s, n, i));
	if (v->type == VALUE_MISSING || has_parts)
		put_parts(s, n, v->type == VALUE_MAP ? v : NULL, w);
	else
		json_put_value(w, v);
}

/* Those children of which there is something and that the text did not have. */
static void put_missing(const struct source *s, struct json_tree_node *n, const uint8_t *from,
			struct writer *w)
{
	for (uint32_t i = 0; i < n->child_count; i++) {
		struct json_tree_node *child = child_at(s, n, i);
		if (child->is_put || !has_any(s, child))
			continue;
		if (json_member_follows(w, from))
			writer_put_byte(w, ',');
		writer_put(w, child->key, child->key_length);
		put_node(s, child, w);
	}
}

static void put_member(const struct source *s, struct json_tree_node *child, struct splice *p,
		       const struct json_member *m, struct writer *w)
{
	const bool is_whole = child->column >= 0;
	const bool is_object = m->value.type == VALUE_MAP && !is_whole;
	const bool has = has_any(s, child);
	if (!is_whole && !is_object && !has)
		return; /* it stays as it is */
	if ((!is_object && !has) || (is_whole && child->is_put)) {
		splice_leave_out(p, m->from, m->to, w);
		return;
	}
	splice_copy_to(p, m->from, w);
	writer_put(w, child->key, child->key_length);
	if (is_object)
		put_parts(s, child, &m->value, w);
	else
		put_node(s, child, w);
	p->copied = m->to;
	child->is_put = true;
}

static void put_fresh(const struct source *s, struct json_tree_node *n, struct writer *w)
{
	const uint8_t *from = w->at;
	writer_put_byte(w, '{');
	put_missing(s, n, from, w);
	writer_put_byte(w, '}');
}

static bool find_members(const struct source *s, struct json_tree_node *n, const uint8_t *text,
			 uint32_t length)
{
	struct json_mistake mistake;
	if (json_scan(&n->plan, text, length, n->found, &n->members, &mistake) < 0)
		s->j->why = mistake.why;
	else if (n->members.is_full)
		s->j->why = JSON_TOO_MANY_FIELDS;
	return !s->j->why;
}

/* text: with its braces; NULL: there is none to begin with. */
static void put_object(const struct source *s, struct json_tree_node *n, const uint8_t *text,
		       uint32_t length, struct writer *w)
{
	const bool is_line = text >= s->line && text < s->line_end;
	struct splice p = {text, length, 0, w->at, is_line};
	for (uint32_t i = 0; i < n->child_count; i++)
		child_at(s, n, i)->is_put = false;
	if (!text) {
		put_fresh(s, n, w);
		return;
	}
	if (n->child_count == 0) {
		json_put_checked(w, text, length);
		return;
	}
	if (!find_members(s, n, text, length))
		return;
	for (uint32_t i = 0; i < n->members.count; i++)
		put_member(s, child_at(s, n, n->members.at[i].column), &p, &n->members.at[i], w);
	splice_copy_to(&p, n->members.close, w);
	if (!w->is_full)
		put_missing(s, n, p.from, w);
	splice_copy_to(&p, length, w);
}

/* ---- several objects ---- */

static const char *gather(const struct source *s, struct json_tree_node *n,
			  const struct value *base)
{
	const char *why = NULL;
	n->merge.count = 0;
	if (base)
		why = json_merge_add(&n->merge, &n->plan, n->found, base, (const uint8_t *)"", 0);
	for (uint32_t i = 0; i < n->object_count && !why; i++) {
		const struct json_tree_object *o = &n->objects[i];
		const struct value *object = &s->j->columns[o->column][s->row];
		if (object->type == VALUE_MAP)
			why = json_merge_add(&n->merge, &o->plan, n->found, object, o->escaped + 1,
					     o->escaped_length - 2);
	}
	return why;
}

static void put_name(const struct json_merge_entry *e, struct writer *w)
{
	const struct value *name = &e->member.name;
	writer_put_byte(w, '"');
	writer_put(w, e->prefix, e->prefix_length);
	writer_put(w, name->bytes, name->length);
	writer_put(w, "\":", 2);
}

/* One that nobody writes the whole of. */
static void put_entry(const struct source *s, struct json_tree_node *child,
		      const struct json_merge_entry *e, struct writer *w)
{
	const struct value *v = &e->member.value;
	put_name(e, w);
	if (child && v->type == VALUE_MAP)
		put_parts(s, child, v, w);
	else
		json_put_value(w, v);
	if (child)
		child->is_put = true;
}

/* All are written anew: their names may have changed, and none may come twice. */
static void put_merged(const struct source *s, struct json_tree_node *n, const struct value *base,
		       struct writer *w)
{
	const uint8_t *from = w->at;
	for (uint32_t i = 0; i < n->child_count; i++)
		child_at(s, n, i)->is_put = false;
	s->j->why = gather(s, n, base);
	json_merge_settle(&n->merge);
	writer_put_byte(w, '{');
	for (uint32_t i = 0; i < n->merge.count && !s->j->why; i++) {
		const struct json_merge_entry *e = &n->merge.entries[i];
		uint16_t column = e->member.column;
		struct json_tree_node *child =
		    column == JSON_NO_COLUMN ? NULL : child_at(s, n, column);
		bool is_written =
		    child && (child->column >= 0 ||
			      (e->member.value.type != VALUE_MAP && has_any(s, child)));
		if (is_written || !e->is_last)
			continue;
		if (json_member_follows(w, from))
			writer_put_byte(w, ',');
		put_entry(s, child, e, w);
	}
	if (!w->is_full)
		put_missing(s, n, from, w);
	writer_put_byte(w, '}');
}

/* ---- records ---- */

/* A field that was found in the record itself. */
static bool has_found(const struct source *s, const struct json_tree_node *n)
{
	if (object_of(s, n))
		return true;
	if (n->column >= 0 && s->j->fields->list[n->column].is_found &&
	    value_of(s, n)->type != VALUE_MISSING)
		return true;
	for (uint32_t i = 0; i < n->child_count; i++)
		if (has_found(s, child_at(s, n, i)))
			return true;
	return false;
}

static bool is_there(const struct source *s, int column)
{
	return column >= 0 && s->j->columns[column][s->row].type != VALUE_MISSING;
}

/* It cannot be told from its fields what the record was. */
static bool needs_body(const struct source *s)
{
	const struct json_tree_node *root = s->j->tree.nodes;
	if (is_there(s, s->j->error) || is_there(s, s->j->reason))
		return !has_found(s, root);
	return !has_any(s, root);
}

static bool is_body(const struct json_tree_node *n)
{
	static const char key[] = "\"body\":";
	return n->key_length == sizeof key - 1 && memcmp(n->key, key, sizeof key - 1) == 0;
}

/* Its body, unless somebody wrote a field of that name, and what was written. */
static void put_with_body(const struct source *s, const struct batch *b, uint32_t record,
			  struct writer *w)
{
	struct json_tree_node *root = s->j->tree.nodes, *own = NULL;
	for (uint32_t i = 0; i < root->child_count; i++) {
		struct json_tree_node *child = child_at(s, root, i);
		child->is_put = is_body(child);
		if (child->is_put && has_any(s, child))
			own = child;
	}
	const uint8_t *from = w->at;
	writer_put(w, "{\"body\":", 8);
	if (own)
		put_node(s, own, w);
	else
		json_put_string(w, b->bytes + b->records[record].offset, b->records[record].length);
	put_missing(s, root, from, w);
	writer_put_byte(w, '}');
}

/* Only what was written: what may have been taken out of the rest cannot be told. */
static void put_remains(struct source *s, const char *why, struct writer *w)
{
	const struct json_tree_node *root = s->j->tree.nodes;
	const uint8_t *from = w->at;
	s->without_objects = true;
	writer_put_byte(w, '{');
	for (uint32_t i = 0; i < root->child_count; i++) {
		struct json_tree_node *child = child_at(s, root, i);
		if (child->column == s->j->error || !has_any(s, child))
			continue;
		if (json_member_follows(w, from))
			writer_put_byte(w, ',');
		writer_put(w, child->key, child->key_length);
		put_node(s, child, w);
	}
	writer_put(w, json_member_follows(w, from) ? ",\"error\":" : "\"error\":",
		   json_member_follows(w, from) ? 9 : 8);
	json_put_string(w, (const uint8_t *)why, strlen(why));
	writer_put_byte(w, '}');
}

const char *json_record_put(struct json_record *j, const struct batch *b, uint32_t record,
			    struct writer *w)
{
	const uint8_t *line = b->bytes + b->records[record].offset;
	struct source s = {
	    .j = j,
	    .row = b->rows[record],
	    .line = line,
	    .line_end = memchr(line, '\n', b->records[record].length)
			    ? line
			    : line + b->records[record].length,
	};
	uint8_t *from = w->at;
	if (json_flat_put(&j->flat, j->columns, s.row, s.line, s.line_end, w))
		return NULL;
	j->why = NULL;
	if (!j->is_listed && needs_body(&s))
		put_with_body(&s, b, record, w);
	else
		put_node(&s, j->tree.nodes, w);
	const char *why = j->why;
	if (!why)
		return NULL;
	*w = (struct writer){from, w->end, false};
	put_remains(&s, why, w);
	return why;
}

bool json_record_stands(const struct json_record *j, const struct batch *b, uint32_t record)
{
	const struct json_tree_node *root = j->tree.nodes;
	uint32_t row = b->rows[record];
	const uint8_t *body = b->bytes + b->records[record].offset;
	if (j->is_changed || root->object_count != 1 || root->objects[0].prefix_length > 0)
		return false;
	const struct value *object = &j->columns[root->objects[0].column][row];
	if (object->type != VALUE_MAP || object->bytes != body)
		return false;
	const struct value *error = j->error < 0 ? NULL : &j->columns[j->error][row];
	bool is_own = !error || error->type == VALUE_MISSING ||
		      (error->type == VALUE_STRING && error->bytes > body &&
		       error->bytes < body + object->length);
	return is_own && !memchr(body, '\n', object->length);
}

void json_record_begin(struct json_record *j, const struct batch *b)
{
	for (unsigned c = 0; c < j->fields->count; c++)
		j->columns[c] = batch_column_as_is(b, c);
}

int json_record_open(struct json_record *j, const struct stage *s)
{
	const struct fields *f = s->fields;
	*j = (struct json_record){.fields = f, .error = -1, .reason = -1};
	for (unsigned c = 0; c < f->count; c++) {
		const struct field *field = &f->list[c];
		if (!column_set_has(s->written, c) || field->known >= FIELD_RECORD_TIME)
			continue;
		if (field->known == FIELD_ERROR)
			j->error = (int)c;
		if (field->known == FIELD_DEAD_REASON)
			j->reason = (int)c;
		j->is_changed |= field->is_changed;
	}
	int r = json_tree_init(&j->tree, f, s->written);
	if (r == 0)
		json_flat_init(&j->flat, &j->tree, j->error);
	return r;
}

int json_record_open_listed(struct json_record *j, const struct fields *fields,
			    const unsigned *columns, size_t count)
{
	*j = (struct json_record){.fields = fields, .error = -1, .reason = -1, .is_listed = true};
	return json_tree_init_listed(&j->tree, fields, columns, count);
}

void json_record_close(struct json_record *j)
{
	json_tree_release(&j->tree);
}

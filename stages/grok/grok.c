/* One pass over the text, and over the pattern of each reference in it, and so on: what is no reference is copied. */
#include "stages/grok/grok.h"

#include "conf/suggest.h"
#include "stages/grok/grok_library.h"
#include "stages/grok/grok_scan.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_BYTES_MAX = 64, ROOM_FIRST = 1024 };

/* What a reference leads to. */
struct target {
	const char *name;
	const char *pattern;
	size_t length;
	int own; /* -1: the library's */
};

/* A text on its way: the one to be expanded, or a pattern that is referred to from there. */
struct level {
	const char *text;
	size_t length;
	int own;                /* -1 */
	struct target target;   /* name NULL: the text itself */
	const struct level *up; /* what refers to it */
	unsigned depth;
};

struct expansion {
	struct grok *grok;
	const struct grok_wish *wish;
	struct grok_error *error;
	unsigned group_number; /* the next one for a field whose name is no group's */
};

/* ---- what is wrong ---- */

/* In the user's own text: that of the level, or of the one above it which is. */
__attribute__((format(printf, 4, 5))) static int refuse(struct expansion *e, const struct level *l,
							const char *at, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(e->error->message, sizeof e->error->message, format, arguments);
	va_end(arguments);
	e->error->own = l->own;
	e->error->offset = (size_t)(at - l->text);
	return -EINVAL;
}

static int shown(size_t length)
{
	return (int)(length < SHOWN_BYTES_MAX ? length : SHOWN_BYTES_MAX);
}

static int refuse_unknown(struct expansion *e, const struct level *l, const struct grok_part *p)
{
	struct suggest s;
	suggest_init(&s, p->name, p->name_length);
	for (const struct grok_entry *t = grok_values; t->name; t++)
		suggest_consider(&s, t->name);
	for (const struct grok_entry *t = grok_logs; t->name; t++)
		suggest_consider(&s, t->name);
	const struct grok_own *best = NULL;
	char own[GROK_NAME_BYTES_MAX + 1];
	for (size_t i = 0; i < e->wish->own_count; i++) {
		const struct grok_own *o = &e->wish->own[i];
		size_t distance = s.distance;
		if (o->name_length > GROK_NAME_BYTES_MAX)
			continue;
		memcpy(own, o->name, o->name_length);
		own[o->name_length] = 0;
		suggest_consider(&s, own);
		if (s.distance < distance)
			best = o;
	}
	if (best)
		return refuse(e, l, p->name, "no pattern is called `%.*s`; did you mean `%.*s`?",
			      shown(p->name_length), p->name, shown(best->name_length), best->name);
	if (s.best)
		return refuse(e, l, p->name, "no pattern is called `%.*s`; did you mean `%s`?",
			      shown(p->name_length), p->name, s.best);
	return refuse(e, l, p->name, "no pattern is called `%.*s`; `patterns` may define it",
		      shown(p->name_length), p->name);
}

static bool is_word_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

bool grok_is_name(const char *name, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!is_word_byte(name[i]))
			return false;
	return length > 0 && length <= GROK_NAME_BYTES_MAX;
}

static bool is_field_name(const char *name, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)name[i] <= ' ' || name[i] == 0x7f || name[i] == '{')
			return false;
	return length > 0 && length <= GROK_FIELD_BYTES_MAX;
}

static int type_of(const char *type, size_t length)
{
	static const struct {
		const char *word;
		enum grok_type type;
	} words[] = {{"int", GROK_INT},     {"integer", GROK_INT},  {"long", GROK_INT},
		     {"float", GROK_FLOAT}, {"double", GROK_FLOAT}, {"string", GROK_STRING},
		     {"bool", GROK_BOOL},   {"boolean", GROK_BOOL}};
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strlen(words[i].word) == length && memcmp(words[i].word, type, length) == 0)
			return (int)words[i].type;
	return -1;
}

static int check_reference(struct expansion *e, const struct level *l, const struct grok_part *p)
{
	if (!p->name)
		return refuse(
		    e, l, p->bytes,
		    "`%%{` without `}`; a percent sign before a brace is written `\\%%{`");
	if (!grok_is_name(p->name, p->name_length))
		return refuse(e, l, p->name,
			      "a pattern's name has letters, digits and `_`, at most %d; a percent "
			      "sign before a brace is written `\\%%{`",
			      GROK_NAME_BYTES_MAX);
	if (p->field && !is_field_name(p->field, p->field_length))
		return refuse(e, l, p->field,
			      "a field's name has 1 to %d bytes, no spaces and no `{`",
			      GROK_FIELD_BYTES_MAX);
	if (p->type && type_of(p->type, p->type_length) < 0)
		return refuse(e, l, p->type, "`%.*s` is no type; one of string, int, float, bool",
			      shown(p->type_length), p->type);
	return 0;
}

/* ---- what is written ---- */

static int write_bytes(struct expansion *e, const struct level *l, const char *at,
		       const char *bytes, size_t length)
{
	struct grok *g = e->grok;
	if (length > GROK_PATTERN_BYTES_MAX - g->length)
		return refuse(e, l, at, "it becomes longer than %d bytes", GROK_PATTERN_BYTES_MAX);
	if (length > g->room - g->length) {
		size_t room = 2 * (g->length + length) + ROOM_FIRST;
		char *more = realloc(g->pattern, room);
		if (!more)
			return -ENOMEM;
		g->pattern = more;
		g->room = room;
	}
	if (length > 0)
		memcpy(g->pattern + g->length, bytes, length);
	g->length += length;
	return 0;
}

static int write_text(struct expansion *e, const struct level *l, const char *at, const char *text)
{
	return write_bytes(e, l, at, text, strlen(text));
}

static int note_reference(struct grok *g, const struct grok_reference *r)
{
	struct grok_reference *more =
	    reallocarray(g->references, g->reference_count + 1, sizeof *more);
	if (!more)
		return -ENOMEM;
	g->references = more;
	more[g->reference_count++] = *r;
	return 0;
}

/* ---- fields ---- */

static bool holds(const char *text, size_t length, const char *what)
{
	return length > 0 && memmem(text, length, what, strlen(what));
}

/* So that no group of the user's own has it. */
static bool is_in_users_text(const struct grok_wish *w, const char *group)
{
	bool found = holds(w->text, w->length, group);
	for (size_t i = 0; i < w->own_count && !found; i++)
		found = holds(w->own[i].pattern, w->own[i].length, group);
	return found;
}

static bool is_group_name(const char *name, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!is_word_byte(name[i]))
			return false;
	return length <= GROK_GROUP_BYTES_MAX && !(name[0] >= '0' && name[0] <= '9');
}

static void name_group(struct expansion *e, struct grok_field *f)
{
	if (is_group_name(f->name, f->length)) {
		memcpy(f->group, f->name, f->length);
		f->group[f->length] = 0;
		return;
	}
	do
		snprintf(f->group, sizeof f->group, "__%u", e->group_number++);
	while (is_in_users_text(e->wish, f->group));
}

static struct grok_field *find_field(const struct grok *g, const char *name, size_t length)
{
	for (size_t i = 0; i < g->field_count; i++)
		if (g->fields[i].length == length && memcmp(g->fields[i].name, name, length) == 0)
			return &g->fields[i];
	return NULL;
}

/* NULL: no memory. */
static struct grok_field *add_field(struct expansion *e, const char *name, size_t length)
{
	struct grok *g = e->grok;
	struct grok_field *more = reallocarray(g->fields, g->field_count + 1, sizeof *more);
	if (!more)
		return NULL;
	g->fields = more;
	struct grok_field *f = &more[g->field_count];
	*f = (struct grok_field){.name = strndup(name, length), .length = length};
	if (!f->name)
		return NULL;
	g->field_count++;
	name_group(e, f);
	return f;
}

/* A type that is told once holds for the field wherever it stands. */
static int take_type(struct expansion *e, const struct level *l, const struct grok_part *p,
		     struct grok_field *f)
{
	if (!p->type)
		return 0;
	enum grok_type type = (enum grok_type)type_of(p->type, p->type_length);
	if (f->type != GROK_UNTYPED && f->type != type)
		return refuse(e, l, p->type, "`%.*s` has another type before", shown(f->length),
			      f->name);
	f->type = type;
	return 0;
}

static bool is_wanted(const struct grok_wish *w, const struct grok_part *p)
{
	return !w->wants || w->wants(w->context, p->field, p->field_length);
}

static int open_group(struct expansion *e, const struct level *l, const struct grok_part *p)
{
	struct grok *g = e->grok;
	if (!p->field)
		return write_text(e, l, p->bytes, "(?:");
	struct grok_field *f = find_field(g, p->field, p->field_length);
	if (!f && g->field_count == GROK_FIELDS_MAX)
		return refuse(e, l, p->field, "more than %d fields", GROK_FIELDS_MAX);
	if (!f)
		f = add_field(e, p->field, p->field_length);
	if (!f)
		return -ENOMEM;
	int r = take_type(e, l, p, f);
	if (r < 0)
		return r;
	if (!is_wanted(e->wish, p))
		return write_text(e, l, p->bytes, "(?:");
	char opening[GROK_GROUP_BYTES_MAX + 8];
	snprintf(opening, sizeof opening, "(?<%s>", f->group);
	return write_text(e, l, p->bytes, opening);
}

/* ---- references ---- */

static bool find_in(const struct grok_entry *list, const struct grok_part *p,
		    struct target *ret_target)
{
	for (const struct grok_entry *t = list; t->name; t++) {
		if (strlen(t->name) != p->name_length ||
		    memcmp(t->name, p->name, p->name_length) != 0)
			continue;
		*ret_target = (struct target){t->name, t->pattern, strlen(t->pattern), -1};
		return true;
	}
	return false;
}

static bool find_target(const struct grok_wish *w, const struct grok_part *p,
			struct target *ret_target)
{
	for (size_t i = 0; i < w->own_count; i++) {
		const struct grok_own *o = &w->own[i];
		if (o->name_length == p->name_length &&
		    memcmp(o->name, p->name, p->name_length) == 0) {
			*ret_target = (struct target){o->name, o->pattern, o->length, (int)i};
			return true;
		}
	}
	return find_in(grok_values, p, ret_target) || find_in(grok_logs, p, ret_target);
}

/* Of two targets the pattern tells whether they are the same. */
static bool is_under_way(const struct level *l, const struct target *t)
{
	for (; l; l = l->up)
		if (l->target.name && l->target.own == t->own && l->target.name == t->name)
			return true;
	return false;
}

static int expand_level(struct expansion *e, const struct level *l);

/* What is wrong below is told where the user has written it: in a pattern of his own, or at the reference to the library's. */
static int expand_target(struct expansion *e, const struct level *l, const struct grok_part *p,
			 const struct target *t)
{
	bool users = t->own >= 0;
	struct level below = {.text = t->pattern,
			      .length = t->length,
			      .own = t->own,
			      .target = *t,
			      .up = l,
			      .depth = l->depth + 1};
	int r = expand_level(e, &below);
	if (r == -EINVAL && !users && e->error->own < 0) {
		e->error->own = l->own;
		e->error->offset = (size_t)(p->bytes - l->text);
	}
	return r;
}

static int expand_reference(struct expansion *e, const struct level *l, const struct grok_part *p)
{
	struct target t;
	int r = check_reference(e, l, p);
	if (r < 0)
		return r;
	if (!find_target(e->wish, p, &t))
		return refuse_unknown(e, l, p);
	if (is_under_way(l, &t))
		return refuse(e, l, p->name, "`%.*s` would hold itself", shown(p->name_length),
			      p->name);
	if (l->depth == GROK_DEPTH_MAX)
		return refuse(e, l, p->name, "patterns refer to each other more than %d deep",
			      GROK_DEPTH_MAX);
	r = open_group(e, l, p);
	if (r == 0)
		r = expand_target(e, l, p, &t);
	return r < 0 ? r : write_text(e, l, p->bytes, ")");
}

static int expand_top_reference(struct expansion *e, const struct level *l,
				const struct grok_part *p)
{
	struct grok_reference reference = {
	    .at = (size_t)(p->bytes - l->text), .length = p->length, .out_at = e->grok->length};
	int r = expand_reference(e, l, p);
	reference.out_length = e->grok->length - reference.out_at;
	return r < 0 ? r : note_reference(e->grok, &reference);
}

static int expand_level(struct expansion *e, const struct level *l)
{
	struct grok_scan scan = {l->text, l->text + l->length};
	struct grok_part part;
	int r = 0;
	while (r == 0 && grok_scan_next(&scan, &part)) {
		if (!part.is_reference)
			r = write_bytes(e, l, part.bytes, part.bytes, part.length);
		else if (l->depth == 0)
			r = expand_top_reference(e, l, &part);
		else
			r = expand_reference(e, l, &part);
	}
	return r;
}

int grok_expand(struct grok *g, const struct grok_wish *wish, struct grok_error *ret_error)
{
	struct level top = {.text = wish->text, .length = wish->length, .own = -1};
	struct expansion e = {.grok = g, .wish = wish, .error = ret_error};
	*g = (struct grok){.pattern = NULL};
	return expand_level(&e, &top);
}

/* The group around it counts as a reference that takes no room. */
int grok_expand_own(struct grok *g, const struct grok_wish *wish, size_t own,
		    struct grok_error *ret_error)
{
	static const char opening[] = "(?:";
	assert(own < wish->own_count);
	const struct grok_own *o = &wish->own[own];
	struct level top = {.text = o->pattern,
			    .length = o->length,
			    .own = (int)own,
			    .target = {o->name, o->pattern, o->length, (int)own}};
	struct expansion e = {.grok = g, .wish = wish, .error = ret_error};
	*g = (struct grok){.pattern = NULL};
	int r = write_text(&e, &top, top.text, opening);
	if (r == 0)
		r = note_reference(g, &(struct grok_reference){.out_length = strlen(opening)});
	if (r == 0)
		r = expand_level(&e, &top);
	return r < 0 ? r : write_text(&e, &top, top.text, ")");
}

void grok_release(struct grok *g)
{
	for (size_t i = 0; i < g->field_count; i++)
		free(g->fields[i].name);
	free(g->fields);
	free(g->references);
	free(g->pattern);
	*g = (struct grok){.pattern = NULL};
}

size_t grok_offset(const struct grok *g, size_t in_pattern)
{
	size_t out_at = 0, at = 0; /* behind the reference before */
	for (size_t i = 0; i < g->reference_count; i++) {
		const struct grok_reference *r = &g->references[i];
		if (in_pattern < r->out_at)
			break;
		if (in_pattern < r->out_at + r->out_length)
			return r->at;
		out_at = r->out_at + r->out_length;
		at = r->at + r->length;
	}
	return at + (in_pattern - out_at);
}

const struct grok_field *grok_field_of(const struct grok *g, const char *group, size_t length)
{
	for (size_t i = 0; i < g->field_count; i++) {
		const struct grok_field *f = &g->fields[i];
		if (strlen(f->group) == length && memcmp(f->group, group, length) == 0)
			return f;
	}
	return NULL;
}

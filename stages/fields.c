#include "stages/fields.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static enum field_known known_by(const char *name, size_t length)
{
	static const struct {
		const char *name;
		enum field_known known;
	} names[] = {
	    {"body", FIELD_BODY},
	    {"time", FIELD_TIME},
	    {"source", FIELD_SOURCE},
	    {"file", FIELD_FILE},
	    {"offset", FIELD_OFFSET},
	    {"error", FIELD_ERROR},
	    {DEAD_LETTER_REASON, FIELD_DEAD_REASON},
	    {DEAD_LETTER_STAGE, FIELD_DEAD_STAGE},
	    {DEAD_LETTER_ATTEMPTS, FIELD_DEAD_ATTEMPTS},
	};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strlen(names[i].name) == length && memcmp(names[i].name, name, length) == 0)
			return names[i].known;
	return FIELD_ITSELF;
}

void fields_release(struct fields *f)
{
	for (size_t i = 0; i < f->count; i++)
		free(f->list[i].name);
	free(f->list);
	*f = (struct fields){.list = NULL};
}

static bool has_a_name(const struct field *f)
{
	return f->known < FIELD_RECORD_TIME;
}

int fields_find(const struct fields *f, const char *name, size_t length)
{
	for (size_t i = 0; i < f->count; i++) {
		const struct field *field = &f->list[i];
		if (has_a_name(field) && field->length == length &&
		    memcmp(field->name, name, length) == 0)
			return (int)i;
	}
	return -1;
}

int fields_find_known(const struct fields *f, enum field_known known)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->list[i].known == known)
			return (int)i;
	return -1;
}

static int fail(struct field_uses *u, int error)
{
	u->error = error;
	return -1;
}

static int add(struct field_uses *u, const char *name, size_t length, enum field_known known)
{
	struct fields *f = u->fields;
	if (f->count == COLUMNS_MAX)
		return fail(u, -E2BIG);
	struct field *more = reallocarray(f->list, f->count + 1, sizeof *more);
	if (!more)
		return fail(u, -ENOMEM);
	f->list = more;
	char *copy = strndup(name, length);
	if (!copy)
		return fail(u, -ENOMEM);
	more[f->count] = (struct field){.name = copy, .length = length, .known = known};
	return (int)f->count++;
}

static int find_or_add(struct field_uses *u, const char *name, size_t length)
{
	int column = fields_find(u->fields, name, length);
	return column >= 0 ? column : add(u, name, length, known_by(name, length));
}

static void read_known(struct field_uses *u, enum field_known known)
{
	int column = fields_find_known(u->fields, known);
	if (column < 0)
		column = add(u, "", 0, known);
	if (column >= 0)
		column_set_add(&u->reads, (unsigned)column);
}

int fields_read(struct field_uses *u, const char *name, size_t length)
{
	int column = find_or_add(u, name, length);
	if (column < 0)
		return column;
	column_set_add(&u->reads, (unsigned)column);
	enum field_known known = u->fields->list[column].known;
	if (known == FIELD_TIME)
		read_known(u, FIELD_RECORD_TIME);
	if (fields_seen(known) != FIELD_ITSELF)
		read_known(u, fields_seen(known));
	return column;
}

void field_mentions_release(struct field_mentions *m)
{
	free(m->list);
	*m = (struct field_mentions){.list = NULL};
}

void fields_mention(struct field_uses *u, int column, struct place at)
{
	struct field_mentions *m = u->mentions;
	if (!m || column < 0)
		return;
	if (m->count == m->room) {
		size_t room = m->room ? 2 * m->room : 8;
		struct field_mention *more = reallocarray(m->list, room, sizeof *more);
		if (!more) {
			u->error = -ENOMEM;
			return;
		}
		m->list = more;
		m->room = room;
	}
	m->list[m->count++] = (struct field_mention){(unsigned)column, at};
}

int fields_read_named(struct field_uses *u, const struct text *name)
{
	int column = fields_read(u, name->bytes, name->length);
	if (!name->secret)
		fields_mention(u, column, name->at);
	return column;
}

int fields_read_known(struct field_uses *u, enum field_known known)
{
	int column = fields_find_known(u->fields, known);
	if (column < 0)
		column = add(u, "", 0, known);
	if (column >= 0)
		column_set_add(&u->reads, (unsigned)column);
	return column;
}

void fields_read_time_said(struct field_uses *u)
{
	int column = fields_find_known(u->fields, FIELD_RECORD_TIME);
	if (column >= 0)
		column_set_add(&u->reads, (unsigned)column);
}

static int note_write(struct field_uses *u, int column)
{
	if (column < 0)
		return column;
	u->fields->list[column].is_written = true;
	column_set_add(&u->writes, (unsigned)column);
	return column;
}

static int change(struct field_uses *u, int column)
{
	if (column >= 0)
		u->fields->list[column].is_changed = true;
	return note_write(u, column);
}

int fields_write(struct field_uses *u, const char *name, size_t length)
{
	return change(u, find_or_add(u, name, length));
}

int fields_give(struct field_uses *u, const char *name, size_t length)
{
	int column = fields_write(u, name, length);
	if (column >= 0)
		column_set_add(&u->gives, (unsigned)column);
	return column;
}

int fields_find_in(struct field_uses *u, const char *name, size_t length)
{
	int column = fields_give(u, name, length);
	if (column >= 0)
		u->fields->list[column].is_found = true;
	return column;
}

int fields_take(struct field_uses *u, const char *name, size_t length)
{
	int column = fields_write(u, name, length);
	if (column >= 0)
		column_set_add(&u->takes, (unsigned)column);
	return column;
}

int fields_write_known(struct field_uses *u, enum field_known known)
{
	int column = fields_find_known(u->fields, known);
	return change(u, column >= 0 ? column : add(u, "", 0, known));
}

int fields_write_error(struct field_uses *u)
{
	return note_write(u, find_or_add(u, "error", 5));
}

void fields_write_dead_letter(struct field_uses *u)
{
	static const char *const names[] = {DEAD_LETTER_REASON, DEAD_LETTER_STAGE,
					    DEAD_LETTER_ATTEMPTS};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		note_write(u, find_or_add(u, names[i], strlen(names[i])));
}

int fields_write_object(struct field_uses *u, const char *prefix, size_t length)
{
	u->object = note_write(u, add(u, prefix, length, FIELD_OBJECT));
	if (u->object >= 0 && note_write(u, add(u, "", 0, FIELD_PLACES)) < 0)
		u->object = -1;
	return u->object;
}

bool fields_may_be_filled(const struct field_traffic *t, unsigned column)
{
	const struct field *f = &t->fields->list[column];
	bool filled = column_set_has(t->above, column);
	for (unsigned c = 0; c < t->fields->count && !filled && has_a_name(f); c++) {
		const struct field *object = &t->fields->list[c];
		filled = object->known == FIELD_OBJECT && column_set_has(t->above, c) &&
			 f->length > object->length &&
			 memcmp(f->name, object->name, object->length) == 0;
	}
	return filled;
}

bool fields_are_read_below(const struct field_traffic *t, unsigned column)
{
	return column_set_has(t->below, column) ||
	       (t->all_below && column_set_has(t->above, column));
}

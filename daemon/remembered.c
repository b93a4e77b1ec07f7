#include "daemon/remembered.h"
#include "stages/path_match.h"
#include "stages/stage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool writes_files(const struct stage_schema *schema)
{
	const struct stage_type *type = (const struct stage_type *)(const void *)schema;
	return schema->kind == STAGE_SINK && type->path;
}

/* The type of the sink that the log has that name of, and its id; NULL: it is no such sink's. */
static const char *type_in(const char *remembered_as, const char **ret_id)
{
	for (size_t i = 0; stage_types[i]; i++) {
		const struct stage_schema *schema = &stage_types[i]->schema;
		size_t length = strlen(schema->name);
		if (!writes_files(schema) || strncmp(remembered_as, schema->name, length) != 0 ||
		    remembered_as[length] != ':')
			continue;
		*ret_id = remembered_as + length + 1;
		return schema->name;
	}
	return NULL;
}

struct remembered_output *remembered_find(const struct remembered *r, const char *id)
{
	struct remembered_output *o = r->first;
	while (o && strcmp(o->id, id) != 0)
		o = o->next;
	return o;
}

/* Those that came later stand first. NULL: no memory. */
static struct remembered_output *add(struct remembered *r, const char *id)
{
	struct remembered_output *o = calloc(1, sizeof *o);
	if (!o)
		return NULL;
	memccpy(o->id, id, '\0', sizeof o->id - 1);
	o->is_orphan = true;
	o->type = "?";
	o->next = r->first;
	r->first = o;
	r->count++;
	return o;
}

static int add_sinks(struct remembered *r)
{
	for (size_t i = 0; i < r->topology->stage_count; i++) {
		const struct topology_stage *s = &r->topology->stages[i];
		if (!writes_files(s->schema))
			continue;
		struct remembered_output *o = add(r, s->id.bytes);
		if (!o)
			return -ENOMEM;
		const struct stage_type *type = (const struct stage_type *)(const void *)s->schema;
		o->is_orphan = false;
		o->type = s->schema->name;
		o->path = type->path(s->options);
		o->is_secret = o->path->secret;
	}
	return 0;
}

static bool makes(const struct text *text, const char *path)
{
	struct path_template t;
	const char *why;
	size_t at;
	char made[PATH_MAX];
	if (path_template_parse(&t, text->bytes, text->length, &why, &at) < 0)
		return false;
	if (t.varies)
		return path_matches(&t, path);
	return path_template_format(&t, 0, made, sizeof made) == 0 && strcmp(made, path) == 0;
}

/* Of a path that is not its option's, it is known from when it was written to whether it is a secret. */
static void take_path(struct remembered_output *o, const char *path, bool is_public)
{
	if (o->path && makes(o->path, path))
		return;
	o->is_elsewhere |= !o->is_orphan;
	o->is_secret |= !is_public;
}

static int take_mark(struct remembered *r, struct remembered_output *o, const char *remembered_as)
{
	struct delta saved = {.count = 0};
	int error = epoch_map_copy(r->map, remembered_as, &saved);
	if (error == 0)
		error = output_marks_get(&saved, 0, &o->marks);
	delta_release(&saved);
	o->is_damaged = error == -EBADMSG;
	if (o->is_damaged)
		error = 0;
	for (size_t i = 0; i < o->marks.count && o->is_damaged; i++)
		o->marks.list[i] = (struct output_mark){.path = ""};
	if (error == 0 && !(o->remembered_as = strdup(remembered_as)))
		error = -ENOMEM;
	for (size_t i = 0; i < o->marks.count; i++)
		if (!output_mark_is_none(&o->marks.list[i]))
			take_path(o, o->marks.list[i].path, o->marks.list[i].is_public);
	return error;
}

/* A source may have the name that a sink has, or had. */
static bool has_mark(const struct epoch_map *map, const char *remembered_as)
{
	struct delta saved = {.count = 0};
	bool has = epoch_map_copy(map, remembered_as, &saved) == 0 && output_mark_is_in(&saved);
	delta_release(&saved);
	return has;
}

static int add_mark(struct remembered *r, const char *remembered_as)
{
	const char *id, *type = type_in(remembered_as, &id);
	if (!type || strlen(id) > NAME_MAX || !has_mark(r->map, remembered_as))
		return 0;
	struct remembered_output *o = remembered_find(r, id);
	if (!o && !(o = add(r, id)))
		return -ENOMEM;
	o->type = type;
	return take_mark(r, o, remembered_as);
}

static int add_marks(struct remembered *r)
{
	int error = 0;
	for (const struct epoch_stage *s = r->map->stages; s && error == 0; s = s->next)
		error = add_mark(r, s->id);
	return error;
}

int remembered_add_journal(struct remembered *r, const char *id)
{
	struct remembered_output *o = remembered_find(r, id);
	if (!o && !(o = add(r, id)))
		return -ENOMEM;
	o->has_journal = true;
	return 0;
}

void remembered_take_acts(struct remembered_output *o, const struct undo_acts *acts)
{
	for (size_t i = 0; i < acts->count; i++)
		take_path(o, acts->entries[i].path, acts->entries[i].is_public);
}

int remembered_collect(struct remembered *r, const struct topology *t, const struct epoch_map *map)
{
	*r = (struct remembered){.topology = t, .map = map};
	int error = add_sinks(r);
	return error == 0 ? add_marks(r) : error;
}

void remembered_release(struct remembered *r)
{
	struct remembered_output *next;
	for (struct remembered_output *o = r->first; o; o = next) {
		next = o->next;
		delta_release(&o->change);
		output_marks_release(&o->marks);
		free(o->remembered_as);
		free(o);
	}
	r->first = NULL;
}

int remembered_marks_to_restore(const struct remembered_output *o, struct output_marks *ret_marks)
{
	int r = output_marks_get(NULL, o->marks.count, ret_marks);
	for (size_t i = 0; i < ret_marks->count; i++) {
		ret_marks->list[i] = o->marks.list[i];
		if (o->is_orphan && o->marks.list[i].closed)
			ret_marks->list[i].path[0] = '\0';
	}
	return r;
}

bool remembered_is_live(const struct remembered_output *o)
{
	return o->has_journal || output_marks_are_live(&o->marks);
}

#include "daemon/orphans.h"
#include "daemon/log.h"
#include "daemon/pipeline.h"
#include "stages/glob.h"
#include "stages/segments/spill.h"
#include "stages/stage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Counts the files told of that the patterns match. */
struct counting {
	struct teller teller; /* must stand first */
	struct glob_set include, exclude;
	size_t count;
};

static void count_file(struct teller *t, const struct told_file *f)
{
	struct counting *c = (struct counting *)(void *)t;
	if (glob_set_matches(&c->include, f->path) && !glob_set_excludes(&c->exclude, f->path))
		c->count++;
}

static void pass_over_thing(struct teller *t, const char *what, const char *name)
{
	(void)t, (void)what, (void)name;
}

static void pass_over_text(struct teller *t, const char *name, const char *value)
{
	(void)t, (void)name, (void)value;
}

static void pass_over_number(struct teller *t, const char *name, uint64_t value)
{
	(void)t, (void)name, (void)value;
}

static void pass_over_moment(struct teller *t, const char *name, int64_t wall_ns)
{
	(void)t, (void)name, (void)wall_ns;
}

static const struct teller_ops counting_ops = {.thing = pass_over_thing,
					       .file = count_file,
					       .text = pass_over_text,
					       .number = pass_over_number,
					       .moment = pass_over_moment};

static int add_all(struct glob_set *set, const struct text_list *list, unsigned flags)
{
	const char *why;
	int r = 0;
	glob_set_init(set);
	for (size_t i = 0; r == 0 && i < list->count; i++)
		r = glob_set_add(set, list->items[i].bytes, list->items[i].length, flags, &why);
	return r;
}

static const struct stage_type *type_of(const struct topology_stage *s)
{
	return (const struct stage_type *)(const void *)s->schema;
}

/* How many of its files `name` has read, or -errno. */
static ssize_t count_files(const struct topology_stage *s, const struct epoch_map *map,
			   const char *name)
{
	struct counting c = {.teller = {.ops = &counting_ops}};
	struct delta saved = {.count = 0};
	const struct text_list *exclude, *paths = type_of(s)->patterns(s->options, &exclude);
	int r = add_all(&c.include, paths, 0);
	int excluded = add_all(&c.exclude, exclude, GLOB_DOTS);
	if (r == 0)
		r = excluded < 0 ? excluded : epoch_map_copy(map, name, &saved);
	if (r == 0)
		r = type_of(s)->tell(s->options, &saved, &c.teller);
	glob_set_release(&c.include);
	glob_set_release(&c.exclude);
	delta_release(&saved);
	return r < 0 ? r : (ssize_t)c.count;
}

int orphans_has_stage(const struct topology *t, const char *name)
{
	for (size_t i = 0; i < t->stage_count; i++) {
		char *own = pipeline_remembered_as(&t->stages[i]);
		if (!own)
			return -ENOMEM;
		bool is_it = strcmp(own, name) == 0;
		free(own);
		if (is_it)
			return 1;
	}
	return 0;
}

static void say(const struct topology_stage *s, const char *gone, size_t count)
{
	log_line(LOG_LEVEL_WARN, NULL, "files come once more under another source's name",
		 "source=%s read_by=%s files=%zu cure=%s", s->id.bytes, gone, count,
		 "give the source its old name back to go on where that one was");
}

static int warn_of(const struct topology *t, const struct topology_stage *s,
		   const struct epoch_map *map)
{
	size_t length = strlen(s->schema->name);
	for (const struct epoch_stage *e = map->stages; e; e = e->next) {
		if (e->count == 0 || strncmp(e->id, s->schema->name, length) != 0 ||
		    e->id[length] != ':')
			continue;
		int there = orphans_has_stage(t, e->id);
		ssize_t count = there == 0 ? count_files(s, map, e->id) : there;
		if (count == -ENOMEM)
			return -ENOMEM;
		if (there == 0 && count > 0)
			say(s, e->id + length + 1, (size_t)count);
	}
	return 0;
}

static void say_spilled(const char *gone, uint64_t records)
{
	log_line(LOG_LEVEL_WARN, NULL,
		 "records are on disk for a stage that does not spill any more",
		 "stage=%s records=%ju cure=%s", gone, (uintmax_t)records,
		 "put the stage and its `when_full: spill` back for it to get them");
}

/* What is on disk for readers that are no more, or have another queue. */
static int warn_of_spilled(const struct topology *t, const struct epoch_map *map)
{
	const char *name = spill_type.schema.name;
	const size_t length = strlen(name);
	for (const struct epoch_stage *e = map->stages; e; e = e->next) {
		struct delta saved = {.count = 0};
		if (strncmp(e->id, name, length) != 0 || e->id[length] != ':')
			continue;
		int there = orphans_has_stage(t, e->id);
		int r = there == 0 ? epoch_map_copy(map, e->id, &saved) : there;
		uint64_t records = r == 0 ? spill_saved_records(&saved) : 0;
		delta_release(&saved);
		if (r < 0)
			return r;
		if (there == 0 && records > 0)
			say_spilled(e->id + length + 1, records);
	}
	return 0;
}

int orphans_warn(const struct topology *t, const struct epoch_map *map)
{
	int r = warn_of_spilled(t, map);
	for (size_t i = 0; r == 0 && i < t->stage_count; i++) {
		const struct topology_stage *s = &t->stages[i];
		if (s->schema->kind != STAGE_SOURCE || !type_of(s)->patterns || !type_of(s)->tell)
			continue;
		char *own = pipeline_remembered_as(s);
		const struct epoch_stage *known = own ? epoch_map_stage(map, own) : NULL;
		bool is_new = !known || known->count == 0;
		r = !own ? -ENOMEM : is_new ? warn_of(t, s, map) : 0;
		free(own);
	}
	return r;
}

#include "daemon/look.h"
#include "daemon/listing.h"
#include "stages/glob_walk.h"
#include "stages/path_template.h"
#include "stages/stage.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	OPERATIONS_MAX = 20000
}; /* a larger tree is not searched to its end: somebody waits for the answer */

static const struct stage_type *type_of(const struct topology_stage *s)
{
	return (const struct stage_type *)(const void *)s->schema;
}

/* Files that a pattern matches: the walk that the source would take, its operations carried out on the spot */

struct looking_io {
	struct io io; /* must stand first */
	size_t operations;
};

static void carry_out(struct io *io, struct io_op *op)
{
	((struct looking_io *)(void *)io)->operations++;
	if (op->code == IO_LIST)
		op->result = listing_read(op->fd, op->list.path, op->list.into);
	else
		op->result = fstatat(op->fd, op->stat.path, op->stat.into, 0) < 0 ? -errno : 0;
	op->busy = false;
}

static const struct io_ops looking_ops = {.submit = carry_out};

/* Wildcards take regular files only. */
static bool is_taken(const struct glob *g, const struct glob_set *exclude, const char *path)
{
	struct stat st;
	if (stat(path, &st) < 0 || S_ISDIR(st.st_mode))
		return false;
	return (g->literal || S_ISREG(st.st_mode)) && !glob_set_excludes(exclude, path);
}

/* True also when the search was given up. */
static bool finds_any(const struct glob *g, const struct glob_set *exclude)
{
	struct looking_io io = {.io = {.ops = &looking_ops}};
	struct glob_walk walk;
	glob_walk_init(&walk, &io.io, -1, 0);
	bool found = glob_walk_start(&walk, g, NULL) < 0;
	while (!found) {
		struct walk_item item = glob_walk_next(&walk);
		if (item.kind == WALK_DONE)
			break;
		found = io.operations > OPERATIONS_MAX ||
			(item.kind == WALK_FILE && is_taken(g, exclude, item.path));
	}
	glob_walk_release(&walk);
	return found;
}

static void add_all(struct glob_set *set, const struct text_list *list, unsigned flags)
{
	const char *why;
	for (size_t i = 0; i < list->count; i++)
		glob_set_add(set, list->items[i].bytes, list->items[i].length, flags, &why);
}

/* What shells fill in and topologies do not. */
static const char *shell_hint(const struct text *t)
{
	if (t->bytes[0] == '~')
		return "; `~` is not filled in, write ${HOME}";
	const char *dollar = strchr(t->bytes, '$');
	return dollar ? "; a variable is written ${NAME}" : "";
}

static void look_for_pattern(const struct text *pattern, const struct glob_set *exclude,
			     struct problems *problems)
{
	struct glob_set one;
	const char *why;
	glob_set_init(&one);
	bool found = glob_set_add(&one, pattern->bytes, pattern->length, 0, &why) < 0;
	for (size_t i = 0; i < one.count && !found; i++)
		found = finds_any(&one.globs[i], exclude);
	if (!found)
		problem_warn(problems, pattern->at, "no file matches `%s` now%s", pattern->bytes,
			     shell_hint(pattern));
	glob_set_release(&one);
}

static void look_at_source(const struct topology_stage *s, struct problems *problems)
{
	const struct text_list *exclude, *paths = type_of(s)->patterns(s->options, &exclude);
	struct glob_set left_out;
	glob_set_init(&left_out);
	add_all(&left_out, exclude, GLOB_DOTS);
	for (size_t i = 0; i < paths->count; i++)
		look_for_pattern(&paths->items[i], &left_out, problems);
	glob_set_release(&left_out);
}

/* Outputs */

struct output {
	const struct text *text;
	char path[PATH_MAX];      /* as it would be now */
	char directory[PATH_MAX]; /* which must be there */
};

static void find_directory(struct output *o, const struct path_template *t)
{
	const char *slash = strrchr(o->path, '/');
	size_t length = slash ? (size_t)(slash - o->path) + (slash == o->path) : 0;
	if (t->varies)
		length = path_template_base(t);
	memcpy(o->directory, length ? o->path : ".", length ? length : 1);
	o->directory[length ? length : 1] = '\0';
}

/* False: the stage writes no file. */
static bool output_of(const struct topology_stage *s, struct output *o)
{
	struct path_template t;
	const char *why;
	size_t at;
	if (!type_of(s)->path)
		return false;
	o->text = type_of(s)->path(s->options);
	if (path_template_parse(&t, o->text->bytes, o->text->length, &why, &at) < 0 ||
	    path_template_format(&t, (int64_t)time(NULL) * 1000000000, o->path, sizeof o->path) < 0)
		return false;
	find_directory(o, &t);
	return true;
}

bool look_is_stream(const struct topology_stage *sink)
{
	struct output o;
	struct stat st;
	return output_of(sink, &o) && stat(o.path, &st) == 0 && !S_ISREG(st.st_mode);
}

static void look_at_directory(const struct output *o, struct problems *problems)
{
	struct stat st;
	if (stat(o->directory, &st) < 0)
		problem_warn(
		    problems, o->text->at,
		    "the directory `%s` cannot be written to: %s; make it, sluice makes only "
		    "those named after the time%s",
		    o->directory, strerror(errno), shell_hint(o->text));
	else if (!S_ISDIR(st.st_mode))
		problem_warn(problems, o->text->at, "`%s` is no directory", o->directory);
	else if (stat(o->path, &st) == 0 && S_ISDIR(st.st_mode))
		problem_warn(problems, o->text->at, "`%s` is a directory; name a file in it",
			     o->path);
}

void look_at_disk(const struct topology *t, struct problems *problems)
{
	struct output o;
	for (size_t i = 0; i < t->stage_count; i++) {
		const struct topology_stage *s = &t->stages[i];
		if (type_of(s)->patterns)
			look_at_source(s, problems);
		if (output_of(s, &o))
			look_at_directory(&o, problems);
	}
}

#include "daemon/look.h"
#include "daemon/epoch_log.h"
#include "daemon/performer.h"
#include "stages/glob_walk.h"
#include "stages/path_above.h"
#include "stages/path_template.h"
#include "stages/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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
	op->result = performer_do(&performer_on_the_spot, *op);
	op->busy = false;
}

static const struct io_ops looking_ops = {.submit = carry_out};

/* What a pattern comes to. */
struct sight {
	bool any;      /* a file that is read; also when the search was given up */
	size_t locked; /* files that would be and directories in the way: they may not be read */
	char one[PATH_MAX]; /* of these */
};

static void note_locked(struct sight *s, const char *path)
{
	if (s->locked++ == 0)
		snprintf(s->one, sizeof s->one, "%s", path);
}

/* Wildcards take regular files only. */
static void look_at_file(struct sight *s, const struct glob *g, const struct glob_set *exclude,
			 const char *path)
{
	struct stat st;
	if (glob_set_excludes(exclude, path))
		return;
	if (stat(path, &st) < 0) {
		if (errno == EACCES)
			note_locked(s, path);
	} else if (!S_ISDIR(st.st_mode) && (g->literal || S_ISREG(st.st_mode))) {
		s->any = true;
		if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) < 0)
			note_locked(s, path);
	}
}

static void look_for(struct sight *s, const struct glob *g, const struct glob_set *exclude)
{
	struct looking_io io = {.io = {.ops = &looking_ops}};
	struct glob_walk walk;
	glob_walk_init(&walk, &io.io, -1, 0);
	struct walk_item item = {.kind = WALK_WAIT};
	if (glob_walk_start(&walk, g, NULL) < 0)
		io.operations = OPERATIONS_MAX;
	while (item.kind != WALK_DONE && io.operations++ < OPERATIONS_MAX) {
		item = glob_walk_next(&walk);
		if (item.kind == WALK_FILE)
			look_at_file(s, g, exclude, item.path);
		else if (item.kind == WALK_UNREADABLE && item.error == -EACCES)
			note_locked(s, item.path);
	}
	s->any |= item.kind != WALK_DONE;
	glob_walk_release(&walk);
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
	if (t->secret)
		return "";
	if (t->bytes[0] == '~')
		return "; `~` is not filled in, write ${HOME}";
	return strchr(t->bytes, '$') ? "; `$` stands for itself, a variable is written ${NAME}"
				     : "";
}

static void tell_locked(const struct text *pattern, const struct sight *s,
			struct problems *problems)
{
	char more[48] = "";
	if (s->locked > 1)
		snprintf(more, sizeof more, ", nor can %zu more", s->locked - 1);
	problem_warn(problems, pattern->at,
		     "`%s` cannot be read by who runs this check%s: Permission denied",
		     text_shown(pattern, s->one), more);
}

static void look_for_pattern(const struct text *pattern, const struct glob_set *exclude,
			     struct problems *problems)
{
	struct glob_set one;
	const char *why;
	glob_set_init(&one);
	struct sight s = {.locked = 0};
	s.any = glob_set_add(&one, pattern->bytes, pattern->length, 0, &why) < 0;
	for (size_t i = 0; i < one.count; i++)
		look_for(&s, &one.globs[i], exclude);
	if (s.locked)
		tell_locked(pattern, &s, problems);
	else if (!s.any)
		problem_warn(problems, pattern->at, "no file matches `%s` now%s",
			     text_shown(pattern, pattern->bytes), shell_hint(pattern));
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
	return output_of(sink, &o) && stat(o.path, &st) == 0 && !S_ISREG(st.st_mode) &&
	       !S_ISDIR(st.st_mode);
}

static bool may(const char *path, int mode)
{
	return faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0;
}

static void tell_unwritable(const struct output *o, const char *path, const char *what,
			    struct problems *problems)
{
	problem_warn(problems, o->text->at,
		     "%s`%s` cannot be written to by who runs this check: %s", what,
		     text_shown(o->text, path), strerror(errno));
}

/* The deepest directory that is there, into path: what is below would be made. */
static void find_deepest(const struct output *o, char path[PATH_MAX])
{
	struct stat st;
	memcpy(path, o->path, PATH_MAX);
	for (char *slash = strrchr(path, '/'); slash; slash = strrchr(path, '/')) {
		*slash = '\0';
		if (strlen(path) <= strlen(o->directory))
			break;
		if (stat(path, &st) == 0)
			return;
	}
	memcpy(path, o->directory, PATH_MAX);
}

static void look_at_rights(const struct topology_stage *s, const struct output *o,
			   struct problems *problems)
{
	struct stat st;
	struct file_claim renamed;
	char directory[PATH_MAX];
	bool there = stat(o->path, &st) == 0;
	bool renames =
	    type_of(s)->writes &&
	    type_of(s)->writes(s->options, (int64_t)time(NULL) * 1000000000, 1, &renamed) == 0;
	find_deepest(o, directory);
	if (there && !may(o->path, W_OK))
		tell_unwritable(o, o->path, "", problems);
	else if ((!there || (renames && S_ISREG(st.st_mode))) && !may(directory, W_OK | X_OK))
		tell_unwritable(o, directory, "the directory ", problems);
}

static void look_at_output(const struct topology_stage *s, const struct output *o,
			   struct problems *problems)
{
	struct stat st;
	const char *hint = shell_hint(o->text);
	if (stat(o->directory, &st) < 0) {
		problem_warn(
		    problems, o->text->at, "the directory `%s` cannot be written to: %s%s%s",
		    text_shown(o->text, o->directory), strerror(errno),
		    errno == ENOENT ? "; make it, sluice makes only those named after the time"
				    : "",
		    hint);
		return;
	}
	if (!S_ISDIR(st.st_mode))
		problem_warn(problems, o->text->at, "`%s` is no directory",
			     text_shown(o->text, o->directory));
	else if (stat(o->path, &st) == 0 && S_ISDIR(st.st_mode))
		problem_warn(problems, o->text->at, "`%s` is a directory; name a file in it",
			     text_shown(o->text, o->path));
	else
		look_at_rights(s, o, problems);
	if (*hint)
		problem_warn(problems, o->text->at, "`%s` would be the file's name%s",
			     text_shown(o->text, o->path), hint);
}

/* Where is remembered what is read and stored */

/* What is not there yet is made, in the deepest directory that is. */
static void find_existing(const char *path, char deepest[PATH_MAX + 2])
{
	char above[PATH_MAX + 2];
	struct stat st;
	snprintf(deepest, PATH_MAX + 2, "%s", path);
	while (stat(deepest, &st) < 0 && errno == ENOENT && strcmp(deepest, ".") != 0) {
		path_above(deepest, above);
		memcpy(deepest, above, sizeof above);
	}
}

static void tell_unusable(const struct text *option, const char *path, const char *what,
			  struct problems *problems)
{
	problem_warn(problems, option->at, "%s`%s` cannot be used by who runs this check: %s", what,
		     text_shown(option, path), strerror(errno));
}

/* Of what an earlier run made there, maybe as another user. */
static void look_into_state_dir(const struct text *option, struct problems *problems)
{
	const char *const names[] = {"lock", epoch_log_name};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char path[PATH_MAX + 16];
		snprintf(path, sizeof path, "%s/%s", option->bytes, names[i]);
		if (!may(path, R_OK | W_OK) && errno != ENOENT)
			tell_unusable(option, path, "", problems);
	}
}

static void look_at_state_dir(const struct text *option, struct problems *problems)
{
	char deepest[PATH_MAX + 2];
	struct stat st;
	find_existing(option->bytes, deepest);
	bool is_there = strcmp(deepest, option->bytes) == 0;
	if (stat(deepest, &st) == 0 && !S_ISDIR(st.st_mode))
		problem_warn(problems, option->at, "`%s` is no directory",
			     text_shown(option, deepest));
	else if (!may(deepest, is_there ? R_OK | W_OK | X_OK : W_OK | X_OK))
		tell_unusable(option, deepest,
			      is_there ? "the directory " : "it is not there, and the directory ",
			      problems);
	else if (is_there)
		look_into_state_dir(option, problems);
}

void look_at_disk(const struct topology *t, struct problems *problems)
{
	struct output o;
	for (size_t i = 0; i < t->stage_count; i++) {
		const struct topology_stage *s = &t->stages[i];
		if (type_of(s)->patterns)
			look_at_source(s, problems);
		if (output_of(s, &o))
			look_at_output(s, &o, problems);
	}
	if (t->state_dir.bytes && t->epoch.interval_ns > 0)
		look_at_state_dir(&t->state_dir, problems);
}

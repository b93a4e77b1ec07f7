#include "daemon/overlaps.h"
#include "conf/excerpt.h"
#include "daemon/mounts.h"
#include "daemon/resolve.h"
#include "stages/stage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

struct written {
	size_t stage;
	unsigned number; /* 0: what records go into */
	struct file_claim claim;
	char resolved[PATH_MAX];
	char other_name[PATH_MAX]; /* below the mount that is being looked at */
	struct stat status;        /* st_mode 0: there is none yet */
};

struct overlaps {
	const struct topology *topology;
	struct problems *problems;
	struct written **files; /* one allocation each: most topologies have few */
	size_t count, room;
	struct file_question *questions; /* room for as many */
	struct mounts mounts;
};

static const struct stage_type *type_of(const struct overlaps *o, size_t stage)
{
	return (const struct stage_type *)(const void *)o->topology->stages[stage].schema;
}

static const char *id_of(const struct overlaps *o, size_t stage)
{
	return o->topology->stages[stage].id.bytes;
}

/* Takes w over. */
static int keep(struct overlaps *o, struct written *w)
{
	if (o->count == o->room) {
		size_t room = o->room ? o->room * 2 : 16;
		struct written **files = reallocarray(o->files, room, sizeof(struct written *));
		if (!files) {
			free(w);
			return -ENOMEM;
		}
		o->files = files;
		o->room = room;
	}
	o->files[o->count++] = w;
	return 0;
}

/* What cannot be found out here will be told when the file is opened. */
static bool look_up(struct written *w)
{
	if (resolve(w->claim.path, w->resolved) < 0)
		return false;
	if (stat(w->resolved, &w->status) < 0)
		w->status.st_mode = 0;
	return true;
}

/* What is not a regular file is neither renamed nor read by a source. */
static bool is_in_place(const struct overlaps *o, size_t stage)
{
	const struct written *last = o->count > 0 ? o->files[o->count - 1] : NULL;
	return last && last->stage == stage && last->status.st_mode != 0 &&
	       !S_ISREG(last->status.st_mode);
}

static int ask_sink(struct overlaps *o, size_t stage, int64_t wall_ns)
{
	const struct stage_type *type = type_of(o, stage);
	int r = 0;
	for (unsigned i = 0; type->writes && r == 0 && !is_in_place(o, stage); i++) {
		struct written *w = calloc(1, sizeof *w);
		if (!w)
			return -ENOMEM;
		w->stage = stage;
		w->number = i;
		r = type->writes(o->topology->stages[stage].options, wall_ns, i, &w->claim);
		if (r == 0 && look_up(w))
			r = keep(o, w);
		else
			free(w);
	}
	return r == -ENOMEM ? r : 0;
}

static int ask_sinks(struct overlaps *o)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	int64_t wall_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	int r = 0;
	for (size_t i = 0; i < o->topology->stage_count && r == 0; i++)
		r = ask_sink(o, i, wall_ns);
	return r;
}

/* ---- two sinks, one file ---- */

static bool are_one_file(const struct written *a, const struct written *b)
{
	if (S_ISCHR(a->status.st_mode))
		return false;
	if (strcmp(a->resolved, b->resolved) == 0)
		return true;
	return a->status.st_mode != 0 && b->status.st_mode != 0 &&
	       a->status.st_dev == b->status.st_dev && a->status.st_ino == b->status.st_ino;
}

static int tell_shared(const struct overlaps *o, const struct written *first,
		       const struct written *second)
{
	const struct text *path = second->claim.option;
	struct place at = first->claim.option->at;
	problem_add(o->problems, path->at,
		    "`%s` would write `%s`, the file that `%s` writes, at %s:%u:%u; give each a "
		    "path of its own, or one of them all `inputs`",
		    id_of(o, second->stage),
		    excerpt_of(path->bytes, path->length, path->secret).text,
		    id_of(o, first->stage), at.file, at.line, at.column);
	return -EINVAL;
}

static int check_sinks(const struct overlaps *o)
{
	int result = 0;
	for (size_t i = 1; i < o->count; i++) {
		const struct written *second = o->files[i];
		for (size_t j = 0; j < i && second->number == 0; j++) {
			const struct written *first = o->files[j];
			if (first->number != 0 || !are_one_file(first, second))
				continue;
			result = tell_shared(o, first, second);
			break;
		}
	}
	return result;
}

/* ---- a source, and what comes back to it ---- */

static int tell_loop(const struct overlaps *o, size_t source, const struct written *w,
		     const struct text *read_by)
{
	const struct text *path = w->claim.option;
	const char *name = w->number == 0 ? path->bytes : w->claim.path;
	problem_add(
	    o->problems, path->at,
	    "`%s` %s `%s`, which `%s`, whose records it gets, reads by `%s`, at %s:%u:%u: it would "
	    "feed itself; write elsewhere, or leave that out of what `%s` reads",
	    id_of(o, w->stage), w->number == 0 ? "writes" : "renames what it wrote to",
	    excerpt_of(name, strlen(name), path->secret).text, id_of(o, source),
	    excerpt_of(read_by->bytes, read_by->length, read_by->secret).text, read_by->at.file,
	    read_by->at.line, read_by->at.column, id_of(o, source));
	return -EINVAL;
}

/* Marks all that gets records from the source. Inputs stand before their readers. */
static void mark_downstream(const struct topology *t, size_t source, bool *downstream)
{
	for (size_t i = 0; i < t->stage_count; i++) {
		downstream[i] = i == source;
		for (size_t j = 0; j < t->stages[i].input_count; j++)
			downstream[i] |= downstream[t->stages[i].inputs[j].stage];
	}
}

/* Has the questions be about the names that the files have below that mount. */
static bool rename_questions(const struct overlaps *o, size_t mount)
{
	bool any = false;
	for (size_t i = 0; i < o->count; i++) {
		struct written *w = o->files[i];
		if (mounts_other_name(&o->mounts, mount, w->resolved, w->other_name) < 0)
			continue;
		o->questions[i].resolved = w->other_name;
		any = true;
	}
	return any;
}

static int ask_source(const struct overlaps *o, size_t source)
{
	const struct stage_type *type = type_of(o, source);
	const void *options = o->topology->stages[source].options;
	for (size_t i = 0; i < o->count; i++)
		o->questions[i] = (struct file_question){.path = o->files[i]->claim.path,
							 .resolved = o->files[i]->resolved};
	int r = type->reads(options, resolve, o->questions, o->count);
	for (size_t i = 0; r == 0 && i < o->mounts.count; i++)
		if (rename_questions(o, i))
			r = type->reads(options, resolve, o->questions, o->count);
	return r;
}

static int check_source(const struct overlaps *o, size_t source, bool *downstream)
{
	if (!type_of(o, source)->reads)
		return 0;
	int r = ask_source(o, source);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	mark_downstream(o->topology, source, downstream);
	size_t told = SIZE_MAX; /* once for each sink, which has its files in a row */
	for (size_t i = 0; i < o->count; i++) {
		const struct written *w = o->files[i];
		bool is_file = w->status.st_mode == 0 || S_ISREG(w->status.st_mode);
		if (!o->questions[i].read_by || !downstream[w->stage] || !is_file ||
		    told == w->stage)
			continue;
		r = tell_loop(o, source, w, o->questions[i].read_by);
		told = w->stage;
	}
	return r;
}

static int check_sources(struct overlaps *o)
{
	bool *downstream = calloc(o->topology->stage_count, sizeof *downstream);
	o->questions = calloc(o->count + 1, sizeof *o->questions);
	int r = downstream && o->questions ? 0 : -ENOMEM;
	for (size_t i = 0; i < o->topology->stage_count && r != -ENOMEM; i++)
		r = result_worse(check_source(o, i, downstream), r);
	free(downstream);
	free(o->questions);
	return r;
}

int overlaps_check(const struct topology *t, struct problems *problems)
{
	struct overlaps o = {.topology = t, .problems = problems};
	int r = ask_sinks(&o);
	if (r == 0)
		r = check_sinks(&o);
	if (r != -ENOMEM && mounts_read(&o.mounts) < 0)
		r = -ENOMEM;
	if (r != -ENOMEM)
		r = result_worse(check_sources(&o), r);
	mounts_release(&o.mounts);
	for (size_t i = 0; i < o.count; i++)
		free(o.files[i]);
	free(o.files);
	return r;
}

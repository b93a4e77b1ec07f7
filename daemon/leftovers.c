#include "daemon/leftovers.h"
#include "daemon/arguments.h"
#include "daemon/log.h"
#include "daemon/undo_reading.h"
#include "stages/delta.h"
#include "stages/output_recovery.h"
#include "stages/path_match.h"
#include "stages/stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOK_NS UINT64_C(100000000) /* so often, while it waits, whether we are to end */
#define ROOM_NS UINT64_C(1000000000)
#define NOTIFY_NS UINT64_C(1000000000)

/* One output: a sink's of the topology, or one that has none there. */
struct leftover {
	struct leftover *next;
	char id[NAME_MAX + 1];
	char *remembered_as; /* NULL: the log says nothing of it */
	bool is_orphan, is_secret, has_journal;
	const struct text *path; /* the sink's option; NULL: an orphan */
	bool
	    is_elsewhere; /* what is remembered is of another path, which may be another sink's now */
	bool was_left;    /* its mark holds no more */
	struct output_mark mark;
	struct delta change; /* what the record will say of it */
};

struct leftovers {
	struct recovery *recovery;
	const struct topology *topology;
	struct leftover *first;
	size_t count;
	struct backend *backend;
	struct runner clock; /* never started: only what its env needs */
	struct stage_env env;
	struct stage_counters counters;
	const struct notify *notify;
	uint64_t notified_ns;
};

/* ---- what there is ---- */

static bool writes_files(const struct stage_schema *schema)
{
	const struct stage_type *type = (const struct stage_type *)(const void *)schema;
	return schema->kind == STAGE_SINK && type->path;
}

/* The sink's id in the log's name of it; NULL: it is no such sink's. */
static const char *id_in(const char *remembered_as)
{
	for (size_t i = 0; stage_types[i]; i++) {
		const struct stage_schema *schema = &stage_types[i]->schema;
		size_t length = strlen(schema->name);
		if (writes_files(schema) && strncmp(remembered_as, schema->name, length) == 0 &&
		    remembered_as[length] == ':')
			return remembered_as + length + 1;
	}
	return NULL;
}

static struct leftover *find(const struct leftovers *l, const char *id)
{
	struct leftover *o = l->first;
	while (o && strcmp(o->id, id) != 0)
		o = o->next;
	return o;
}

/* Those that came later stand first. NULL: no memory. */
static struct leftover *add(struct leftovers *l, const char *id)
{
	struct leftover *o = calloc(1, sizeof *o);
	if (!o)
		return NULL;
	memccpy(o->id, id, '\0', sizeof o->id - 1);
	o->is_orphan = o->is_secret = true;
	o->next = l->first;
	l->first = o;
	l->count++;
	return o;
}

/* Of an orphan nobody knows whether its path is a secret. */
static int add_sinks(struct leftovers *l)
{
	for (size_t i = 0; i < l->topology->stage_count; i++) {
		const struct topology_stage *s = &l->topology->stages[i];
		if (!writes_files(s->schema))
			continue;
		struct leftover *o = add(l, s->id.bytes);
		if (!o)
			return -ENOMEM;
		const struct stage_type *type = (const struct stage_type *)(const void *)s->schema;
		o->is_orphan = false;
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

/* What the log says of a sink of ours and cannot be understood is refused by that sink itself. */
static int take_mark(struct leftovers *l, struct leftover *o, const char *remembered_as)
{
	struct delta saved = {.count = 0};
	int r = epoch_map_copy(&l->recovery->log.map, remembered_as, &saved);
	if (r == 0)
		r = output_mark_get(&saved, &o->mark);
	delta_release(&saved);
	if (r == -EBADMSG && !o->is_orphan)
		return 0;
	if (r == -EBADMSG)
		log_line(LOG_LEVEL_ERROR, o->id, "state of the output is damaged",
			 "state_dir=%s cure=%s", l->recovery->path,
			 "restore the state directory, or begin again from nothing with "
			 "--from-scratch");
	if (r == 0 && !(o->remembered_as = strdup(remembered_as)))
		r = -ENOMEM;
	o->is_elsewhere =
	    o->path && !output_mark_is_none(&o->mark) && !makes(o->path, o->mark.path);
	return r;
}

/* A source may have the name that a sink has, or had. */
static bool has_mark(const struct epoch_map *map, const char *remembered_as)
{
	struct delta saved = {.count = 0};
	bool has = epoch_map_copy(map, remembered_as, &saved) == 0 && output_mark_is_in(&saved);
	delta_release(&saved);
	return has;
}

static int add_marks(struct leftovers *l)
{
	const struct epoch_map *map = &l->recovery->log.map;
	for (const struct epoch_stage *s = map->stages; s; s = s->next) {
		const char *id = id_in(s->id);
		if (!id || strlen(id) > NAME_MAX || !has_mark(map, s->id))
			continue;
		struct leftover *o = find(l, id);
		if (!o && !(o = add(l, id)))
			return -ENOMEM;
		int r = take_mark(l, o, s->id);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_journal(struct leftovers *l, int directory, const char *name)
{
	char id[NAME_MAX + 1];
	struct stat s;
	if (!undo_journal_sink(name, id, sizeof id) ||
	    fstatat(directory, name, &s, AT_SYMLINK_NOFOLLOW) < 0 || s.st_size == 0)
		return 0;
	struct leftover *o = find(l, id);
	if (!o && !(o = add(l, id)))
		return -ENOMEM;
	o->has_journal = true;
	return 0;
}

/* A damaged one is refused by its sink. */
static int look_into_file(const struct leftovers *l, struct leftover *o, unsigned file)
{
	struct undo_acts acts;
	int r = undo_acts_read(&acts, l->recovery->dir.fd, o->id, file, l->recovery->log.epoch);
	for (size_t i = 0; r == 0 && i < acts.count; i++)
		o->is_elsewhere |= !makes(o->path, acts.entries[i].path);
	undo_acts_release(&acts);
	return r == -EBADMSG ? 0 : r;
}

/* What they were noted for may have been done before the first mark, or behind a file that was closed. */
static int look_into_journals(const struct leftovers *l)
{
	int r = 0;
	for (struct leftover *o = l->first; o && r == 0; o = o->next)
		for (unsigned i = 0; o->path && o->has_journal && i < UNDO_FILES && r == 0; i++)
			r = look_into_file(l, o, i);
	return r;
}

static int add_journals(struct leftovers *l)
{
	int fd = openat(l->recovery->dir.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = fd < 0 ? NULL : fdopendir(fd);
	int r = listing ? 0 : -errno;
	if (!listing && fd >= 0)
		close(fd);
	while (listing && r == 0) {
		errno = 0;
		const struct dirent *entry = readdir(listing);
		r = entry ? add_journal(l, fd, entry->d_name) : -errno;
		if (!entry)
			break;
	}
	if (listing)
		closedir(listing);
	return r;
}

static int collect(struct leftovers *l)
{
	int r = add_sinks(l);
	if (r == 0)
		r = add_marks(l);
	if (r == 0)
		r = add_journals(l);
	return r == 0 ? look_into_journals(l) : r;
}

static bool is_live(const struct leftover *o)
{
	return o->has_journal || (!output_mark_is_none(&o->mark) && !o->mark.closed);
}

static bool is_to_be_seen_to(const struct leftover *o, bool all)
{
	if (o->is_orphan)
		return is_live(o) || o->remembered_as;
	return is_live(o) && (o->is_elsewhere || all);
}

static bool any_to_be_seen_to(const struct leftovers *l, bool all)
{
	for (const struct leftover *o = l->first; o; o = o->next)
		if (is_to_be_seen_to(o, all))
			return true;
	return false;
}

/* ---- bringing back ---- */

static bool is_asked_to_end(void)
{
	sigset_t pending;
	return sigpending(&pending) == 0 &&
	       (sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1);
}

/* The recovery waits: for a lock, for room, for a listing. */
static int wait(struct leftovers *l)
{
	uint64_t look_ns = backend_now_ns() + LOOK_NS, named_ns = l->clock.deadline_ns;
	if (is_asked_to_end())
		return -EINTR;
	if (look_ns - l->notified_ns > NOTIFY_NS) {
		l->notified_ns = look_ns;
		notify_waiting(l->notify);
	}
	backend_wait(l->backend, named_ns < look_ns ? named_ns : look_ns);
	l->clock.deadline_ns = UINT64_MAX;
	return 0;
}

static int carry(struct leftovers *l, struct output_recovery *r)
{
	for (;;) {
		int stepped = output_recovery_step(r);
		if (stepped == STEP_DONE || stepped < 0)
			return stepped < 0 ? stepped : 0;
		int waited = 0;
		if (backend_poll(l->backend) == 0 && stepped == STEP_WAIT)
			waited = wait(l);
		if (waited < 0)
			return waited;
	}
}

/* To the end of a run there is nothing to go back; what comes of an orphan's file after that is nobody's affair. */
static void drop_closed_mark(struct leftover *o)
{
	if (o->is_orphan && o->mark.closed)
		o->mark.path[0] = '\0';
}

static int bring_back(struct leftovers *l, struct leftover *o)
{
	struct output_recovery *r = calloc(1, sizeof *r);
	if (!r)
		return -ENOMEM;
	l->env.stage = o->id;
	drop_closed_mark(o);
	if (o->is_orphan)
		log_line(LOG_LEVEL_INFO, o->id, "sink is no more, bringing back its output",
			 "state_dir=%s", l->recovery->path);
	int result = output_recovery_begin(r, &l->env.env, &l->counters, l->recovery->path, o->id,
					   l->recovery->log.epoch, &o->mark);
	r->orphan = o->is_orphan;
	r->space.secret = o->is_secret;
	if (result == 0)
		result = carry(l, r);
	o->was_left = result == 0 && output_recovery_found_left(r);
	output_recovery_release(r);
	free(r);
	return result;
}

/* ---- the record ---- */

static int note(struct leftovers *l, struct leftover *o)
{
	if (!o->remembered_as)
		return 0;
	if (o->is_orphan || o->was_left)
		return output_mark_forget(&o->change);
	if (o->mark.closed || output_mark_is_none(&o->mark))
		return 0;
	o->mark.closed = true;
	o->mark.whole = o->mark.length;
	o->mark.epoch = l->recovery->log.epoch + 1;
	return output_mark_put(&o->change, &o->mark);
}

static size_t list_parts(const struct leftovers *l, struct epoch_part *parts)
{
	size_t n = 0;
	for (const struct leftover *o = l->first; o; o = o->next)
		if (!delta_is_empty(&o->change))
			parts[n++] = (struct epoch_part){o->remembered_as, &o->change};
	return n;
}

static int step_log(void *log)
{
	return epoch_log_step(log);
}

static int append(struct epoch_log *log, struct env *env, const struct epoch_part *parts, size_t n)
{
	if (!epoch_log_is_ready(log))
		return -EIO;
	return epoch_log_append(log, log->epoch + 1, env_wall_ns(env), parts, n);
}

static bool wait_for_room(struct leftovers *l, bool said, int error)
{
	if (!said)
		log_line(LOG_LEVEL_WARN, NULL, "epoch cannot be committed, retrying", "error=%s",
			 strerror(-error));
	for (uint64_t until = backend_now_ns() + ROOM_NS; backend_now_ns() < until;)
		if (wait(l) < 0)
			return false;
	return true;
}

static int commit(struct leftovers *l)
{
	struct epoch_log *log = &l->recovery->log;
	struct epoch_part *parts = calloc(l->count + 1, sizeof *parts);
	size_t n = parts ? list_parts(l, parts) : 0;
	int r = parts ? 0 : -ENOMEM;
	for (bool said = false; r == 0 && n > 0; said = true) {
		r = append(log, &l->env.env, parts, n);
		if (r == 0)
			r = backend_carry(l->recovery->backend, step_log, log);
		if (!space_wait_applies(r))
			break;
		r = wait_for_room(l, said, r) ? 0 : -EINTR;
	}
	free(parts);
	return r;
}

/* ---- all of it ---- */

/* What orphans did was done last. */
static int see_to_all(struct leftovers *l)
{
	int r = backend_open(&l->backend, BACKEND_PLAIN, NULL);
	if (r < 0)
		return r;
	l->env = (struct stage_env){.env = {.ops = &runner_env_ops, .io = &l->backend->io},
				    .runner = &l->clock};
	l->clock.deadline_ns = UINT64_MAX;
	for (struct leftover *o = l->first; o && r == 0; o = o->next) {
		if (is_live(o))
			r = bring_back(l, o);
		if (r == 0)
			r = note(l, o);
	}
	return r == 0 ? commit(l) : r;
}

static void release(struct leftovers *l)
{
	struct leftover *next;
	for (struct leftover *o = l->first; o; o = next) {
		next = o->next;
		delta_release(&o->change);
		free(o->remembered_as);
		free(o);
	}
	while (l->backend && l->backend->busy > 0)
		if (backend_poll(l->backend) == 0)
			backend_wait(l->backend, UINT64_MAX);
	backend_close(l->backend);
	free(l);
}

static int say_failed(const struct recovery *r, int error)
{
	if (error == -EINTR) {
		log_line(LOG_LEVEL_ERROR, NULL, "stopped before outputs were brought back",
			 "state_dir=%s", r->path);
		return EXIT_FAILED;
	}
	log_line(LOG_LEVEL_ERROR, NULL, "outputs of earlier runs cannot be brought back",
		 "state_dir=%s error=%s", r->path, strerror(-error));
	return EXIT_IO;
}

static int recover(struct recovery *r, const struct topology *t, const struct notify *notify,
		   bool all)
{
	struct leftovers *l = calloc(1, sizeof *l);
	if (!l)
		return say_failed(r, -ENOMEM);
	l->recovery = r;
	l->topology = t;
	l->notify = notify;
	int error = collect(l);
	if (error == 0 && any_to_be_seen_to(l, all))
		error = see_to_all(l);
	release(l);
	return error < 0 ? say_failed(r, error) : 0;
}

int leftovers_recover(struct recovery *r, const struct topology *t, const struct notify *notify)
{
	return recovery_memory(r) ? recover(r, t, notify, false) : 0;
}

int leftovers_recover_without_epochs(const struct topology *t, bool from_scratch,
				     const struct notify *notify)
{
	struct recovery *r = calloc(1, sizeof *r);
	if (!r)
		return EXIT_FAILED;
	int code = recovery_open_found(r, t, from_scratch);
	if (code == 0 && recovery_memory(r) && r->log.epoch > 0)
		log_line(LOG_LEVEL_WARN, NULL, "epochs are off, nothing of this run is remembered",
			 "state_dir=%s epoch=%ju next=%s", r->path, (uintmax_t)r->log.epoch,
			 "a run with epochs goes on where that one ended");
	if (code == 0 && recovery_memory(r))
		code = recover(r, t, notify, true);
	recovery_release(r);
	free(r);
	return code;
}

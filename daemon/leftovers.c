#include "daemon/leftovers.h"
#include "daemon/undo_reading.h"
#include "stages/cure.h"
#include "stages/descriptor.h"
#include "stages/output_recovery.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_NS UINT64_C(1000000000)

struct leftovers {
	struct leftovers_host *host;
	const struct topology *topology;
	struct epoch_log *log;
	const char *state_dir;
	struct performer performer;
	struct undo_place journals;
	struct remembered known;
	struct stage_counters counters;
	struct space_wait space;
};

/* ---- carrying out ---- */

static void drain(struct leftovers *l)
{
	struct backend *b = l->host->backend;
	while (b->busy > 0)
		if (backend_poll(b) == 0)
			l->host->pass(l->host, true);
}

/* Takes up what has ended and lets the host do its part, which sleeps when there is nothing to do. */
static int pass(struct leftovers *l, bool waits)
{
	bool idle = backend_poll(l->host->backend) == 0 && waits;
	return l->host->pass(l->host, idle);
}

/* Steps the machine to its end. When it is broken off, no operation is under way either. */
static int carry(struct leftovers *l, int (*step)(void *machine), void *machine)
{
	for (;;) {
		int stepped = step(machine);
		if (stepped == STEP_DONE || stepped < 0)
			return stepped < 0 ? stepped : 0;
		int passed = pass(l, stepped == STEP_WAIT);
		if (passed < 0) {
			drain(l);
			return passed;
		}
	}
}

static int step_op(void *op)
{
	return steady_op_step(op);
}

static int64_t perform(void *leftovers, struct io_op op)
{
	struct leftovers *l = leftovers;
	struct steady_op o;
	steady_op_init(&o, l->host->env, &l->space, l->state_dir);
	steady_op_begin(&o, op);
	int r = carry(l, step_op, &o);
	return r < 0 ? r : o.result;
}

static void close_later(void *leftovers, int fd)
{
	struct leftovers *l = leftovers;
	descriptor_close(l->host->env->io, &fd);
}

static void say_of(struct leftovers *l, const char *sink)
{
	l->host->about(l->host, sink);
}

/* ---- what there is ---- */

static const struct remembered_output *first_damaged(const struct remembered *known)
{
	const struct remembered_output *o = known->first;
	while (o && !(o->is_orphan && o->is_damaged))
		o = o->next;
	return o;
}

/* What is remembered of a sink of ours and cannot be understood is refused by that sink itself. */
static int refuse_damaged(struct leftovers *l)
{
	const struct remembered_output *damaged = first_damaged(&l->known);
	if (!damaged)
		return 0;
	say_of(l, damaged->id);
	env_say(l->host->env, SAY_ERROR, "state of the output is damaged", "state_dir=%s cure=%s",
		l->state_dir, cure_state);
	return -EBADMSG;
}

/* One that does not hold is refused by who recovers from it. */
static int look_into_journal(struct leftovers *l, struct remembered_output *o)
{
	struct undo_reading reading;
	int r = undo_reading_read(&reading, &l->journals, o->id, l->log->epoch, UINT64_MAX);
	if (r == 0)
		remembered_take_acts(o, &reading.acts);
	undo_reading_release(&reading);
	return r == -EBADMSG ? 0 : r;
}

/* What they were noted for may have been done before the first mark, or behind a file that was closed. */
static int look_into_journals(struct leftovers *l)
{
	int r = 0;
	for (struct remembered_output *o = l->known.first; o && r == 0; o = o->next)
		if (o->has_journal)
			r = look_into_journal(l, o);
	return r;
}

static int collect(struct leftovers *l)
{
	int r = remembered_collect(&l->known, l->topology, &l->log->map);
	if (r == 0)
		r = refuse_damaged(l);
	if (r == 0)
		r = undo_reading_list(&l->known, &l->journals);
	return r == 0 ? look_into_journals(l) : r;
}

static bool is_to_be_seen_to(const struct remembered_output *o, bool all)
{
	if (o->is_orphan)
		return remembered_is_live(o) || o->remembered_as;
	return remembered_is_live(o) && (o->is_elsewhere || all);
}

static bool any_to_be_seen_to(const struct leftovers *l, bool all)
{
	for (const struct remembered_output *o = l->known.first; o; o = o->next)
		if (is_to_be_seen_to(o, all))
			return true;
	return false;
}

/* ---- bringing back ---- */

static int step_recovery(void *recovery)
{
	return output_recovery_step(recovery);
}

/* What others have had to do with holds no more. */
static int forget_left(struct remembered_output *o, const struct output_recovery *r)
{
	int error = 0;
	for (size_t i = 0; i < o->marks.count && error == 0; i++) {
		if (!output_recovery_found_left(r, i))
			continue;
		o->marks.list[i].path[0] = '\0';
		error = output_mark_forget(&o->change, (unsigned)i);
	}
	return error;
}

static int recover(struct leftovers *l, struct remembered_output *o, struct output_recovery *r,
		   const struct output_marks *marks)
{
	int error = output_recovery_begin(r, l->host->env, &l->counters, l->state_dir, o->id,
					  l->log->epoch, marks);
	r->orphan = o->is_orphan;
	r->space.secret = o->is_secret;
	if (error == 0)
		error = carry(l, step_recovery, r);
	if (error == 0)
		error = forget_left(o, r);
	output_recovery_release(r);
	return error;
}

static int bring_back(struct leftovers *l, struct remembered_output *o)
{
	struct output_marks marks;
	struct output_recovery *r = calloc(1, sizeof *r);
	int error = remembered_marks_to_restore(o, &marks);
	if (!r)
		error = -ENOMEM;
	say_of(l, o->id);
	if (o->is_orphan)
		env_say(l->host->env, SAY_INFO, "sink is no more, bringing back its output",
			"state_dir=%s", l->state_dir);
	if (error == 0)
		error = recover(l, o, r, &marks);
	output_marks_release(&marks);
	free(r);
	return error;
}

/* ---- the record ---- */

static int note_closed(struct leftovers *l, struct remembered_output *o, unsigned lane)
{
	struct output_mark *m = &o->marks.list[lane];
	if (m->closed || output_mark_is_none(m))
		return 0;
	m->closed = true;
	m->whole = m->length;
	m->epoch = l->log->epoch + 1;
	return output_mark_put(&o->change, lane, m);
}

static int note(struct leftovers *l, struct remembered_output *o)
{
	if (!o->remembered_as)
		return 0;
	int r = 0;
	for (size_t i = 0; i < o->marks.count && r == 0; i++)
		r = o->is_orphan ? output_mark_forget(&o->change, (unsigned)i)
				 : note_closed(l, o, (unsigned)i);
	return r;
}

static size_t list_parts(const struct leftovers *l, struct epoch_part *parts)
{
	size_t n = 0;
	for (const struct remembered_output *o = l->known.first; o; o = o->next)
		if (!delta_is_empty(&o->change))
			parts[n++] = (struct epoch_part){o->remembered_as, &o->change};
	return n;
}

static int step_log(void *log)
{
	return epoch_log_step(log);
}

static int append(struct leftovers *l, const struct epoch_part *parts, size_t n)
{
	struct epoch_log *log = l->log;
	if (!epoch_log_is_ready(log))
		return -EIO;
	int r = epoch_log_append(log, log->epoch + 1, env_wall_ns(l->host->env), parts, n);
	return r < 0 ? r : carry(l, step_log, log);
}

static int wait_for_room(struct leftovers *l, bool said, int error)
{
	struct env *env = l->host->env;
	int r = 0;
	if (!said)
		env_say(env, SAY_WARN, "epoch cannot be committed, retrying", "error=%s",
			strerror(-error));
	for (uint64_t until = env_now_ns(env) + ROOM_NS; r == 0 && env_now_ns(env) < until;) {
		env_wake_at(env, until);
		r = pass(l, true);
	}
	return r;
}

static int commit(struct leftovers *l)
{
	struct io *lent_by = l->log->io;
	struct epoch_part *parts = calloc(l->known.count + 1, sizeof *parts);
	size_t n = parts ? list_parts(l, parts) : 0;
	int r = parts ? 0 : -ENOMEM;
	say_of(l, NULL);
	l->log->io = l->host->env->io;
	for (bool said = false; r == 0 && n > 0; said = true) {
		r = append(l, parts, n);
		if (!space_wait_applies(r))
			break;
		r = wait_for_room(l, said, r);
	}
	l->log->io = lent_by;
	free(parts);
	return r;
}

/* ---- all of it ---- */

/* What orphans did was done last. */
static int see_to_all(struct leftovers *l)
{
	int r = 0;
	for (struct remembered_output *o = l->known.first; o && r == 0; o = o->next) {
		if (remembered_is_live(o))
			r = bring_back(l, o);
		if (r == 0)
			r = note(l, o);
	}
	return r == 0 ? commit(l) : r;
}

static void release(struct leftovers *l)
{
	remembered_release(&l->known);
	drain(l);
}

int leftovers_bring_back(struct leftovers_host *host, const struct topology *t,
			 struct epoch_log *log, int directory, const char *state_dir, bool all)
{
	struct leftovers l = {.host = host,
			      .topology = t,
			      .log = log,
			      .state_dir = state_dir,
			      .performer = {.perform = perform, .close = close_later, .who = &l},
			      .journals = {.performer = &l.performer, .directory = directory}};
	space_wait_init(&l.space, host->env, &l.counters);
	int error = collect(&l);
	if (error == 0 && any_to_be_seen_to(&l, all))
		error = see_to_all(&l);
	release(&l);
	return error;
}

#include "stages/output_epochs.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

size_t output_epochs_footprint(size_t lanes)
{
	return lanes * (sizeof(struct output_sync) + sizeof(struct output_mark));
}

static bool was_secret(const struct output_marks *marks)
{
	for (size_t i = 0; i < marks->count; i++)
		if (!output_mark_is_none(&marks->list[i]) && !marks->list[i].is_public)
			return true;
	return false;
}

static int init_lanes(struct output_epochs *e, const struct output_memory *memory, size_t lanes)
{
	int r = output_marks_get(memory->saved, lanes, &e->marks);
	e->lane_count = lanes;
	e->epoch = e->told_epoch = output_marks_epoch(&e->marks);
	e->lanes = calloc(e->marks.count + 1, sizeof *e->lanes);
	if (!e->lanes)
		return -ENOMEM;
	for (size_t i = 0; i < e->marks.count; i++) {
		struct output_sync *s = &e->lanes[i];
		s->holder = -1;
		s->told_inode = s->committed_inode = e->marks.list[i].inode;
	}
	return r;
}

int output_epochs_init(struct output_epochs *e, struct env *env, struct stage_counters *counters,
		       struct space_wait *space, const struct output_memory *memory, size_t lanes)
{
	memset(e, 0, sizeof *e);
	e->env = env;
	e->on = memory->state_dir != NULL;
	if (!e->on)
		return 0;
	output_settling_init(&e->settling, env, space);
	int r = init_lanes(e, memory, lanes);
	int made = undo_journal_init(&e->journal, env, counters, memory->state_dir, memory->sink,
				     memory->epoch + 1, e->epoch);
	e->journal.is_secret = space->secret;
	if (r == 0)
		r = made;
	if (r == 0)
		r = output_recovery_begin(&e->recovery, env, counters, memory->state_dir,
					  memory->sink, memory->epoch, &e->marks);
	e->recovery.space.secret = space->secret || was_secret(&e->marks);
	return r;
}

void output_epochs_release(struct output_epochs *e)
{
	if (!e->on)
		return;
	output_recovery_release(&e->recovery);
	undo_journal_release(&e->journal);
	output_settling_release(&e->settling);
	output_marks_release(&e->marks);
	free(e->lanes);
	e->lanes = NULL;
	e->on = false;
}

/* ---- marks ---- */

static void set_mark(struct output_epochs *e, size_t lane, const struct output_mark *m)
{
	e->lanes[lane].changed |= !output_mark_equals(&e->marks.list[lane], m);
	e->marks.list[lane] = *m;
}

static void drop_mark(struct output_epochs *e, size_t lane)
{
	static const struct output_mark none;
	set_mark(e, lane, &none);
}

static void take_recovered(struct output_epochs *e, struct output_ends *ends)
{
	for (size_t i = 0; i < e->marks.count; i++) {
		if (output_mark_is_none(&e->marks.list[i]))
			continue;
		output_ends_note(ends, output_recovery_end(&e->recovery, i));
		if (output_recovery_found_left(&e->recovery, i))
			drop_mark(e, i); /* it holds no more */
	}
}

int output_epochs_recover(struct output_epochs *e, struct output_ends *ends)
{
	if (!e->on || e->recovered)
		return STEP_DONE;
	int r = output_recovery_step(&e->recovery);
	if (r != STEP_DONE)
		return r;
	if (e->recovery.stays > 0) {
		undo_journal_go_on(&e->journal, e->recovery.stays);
		e->acted = true;
	}
	take_recovered(e, ends);
	output_recovery_release(&e->recovery);
	e->recovered = true;
	return STEP_DONE;
}

static struct output_mark mark_of(const struct output_epochs *e, const struct output_file *file,
				  uint64_t length, uint64_t whole)
{
	struct output_mark m = {.inode = file->status.inode,
				.birth_ns = file->status.birth_ns,
				.length = length,
				.whole = whole,
				.is_public = !e->settling.space->secret};
	memccpy(m.path, file->path, '\0', sizeof m.path - 1);
	return m;
}

void output_epochs_note(struct output_epochs *e, size_t lane, struct output_file *file,
			uint64_t length, uint64_t whole)
{
	if (!e->on)
		return;
	assert(e->lanes[lane].state == OUTPUT_SYNC_DONE);
	struct output_mark m = mark_of(e, file, length, whole);
	set_mark(e, lane, &m);
	e->lanes[lane].file = file;
}

void output_epochs_note_end(struct output_epochs *e, size_t lane, const struct output_file *file,
			    uint64_t length)
{
	if (!e->on)
		return;
	struct output_mark m = mark_of(e, file, length, length);
	m.closed = true;
	set_mark(e, lane, &m);
	e->lanes[lane].ended = true;
}

/* True if a file has been opened since the beginning; until then the marks are those of the run before. */
static bool has_opened(const struct output_epochs *e)
{
	bool any = e->settling.taken > 0;
	for (size_t i = 0; i < e->lane_count && !any; i++)
		any = e->lanes[i].file != NULL;
	return any;
}

/* A file that has not been opened since it was brought back is others' from now on as much as one that was. */
static void close_mark(struct output_epochs *e, size_t lane)
{
	struct output_mark m = e->marks.list[lane];
	if (output_mark_is_none(&m) || !e->recovered)
		return;
	m.whole = m.length;
	m.closed = true;
	set_mark(e, lane, &m);
}

/* ---- making it durable ---- */

static void sync_file(struct output_epochs *e, size_t lane)
{
	struct output_sync *s = &e->lanes[lane];
	struct output_file *file = s->file;
	if (file->synced && !s->changed)
		return;
	/* What syncs a file's length need not sync that it is there. */
	enum io_code code = file->synced ? IO_DATASYNC : IO_SYNC;
	s->holder = file->synced ? -1 : output_file_holder(file);
	file->synced = true;
	s->state = OUTPUT_SYNC_DATA;
	steady_op_init(&s->op, e->env, NULL, e->marks.list[lane].path);
	steady_op_begin(&s->op, (struct io_op){.code = code, .fd = file->fd});
}

static void begin_sync(struct output_epochs *e, uint64_t epoch)
{
	e->epoch = epoch;
	e->settled_by = e->settling.taken;
	e->acted |= e->journal.noted > 0;
	e->state = OUTPUT_EPOCHS_FILES;
}

void output_epochs_cut(struct output_epochs *e, uint64_t epoch)
{
	if (!e->on)
		return;
	bool opened = has_opened(e);
	begin_sync(e, epoch);
	undo_journal_cut(&e->journal, epoch);
	for (size_t i = 0; i < e->marks.count; i++) {
		if (e->lanes[i].file)
			sync_file(e, i);
		else if (opened)
			drop_mark(e, i);
		e->lanes[i].file = NULL;
	}
}

void output_epochs_end(struct output_epochs *e)
{
	if (!e->on)
		return;
	bool opened = has_opened(e);
	for (size_t i = 0; i < e->marks.count; i++) {
		if (e->lanes[i].ended)
			continue;
		if (opened)
			drop_mark(e, i);
		else
			close_mark(e, i);
	}
	begin_sync(e, e->journal.epoch);
}

static int fail(struct output_epochs *e, size_t lane, const char *what)
{
	env_say(e->env, SAY_ERROR, what, "path=%s error=%s",
		space_wait_shown(e->settling.space, e->marks.list[lane].path),
		strerror((int)-e->lanes[lane].op.result));
	e->failed = -EIO;
	return e->failed;
}

static int after_sync(struct output_epochs *e, size_t lane)
{
	struct output_sync *s = &e->lanes[lane];
	bool data = s->state == OUTPUT_SYNC_DATA;
	if (s->op.result < 0)
		return fail(e, lane,
			    data ? "output cannot be synced" : "output directory cannot be synced");
	s->state = data && s->holder >= 0 ? OUTPUT_SYNC_NAME : OUTPUT_SYNC_DONE;
	if (s->state == OUTPUT_SYNC_NAME)
		steady_op_begin(&s->op, (struct io_op){.code = IO_SYNC, .fd = s->holder});
	return STEP_MORE;
}

/* STEP_DONE when all are synced. */
static int step_files(struct output_epochs *e)
{
	int more = STEP_WAIT;
	bool done = true;
	for (size_t i = 0; i < e->lane_count; i++) {
		if (e->lanes[i].state == OUTPUT_SYNC_DONE)
			continue;
		int r = steady_op_step(&e->lanes[i].op);
		if (r == STEP_DONE)
			r = after_sync(e, i);
		if (r < 0)
			return r;
		more |= r;
		done &= e->lanes[i].state == OUTPUT_SYNC_DONE;
	}
	return done ? STEP_DONE : more;
}

static int go_on(struct output_epochs *e)
{
	if (e->state == OUTPUT_EPOCHS_FILES) {
		int r = step_files(e);
		if (r != STEP_DONE)
			return r;
		e->state = OUTPUT_EPOCHS_SETTLING;
	}
	if (e->state != OUTPUT_EPOCHS_SETTLING || e->settling.settled < e->settled_by)
		return STEP_WAIT;
	e->state = OUTPUT_EPOCHS_SYNCED;
	return STEP_MORE;
}

int output_epochs_step(struct output_epochs *e)
{
	if (!e->on || e->failed)
		return e->failed;
	uint64_t before = e->settling.settled;
	int settled = output_settling_step(&e->settling);
	if (settled < 0) {
		e->failed = settled;
		return settled;
	}
	int r = go_on(e);
	bool moved = settled == STEP_MORE || e->settling.settled > before;
	return moved && r == STEP_WAIT ? STEP_MORE : r;
}

bool output_epochs_is_busy(const struct output_epochs *e)
{
	for (size_t i = 0; e->on && i < e->lane_count; i++)
		if (e->lanes[i].op.op.busy)
			return true;
	return false;
}

/* ---- remembering ---- */

static bool has_news(const struct output_epochs *e)
{
	bool any = e->acted;
	for (size_t i = 0; i < e->marks.count && !any; i++)
		any = e->lanes[i].changed;
	return any;
}

/* The first one in any case, as it says how new all are. */
static int put_marks(struct output_epochs *e, struct delta *d)
{
	int r = 0;
	for (size_t i = 0; i < e->marks.count && r == 0; i++) {
		struct output_mark *m = &e->marks.list[i];
		if (i > 0 && !e->lanes[i].changed)
			continue;
		m->epoch = e->epoch;
		r = i > 0 && output_mark_is_none(m) ? output_mark_forget(d, (unsigned)i)
						    : output_mark_put(d, (unsigned)i, m);
	}
	return r;
}

static void note_told(struct output_epochs *e)
{
	for (size_t i = 0; i < e->marks.count; i++) {
		e->lanes[i].told_inode = e->marks.list[i].inode;
		e->lanes[i].changed = false;
	}
	e->told_epoch = e->epoch;
}

int output_epochs_put(struct output_epochs *e, struct delta *d)
{
	if (e->failed)
		return e->failed;
	if (!e->on || e->state == OUTPUT_EPOCHS_NONE)
		return STEP_DONE;
	if (e->state != OUTPUT_EPOCHS_SYNCED)
		return output_epochs_step(e);
	if (has_news(e)) {
		int r = put_marks(e, d);
		if (r < 0)
			return r;
		note_told(e);
	}
	e->acted = false;
	e->state = OUTPUT_EPOCHS_NONE;
	return STEP_DONE;
}

void output_epochs_committed(struct output_epochs *e, uint64_t epoch)
{
	if (!e->on || e->told_epoch > epoch)
		return;
	for (size_t i = 0; i < e->marks.count; i++)
		e->lanes[i].committed_inode = e->lanes[i].told_inode;
	undo_journal_committed(&e->journal, epoch, e->told_epoch);
}

void output_epochs_keep_track(struct output_epochs *e)
{
	e->journal.keeps_inodes = true;
}

bool output_epochs_needs(const struct output_epochs *e, uint64_t inode)
{
	if (!e->on)
		return false;
	for (size_t i = 0; i < e->marks.count; i++) {
		const struct output_sync *s = &e->lanes[i];
		if (inode == s->committed_inode || inode == s->told_inode ||
		    inode == e->marks.list[i].inode)
			return true;
	}
	return undo_journal_touches(&e->journal, inode);
}

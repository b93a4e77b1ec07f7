#include "stages/output_epochs.h"

#include <errno.h>
#include <string.h>

int output_epochs_init(struct output_epochs *e, struct env *env, struct stage_counters *counters,
		       struct space_wait *space, const struct output_memory *memory)
{
	memset(e, 0, sizeof *e);
	e->env = env;
	e->holder = -1;
	e->on = memory->state_dir != NULL;
	if (!e->on)
		return 0;
	output_settling_init(&e->settling, env, space);
	int r = output_mark_get(memory->saved, &e->mark);
	e->told = e->mark;
	e->committed_inode = e->mark.inode;
	int made = undo_journal_init(&e->journal, env, counters, memory->state_dir, memory->sink,
				     memory->epoch + 1, e->mark.epoch);
	e->journal.is_secret = space->secret;
	if (r == 0)
		r = made;
	if (r == 0)
		r = output_recovery_begin(&e->recovery, env, counters, memory->state_dir,
					  memory->sink, memory->epoch, &e->told);
	bool was_secret = !output_mark_is_none(&e->told) && !e->told.is_public;
	e->recovery.space.secret = space->secret || was_secret;
	return r;
}

void output_epochs_release(struct output_epochs *e)
{
	if (!e->on)
		return;
	output_recovery_release(&e->recovery);
	undo_journal_release(&e->journal);
	output_settling_release(&e->settling);
	e->on = false;
}

int output_epochs_recover(struct output_epochs *e)
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
	if (output_recovery_found_left(&e->recovery))
		e->mark = (struct output_mark){.epoch = e->told.epoch}; /* it holds no more */
	e->restored = (struct output_end){.inode = e->told.inode,
					  .birth_ns = e->told.birth_ns,
					  .length = output_recovery_length(&e->recovery)};
	output_recovery_release(&e->recovery);
	e->recovered = true;
	return STEP_DONE;
}

/* ---- making it durable ---- */

static void go(struct output_epochs *e, enum output_sync state)
{
	e->sync = state;
	if (state == OUTPUT_SYNC_NAME)
		steady_op_begin(&e->op, (struct io_op){.code = IO_SYNC, .fd = e->holder});
}

static void begin_sync(struct output_epochs *e, struct output_file *file)
{
	e->settled_by = e->settling.taken;
	if (!file || (!e->acted && output_mark_equals(&e->mark, &e->told))) {
		go(e, OUTPUT_SYNC_SETTLING);
		return;
	}
	/* What syncs a file's length need not sync that it is there. */
	enum io_code code = file->synced ? IO_DATASYNC : IO_SYNC;
	e->holder = file->synced ? -1 : output_file_holder(file);
	file->synced = true;
	steady_op_init(&e->op, e->env, NULL, e->mark.path);
	go(e, OUTPUT_SYNC_DATA);
	steady_op_begin(&e->op, (struct io_op){.code = code, .fd = file->fd});
}

static void set_mark(struct output_epochs *e, const struct output_file *file, uint64_t length,
		     uint64_t whole)
{
	e->mark = (struct output_mark){.inode = file->status.inode,
				       .birth_ns = file->status.birth_ns,
				       .length = length,
				       .whole = whole,
				       .is_public = !e->settling.space->secret};
	memccpy(e->mark.path, file->path, '\0', sizeof e->mark.path - 1);
}

void output_epochs_cut(struct output_epochs *e, struct output_file *file, uint64_t length,
		       uint64_t whole, uint64_t epoch)
{
	if (file)
		set_mark(e, file, length, whole);
	else if (e->settling.taken > 0)
		e->mark = (struct output_mark){.epoch = 0};
	e->mark.epoch = epoch;
	e->acted |= e->journal.noted > 0;
	undo_journal_cut(&e->journal, epoch);
	begin_sync(e, file);
}

void output_epochs_note_end(struct output_epochs *e, const struct output_file *file,
			    uint64_t length)
{
	set_mark(e, file, length, length);
	e->mark.closed = true;
	e->ended = true;
}

/* The file has not been opened since it was brought back, and is others' from now on as much as one that was. */
static void close_mark(struct output_epochs *e)
{
	if (output_mark_is_none(&e->mark) || !e->recovered)
		return;
	e->mark.whole = e->mark.length;
	e->mark.closed = true;
}

void output_epochs_end(struct output_epochs *e)
{
	if (!e->on)
		return;
	if (!e->ended && e->settling.taken > 0)
		e->mark = (struct output_mark){.epoch = 0};
	if (!e->ended)
		close_mark(e);
	e->ended = true;
	e->mark.epoch = e->journal.epoch;
	e->acted |= e->journal.noted > 0;
	begin_sync(e, NULL);
}

static int fail(struct output_epochs *e, const char *what)
{
	env_say(e->env, SAY_ERROR, what, "path=%s error=%s",
		space_wait_shown(e->settling.space, e->mark.path), strerror((int)-e->op.result));
	e->failed = -EIO;
	return e->failed;
}

static int after_sync(struct output_epochs *e)
{
	bool data = e->sync == OUTPUT_SYNC_DATA;
	if (e->op.result < 0)
		return fail(e,
			    data ? "output cannot be synced" : "output directory cannot be synced");
	go(e, data && e->holder >= 0 ? OUTPUT_SYNC_NAME : OUTPUT_SYNC_SETTLING);
	return STEP_MORE;
}

static int go_on(struct output_epochs *e)
{
	if (output_epochs_uses_file(e)) {
		int r = steady_op_step(&e->op);
		return r == STEP_DONE ? after_sync(e) : r;
	}
	if (e->sync != OUTPUT_SYNC_SETTLING || e->settling.settled < e->settled_by)
		return STEP_WAIT;
	go(e, OUTPUT_SYNC_SYNCED);
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

int output_epochs_put(struct output_epochs *e, struct delta *d)
{
	if (e->failed)
		return e->failed;
	if (!e->on || e->sync == OUTPUT_SYNC_NONE)
		return STEP_DONE;
	if (e->sync != OUTPUT_SYNC_SYNCED)
		return output_epochs_step(e);
	if (e->acted || !output_mark_equals(&e->mark, &e->told)) {
		int r = output_mark_put(d, &e->mark);
		if (r < 0)
			return r;
		e->told = e->mark;
	}
	e->acted = false;
	go(e, OUTPUT_SYNC_NONE);
	return STEP_DONE;
}

void output_epochs_committed(struct output_epochs *e, uint64_t epoch)
{
	if (!e->on || e->told.epoch > epoch)
		return;
	e->committed_inode = e->told.inode;
	undo_journal_committed(&e->journal, epoch, e->told.epoch);
}

void output_epochs_keep_track(struct output_epochs *e)
{
	e->journal.keeps_inodes = true;
}

bool output_epochs_needs(const struct output_epochs *e, uint64_t inode)
{
	return e->on && (inode == e->committed_inode || inode == e->told.inode ||
			 inode == e->mark.inode || undo_journal_touches(&e->journal, inode));
}

#include "stages/output_recovery.h"
#include "stages/cure.h"
#include "stages/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 64 * 1024, CONTENT_MAX = 256 << 20 };

static int fail(struct output_recovery *r, const char *what, int64_t result)
{
	unsigned file = r->file < UNDO_FILES ? r->file : 0;
	env_say(r->env, SAY_ERROR, what, "path=%s error=%s", r->paths[file],
		strerror((int)-result));
	r->failed = (int)result;
	return r->failed;
}

static int refuse(struct output_recovery *r, const char *what)
{
	env_say(r->env, SAY_ERROR, what, "path=%s epoch=%" PRIu64 " cure=%s",
		r->paths[r->file < UNDO_FILES ? r->file : 0], r->epoch, cure_state);
	r->failed = -EIO;
	return r->failed;
}

/* ---- reading ---- */

static void go_to_open(struct output_recovery *r)
{
	r->state = RECOVERY_OPEN;
	steady_op_begin(
	    &r->op, (struct io_op){.code = IO_OPEN,
				   .fd = AT_FDCWD,
				   .open = {.path = r->paths[r->file],
					    .flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY}});
}

static int go_to_read(struct output_recovery *r)
{
	struct packer *p = &r->content[r->file];
	if (p->length > CONTENT_MAX)
		return refuse(r, "undo journal is too large to be one");
	if (packer_reserve(p, CHUNK) < 0)
		return fail(r, "undo journal cannot be read", -ENOMEM);
	r->state = RECOVERY_READ;
	steady_op_begin(
	    &r->op, (struct io_op){
			.code = IO_READ,
			.fd = r->fds[r->file],
			.read = {.bytes = p->bytes + p->length, .length = CHUNK, .at = p->length}});
	return STEP_MORE;
}

static int parse(struct output_recovery *r, unsigned file)
{
	r->file = file;
	int error = undo_acts_add(&r->acts, file,
				  packed_from(r->content[file].bytes, r->content[file].length));
	if (error == -EBADMSG)
		return refuse(r, "undo journal is damaged");
	if (error == -ESTALE)
		return refuse(r, "state is older than what was committed");
	return error < 0 ? fail(r, "undo journal cannot be read", error) : 0;
}

static int parse_all(struct output_recovery *r)
{
	int error = 0;
	undo_acts_init(&r->acts, r->epoch, output_marks_epoch(r->marks));
	for (unsigned i = 0; i < UNDO_FILES && error == 0; i++)
		error = parse(r, i);
	return error;
}

/* ---- undoing ---- */

/* The entry that says that others had to do with the file that mark number i is of; NULL: none does. */
static const struct undo_entry *left_entry(const struct output_recovery *r, size_t i)
{
	const struct output_mark *m = &r->marks->list[i];
	return output_mark_is_none(m) ? NULL : undo_acts_left(&r->acts, m->inode);
}

bool output_recovery_found_left(const struct output_recovery *r, size_t i)
{
	return left_entry(r, i) != NULL;
}

struct output_end output_recovery_end(const struct output_recovery *r, size_t i)
{
	return r->ends[i];
}

static bool is_left_in(const struct output_recovery *r, size_t i, unsigned file)
{
	const struct undo_entry *left = left_entry(r, i);
	return left && left->epoch == r->epoch + 1 && left->epoch % UNDO_FILES == file;
}

/* How much of that file is to stay. */
static uint64_t staying(const struct output_recovery *r, unsigned file)
{
	for (size_t i = 0; i < r->marks->count; i++)
		if (is_left_in(r, i, file))
			return r->acts.whole[file];
	return 0;
}

static int empty_next(struct output_recovery *r, unsigned file);

static int restore_next(struct output_recovery *r)
{
	size_t i = r->restored;
	while (i < r->marks->count && output_mark_is_none(&r->marks->list[i]))
		i++;
	r->restored = i;
	if (i == r->marks->count)
		return empty_next(r, 0);
	r->state = RECOVERY_RESTORE;
	output_restore_begin(&r->restore, r->env, &r->space, &r->marks->list[i],
			     left_entry(r, i) ? RESTORE_LEFT
			     : r->orphan      ? RESTORE_ORPHAN
					      : RESTORE_MARK);
	return STEP_MORE;
}

static int after_restore(struct output_recovery *r)
{
	const struct output_mark *m = &r->marks->list[r->restored];
	bool had_open_frame = m->whole < m->length;
	r->ends[r->restored++] =
	    (struct output_end){.inode = m->inode,
				.birth_ns = m->birth_ns,
				.length = had_open_frame ? r->restore.frame.at : m->length};
	return restore_next(r);
}

static int undo_next(struct output_recovery *r)
{
	if (r->left == 0)
		return restore_next(r);
	r->state = RECOVERY_UNDO;
	const struct undo_entry *e = &r->acts.entries[--r->left];
	bool again = undo_acts_come_again(&r->acts, r->left, r->marks, e->inode);
	output_undo_begin(&r->undo, r->env, &r->space, e, again);
	return STEP_MORE;
}

static int begin_undoing(struct output_recovery *r)
{
	int error = parse_all(r);
	if (error < 0)
		return error;
	r->left = r->acts.count;
	if (r->left > 0)
		env_say(r->env, SAY_INFO, "undoing what was not committed",
			"epoch=%" PRIu64 " acts=%zu", r->epoch, r->left);
	return undo_next(r);
}

/* ---- the journal itself ---- */

static int open_next(struct output_recovery *r)
{
	if (++r->file == UNDO_FILES)
		return begin_undoing(r);
	go_to_open(r);
	return STEP_MORE;
}

static int after_open(struct output_recovery *r, int64_t result)
{
	if (result == -ENOENT)
		return open_next(r);
	if (result < 0)
		return fail(r, "undo journal cannot be opened", result);
	r->fds[r->file] = (int)result;
	return go_to_read(r);
}

static int after_read(struct output_recovery *r, int64_t result)
{
	if (result < 0)
		return fail(r, "undo journal cannot be read", result);
	r->content[r->file].length += (size_t)result;
	return result > 0 ? go_to_read(r) : open_next(r);
}

/* From that file on. */
static int empty_next(struct output_recovery *r, unsigned file)
{
	while (file < UNDO_FILES && r->fds[file] < 0)
		file++;
	r->file = file;
	r->state = file < UNDO_FILES ? RECOVERY_EMPTY : RECOVERY_DONE;
	uint64_t length = file < UNDO_FILES ? staying(r, file) : 0;
	r->stays += length;
	if (file < UNDO_FILES)
		steady_op_begin(&r->op, (struct io_op){.code = IO_TRUNCATE,
						       .fd = r->fds[file],
						       .truncate = {.length = length}});
	return STEP_MORE;
}

static int after_empty(struct output_recovery *r, int64_t result)
{
	if (result < 0)
		return fail(r, "undo journal cannot be emptied", result);
	r->state = RECOVERY_SYNC;
	steady_op_begin(&r->op, (struct io_op){.code = IO_DATASYNC, .fd = r->fds[r->file]});
	return STEP_MORE;
}

static int after_sync(struct output_recovery *r, int64_t result)
{
	if (result < 0) {
		fail(r, "undo journal cannot be synced", result);
		return r->failed = -EIO;
	}
	r->state = RECOVERY_CLOSE;
	steady_op_begin(&r->op, descriptor_closing(&r->fds[r->file]));
	return STEP_MORE;
}

static int after_close(struct output_recovery *r, int64_t result)
{
	(void)result; /* it is synced */
	r->fds[r->file] = -1;
	return empty_next(r, r->file + 1);
}

static int (*const after[])(struct output_recovery *r, int64_t result) = {
    [RECOVERY_OPEN] = after_open, [RECOVERY_READ] = after_read,   [RECOVERY_EMPTY] = after_empty,
    [RECOVERY_SYNC] = after_sync, [RECOVERY_CLOSE] = after_close,
};

/* ---- all of it ---- */

static int name_files(struct output_recovery *r, const char *state_dir, const char *sink)
{
	for (unsigned i = 0; i < UNDO_FILES; i++) {
		char name[NAME_MAX + 1];
		int error = undo_journal_name(sink, i, name, sizeof name);
		int n = snprintf(r->paths[i], PATH_MAX, "%s/%s", state_dir, name);
		if (error < 0 || n < 0 || n >= PATH_MAX)
			return -ENAMETOOLONG;
	}
	return 0;
}

int output_recovery_begin(struct output_recovery *r, struct env *env,
			  struct stage_counters *counters, const char *state_dir, const char *sink,
			  uint64_t epoch, const struct output_marks *marks)
{
	memset(r, 0, sizeof *r);
	r->env = env;
	r->epoch = epoch;
	r->marks = marks;
	for (unsigned i = 0; i < UNDO_FILES; i++)
		r->fds[i] = -1;
	space_wait_init(&r->space, env, counters);
	steady_op_init(&r->op, env, &r->space, r->paths[0]);
	r->ends = calloc(marks->count + 1, sizeof *r->ends);
	int error = r->ends ? name_files(r, state_dir, sink) : -ENOMEM;
	if (error == 0)
		go_to_open(r);
	else
		r->failed = error;
	return error;
}

int output_recovery_step(struct output_recovery *r)
{
	if (r->failed || r->state == RECOVERY_DONE)
		return r->failed ? r->failed : STEP_DONE;
	bool undoing = r->state == RECOVERY_UNDO, restoring = r->state == RECOVERY_RESTORE;
	int stepped = undoing     ? output_undo_step(&r->undo)
		      : restoring ? output_restore_step(&r->restore)
				  : steady_op_step(&r->op);
	if (stepped < 0)
		r->failed = stepped;
	if (stepped != STEP_DONE)
		return stepped;
	if (undoing)
		return undo_next(r);
	return restoring ? after_restore(r) : after[r->state](r, r->op.result);
}

void output_recovery_release(struct output_recovery *r)
{
	if (!r->env)
		return;
	if (r->state == RECOVERY_UNDO)
		output_undo_release(&r->undo);
	if (r->state == RECOVERY_RESTORE)
		output_restore_release(&r->restore);
	for (unsigned i = 0; i < UNDO_FILES; i++) {
		descriptor_close(r->env->io, &r->fds[i]);
		packer_release(&r->content[i]);
	}
	undo_acts_release(&r->acts);
	free(r->ends);
	r->ends = NULL;
}

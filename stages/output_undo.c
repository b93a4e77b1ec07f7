#include "stages/output_undo.h"
#include "stages/descriptor.h"
#include "stages/path_above.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* Where the file is if the act happened. A link that stands where a file was created is seen as such; the name of a
 * renamed file may be a link that was renamed. */
static void begin_open(struct output_undo *u)
{
	bool renamed = u->entry->kind == UNDO_RENAMED;
	int flags = O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (renamed ? 0 : O_NOFOLLOW);
	steady_op_begin(&u->op,
			(struct io_op){.code = IO_OPEN,
				       .fd = AT_FDCWD,
				       .open = {.path = renamed ? u->entry->to : u->entry->path,
						.flags = flags}});
}

static void begin_look(struct output_undo *u)
{
	steady_op_begin(&u->op,
			(struct io_op){.code = IO_STAT, .fd = u->fd, .stat = {.into = &u->status}});
}

static void begin_lock(struct output_undo *u)
{
	steady_op_begin(&u->op, (struct io_op){.code = IO_LOCK, .fd = u->fd});
}

static void begin_unlink(struct output_undo *u)
{
	const struct undo_entry *e = u->entry;
	steady_op_begin(
	    &u->op, (struct io_op){.code = IO_UNLINK,
				   .fd = AT_FDCWD,
				   .unlink = {.path = e->kind == UNDO_RENAMED ? e->to : e->path}});
}

static void begin_rename(struct output_undo *u)
{
	steady_op_begin(&u->op,
			(struct io_op){.code = IO_RENAME,
				       .fd = AT_FDCWD,
				       .rename = {.from = u->entry->to, .to = u->entry->path}});
}

/* What has its old name: the file itself, if a crash left it both of its names? */
static void begin_compare(struct output_undo *u)
{
	steady_op_begin(&u->op,
			(struct io_op){.code = IO_STAT,
				       .fd = AT_FDCWD,
				       .stat = {.path = u->entry->path, .into = &u->status}});
}

static void begin_close(struct output_undo *u)
{
	steady_op_begin(&u->op, descriptor_closing(&u->fd));
}

static void begin_directory_open(struct output_undo *u)
{
	path_above(u->entry->path, u->directory);
	steady_op_begin(&u->op, (struct io_op){.code = IO_OPEN,
					       .fd = AT_FDCWD,
					       .open = {.path = u->directory,
							.flags = O_DIRECTORY | O_CLOEXEC}});
}

static void begin_directory_sync(struct output_undo *u)
{
	steady_op_begin(&u->op, (struct io_op){.code = IO_SYNC, .fd = u->fd});
}

static void begin_restore(struct output_undo *u)
{
	bool may_be_short = u->again || u->entry->kind == UNDO_LEFT;
	output_restore_begin(&u->restore, u->env, u->space, &u->mark,
			     may_be_short ? RESTORE_UNDO_AGAIN : RESTORE_UNDO);
}

static void (*const begin[OUTPUT_UNDO_STATES])(struct output_undo *u) = {
    [OUTPUT_UNDO_OPEN] = begin_open,
    [OUTPUT_UNDO_LOOK] = begin_look,
    [OUTPUT_UNDO_LOCK] = begin_lock,
    [OUTPUT_UNDO_UNLINK] = begin_unlink,
    [OUTPUT_UNDO_RENAME] = begin_rename,
    [OUTPUT_UNDO_COMPARE] = begin_compare,
    [OUTPUT_UNDO_CLOSE] = begin_close,
    [OUTPUT_UNDO_DIRECTORY_OPEN] = begin_directory_open,
    [OUTPUT_UNDO_DIRECTORY_SYNC] = begin_directory_sync,
    [OUTPUT_UNDO_DIRECTORY_CLOSE] = begin_close,
    [OUTPUT_UNDO_RESTORE] = begin_restore,
};

static void go(struct output_undo *u, enum output_undo_state state)
{
	u->state = state;
	if (begin[state])
		begin[state](u);
}

/* Closes what is open. */
static void fail(struct output_undo *u, const char *what, int64_t result)
{
	env_say(u->env, SAY_ERROR, what, "path=%s error=%s",
		space_wait_shown(u->space, u->entry->path), strerror((int)-result));
	u->failed = (int)result;
	go(u, u->fd >= 0 ? OUTPUT_UNDO_CLOSE : OUTPUT_UNDO_DONE);
}

static void go_to_restore(struct output_undo *u, uint64_t length)
{
	const struct undo_entry *e = u->entry;
	u->mark = (struct output_mark){
	    .inode = e->inode, .birth_ns = e->birth_ns, .length = length, .whole = length};
	memccpy(u->mark.path, e->path, '\0', sizeof u->mark.path - 1);
	go(u, OUTPUT_UNDO_RESTORE);
}

static bool is_not_there(int64_t result)
{
	bool is_another = result == -ENXIO || result == -EISDIR || result == -ELOOP;
	return result == -ENOENT || result == -ENOTDIR || is_another;
}

static void after_open(struct output_undo *u, int64_t result)
{
	if (result == -ELOOP && u->entry->inode) {
		go_to_restore(u, 0);
	} else if (is_not_there(result)) {
		go(u, OUTPUT_UNDO_DIRECTORY_OPEN);
	} else if (result < 0) {
		fail(u, "output cannot be opened", result);
	} else {
		u->fd = (int)result;
		go(u, OUTPUT_UNDO_LOOK);
	}
}

static bool is_the_one(const struct output_undo *u)
{
	if (!S_ISREG(u->status.mode))
		return false;
	if (!u->entry->inode)
		return u->status.size == 0;
	return u->entry->inode == u->status.inode &&
	       output_births_agree(u->entry->birth_ns, u->status.birth_ns);
}

static void after_look(struct output_undo *u, int64_t result)
{
	if (result < 0)
		fail(u, "output cannot be looked at", result);
	else
		go(u, (u->found = is_the_one(u)) ? OUTPUT_UNDO_LOCK : OUTPUT_UNDO_CLOSE);
}

static void after_lock(struct output_undo *u, int64_t result)
{
	if (result == -EBUSY) {
		if (!lock_wait_begin(&u->lock, u->env, space_wait_shown(u->space, u->entry->path)))
			fail(u, "output in use by another process or sink", -EBUSY);
	} else if (result < 0 && !lock_is_unknown(result)) {
		fail(u, "output cannot be locked", result);
	} else {
		go(u, u->entry->kind == UNDO_RENAMED ? OUTPUT_UNDO_RENAME : OUTPUT_UNDO_UNLINK);
	}
}

static void after_unlink(struct output_undo *u, int64_t result)
{
	if (result < 0 && result != -ENOENT)
		fail(u, "output of an epoch that was not committed cannot be removed", result);
	else
		go(u, OUTPUT_UNDO_CLOSE);
}

static void after_rename(struct output_undo *u, int64_t result)
{
	if (result == -EEXIST)
		go(u, OUTPUT_UNDO_COMPARE);
	else if (result < 0)
		fail(u, "output cannot be renamed back", result);
	else
		go(u, OUTPUT_UNDO_CLOSE);
}

static void after_compare(struct output_undo *u, int64_t result)
{
	if (result == 0 && is_the_one(u))
		go(u, OUTPUT_UNDO_UNLINK);
	else
		fail(u, "output cannot be renamed back", -EEXIST);
}

static void after_close(struct output_undo *u, int64_t result)
{
	(void)result; /* nothing was written to it */
	u->fd = -1;
	go(u, u->failed ? OUTPUT_UNDO_DONE : OUTPUT_UNDO_DIRECTORY_OPEN);
}

static void after_directory_open(struct output_undo *u, int64_t result)
{
	if (result == -ENOENT || result == -ENOTDIR) {
		go(u, OUTPUT_UNDO_DONE);
	} else if (result < 0) {
		fail(u, "output directory cannot be opened", result);
	} else {
		u->fd = (int)result;
		go(u, OUTPUT_UNDO_DIRECTORY_SYNC);
	}
}

static void after_directory_sync(struct output_undo *u, int64_t result)
{
	if (result < 0) {
		fail(u, "output directory cannot be synced", result);
		u->failed = -EIO;
	} else {
		go(u, OUTPUT_UNDO_DIRECTORY_CLOSE);
	}
}

/* What was created is not there any more, and maybe has another name. */
static void after_directory_close(struct output_undo *u, int64_t result)
{
	(void)result; /* it is synced */
	u->fd = -1;
	if (u->entry->kind == UNDO_CREATED && u->entry->birth_ns != 0 && !u->found)
		go_to_restore(u, 0);
	else
		go(u, OUTPUT_UNDO_DONE);
}

static void (*const after[OUTPUT_UNDO_STATES])(struct output_undo *u, int64_t result) = {
    [OUTPUT_UNDO_OPEN] = after_open,
    [OUTPUT_UNDO_LOOK] = after_look,
    [OUTPUT_UNDO_LOCK] = after_lock,
    [OUTPUT_UNDO_UNLINK] = after_unlink,
    [OUTPUT_UNDO_RENAME] = after_rename,
    [OUTPUT_UNDO_COMPARE] = after_compare,
    [OUTPUT_UNDO_CLOSE] = after_close,
    [OUTPUT_UNDO_DIRECTORY_OPEN] = after_directory_open,
    [OUTPUT_UNDO_DIRECTORY_SYNC] = after_directory_sync,
    [OUTPUT_UNDO_DIRECTORY_CLOSE] = after_directory_close,
};

void output_undo_begin(struct output_undo *u, struct env *env, struct space_wait *space,
		       const struct undo_entry *entry, bool again)
{
	u->env = env;
	u->space = space;
	u->entry = entry;
	u->again = again;
	u->fd = -1;
	u->lock = (struct lock_wait){0};
	u->found = false;
	u->failed = 0;
	steady_op_init(&u->op, env, space, entry->path);
	if (entry->kind == UNDO_APPENDED || entry->kind == UNDO_LEFT)
		go_to_restore(u, entry->length);
	else
		go(u, OUTPUT_UNDO_OPEN);
}

int output_undo_step(struct output_undo *u)
{
	if (u->state == OUTPUT_UNDO_DONE)
		return u->failed ? u->failed : STEP_DONE;
	if (u->state == OUTPUT_UNDO_RESTORE)
		return output_restore_step(&u->restore);
	if (lock_wait_is_on(&u->lock)) {
		if (lock_wait_pending(&u->lock, u->env))
			return STEP_WAIT;
		go(u, OUTPUT_UNDO_LOCK);
		return STEP_MORE;
	}
	int r = steady_op_step(&u->op);
	if (r != STEP_DONE)
		return r;
	after[u->state](u, u->op.result);
	return STEP_MORE;
}

void output_undo_release(struct output_undo *u)
{
	if (!u->env)
		return;
	if (u->state == OUTPUT_UNDO_RESTORE)
		output_restore_release(&u->restore);
	descriptor_close(u->env->io, &u->fd);
}

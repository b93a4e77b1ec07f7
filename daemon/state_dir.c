#include "daemon/state_dir.h"
#include "stages/descriptor.h"
#include "stages/stage.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIRECTORY = O_RDONLY | O_DIRECTORY | O_CLOEXEC };

/* Nothing to do: the next step sees that the operation is no longer busy. */
static void on_done(struct io_op *op)
{
	(void)op;
}

static void submit(struct state_dir *d, struct io_op op)
{
	d->op = op;
	d->op.done = on_done;
	d->op.owner = d;
	io_submit(d->io, &d->op);
}

static void begin_open(struct state_dir *d)
{
	submit(d, (struct io_op){.code = IO_OPEN,
				 .fd = AT_FDCWD,
				 .open = {.path = d->path, .flags = DIRECTORY}});
}

/* d->part becomes the first `length` bytes of path, or what stands for none of them. */
static void take_part(struct state_dir *d, size_t length)
{
	if (length == 0)
		d->part[length++] = '.';
	else
		memcpy(d->part, d->path, length);
	d->part[length] = '\0';
}

static void begin_make(struct state_dir *d)
{
	take_part(d, d->walked);
	submit(d, (struct io_op){
		      .code = IO_MKDIR, .fd = AT_FDCWD, .mkdir = {.path = d->part, .mode = 0700}});
}

static void begin_above(struct state_dir *d)
{
	take_part(d, d->above);
	submit(d, (struct io_op){.code = IO_OPEN,
				 .fd = AT_FDCWD,
				 .open = {.path = d->part, .flags = DIRECTORY}});
}

static void begin_sync(struct state_dir *d)
{
	submit(d, (struct io_op){.code = IO_SYNC, .fd = d->above_fd});
}

static void begin_leave(struct state_dir *d)
{
	submit(d, descriptor_closing(&d->above_fd));
}

static void begin_lock_open(struct state_dir *d)
{
	int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | (d->made ? O_CREAT : 0);
	submit(d, (struct io_op){
		      .code = IO_OPEN,
		      .fd = d->fd,
		      .open = {.path = "lock", .flags = flags, .mode = d->made ? 0600 : 0}});
}

static void begin_lock(struct state_dir *d)
{
	submit(d, (struct io_op){.code = IO_LOCK, .fd = d->lock});
}

static void begin_holder(struct state_dir *d)
{
	submit(d, (struct io_op){.code = IO_READ,
				 .fd = d->lock,
				 .read = {.bytes = d->text, .length = sizeof d->text - 1}});
}

/* Always of one length, so that nothing of another number is left behind it. */
static void begin_note(struct state_dir *d)
{
	d->span = (struct iovec){.iov_base = d->text, .iov_len = strlen(d->text)};
	submit(d, (struct io_op){
		      .code = IO_WRITE, .fd = d->lock, .write = {.spans = &d->span, .count = 1}});
}

static void (*const begin[STATE_DIR_STATES])(struct state_dir *d) = {
    [STATE_DIR_OPEN] = begin_open,   [STATE_DIR_MAKE] = begin_make,
    [STATE_DIR_ABOVE] = begin_above, [STATE_DIR_SYNC] = begin_sync,
    [STATE_DIR_LEAVE] = begin_leave, [STATE_DIR_LOCK_OPEN] = begin_lock_open,
    [STATE_DIR_LOCK] = begin_lock,   [STATE_DIR_HOLDER] = begin_holder,
    [STATE_DIR_NOTE] = begin_note,
};

static int go(struct state_dir *d, enum state_dir_state state)
{
	d->state = state;
	if (begin[state])
		begin[state](d);
	return STEP_MORE;
}

static int fail(struct state_dir *d, int64_t result)
{
	d->failed = (int)result;
	d->state = STATE_DIR_FAILED;
	return d->failed;
}

/* The next directory on the way down, or all are there. */
static int walk_on(struct state_dir *d)
{
	size_t from = d->walked + strspn(d->path + d->walked, "/");
	size_t length = strcspn(d->path + from, "/");
	if (length == 0) {
		d->made = true;
		return go(d, STATE_DIR_OPEN);
	}
	d->above = from;
	d->walked = from + length;
	return go(d, STATE_DIR_MAKE);
}

static int after_open(struct state_dir *d, int64_t result)
{
	if (result == -ENOENT && !d->made)
		return walk_on(d);
	if (result < 0)
		return fail(d, result);
	d->fd = (int)result;
	return go(d, STATE_DIR_LOCK_OPEN);
}

/* What was there is synced too: it may have been made by one who did not come so far. */
static int after_make(struct state_dir *d, int64_t result)
{
	if (result < 0 && result != -EEXIST)
		return fail(d, result);
	d->new_part = result >= 0;
	return go(d, STATE_DIR_ABOVE);
}

/* What we may not read can't be synced by us. Whoever made what was there before us may have done it; of what we have
 * just made nobody has, and a crash would take it away with all that was committed in it. */
static int after_above(struct state_dir *d, int64_t result)
{
	if (result == -EACCES && !d->new_part)
		return walk_on(d);
	if (result < 0)
		return fail(d, result);
	d->above_fd = (int)result;
	return go(d, STATE_DIR_SYNC);
}

/* What can't be written to has nothing that is not on disk. */
static int after_sync(struct state_dir *d, int64_t result)
{
	if (result < 0 && result != -EROFS)
		return fail(d, result);
	return go(d, STATE_DIR_LEAVE);
}

static int after_leave(struct state_dir *d, int64_t result)
{
	(void)result; /* nothing was written to it */
	d->above_fd = -1;
	return walk_on(d);
}

static int after_lock_open(struct state_dir *d, int64_t result)
{
	if (result == -ENOENT && !d->made) {
		descriptor_close(d->io, &d->fd);
		return walk_on(d);
	}
	if (result < 0)
		return fail(d, result);
	d->lock = (int)result;
	return go(d, STATE_DIR_LOCK);
}

static int after_lock(struct state_dir *d, int64_t result)
{
	if (result == -EBUSY)
		return go(d, STATE_DIR_HOLDER);
	return result < 0 ? fail(d, result) : go(d, STATE_DIR_NOTE);
}

static int after_holder(struct state_dir *d, int64_t result)
{
	d->text[result > 0 ? result : 0] = '\0';
	d->holder = strtol(d->text, NULL, 10);
	return fail(d, -EBUSY);
}

/* The lock holds whether or not there was room to say whose it is; a disk that fails otherwise is not to be trusted. */
static int after_note(struct state_dir *d, int64_t result)
{
	if (result == -EIO)
		return fail(d, result);
	d->state = STATE_DIR_READY;
	return STEP_DONE;
}

static int (*const after[STATE_DIR_STATES])(struct state_dir *d, int64_t result) = {
    [STATE_DIR_OPEN] = after_open,   [STATE_DIR_MAKE] = after_make,
    [STATE_DIR_ABOVE] = after_above, [STATE_DIR_SYNC] = after_sync,
    [STATE_DIR_LEAVE] = after_leave, [STATE_DIR_LOCK_OPEN] = after_lock_open,
    [STATE_DIR_LOCK] = after_lock,   [STATE_DIR_HOLDER] = after_holder,
    [STATE_DIR_NOTE] = after_note,
};

int state_dir_step(struct state_dir *d)
{
	if (d->state == STATE_DIR_READY)
		return STEP_DONE;
	if (d->state == STATE_DIR_FAILED)
		return d->failed;
	if (d->op.busy)
		return STEP_WAIT;
	int64_t result = d->op.result;
	if (result == -EINTR && d->state != STATE_DIR_LEAVE)
		return go(d, d->state);
	return after[d->state](d, result);
}

int state_dir_open(struct state_dir *d, struct io *io, const char *path, long pid)
{
	*d = (struct state_dir){.io = io, .fd = -1, .lock = -1, .above_fd = -1};
	d->state = STATE_DIR_FAILED;
	size_t length = strlen(path);
	if (length == 0 || length >= sizeof d->path)
		return d->failed = length == 0 ? -EINVAL : -ENAMETOOLONG;
	memcpy(d->path, path, length + 1);
	snprintf(d->text, sizeof d->text, "%-20ld\n", pid);
	go(d, STATE_DIR_OPEN);
	return 0;
}

void state_dir_release(struct state_dir *d)
{
	assert(!d->op.busy);
	descriptor_close(d->io, &d->above_fd);
	descriptor_close(d->io, &d->lock);
	descriptor_close(d->io, &d->fd);
	d->state = STATE_DIR_FAILED;
	d->failed = -EBADF;
}

#include "daemon/epoch_guard.h"
#include "daemon/status.h"
#include "stages/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

int epoch_guard_init(struct epoch_guard *g, const char *state_dir, int lock)
{
	*g = (struct epoch_guard){.state = EPOCH_GUARD_DONE};
	int n = snprintf(g->lock_path, sizeof g->lock_path, "%s/lock", state_dir);
	if (n < 0 || (size_t)n >= sizeof g->lock_path)
		return -ENAMETOOLONG;
	int r = (int)status_read(lock, NULL, &g->status);
	g->device = g->status.device;
	g->inode = g->status.inode;
	return r;
}

/* Nothing to do: the next step sees that the operation is no longer busy. */
static void on_done(struct io_op *op)
{
	(void)op;
}

static void look(struct epoch_guard *g, int fd, const char *path)
{
	g->op = (struct io_op){.code = IO_STAT,
			       .fd = fd,
			       .stat = {.path = path, .into = &g->status},
			       .done = on_done,
			       .owner = g};
	io_submit(g->io, &g->op);
}

void epoch_guard_begin(struct epoch_guard *g, struct io *io, const struct epoch_log *log)
{
	g->io = io;
	g->log = log;
	g->state = EPOCH_GUARD_LOCK;
	look(g, AT_FDCWD, g->lock_path);
}

static bool is_gone(int64_t result)
{
	return result == -ENOENT || result == -ENOTDIR || result == -ESTALE;
}

static int after_lock(struct epoch_guard *g, int64_t result)
{
	bool is_another =
	    result == 0 && (g->status.device != g->device || g->status.inode != g->inode);
	if (is_gone(result) || is_another)
		return -ESTALE;
	/* before the first record there is no log */
	g->state = g->log->fd >= 0 ? EPOCH_GUARD_NAMED : EPOCH_GUARD_DONE;
	if (g->log->fd >= 0)
		look(g, g->log->directory, epoch_log_name);
	return STEP_MORE;
}

static int after_named(struct epoch_guard *g, int64_t result)
{
	if (is_gone(result))
		return -ESTALE;
	g->named = g->status;
	g->state = result < 0 ? EPOCH_GUARD_DONE : EPOCH_GUARD_OWN;
	if (result == 0)
		look(g, g->log->fd, NULL);
	return STEP_MORE;
}

static int after_own(struct epoch_guard *g, int64_t result)
{
	g->state = EPOCH_GUARD_DONE;
	bool is_another = g->status.device != g->named.device || g->status.inode != g->named.inode;
	return result == 0 && is_another ? -ESTALE : STEP_MORE;
}

int epoch_guard_step(struct epoch_guard *g)
{
	if (g->state == EPOCH_GUARD_DONE)
		return STEP_DONE;
	if (g->op.busy)
		return STEP_WAIT;
	int64_t result = g->op.result;
	return g->state == EPOCH_GUARD_LOCK    ? after_lock(g, result)
	       : g->state == EPOCH_GUARD_NAMED ? after_named(g, result)
					       : after_own(g, result);
}

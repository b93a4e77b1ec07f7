#include "stages/output_restore.h"
#include "stages/cure.h"
#include "stages/descriptor.h"
#include "stages/path_above.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char cure[] = "put back the file as it was, " CURE_FROM_SCRATCH;
static const char orphan_cure[] =
    "this sink is no more: put back its file as it was, or take the file out of its directory";

static const char is_gone[] = "output is gone";

static bool has_open_frame(const struct output_mark *m)
{
	return m->whole < m->length;
}

static void begin_open(struct output_restore *r)
{
	int access = has_open_frame(r->mark) ? O_RDWR : O_WRONLY;
	int found = r->search == SEARCH_OVER ? O_NOFOLLOW : 0;
	steady_op_begin(&r->op, (struct io_op){.code = IO_OPEN,
					       .fd = AT_FDCWD,
					       .open = {.path = r->path,
							.flags = access | found | O_CLOEXEC |
								 O_NOCTTY | O_NONBLOCK}});
}

static void begin_look(struct output_restore *r)
{
	steady_op_begin(&r->op,
			(struct io_op){.code = IO_STAT, .fd = r->fd, .stat = {.into = &r->status}});
}

static void begin_lock(struct output_restore *r)
{
	steady_op_begin(&r->op, (struct io_op){.code = IO_LOCK, .fd = r->fd});
}

static void begin_truncate(struct output_restore *r)
{
	steady_op_begin(&r->op, (struct io_op){.code = IO_TRUNCATE,
					       .fd = r->fd,
					       .truncate = {.length = r->mark->length}});
}

static void begin_sync(struct output_restore *r)
{
	steady_op_begin(&r->op, (struct io_op){.code = IO_DATASYNC, .fd = r->fd});
}

static void begin_close(struct output_restore *r)
{
	steady_op_begin(&r->op, descriptor_closing(&r->fd));
}

static void begin_list(struct output_restore *r)
{
	path_above(r->mark->path, r->path);
	steady_op_begin(&r->op, (struct io_op){.code = IO_LIST,
					       .fd = AT_FDCWD,
					       .list = {.path = r->path, .into = &r->listing}});
}

static void (*const begin[RESTORE_STATES])(struct output_restore *r) = {
    [RESTORE_OPEN] = begin_open,         [RESTORE_LOOK] = begin_look, [RESTORE_LOCK] = begin_lock,
    [RESTORE_TRUNCATE] = begin_truncate, [RESTORE_SYNC] = begin_sync, [RESTORE_CLOSE] = begin_close,
    [RESTORE_LIST] = begin_list,
};

static void go(struct output_restore *r, enum output_restore_state state)
{
	r->state = state;
	if (begin[state])
		begin[state](r);
}

static void go_to_end(struct output_restore *r)
{
	go(r, r->fd >= 0 ? RESTORE_CLOSE : RESTORE_DONE);
}

/* ---- what goes wrong ---- */

static const char *shown(const struct output_restore *r)
{
	return space_wait_shown(r->op.space, r->path);
}

static const char *cure_of(const struct output_restore *r)
{
	return r->why == RESTORE_ORPHAN ? orphan_cure : cure;
}

static void fail(struct output_restore *r, const char *what, int64_t result)
{
	env_say(r->env, SAY_ERROR, what, "path=%s error=%s", shown(r), strerror((int)-result));
	r->failed = (int)result;
	go_to_end(r);
}

static void refuse(struct output_restore *r, const char *what)
{
	env_say(r->env, SAY_ERROR, what, "path=%s committed=%" PRIu64 " cure=%s", shown(r),
		r->mark->length, cure_of(r));
	r->failed = -EIO;
	go_to_end(r);
}

static void refuse_short(struct output_restore *r)
{
	uint64_t length = r->status.size;
	env_say(r->env, SAY_ERROR, "output is shorter than what was committed",
		"path=%s committed=%" PRIu64 " length=%" PRIu64 " missing=%" PRIu64 " cure=%s",
		shown(r), r->mark->length, length, r->mark->length - length, cure_of(r));
	r->failed = -EIO;
	go_to_end(r);
}

static void be_short(struct output_restore *r)
{
	if (r->why == RESTORE_LEFT)
		env_say(r->env, SAY_WARN,
			"output was cut by somebody else, going on behind what is left",
			"path=%s was=%" PRIu64 " is=%" PRIu64, shown(r), r->mark->length,
			r->status.size);
	if (r->why == RESTORE_UNDO_AGAIN || r->why == RESTORE_LEFT)
		go_to_end(r);
	else
		refuse_short(r);
}

static bool is_committed(const struct output_restore *r)
{
	bool marked = r->why == RESTORE_MARK || r->why == RESTORE_LEFT || r->why == RESTORE_ORPHAN;
	return marked && r->mark->length > 0;
}

static void say_found(const struct output_restore *r)
{
	if (is_committed(r))
		env_say(r->env, SAY_WARN,
			r->why == RESTORE_ORPHAN ? "output of a sink that is no more was moved away"
						 : "output was moved away, starting a new one",
			"path=%s is=%s", space_wait_shown(r->op.space, r->mark->path), shown(r));
}

/* Who took it away may have deleted it as well as moved it. */
static void say_missing(const struct output_restore *r, bool is_replaced)
{
	const char *what = "output was moved away or deleted, starting a new one";
	if (is_replaced)
		what = "output was moved away or deleted, another file has its name";
	else if (r->why == RESTORE_ORPHAN)
		what = "output of a sink that is no more was moved away or deleted";
	else if (r->why == RESTORE_LEFT)
		what = "output was moved away or deleted, as was noted";
	if (is_committed(r))
		env_say(r->env, SAY_WARN, what, "path=%s", shown(r));
}

static void do_without(struct output_restore *r, const char *what)
{
	bool is_replaced = strcmp(what, is_gone) != 0;
	bool is_nobodys = r->why == RESTORE_ORPHAN && !is_replaced;
	if (is_committed(r) && !r->mark->closed && r->why != RESTORE_LEFT && !is_nobodys) {
		refuse(r, what);
	} else {
		say_missing(r, is_replaced);
		go_to_end(r);
	}
}

/* It is not at its path. Of what is closed others may do with what they like. */
static void search(struct output_restore *r, const char *what)
{
	if (!r->missing)
		r->missing = what;
	bool may_be_found = r->mark->birth_ns != 0 && !r->mark->closed;
	if (r->search == SEARCH_NOT_YET && may_be_found) {
		r->search = SEARCH_BEGINS;
		go(r, r->fd >= 0 ? RESTORE_CLOSE : RESTORE_LIST);
		return;
	}
	memccpy(r->path, r->mark->path, '\0', sizeof r->path);
	do_without(r, r->missing);
}

/* ---- the way through ---- */

static void after_open(struct output_restore *r, int64_t result)
{
	/* What has got the number of one that was deleted. */
	bool is_another = (result == -ELOOP || result == -EISDIR) && r->search == SEARCH_OVER;
	if (result == -ENOENT || result == -ENXIO || is_another) {
		search(r, is_gone);
	} else if (result < 0) {
		fail(r, "output cannot be opened", result);
	} else {
		r->fd = (int)result;
		go(r, RESTORE_LOOK);
	}
}

static bool is_the_one(const struct output_restore *r)
{
	int64_t born_ns = r->status.birth_ns, marked_ns = r->mark->birth_ns;
	bool is_born_alike = r->search == SEARCH_OVER ? born_ns == marked_ns
						      : output_births_agree(born_ns, marked_ns);
	return S_ISREG(r->status.mode) && r->status.inode == r->mark->inode && is_born_alike;
}

static void after_look(struct output_restore *r, int64_t result)
{
	bool is_it = result >= 0 && is_the_one(r);
	if (is_it && r->search == SEARCH_OVER)
		say_found(r);
	if (result < 0)
		fail(r, "output cannot be looked at", result);
	else if (!is_it)
		search(r, "output was replaced by another file");
	else if (r->status.size < r->mark->length)
		be_short(r);
	else if (r->mark->closed)
		go_to_end(r);
	else
		go(r, RESTORE_LOCK);
}

static void fail_frame(struct output_restore *r, int error)
{
	if (error == -EBADMSG)
		refuse(r, "output is damaged: its last frame does not decode");
	else
		fail(r, "output's last frame cannot be closed", error);
}

static void close_frame(struct output_restore *r)
{
	r->state = RESTORE_CLOSE_FRAME;
	int error =
	    open_frame_close(&r->frame, r->fd, r->fd, r->mark->whole, r->mark->length, true);
	if (error < 0)
		fail_frame(r, error);
}

/* The length is right. */
static void mend_or_sync(struct output_restore *r)
{
	if (has_open_frame(r->mark))
		close_frame(r);
	else
		go(r, RESTORE_SYNC);
}

static void after_lock(struct output_restore *r, int64_t result)
{
	uint64_t length = r->status.size;
	if (result == -EBUSY) {
		if (!lock_wait_begin(&r->lock, r->env, shown(r)))
			fail(r, "output in use by another process or sink", -EBUSY);
	} else if (result < 0 && !lock_is_unknown(result)) {
		fail(r, "output cannot be locked", result);
	} else if (length > r->mark->length) {
		env_say(r->env, SAY_INFO, "output cut back to what was committed",
			"path=%s length=%" PRIu64 " bytes=%" PRIu64, shown(r), r->mark->length,
			length - r->mark->length);
		go(r, RESTORE_TRUNCATE);
	} else {
		mend_or_sync(r);
	}
}

static void after_truncate(struct output_restore *r, int64_t result)
{
	if (result < 0)
		fail(r, "output cannot be cut back", result);
	else
		mend_or_sync(r);
}

static int step_frame(struct output_restore *r)
{
	int stepped = open_frame_step(&r->frame);
	if (stepped == STEP_WAIT || stepped == STEP_MORE)
		return stepped;
	if (stepped < 0)
		fail_frame(r, stepped);
	else
		go(r, RESTORE_SYNC);
	return STEP_MORE;
}

static void after_sync(struct output_restore *r, int64_t result)
{
	if (result < 0) {
		fail(r, "output cannot be synced", result);
		r->failed = -EIO;
	} else {
		go_to_end(r);
	}
}

static void after_close(struct output_restore *r, int64_t result)
{
	(void)result; /* what was written is synced */
	r->fd = -1;
	go(r, r->search == SEARCH_BEGINS ? RESTORE_LIST : RESTORE_DONE);
}

static const char *name_of_inode(const struct io_listing *l, uint64_t inode)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->entries[i].inode == inode)
			return l->entries[i].name;
	return NULL;
}

static void after_list(struct output_restore *r, int64_t result)
{
	const char *name = result < 0 ? NULL : name_of_inode(&r->listing, r->mark->inode);
	size_t length = path_above_length(r->mark->path);
	const char *slash = length == 0 || r->mark->path[length - 1] == '/' ? "" : "/";
	int n = -1;
	r->search = SEARCH_OVER;
	if (name)
		n = snprintf(r->path, sizeof r->path, "%.*s%s%s", (int)length, r->mark->path, slash,
			     name);
	io_listing_release(&r->listing);
	r->listing = (struct io_listing){.entries = NULL};
	if (n < 0 || (size_t)n >= sizeof r->path)
		search(r, r->missing);
	else
		go(r, RESTORE_OPEN);
}

static void (*const after[RESTORE_STATES])(struct output_restore *r, int64_t result) = {
    [RESTORE_OPEN] = after_open,         [RESTORE_LOOK] = after_look, [RESTORE_LOCK] = after_lock,
    [RESTORE_TRUNCATE] = after_truncate, [RESTORE_SYNC] = after_sync, [RESTORE_CLOSE] = after_close,
    [RESTORE_LIST] = after_list,
};

void output_restore_begin(struct output_restore *r, struct env *env, struct space_wait *space,
			  const struct output_mark *mark, enum output_restore_why why)
{
	*r = (struct output_restore){.env = env, .mark = mark, .why = why, .fd = -1};
	memccpy(r->path, mark->path, '\0', sizeof r->path);
	steady_op_init(&r->op, env, space, mark->path);
	open_frame_init(&r->frame, env, space, mark->path);
	go(r, RESTORE_OPEN);
}

int output_restore_step(struct output_restore *r)
{
	if (r->state == RESTORE_DONE) {
		output_restore_release(r);
		return r->failed ? r->failed : STEP_DONE;
	}
	if (lock_wait_is_on(&r->lock)) {
		if (lock_wait_pending(&r->lock, r->env))
			return STEP_WAIT;
		go(r, RESTORE_LOCK);
		return STEP_MORE;
	}
	if (r->state == RESTORE_CLOSE_FRAME)
		return step_frame(r);
	int stepped = steady_op_step(&r->op);
	if (stepped != STEP_DONE)
		return stepped;
	after[r->state](r, r->op.result);
	return STEP_MORE;
}

void output_restore_release(struct output_restore *r)
{
	open_frame_release(&r->frame);
	io_listing_release(&r->listing);
	r->listing = (struct io_listing){.entries = NULL};
	if (r->env)
		descriptor_close(r->env->io, &r->fd);
}

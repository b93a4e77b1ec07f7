#include "tests/sim/sim_io.h"
#include "tests/sim/sim_inode.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static struct sim_io *from_io(struct io *io)
{
	return (struct sim_io *)(void *)io;
}

/* ---- effects ---- */

static int64_t do_open(struct sim_io *s, const struct io_op *op)
{
	bool reads = !(op->open.flags & (O_ACCMODE | O_CREAT | O_DIRECTORY));
	if (reads && sim_chance(&s->random, s->faults->too_many_open))
		return -EMFILE;
	int fd = sim_fs_open(s->fs, op->fd, op->open.path, op->open.flags, op->open.resolve);
	sim_fs_hand_over(s->fs, fd);
	return fd;
}

static int64_t do_read(struct sim_io *s, const struct io_op *op)
{
	size_t length = op->read.length;
	if (op->stream)
		return sim_fs_watch_read(s->fs, op->fd, op->read.bytes, length);
	if (sim_chance(&s->random, s->faults->interrupted))
		return -EINTR;
	if (sim_chance(&s->random, s->faults->read_errors)) {
		s->happened->read_errors++;
		return -EIO;
	}
	if (length > 1 && sim_chance(&s->random, s->faults->short_reads))
		length = sim_between(&s->random, 1, length < 400 ? length : 400);
	return sim_fs_read(s->fs, op->fd, op->read.bytes, length, op->read.at);
}

static int64_t do_write(struct sim_io *s, const struct io_op *op)
{
	size_t left = SIZE_MAX, written = 0;
	if (sim_chance(&s->random, s->faults->interrupted))
		return -EINTR;
	if (sim_chance(&s->random, s->faults->write_errors)) {
		s->happened->write_errors++;
		return -EIO;
	}
	if (sim_chance(&s->random, s->faults->short_writes))
		left = sim_between(&s->random, 1, 300);
	for (unsigned i = 0; i < op->write.count && left > 0; i++) {
		const struct iovec *v = &op->write.spans[i];
		size_t length = v->iov_len < left ? v->iov_len : left;
		if (length == 0)
			continue;
		ssize_t n =
		    sim_fs_write(s->fs, op->fd, v->iov_base, length, op->write.at + written);
		if (n == -ENOSPC)
			s->happened->full++;
		if (n < 0)
			return written > 0 ? (int64_t)written : n;
		written += (size_t)n;
		left -= (size_t)n;
		if ((size_t)n < length)
			break;
	}
	return (int64_t)written;
}

static int64_t do_sync(struct sim_io *s, const struct io_op *op)
{
	bool fails =
	    !sim_fs_is_sound(s->fs, op->fd) && sim_chance(&s->random, s->faults->sync_errors);
	s->happened->sync_errors += fails;
	return sim_fs_sync(s->fs, op->fd, fails);
}

/* A crash keeps of it what it likes, as of anything. As nobody looks at what comes of it, a file that is closed by then is
 * noticed here. */
static int64_t do_write_back(struct sim_io *s, const struct io_op *op)
{
	if (!s->fs->descriptors[op->fd].inode)
		abort();
	return sim_chance(&s->random, s->faults->back_errors) ? -EIO : 0;
}

static int64_t do_list(struct sim_io *s, const struct io_op *op)
{
	const struct sim_entry *entries;
	size_t count;
	int r = sim_fs_list(s->fs, op->fd, op->list.path, &entries, &count);
	if (r < 0)
		return r;
	struct io_listing l = {.entries = sim_alloc((count + 1) * sizeof *l.entries)};
	for (; l.count < count; l.count++) {
		size_t at = sim_below(&s->random, l.count + 1); /* in any order */
		l.entries[l.count] = l.entries[at];
		bool untyped = sim_chance(&s->random, s->faults->untyped);
		l.entries[at] = (struct io_entry){
		    .name = sim_strdup(entries[l.count].name),
		    .inode = entries[l.count].inode->number,
		    .type = untyped ? DT_UNKNOWN : sim_inode_type(entries[l.count].inode)};
	}
	*op->list.into = l;
	return 0;
}

static int64_t do_watch(struct sim_io *s)
{
	if (sim_chance(&s->random, s->faults->unwatched))
		return -EMFILE;
	int fd = sim_fs_watch_new(s->fs);
	sim_fs_hand_over(s->fs, fd);
	return fd;
}

/* A number that is closed twice may be another thread's by the second time. */
static int64_t do_close(struct sim_io *s, const struct io_op *op)
{
	int r = sim_fs_close(s->fs, op->fd);
	assert(r != -EBADF);
	return r;
}

/* Nothing comes of it; but a descriptor is closed all the same, and what a sync was for is lost. */
static int64_t strike(struct sim_io *s, const struct io_op *op, int error)
{
	if (op->code == IO_CLOSE)
		do_close(s, op);
	if ((op->code == IO_DATASYNC || op->code == IO_SYNC) && error != -EINTR)
		sim_fs_sync(s->fs, op->fd, true);
	return error;
}

static bool is_net(const struct sim_io *s, const struct io_op *op)
{
	return s->faults->net && sim_net_is_about(op);
}

static int64_t take_effect(struct sim_io *s, const struct io_op *op)
{
	struct sim_fs *fs = s->fs;
	if (is_net(s, op))
		return sim_net_carry_out(s->faults->net, op);
	int error = s->faults->strike ? sim_strike_look(s->faults->strike, fs, op) : 0;
	if (error < 0)
		return strike(s, op, error);
	switch (op->code) {
	case IO_OPEN:
		return do_open(s, op);
	case IO_CLOSE:
		return do_close(s, op);
	case IO_READ:
		return do_read(s, op);
	case IO_WRITE:
		return do_write(s, op);
	case IO_DATASYNC:
	case IO_SYNC:
		return do_sync(s, op);
	case IO_WRITE_BACK:
		return do_write_back(s, op);
	case IO_TRUNCATE:
		return sim_fs_truncate(fs, op->fd, op->truncate.length);
	case IO_STAT:
		return sim_fs_stat(fs, op->fd, op->stat.path, op->stat.into);
	case IO_RENAME:
		return sim_fs_rename(fs, op->fd, op->rename.from, op->rename.to,
				     op->rename.replace);
	case IO_UNLINK:
		if (op->fd != AT_FDCWD) /* what is undone is named by its path */
			sim_fs_bury(fs, op->fd, op->unlink.path);
		return sim_fs_unlink(fs, op->fd, op->unlink.path);
	case IO_MKDIR:
		return sim_fs_mkdir(fs, op->fd, op->mkdir.path);
	case IO_LIST:
		return do_list(s, op);
	case IO_LOCK:
		return sim_fs_lock(fs, op->fd);
	case IO_UNREAD:
		return -ENOTTY;
	case IO_WATCH_NEW:
		return do_watch(s);
	case IO_WATCH_ADD:
		return sim_chance(&s->random, s->faults->unwatched)
			   ? -ENOSPC
			   : sim_fs_watch_add(fs, op->fd, op->watch.path, op->watch.mask);
	case IO_WATCH_REMOVE:
		return sim_fs_watch_remove(fs, op->fd, op->watch.descriptor);
	case IO_WORK:
		return op->work.run(op->work.argument);
	default: /* it has no other processes */
		return -EOPNOTSUPP;
	}
}

/* ---- the story ---- */

const char *sim_path_of(const struct io_op *op)
{
	switch (op->code) {
	case IO_OPEN:
		return op->open.path;
	case IO_STAT:
		return op->stat.path;
	case IO_RENAME:
		return op->rename.to;
	case IO_UNLINK:
		return op->unlink.path;
	case IO_MKDIR:
		return op->mkdir.path;
	case IO_LIST:
		return op->list.path;
	case IO_WATCH_ADD:
		return op->watch.path;
	default:
		return NULL;
	}
}

static void narrate(struct sim_io *s, const struct io_op *op, int64_t result)
{
	sim_story_digest(s->story, (uint64_t)op->code << 32 | (uint32_t)op->fd, (uint64_t)result);
	if (!s->story->told)
		return;
	long long at = op->code == IO_READ && !op->stream ? (long long)op->read.at
		       : op->code == IO_WRITE             ? (long long)op->write.at
							  : -1;
	const char *path = sim_path_of(op);
	sim_story_add(s->story, "%-10s %s fd=%d %s at=%lld = %lld%s%s", s->name,
		      sim_code_name(op->code), op->fd, path ? path : "", at, (long long)result,
		      result < 0 ? " " : "", result < 0 ? strerrorname_np((int)-result) : "");
}

/* ---- submitting and completing ---- */

static bool may_be_early(const struct sim_io *s, const struct io_op *op)
{
	if (is_net(s, op))
		return !sim_net_may_wait(op);
	return op->code != IO_WORK && !(op->code == IO_READ && op->stream);
}

/* A call is many small operations, and has a timeout. */
static uint64_t slow_ns(const struct sim_io *s, const struct io_op *op)
{
	enum { FASTER = 50 };
	return is_net(s, op) ? s->faults->slow_ns / FASTER : s->faults->slow_ns;
}

static void submit(struct io *io, struct io_op *op)
{
	struct sim_io *s = from_io(io);
	s->backend.busy++;
	s->happened->operations++;
	backend_track(&s->backend, op);
	if (s->count == s->room) {
		s->room = s->room ? s->room * 2 : 16;
		s->slots = reallocarray(s->slots, s->room, sizeof *s->slots);
		if (!s->slots)
			abort();
	}
	struct sim_slot *slot = &s->slots[s->count++];
	*slot = (struct sim_slot){.op = op, .due_ns = *s->now_ns};
	if (sim_chance(&s->random, s->faults->slow))
		slot->due_ns += sim_below(&s->random, slow_ns(s, op) + 1);
	bool early = op->at_once || (may_be_early(s, op) && sim_chance(&s->random, 500));
	if (!s->dead && early) {
		slot->in_effect = true;
		slot->result = take_effect(s, op);
		narrate(s, op, slot->result);
	}
}

static void finish(struct sim_io *s, size_t i, int64_t result)
{
	struct io_op *op = s->slots[i].op;
	s->slots[i] = s->slots[--s->count];
	backend_untrack(&s->backend, op);
	backend_complete(&s->backend, op, result);
}

static bool awaits(const struct sim_io *s, const struct io_op *op)
{
	if (is_net(s, op))
		return sim_net_would_wait(s->faults->net, op);
	return op->code == IO_READ && op->stream && !sim_fs_has_events(s->fs, op->fd);
}

/* What is asked to end early may have been done by then. */
static bool is_too_late(struct sim_io *s, const struct io_op *op)
{
	return is_net(s, op) && !s->dead && !awaits(s, op) && sim_chance(&s->random, 500);
}

static void cancel(struct io *io, struct io_op *op)
{
	struct sim_io *s = from_io(io);
	bool waits = op->stream || (is_net(s, op) && sim_net_may_wait(op));
	for (size_t i = 0; i < s->count && waits; i++)
		if (s->slots[i].op == op) {
			if (is_too_late(s, op))
				s->slots[i].cancelled = true;
			else
				finish(s, i, -ECANCELED);
			return;
		}
}

static bool is_due(const struct sim_io *s, const struct sim_slot *slot)
{
	if (s->dead || slot->cancelled)
		return true;
	return !awaits(s, slot->op) && (s->hurried || slot->due_ns <= *s->now_ns);
}

static void complete(struct sim_io *s, size_t i)
{
	struct sim_slot *slot = &s->slots[i];
	int64_t result = slot->in_effect ? slot->result : 0;
	if (s->dead || (slot->cancelled && awaits(s, slot->op))) {
		result = -ECANCELED;
	} else if (!slot->in_effect) {
		result = take_effect(s, slot->op);
		narrate(s, slot->op, result);
	}
	finish(s, i, result);
}

/* In any order; what is left over comes with a later one. */
static size_t poll_due(struct backend *b)
{
	struct sim_io *s = (struct sim_io *)b;
	size_t left = s->count; /* what completes now submits nothing before it is delivered */
	size_t at = left ? sim_below(&s->random, left) : 0;
	for (; left > 0 && s->count > 0; left--) {
		if (at >= s->count)
			at = 0;
		bool later =
		    !s->hurried && !s->dead && sim_chance(&s->random, s->faults->left_over);
		if (is_due(s, &s->slots[at]) && !later)
			complete(s, at);
		else
			at++;
	}
	return backend_deliver(b);
}

uint64_t sim_io_next_ns(const struct sim_io *s)
{
	uint64_t next = s->backend.completed ? 0 : UINT64_MAX;
	for (size_t i = 0; i < s->count; i++) {
		const struct sim_slot *slot = &s->slots[i];
		if (slot->cancelled)
			next = 0;
		else if (slot->due_ns < next && !awaits(s, slot->op))
			next = slot->due_ns;
	}
	return next;
}

void sim_io_hurry(struct sim_io *s)
{
	s->hurried = true;
	backend_cancel_all(&s->backend);
}

static void nobody_waits(struct backend *b, uint64_t deadline_ns)
{
	(void)b;
	(void)deadline_ns;
	abort(); /* the scheduler does */
}

static void nobody_wakes(struct backend *b)
{
	(void)b;
}

static void release(struct backend *b)
{
	struct sim_io *s = (struct sim_io *)b;
	free(s->slots);
	free(s);
}

static const struct io_ops sim_io_ops = {.submit = submit, .cancel = cancel};
static const struct backend_ops sim_backend_ops = {
    .poll = poll_due, .wait = nobody_waits, .wake = nobody_wakes, .release = release};

struct sim_io *sim_io_new(struct sim_fs *fs, struct sim_random random, struct sim_story *story,
			  const struct sim_faults *faults, struct sim_happened *happened,
			  const uint64_t *now_ns, const char *name)
{
	struct sim_io *s = sim_alloc(sizeof *s);
	*s = (struct sim_io){
	    .backend = {.io = {.ops = &sim_io_ops, .back_bytes = faults->back_bytes},
			.ops = &sim_backend_ops},
	    .fs = fs,
	    .random = random,
	    .story = story,
	    .faults = faults,
	    .happened = happened,
	    .now_ns = now_ns,
	    .name = name};
	backend_init(&s->backend, NULL);
	return s;
}

#include "stages/undo_journal.h"
#include "stages/descriptor.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRY_MAX = 2 * PATH_MAX + 256 };

int undo_journal_name(const char *sink, unsigned i, char *out, size_t room)
{
	int n = snprintf(out, room, "undo-%s.%u", sink, i);
	return n < 0 || (size_t)n >= room ? -ENAMETOOLONG : 0;
}

bool undo_journal_sink(const char *name, char *out, size_t room)
{
	static const char before[] = "undo-";
	size_t length = strlen(name), fixed = sizeof before - 1 + 2;
	if (strncmp(name, before, sizeof before - 1) != 0 || length <= fixed ||
	    length - fixed >= room || name[length - 2] != '.')
		return false;
	if (name[length - 1] < '0' || name[length - 1] >= '0' + UNDO_FILES)
		return false;
	memcpy(out, name + sizeof before - 1, length - fixed);
	out[length - fixed] = '\0';
	return true;
}

int undo_journal_init(struct undo_journal *j, struct env *env, struct stage_counters *counters,
		      const char *state_dir, const char *sink, uint64_t epoch, uint64_t known)
{
	memset(j, 0, sizeof *j);
	j->env = env;
	j->state_dir = state_dir;
	j->epoch = epoch;
	j->known = known;
	j->directory = -1;
	space_wait_init(&j->space, env, counters);
	steady_op_init(&j->op, env, &j->space, state_dir);
	int r = packer_reserve(&j->packer, ENTRY_MAX);
	for (unsigned i = 0; i < UNDO_FILES; i++) {
		j->files[i].fd = -1;
		if (r == 0)
			r = undo_journal_name(sink, i, j->files[i].name, sizeof j->files[i].name);
	}
	return r;
}

void undo_journal_release(struct undo_journal *j)
{
	assert(!j->op.op.busy);
	for (unsigned i = 0; i < UNDO_FILES; i++) {
		descriptor_close(j->env->io, &j->files[i].fd);
		free(j->files[i].inodes);
	}
	descriptor_close(j->env->io, &j->directory);
	packer_release(&j->packer);
}

void undo_journal_go_on(struct undo_journal *j, uint64_t length)
{
	struct undo_file *f = &j->files[j->epoch % UNDO_FILES];
	f->epoch = j->epoch;
	f->length = length;
}

static void begin_directory(struct undo_journal *j)
{
	steady_op_begin(&j->op, (struct io_op){.code = IO_OPEN,
					       .fd = AT_FDCWD,
					       .open = {.path = j->state_dir,
							.flags = O_DIRECTORY | O_CLOEXEC}});
}

static void begin_open(struct undo_journal *j)
{
	int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY;
	steady_op_begin(
	    &j->op,
	    (struct io_op){.code = IO_OPEN,
			   .fd = j->directory,
			   .open = {.path = j->current->name, .flags = flags, .mode = 0600}});
}

static void begin_write(struct undo_journal *j)
{
	steady_op_begin(&j->op,
			(struct io_op){.code = IO_WRITE,
				       .fd = j->current->fd,
				       .write = {.spans = &j->span, .count = 1, .at = j->at}});
}

static void begin_sync(struct undo_journal *j)
{
	steady_op_begin(&j->op, (struct io_op){.code = IO_DATASYNC, .fd = j->current->fd});
}

static void begin_sync_directory(struct undo_journal *j)
{
	steady_op_begin(&j->op, (struct io_op){.code = IO_SYNC, .fd = j->directory});
}

static void (*const begin[UNDO_STATES])(struct undo_journal *j) = {
    [UNDO_DIRECTORY] = begin_directory,
    [UNDO_OPEN] = begin_open,
    [UNDO_WRITE] = begin_write,
    [UNDO_SYNC] = begin_sync,
    [UNDO_SYNC_DIRECTORY] = begin_sync_directory,
};

static void go(struct undo_journal *j, enum undo_journal_state state)
{
	j->state = state;
	if (begin[state])
		begin[state](j);
}

/* The file of that epoch, with what is in it of a committed one forgotten. */
static struct undo_file *file_of(struct undo_journal *j, uint64_t epoch)
{
	struct undo_file *f = &j->files[epoch % UNDO_FILES];
	if (f->epoch != epoch)
		f->length = f->inode_count = 0;
	f->epoch = epoch;
	return f;
}

static void keep_inode(struct undo_journal *j, struct undo_file *f, uint64_t inode)
{
	if (f->inode_count == f->inode_room) {
		size_t room = f->inode_room ? 2 * f->inode_room : 64;
		uint64_t *inodes = reallocarray(f->inodes, room, sizeof *inodes);
		j->lost_inodes |= !inodes;
		if (!inodes)
			return;
		f->inodes = inodes;
		f->inode_room = room;
	}
	f->inodes[f->inode_count++] = inode;
}

bool undo_journal_touches(const struct undo_journal *j, uint64_t inode)
{
	for (unsigned i = 0; i < UNDO_FILES; i++)
		for (size_t k = 0; k < j->files[i].inode_count; k++)
			if (j->files[i].inodes[k] == inode)
				return true;
	return j->lost_inodes;
}

void undo_journal_note(struct undo_journal *j, struct undo_entry entry)
{
	assert(j->state == UNDO_NOTHING);
	entry.epoch = j->epoch;
	entry.known = j->known;
	entry.is_public = !j->is_secret;
	j->noted++;
	packer_clear(&j->packer);
	undo_entry_pack(&j->packer, &entry);
	assert(!j->packer.error); /* the longest has room */
	j->current = file_of(j, j->epoch);
	if (j->keeps_inodes && entry.inode)
		keep_inode(j, j->current, entry.inode);
	j->at = j->current->length;
	j->span = (struct iovec){.iov_base = j->packer.bytes, .iov_len = j->packer.length};
	go(j, UNDO_EMPTYING);
}

static int fail(struct undo_journal *j, int64_t result)
{
	bool syncing = j->state == UNDO_SYNC || j->state == UNDO_SYNC_DIRECTORY;
	env_say(j->env, SAY_ERROR, "undo journal cannot be written",
		"state_dir=%s file=%s error=%s", j->state_dir, j->current->name,
		strerror((int)-result));
	j->failed = syncing ? -EIO : (int)result;
	j->state = UNDO_NOTHING;
	return j->failed;
}

static void after_write(struct undo_journal *j, size_t wrote)
{
	j->span.iov_base = (uint8_t *)j->span.iov_base + wrote;
	j->span.iov_len -= wrote;
	j->at += wrote;
	if (j->span.iov_len > 0) {
		go(j, UNDO_WRITE);
		return;
	}
	j->current->length = j->at;
	go(j, UNDO_SYNC);
}

static void go_on(struct undo_journal *j, int64_t result)
{
	switch (j->state) {
	case UNDO_EMPTYING:
		go(j, j->directory < 0     ? UNDO_DIRECTORY
		      : j->current->fd < 0 ? UNDO_OPEN
					   : UNDO_WRITE);
		break;
	case UNDO_DIRECTORY:
		j->directory = (int)result;
		go(j, j->current->fd < 0 ? UNDO_OPEN : UNDO_WRITE);
		break;
	case UNDO_OPEN:
		j->current->fd = (int)result;
		go(j, UNDO_WRITE);
		break;
	case UNDO_WRITE:
		after_write(j, (size_t)result);
		break;
	case UNDO_SYNC:
		go(j, j->current->named ? UNDO_NOTHING : UNDO_SYNC_DIRECTORY);
		break;
	default:
		j->current->named = true;
		go(j, UNDO_NOTHING);
	}
}

int undo_journal_step(struct undo_journal *j)
{
	if (j->failed)
		return j->failed;
	if (j->state == UNDO_NOTHING)
		return STEP_DONE;
	if (j->state == UNDO_EMPTYING && j->current->empty.busy)
		return STEP_WAIT;
	int r = j->state == UNDO_EMPTYING ? STEP_DONE : steady_op_step(&j->op);
	if (r != STEP_DONE)
		return r;
	int64_t result = j->state == UNDO_EMPTYING ? 0 : j->op.result;
	if (result < 0 || (result == 0 && j->state == UNDO_WRITE))
		return fail(j, result < 0 ? result : -EIO);
	go_on(j, result);
	return j->state == UNDO_NOTHING ? STEP_DONE : STEP_MORE;
}

void undo_journal_cut(struct undo_journal *j, uint64_t epoch)
{
	assert(j->state == UNDO_NOTHING || j->failed);
	if (epoch >= j->epoch)
		j->epoch = epoch + 1;
	j->noted = 0;
}

/* If that fails, what stays says nothing. */
static void on_emptied(struct io_op *op)
{
	(void)op;
}

void undo_journal_committed(struct undo_journal *j, uint64_t epoch, uint64_t known)
{
	if (known > j->known)
		j->known = known;
	for (unsigned i = 0; i < UNDO_FILES; i++) {
		struct undo_file *f = &j->files[i];
		if (f->epoch <= epoch)
			f->inode_count = 0;
		bool in_use = f == j->current && j->state != UNDO_NOTHING;
		if (f->fd < 0 || f->length == 0 || f->epoch > epoch || f->empty.busy || in_use)
			continue;
		f->length = 0;
		f->empty = (struct io_op){
		    .code = IO_TRUNCATE, .fd = f->fd, .done = on_emptied, .owner = j};
		io_submit(j->env->io, &f->empty);
	}
}

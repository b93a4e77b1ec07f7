#include "stages/source/file_recognition.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The number of its device is another. */
static bool is_mounted_anew(const struct file_position *n, const struct io_status *st,
			    const char *path)
{
	return n->birth_ns != 0 && n->birth_ns == st->birth_ns && n->path &&
	       strcmp(n->path, path) == 0;
}

static bool has_device(const struct file_positions *p, uint64_t device)
{
	for (size_t i = 0; i < p->device_count; i++)
		if (p->devices[i] == device)
			return true;
	return p->device_count == FILE_DEVICES;
}

static void note_device(struct file_positions *p, uint64_t device)
{
	if (!has_device(p, device))
		p->devices[p->device_count++] = device;
}

/* Renamed, too. */
static bool is_mounted_elsewhere(const struct file_positions *p, const struct file_position *n,
				 const struct io_status *st)
{
	bool is_free = n->birth_ns != 0 || !has_device(p, n->device);
	return p->searching && !p->settled && n->head.length > 0 && n->birth_ns == st->birth_ns &&
	       is_free;
}

static bool may_be(const struct file_positions *p, const struct file_position *n,
		   const struct io_status *st, const char *path)
{
	bool is_born_alike = n->birth_ns == st->birth_ns || n->birth_ns == 0 || st->birth_ns == 0;
	bool is_there = n->device == st->device || is_mounted_anew(n, st, path) ||
			is_mounted_elsewhere(p, n, st);
	return n->inode == st->inode && is_there && is_born_alike && !n->over && !n->file;
}

struct file_position *recognition_find(struct file_positions *p, const struct io_status *st,
				       const char *path)
{
	struct hash_node *h = file_positions_first(p, st->inode);
	for (; h; h = hash_index_next(h)) {
		struct file_position *n = chain_owner(h, struct file_position, by_inode);
		if (may_be(p, n, st, path))
			return n;
	}
	return NULL;
}

static void go_on(struct tracked_file *f, struct file_position *n)
{
	f->place = n->place;
	f->end = file_position_end(n);
	f->size = f->done = f->end;
}

/* One that is to be forgotten has the same key: what is said of the new one is said in its place. */
static bool replace_over(struct file_positions *p, const struct file_position *by)
{
	bool was_known = false;
	struct hash_node *next, *h = hash_index_first(&p->by_inode, by->by_inode.hash);
	for (; h; h = next) {
		next = hash_index_next(h);
		struct file_position *n = chain_owner(h, struct file_position, by_inode);
		if (!n->over || n->inode != by->inode || n->device != by->device ||
		    n->birth_ns != by->birth_ns)
			continue;
		was_known = true;
		file_positions_free(p, n);
	}
	return was_known;
}

/* All but its key and its path. */
static void inherit(struct file_position *to, struct file_position *n)
{
	file_head_release(&to->head);
	to->head = n->head;
	n->head = (struct file_head){.length = 0};
	to->tail = n->tail;
	to->doubted = n->doubted;
	to->seen_ns = n->seen_ns;
	to->boot = n->boot;
	to->finished = n->finished;
	to->named = n->named;
	to->place = n->place;
}

/* Under a key of its own; the other is over. NULL: out of memory. */
static struct file_position *move_device(struct file_positions *p, struct file_position *n,
					 uint64_t device)
{
	struct file_position *to = file_positions_add(p, device, n->inode, n->birth_ns);
	if (!to)
		return NULL;
	inherit(to, n);
	hash_index_remove(&p->by_path, &n->by_path);
	file_positions_name(p, to, n->path);
	n->path = NULL;
	file_positions_forget(p, n);
	file_positions_news(p, to);
	return to;
}

/* As long as it was, it has lost nothing when the machine was started again. */
static void note_boot(struct file_positions *p, struct file_position *n, uint64_t size)
{
	if (n->boot == p->boot || size < file_position_end(n))
		return;
	n->boot = p->boot;
	file_positions_news(p, n);
}

int recognition_attach(struct file_positions *p, struct tracked_file *f, const struct io_status *st)
{
	assert(!f->position);
	struct file_position *n = recognition_find(p, st, f->path);
	if (n && n->device != st->device && !(n = move_device(p, n, st->device)))
		return -ENOMEM;
	if (n) {
		chain_unlink(&n->parked);
		go_on(f, n);
		if (n->missing || strcmp(n->path, f->path) != 0)
			file_positions_news(p, n);
		n->missing = false;
		note_boot(p, n, st->size);
	} else {
		n = file_positions_add(p, st->device, st->inode, st->birth_ns);
		if (!n)
			return -ENOMEM;
		n->is_known = replace_over(p, n);
		n->is_new = true;
		n->boot = p->boot;
		file_positions_news(p, n);
	}
	note_device(p, st->device);
	n->astray = false;
	n->file = f;
	f->position = n;
	return 0;
}

static void find_elsewhere(struct file_positions *p, struct tracked_file *f)
{
	const struct io_status st = {
	    .device = f->device, .inode = f->inode, .birth_ns = f->birth_ns};
	struct file_position *n = recognition_find(p, &st, f->path);
	if (!n)
		return;
	uint64_t size = f->size, done = f->done; /* as they have been counted */
	inherit(f->position, n);
	go_on(f, f->position);
	f->size = size;
	f->done = done;
	f->position->is_new = false;
	file_positions_forget(p, n);
	file_positions_news(p, f->position);
}

void recognition_begin_search(struct file_positions *p, const struct file_set *set)
{
	p->searching = true;
	for (struct chain *c = set->all.next; c != &set->all; c = c->next) {
		struct tracked_file *f = chain_owner(c, struct tracked_file, all);
		if (f->position && f->position->is_new && f->fd < 0)
			find_elsewhere(p, f);
	}
}

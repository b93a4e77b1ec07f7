#include "stages/source/file_positions.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { POSITION_FORMAT = 1 };

enum { FORM_UNSEEN, FORM_PLAIN, FORM_ZSTD, FORM_GZIP };

enum {
	FLAG_SKIPPING = 1,
	FLAG_IN_SPLIT = 2,
	FLAG_FINISHED = 4,
	FLAG_MISSING = 8,
	FLAG_NAMED = 16,
	FLAGS_ALL = 31,
};

static uint64_t inode_hash(uint64_t inode)
{
	return hash_bytes(&inode, sizeof inode);
}

static uint64_t path_hash(const char *path)
{
	return hash_bytes(path, strlen(path));
}

int file_positions_init(struct file_positions *p, struct counter *changes, int64_t keep_ns)
{
	*p = (struct file_positions){.changes = changes, .keep_ns = keep_ns};
	chain_init(&p->changed);
	chain_init(&p->parked);
	chain_init(&p->lost);
	chain_init(&p->strays);
	chain_init(&p->said);
	chain_init(&p->stored);
	int r = hash_index_init(&p->by_inode);
	return r < 0 ? r : hash_index_init(&p->by_path);
}

/* ---- one position ---- */

static struct file_position *position_new(struct file_positions *p, uint64_t device, uint64_t inode,
					  int64_t birth_ns)
{
	struct file_position *n = calloc(1, sizeof *n);
	if (!n)
		return NULL;
	n->device = device;
	n->inode = inode;
	n->birth_ns = birth_ns;
	chain_init(&n->changed);
	chain_init(&n->parked);
	chain_init(&n->stored);
	hash_index_add(&p->by_inode, &n->by_inode, inode_hash(inode));
	return n;
}

static void position_free(struct file_positions *p, struct file_position *n)
{
	hash_index_remove(&p->by_inode, &n->by_inode);
	hash_index_remove(&p->by_path, &n->by_path);
	chain_unlink(&n->changed);
	chain_unlink(&n->parked);
	chain_unlink(&n->stored);
	if (p->at_hand == n)
		p->at_hand = NULL;
	file_head_release(&n->head);
	free(n->path);
	free(n);
}

static void set_path(struct file_positions *p, struct file_position *n, char *path)
{
	hash_index_remove(&p->by_path, &n->by_path);
	free(n->path);
	n->path = path;
	hash_index_add(&p->by_path, &n->by_path, path_hash(path));
}

void file_positions_release(struct file_positions *p)
{
	struct chain *c;
	if (!p->parked.next)
		return;
	while ((c = chain_first(&p->parked)) || (c = chain_first(&p->lost)) ||
	       (c = chain_first(&p->strays)))
		position_free(p, chain_owner(c, struct file_position, parked));
	while ((c = chain_first(&p->changed)))
		position_free(p, chain_owner(c, struct file_position, changed));
	hash_index_release(&p->by_inode);
	hash_index_release(&p->by_path);
}

static void note_change(struct file_positions *p, struct file_position *n)
{
	chain_unlink(&n->stored);
	if (!chain_is_linked(&n->changed))
		chain_append(&p->changed, &n->changed);
}

void file_positions_changed(struct file_positions *p, struct file_position *n)
{
	n->finished = false;
	note_change(p, n);
}

void file_positions_finished(struct file_positions *p, struct file_position *n)
{
	if (!n->finished)
		note_change(p, n); /* worth no epoch of its own, unless somebody waits for it */
	if (!n->finished && p->notes_stored)
		counter_add(p->changes, 1);
	n->finished = true;
}

void file_positions_news(struct file_positions *p, struct file_position *n)
{
	note_change(p, n);
	counter_add(p->changes, 1);
}

void file_positions_restart(struct file_positions *p, struct file_position *n)
{
	file_head_release(&n->head);
	n->tail = (struct file_tail){.end = 0};
	n->doubted = false;
	n->finished = false;
	file_positions_news(p, n);
}

void file_positions_cut(struct file_positions *p, struct file_position *n)
{
	n->tail = (struct file_tail){.end = 0};
	n->doubted = true;
	n->finished = false;
	file_positions_news(p, n);
}

/* ---- as bytes ---- */

static unsigned form_number(const struct file_position *n)
{
	if (n->form == FILE_PACKED)
		return n->packing == PACKED_GZIP ? FORM_GZIP : FORM_ZSTD;
	return n->form == FILE_PLAIN ? FORM_PLAIN : FORM_UNSEEN;
}

static void set_form(struct file_position *n, uint64_t number)
{
	static const enum file_form forms[] = {FILE_UNSEEN, FILE_PLAIN, FILE_PACKED, FILE_PACKED};
	n->form = forms[number];
	n->packing = number == FORM_GZIP ? PACKED_GZIP : PACKED_ZSTD;
}

static unsigned flags_of(const struct file_position *n)
{
	return (n->skipping ? FLAG_SKIPPING : 0u) | (n->in_split ? FLAG_IN_SPLIT : 0u) |
	       (n->finished ? FLAG_FINISHED : 0u) | (n->missing ? FLAG_MISSING : 0u) |
	       (n->named ? FLAG_NAMED : 0u);
}

static void set_flags(struct file_position *n, uint64_t flags)
{
	n->skipping = flags & FLAG_SKIPPING;
	n->in_split = flags & FLAG_IN_SPLIT;
	n->finished = flags & FLAG_FINISHED;
	n->missing = flags & FLAG_MISSING;
	n->named = flags & FLAG_NAMED;
}

static void pack_key(struct packer *to, const struct file_position *n)
{
	packer_u64(to, n->device);
	packer_u64(to, n->inode);
	packer_u64(to, (uint64_t)n->birth_ns);
}

static void pack_value(struct packer *to, const struct file_position *n)
{
	const char *path = n->file ? n->file->path : n->path;
	packer_varint(to, POSITION_FORMAT);
	packer_bytes(to, path, strlen(path));
	packer_varint(to, form_number(n));
	packer_varint(to, flags_of(n));
	packer_varint(to, n->at);
	packer_varint(to, n->skip);
	packer_varint(to, n->head.length);
	packer_u64(to, file_head_hash(&n->head));
	packer_varint(to, n->tail.end);
	packer_varint(to, n->tail.length);
	packer_u64(to, file_tail_hash(&n->tail));
	packer_u64(to, (uint64_t)n->seen_ns);
}

static bool is_sound(const struct file_position *n)
{
	return n->head.length <= HEAD_BYTES && n->tail.length <= TAIL_BYTES &&
	       n->tail.length <= n->tail.end && n->at <= INT64_MAX && n->tail.end <= INT64_MAX;
}

/* 0, -ENOMEM or -EBADMSG. */
static int unpack_value(struct file_positions *p, struct file_position *n, struct packed from)
{
	size_t length;
	uint64_t format = packed_varint(&from);
	const uint8_t *path = packed_bytes(&from, &length);
	uint64_t form = packed_varint(&from), flags = packed_varint(&from);
	n->at = packed_varint(&from);
	n->skip = packed_varint(&from);
	uint64_t head_length = packed_varint(&from);
	n->head.hash = packed_u64(&from);
	n->tail.end = packed_varint(&from);
	uint64_t tail_length = packed_varint(&from);
	n->tail.hash = packed_u64(&from);
	n->seen_ns = (int64_t)packed_u64(&from);
	if (!packed_is_whole(&from) || format != POSITION_FORMAT || form > FORM_GZIP ||
	    flags > FLAGS_ALL || head_length > HEAD_BYTES || tail_length > TAIL_BYTES ||
	    length == 0 || memchr(path, 0, length))
		return -EBADMSG;
	n->head.length = (uint16_t)head_length;
	n->tail.length = (uint8_t)tail_length;
	set_form(n, form);
	set_flags(n, flags);
	if (!is_sound(n))
		return -EBADMSG;
	char *copy = strndup((const char *)path, length);
	if (!copy)
		return -ENOMEM;
	set_path(p, n, copy);
	return 0;
}

/* What is not read to its end will be said again. */
static void note_said(struct file_positions *p, struct file_position *n, int64_t when_ns)
{
	if (!p->notes_stored || !n->finished || n->over)
		return;
	n->stored_ns = when_ns;
	chain_append(&p->said, &n->stored);
}

void file_positions_committed(struct file_positions *p)
{
	struct chain *c;
	while ((c = chain_first(&p->said)))
		chain_append(&p->stored, c);
}

static int load_one(struct file_positions *p, const struct change *c)
{
	struct packed key = packed_from(c->key, c->key_length);
	uint64_t device = packed_u64(&key), inode = packed_u64(&key), birth = packed_u64(&key);
	if (c->removal || !packed_is_whole(&key))
		return -EBADMSG;
	struct file_position *n = position_new(p, device, inode, (int64_t)birth);
	if (!n)
		return -ENOMEM;
	n->is_known = true;
	n->doubted = true;
	chain_append(&p->parked, &n->parked);
	int r = unpack_value(p, n, packed_from(c->value, c->value_length));
	note_said(p, n, n->seen_ns);
	return r;
}

int file_positions_load(struct file_positions *p, const struct delta *saved)
{
	struct packed rest = delta_changes(saved);
	struct change c;
	while (delta_next(&rest, &c)) {
		int r = load_one(p, &c);
		if (r < 0)
			return r;
	}
	file_positions_committed(p);
	return rest.broken ? -EBADMSG : 0;
}

void file_positions_take_in_hand(struct file_positions *p, struct file_position *position)
{
	p->at_hand = position;
}

/* ---- snapshots ---- */

/* What the file that has it knows better. */
static void update(struct file_position *n, int64_t wall_ns)
{
	const struct tracked_file *f = n->file;
	if (!f)
		return;
	n->named = f->named;
	n->at = f->at;
	n->skip = f->skip;
	n->form = f->form;
	n->packing = f->packing;
	n->skipping = f->framer.skipping;
	n->in_split = f->framer.in_split;
	n->seen_ns = wall_ns;
}

static int say(struct file_position *n, struct delta *d, struct packer *scratch)
{
	packer_clear(scratch);
	pack_key(scratch, n);
	size_t key = scratch->length;
	if (!n->over)
		pack_value(scratch, n);
	if (scratch->error)
		return scratch->error;
	if (n->over)
		return n->is_known ? delta_remove(d, scratch->bytes, key) : 0;
	int r = delta_put(d, scratch->bytes, key, scratch->bytes + key, scratch->length - key);
	if (r == 0)
		n->is_known = true;
	return r;
}

static void forget_old(struct file_positions *p, int64_t wall_ns)
{
	struct chain *c;
	while ((c = chain_first(&p->parked))) {
		struct file_position *n = chain_owner(c, struct file_position, parked);
		if (!p->settled || wall_ns - n->seen_ns < p->keep_ns)
			return;
		file_positions_forget(p, n);
	}
}

int file_positions_snapshot(struct file_positions *p, struct delta *d, int64_t wall_ns)
{
	struct packer scratch = {.bytes = NULL};
	struct chain *c;
	int r = 0;
	forget_old(p, wall_ns);
	while (r == 0 && (c = chain_first(&p->changed))) {
		struct file_position *n = chain_owner(c, struct file_position, changed);
		update(n, wall_ns);
		r = say(n, d, &scratch);
		if (r == 0) {
			chain_unlink(&n->changed);
			note_said(p, n, wall_ns);
		}
		if (r == 0 && n->over)
			position_free(p, n);
	}
	packer_release(&scratch);
	return r;
}

/* ---- whose it is ---- */

void file_positions_forget(struct file_positions *p, struct file_position *n)
{
	if (n->file)
		n->file->position = NULL;
	n->file = NULL;
	n->over = true;
	chain_unlink(&n->parked);
	file_positions_news(p, n);
	if (!n->is_known)
		position_free(p, n);
}

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

struct file_position *file_positions_find(struct file_positions *p, const struct io_status *st,
					  const char *path)
{
	struct hash_node *h = hash_index_first(&p->by_inode, inode_hash(st->inode));
	for (; h; h = hash_index_next(h)) {
		struct file_position *n = chain_owner(h, struct file_position, by_inode);
		if (may_be(p, n, st, path))
			return n;
	}
	return NULL;
}

bool file_positions_has_path(const struct file_positions *p, const char *path)
{
	struct hash_node *h = hash_index_first(&p->by_path, path_hash(path));
	for (; h; h = hash_index_next(h))
		if (strcmp(chain_owner(h, struct file_position, by_path)->path, path) == 0)
			return true;
	return false;
}

static void go_on(struct tracked_file *f, struct file_position *n)
{
	f->at = n->at;
	f->skip = n->skip;
	f->form = n->form;
	f->packing = n->packing;
	f->framer.skipping = n->skipping;
	f->framer.in_split = n->in_split;
	f->end = n->form == FILE_PACKED ? n->tail.end : n->at;
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
		position_free(p, n);
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
	to->finished = n->finished;
	to->named = n->named;
	to->at = n->at;
	to->skip = n->skip;
	to->form = n->form;
	to->packing = n->packing;
	to->skipping = n->skipping;
	to->in_split = n->in_split;
}

/* Under a key of its own; the other is over. NULL: out of memory. */
static struct file_position *move_device(struct file_positions *p, struct file_position *n,
					 uint64_t device)
{
	struct file_position *to = position_new(p, device, n->inode, n->birth_ns);
	if (!to)
		return NULL;
	inherit(to, n);
	hash_index_remove(&p->by_path, &n->by_path);
	set_path(p, to, n->path);
	n->path = NULL;
	file_positions_forget(p, n);
	file_positions_news(p, to);
	return to;
}

int file_positions_attach(struct file_positions *p, struct tracked_file *f,
			  const struct io_status *st)
{
	assert(!f->position);
	struct file_position *n = file_positions_find(p, st, f->path);
	if (n && n->device != st->device && !(n = move_device(p, n, st->device)))
		return -ENOMEM;
	if (n) {
		chain_unlink(&n->parked);
		go_on(f, n);
		if (n->missing || strcmp(n->path, f->path) != 0)
			file_positions_news(p, n);
		n->missing = false;
	} else {
		n = position_new(p, st->device, st->inode, st->birth_ns);
		if (!n)
			return -ENOMEM;
		n->is_known = replace_over(p, n);
		n->is_new = true;
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
	struct file_position *n = file_positions_find(p, &st, f->path);
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

void file_positions_begin_search(struct file_positions *p, const struct file_set *set)
{
	p->searching = true;
	for (struct chain *c = set->all.next; c != &set->all; c = c->next) {
		struct tracked_file *f = chain_owner(c, struct tracked_file, all);
		if (f->position && f->position->is_new && f->fd < 0)
			find_elsewhere(p, f);
	}
}

void file_positions_park(struct file_positions *p, struct tracked_file *f, char *path,
			 int64_t wall_ns)
{
	struct file_position *n = f->position;
	update(n, wall_ns);
	set_path(p, n, path);
	f->position = NULL;
	n->file = NULL;
	n->doubted = true;
	chain_append(n->astray ? &p->strays : &p->parked, &n->parked);
}

void file_positions_drop(struct file_positions *p, struct tracked_file *f)
{
	position_free(p, f->position);
	f->position = NULL;
}

/* ---- those that were not found at the start ---- */

static struct file_position *owner_of(const struct chain *link)
{
	return chain_owner((struct chain *)(uintptr_t)link, struct file_position, parked);
}

static int by_path_order(const void *a, const void *b)
{
	const struct chain *const *x = a, *const *y = b;
	return strcmp(owner_of(*x)->path, owner_of(*y)->path);
}

static int by_time_order(const void *a, const void *b)
{
	const struct chain *const *x = a, *const *y = b;
	int64_t one = owner_of(*x)->seen_ns, other = owner_of(*y)->seen_ns;
	return (one > other) - (one < other);
}

static void move_all(struct chain *from, struct chain *to)
{
	struct chain *c;
	while ((c = chain_first(from)))
		chain_append(to, c);
}

/* 0 or -ENOMEM. */
static int sort(struct chain *list, int (*compare)(const void *, const void *))
{
	size_t count = 0;
	for (struct chain *c = list->next; c != list; c = c->next)
		count++;
	struct chain **links = calloc(count + 1, sizeof(struct chain *));
	if (!links)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		links[i] = chain_first(list);
		chain_unlink(links[i]);
	}
	qsort(links, count, sizeof(struct chain *), compare);
	for (size_t i = 0; i < count; i++)
		chain_append(list, links[i]);
	free(links);
	return 0;
}

int file_positions_lose(struct file_positions *p)
{
	if (!p->settled)
		move_all(&p->parked, &p->lost);
	move_all(&p->strays, &p->lost);
	return sort(&p->lost, by_path_order);
}

bool file_positions_has_strays(const struct file_positions *p)
{
	return chain_first(&p->strays) != NULL;
}

bool file_positions_missing(struct file_positions *p, struct file_position *n, int64_t wall_ns)
{
	chain_append(&p->parked, &n->parked);
	if (n->missing)
		return false;
	n->missing = true;
	n->seen_ns = wall_ns;
	file_positions_news(p, n);
	return !n->finished;
}

int file_positions_settle(struct file_positions *p)
{
	p->settled = true;
	return sort(&p->parked, by_time_order);
}

#include "stages/source/file_positions.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

struct file_position *file_positions_add(struct file_positions *p, uint64_t device, uint64_t inode,
					 int64_t birth_ns)
{
	struct file_position *n = calloc(1, sizeof *n);
	if (!n)
		return NULL;
	n->device = device;
	n->inode = inode;
	n->birth_ns = birth_ns;
	file_place_init(&n->place);
	chain_init(&n->changed);
	chain_init(&n->parked);
	chain_init(&n->stored);
	hash_index_add(&p->by_inode, &n->by_inode, inode_hash(inode));
	return n;
}

void file_positions_free(struct file_positions *p, struct file_position *n)
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

void file_positions_name(struct file_positions *p, struct file_position *n, char *path)
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
		file_positions_free(p, chain_owner(c, struct file_position, parked));
	while ((c = chain_first(&p->changed)))
		file_positions_free(p, chain_owner(c, struct file_position, changed));
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

void file_positions_trust(struct file_positions *p, struct file_position *n)
{
	n->doubted = false;
	n->boot = p->boot;
}

bool file_positions_has_rebooted(const struct file_positions *p, const struct file_position *n)
{
	return n->boot != 0 && p->boot != 0 && n->boot != p->boot;
}

void file_positions_restart(struct file_positions *p, struct file_position *n)
{
	file_head_release(&n->head);
	n->tail = (struct file_tail){.end = 0};
	n->finished = false;
	file_positions_trust(p, n);
	file_positions_news(p, n);
}

void file_positions_cut(struct file_positions *p, struct file_position *n)
{
	n->tail = (struct file_tail){.end = 0};
	n->doubted = true;
	n->finished = false;
	file_positions_news(p, n);
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

static const char noted_key[] = "noted";
enum { NOTED_KEY_LENGTH = sizeof noted_key - 1 };

static bool is_noted(const struct change *c)
{
	return !c->removal && c->key_length == NOTED_KEY_LENGTH &&
	       memcmp(c->key, noted_key, NOTED_KEY_LENGTH) == 0;
}

static int load_noted(struct file_positions *p, const struct change *c)
{
	struct packed value = packed_from(c->value, c->value_length);
	p->noted_ns = (int64_t)packed_u64(&value);
	return packed_is_whole(&value) ? 0 : -EBADMSG;
}

static int load_one(struct file_positions *p, const struct change *c)
{
	struct packed key = packed_from(c->key, c->key_length);
	uint64_t device = packed_u64(&key), inode = packed_u64(&key), birth = packed_u64(&key);
	if (c->removal || !packed_is_whole(&key))
		return -EBADMSG;
	struct file_position *n = file_positions_add(p, device, inode, (int64_t)birth);
	if (!n)
		return -ENOMEM;
	n->is_known = true;
	n->doubted = true;
	chain_append(&p->parked, &n->parked);
	char *path;
	int r = file_position_unpack(n, packed_from(c->value, c->value_length), &path);
	if (r < 0)
		return r;
	file_positions_name(p, n, path);
	note_said(p, n, n->seen_ns);
	return 0;
}

int file_positions_load(struct file_positions *p, const struct delta *saved)
{
	struct packed rest = delta_changes(saved);
	struct change c;
	while (delta_next(&rest, &c)) {
		int r = is_noted(&c) ? load_noted(p, &c) : load_one(p, &c);
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

static int say(struct file_position *n, struct delta *d, struct packer *scratch)
{
	packer_clear(scratch);
	file_position_pack_key(scratch, n);
	size_t key = scratch->length;
	if (!n->over)
		file_position_pack(scratch, n);
	if (scratch->error)
		return scratch->error;
	if (n->over)
		return n->is_known ? delta_remove(d, scratch->bytes, key) : 0;
	int r = delta_put(d, scratch->bytes, key, scratch->bytes + key, scratch->length - key);
	if (r == 0)
		n->is_known = true;
	return r;
}

static int say_noted(struct delta *d, struct packer *scratch, int64_t wall_ns)
{
	packer_clear(scratch);
	packer_u64(scratch, (uint64_t)wall_ns);
	if (scratch->error)
		return scratch->error;
	return delta_put(d, noted_key, NOTED_KEY_LENGTH, scratch->bytes, scratch->length);
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
	if (p->notes_time && chain_first(&p->changed))
		r = say_noted(d, &scratch, wall_ns);
	while (r == 0 && (c = chain_first(&p->changed))) {
		struct file_position *n = chain_owner(c, struct file_position, changed);
		file_position_update(n, wall_ns);
		r = say(n, d, &scratch);
		if (r == 0) {
			chain_unlink(&n->changed);
			note_said(p, n, wall_ns);
		}
		if (r == 0 && n->over)
			file_positions_free(p, n);
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
		file_positions_free(p, n);
}

struct hash_node *file_positions_first(const struct file_positions *p, uint64_t inode)
{
	return hash_index_first(&p->by_inode, inode_hash(inode));
}

bool file_positions_has_path(const struct file_positions *p, const char *path)
{
	struct hash_node *h = hash_index_first(&p->by_path, path_hash(path));
	for (; h; h = hash_index_next(h))
		if (strcmp(chain_owner(h, struct file_position, by_path)->path, path) == 0)
			return true;
	return false;
}

void file_positions_park(struct file_positions *p, struct tracked_file *f, char *path,
			 int64_t wall_ns)
{
	struct file_position *n = f->position;
	file_position_update(n, wall_ns);
	file_positions_name(p, n, path);
	f->position = NULL;
	n->file = NULL;
	n->doubted = true;
	chain_append(n->astray ? &p->strays : &p->parked, &n->parked);
}

void file_positions_drop(struct file_positions *p, struct tracked_file *f)
{
	file_positions_free(p, f->position);
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

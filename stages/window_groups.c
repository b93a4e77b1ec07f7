#include "stages/window_groups.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static const char group_mark = 'g', state_mark = 's';

/* ---- memory ---- */

static size_t stride_of(const struct group_shape *shape)
{
	size_t align = _Alignof(struct tally);
	size_t bytes =
	    offsetof(struct window_group, tallies) + shape->tallies * sizeof(struct tally);
	return (bytes + align - 1) / align * align;
}

/* The table, its rows and what the index may come to. */
size_t window_groups_memory(const struct group_shape *shape)
{
	size_t a_slot = stride_of(shape) + 2 * sizeof(struct hash_node *);
	size_t a_group = shape->sketches * sizeof(struct sketch) + sizeof(struct sketch *) +
			 sizeof(struct window_group *);
	return (size_t)shape->max * (2 * a_slot + a_group);
}

static struct window_group *slot_at(const struct window_groups *g, size_t i)
{
	return (struct window_group *)(void *)(g->slots + i * g->stride);
}

static void lay_out(struct window_groups *g)
{
	for (size_t i = 0; i < 2 * g->shape.max; i++) {
		struct window_group *slot = slot_at(g, i);
		chain_init(&slot->link);
		chain_init(&slot->changed);
		chain_append(&g->free, &slot->link);
	}
	for (size_t i = g->shape.max; i-- > 0;)
		g->free_sketches[g->free_sketch_count++] = &g->sketches[i * g->shape.sketches];
}

int window_groups_init(struct window_groups *g, const struct group_shape *shape)
{
	*g = (struct window_groups){.shape = *shape, .stride = stride_of(shape)};
	chain_init(&g->open);
	chain_init(&g->gone);
	chain_init(&g->free);
	chain_init(&g->changed);
	g->slots = calloc(2 * shape->max, g->stride);
	g->sketches = calloc(shape->max * (shape->sketches + 1), sizeof *g->sketches);
	g->free_sketches = calloc(shape->max, sizeof *g->free_sketches);
	g->due = calloc(shape->max, sizeof *g->due);
	if (!g->slots || !g->sketches || !g->free_sketches || !g->due)
		return -ENOMEM;
	lay_out(g);
	return hash_index_init(&g->index);
}

void window_groups_release(struct window_groups *g)
{
	hash_index_release(&g->index);
	free(g->slots);
	free(g->sketches);
	free(g->free_sketches);
	free(g->due);
	*g = (struct window_groups){.slots = NULL};
}

/* ---- one group ---- */

static struct window_group *group_of(const struct chain *link)
{
	return chain_owner((struct chain *)(uintptr_t)link, struct window_group, link);
}

static uint64_t hash_of(int64_t start_ns, const uint8_t *key, size_t length)
{
	return XXH3_64bits_withSeed(key, length, (uint64_t)start_ns);
}

static bool is_it(const struct window_group *group, int64_t start_ns, const uint8_t *key,
		  size_t length)
{
	return group->start_ns == start_ns && group->key_length == length &&
	       memcmp(group->key, key, length) == 0;
}

struct window_group *window_groups_find(const struct window_groups *g, int64_t start_ns,
					const uint8_t *key, size_t length)
{
	struct hash_node *n = hash_index_first(&g->index, hash_of(start_ns, key, length));
	for (; n; n = hash_index_next(n)) {
		struct window_group *group = chain_owner(n, struct window_group, node);
		if (is_it(group, start_ns, key, length))
			return group;
	}
	return NULL;
}

struct window_group *window_groups_add(struct window_groups *g, int64_t start_ns,
				       const uint8_t *key, size_t length)
{
	assert(length <= GROUP_KEY_MAX);
	if (g->open_count == g->shape.max)
		return NULL;
	struct chain *link = chain_first(&g->free);
	assert(link && "no more can be gone than were open at a snapshot");
	struct window_group *group = group_of(link);
	chain_append(&g->open, link);
	g->open_count++;
	group->start_ns = start_ns;
	group->is_known = false;
	group->records = 0;
	group->key_length = (uint32_t)length;
	memcpy(group->key, key, length);
	memset(group->tallies, 0, g->shape.tallies * sizeof *group->tallies);
	group->sketches = g->free_sketches[--g->free_sketch_count];
	for (unsigned i = 0; i < g->shape.sketches; i++)
		group->sketches[i].used = 0;
	hash_index_add(&g->index, &group->node, hash_of(start_ns, key, length));
	return group;
}

void window_groups_changed(struct window_groups *g, struct window_group *group)
{
	if (!chain_is_linked(&group->changed))
		chain_append(&g->changed, &group->changed);
}

void window_groups_take_away(struct window_groups *g, struct window_group *group)
{
	g->free_sketches[g->free_sketch_count++] = group->sketches;
	hash_index_remove(&g->index, &group->node);
	chain_unlink(&group->changed);
	chain_append(group->is_known ? &g->gone : &g->free, &group->link);
	g->open_count--;
}

/* ---- windows ---- */

static int in_order(const void *a, const void *b)
{
	const struct window_group *x = *(struct window_group *const *)a;
	const struct window_group *y = *(struct window_group *const *)b;
	if (x->start_ns != y->start_ns)
		return x->start_ns < y->start_ns ? -1 : 1;
	uint32_t shorter = x->key_length < y->key_length ? x->key_length : y->key_length;
	int r = memcmp(x->key, y->key, shorter);
	return r ? r : (x->key_length > y->key_length) - (x->key_length < y->key_length);
}

void window_groups_collect(struct window_groups *g, int64_t start_ns)
{
	g->due_count = 0;
	for (struct chain *c = g->open.next; c != &g->open; c = c->next)
		if (group_of(c)->start_ns <= start_ns)
			g->due[g->due_count++] = group_of(c);
	qsort(g->due, g->due_count, sizeof(struct window_group *), in_order);
}

int64_t window_groups_first(const struct window_groups *g)
{
	int64_t first = INT64_MAX;
	for (struct chain *c = g->open.next; c != &g->open; c = c->next)
		if (group_of(c)->start_ns < first)
			first = group_of(c)->start_ns;
	return first;
}

/* ---- snapshots ---- */

static void pack_key(struct packer *p, const struct window_group *group)
{
	packer_clear(p);
	packer_raw(p, &group_mark, 1);
	packer_u64(p, (uint64_t)group->start_ns);
	packer_raw(p, group->key, group->key_length);
}

static int say_gone(struct window_groups *g, struct delta *d, struct packer *p)
{
	struct chain *c;
	int r = 0;
	while (r == 0 && (c = chain_first(&g->gone))) {
		pack_key(p, group_of(c));
		r = p->error ? p->error : delta_remove(d, p->bytes, p->length);
		chain_append(&g->free, c);
	}
	return r;
}

static int say_group(const struct window_groups *g, struct window_group *group, struct delta *d,
		     struct packer *p)
{
	pack_key(p, group);
	size_t key = p->length;
	packer_varint(p, group->records);
	for (unsigned i = 0; i < g->shape.tallies; i++)
		tally_pack(&group->tallies[i], p);
	for (unsigned i = 0; i < g->shape.sketches; i++)
		sketch_pack(&group->sketches[i], p);
	group->is_known = true;
	return p->error ? p->error : delta_put(d, p->bytes, key, p->bytes + key, p->length - key);
}

/* First what has gone: a window that was given out may be open again. */
int window_groups_snapshot(struct window_groups *g, const struct packer *state, struct delta *d)
{
	struct packer p = {.bytes = NULL};
	struct chain *c;
	int r = say_gone(g, d, &p);
	while (r == 0 && (c = chain_first(&g->changed))) {
		r = say_group(g, chain_owner(c, struct window_group, changed), d, &p);
		chain_unlink(c);
	}
	if (r == 0)
		r = delta_put(d, &state_mark, 1, state->bytes, state->length);
	packer_release(&p);
	return r;
}

/* ---- what was remembered ---- */

static bool is_state(const struct change *c)
{
	return c->key_length == 1 && c->key[0] == (uint8_t)state_mark;
}

int window_groups_state(const struct delta *saved, const uint8_t **ret_state, size_t *ret_length,
			size_t *ret_groups)
{
	struct packed rest = delta_changes(saved);
	struct change c;
	*ret_state = NULL;
	*ret_groups = *ret_length = 0;
	while (delta_next(&rest, &c)) {
		if (c.removal)
			return -EBADMSG;
		*ret_groups += !is_state(&c);
		if (!is_state(&c))
			continue;
		*ret_state = c.value;
		*ret_length = c.value_length;
	}
	return rest.broken || (*ret_groups > 0 && !*ret_state) ? -EBADMSG : 0;
}

static int unpack_group(const struct window_groups *g, struct window_group *group, struct packed *p)
{
	bool is_good = true;
	group->records = packed_varint(p);
	for (unsigned i = 0; i < g->shape.tallies && is_good; i++)
		is_good = tally_unpack(&group->tallies[i], p);
	for (unsigned i = 0; i < g->shape.sketches && is_good; i++)
		is_good = sketch_unpack(&group->sketches[i], p);
	return is_good && packed_is_whole(p) ? 0 : -EBADMSG;
}

/* A tally without a number has an empty sketch, and no other. */
static bool is_consistent(const struct window_groups *g, const struct window_group *group)
{
	for (unsigned i = 0; i < g->shape.tallies; i++) {
		int sketch = g->shape.sketch_of[i];
		if (sketch >= 0 &&
		    (group->tallies[i].count > 0) != (group->sketches[sketch].used > 0))
			return false;
	}
	return true;
}

static int load_group(struct window_groups *g, const struct change *c)
{
	struct packed key = packed_from(c->key, c->key_length);
	struct packed value = packed_from(c->value, c->value_length);
	const uint8_t *mark = packed_raw(&key, 1);
	int64_t start_ns = (int64_t)packed_u64(&key);
	size_t length = (size_t)(key.end - key.at);
	if (key.broken || *mark != (uint8_t)group_mark || length > GROUP_KEY_MAX ||
	    window_groups_find(g, start_ns, key.at, length))
		return -EBADMSG;
	struct window_group *group = window_groups_add(g, start_ns, key.at, length);
	if (!group)
		return -ENOSPC;
	group->is_known = true;
	int r = unpack_group(g, group, &value);
	return r == 0 && !is_consistent(g, group) ? -EBADMSG : r;
}

int window_groups_load(struct window_groups *g, const struct delta *saved)
{
	struct packed rest = delta_changes(saved);
	struct change c;
	int r = 0;
	while (r == 0 && delta_next(&rest, &c))
		if (!is_state(&c))
			r = load_group(g, &c);
	return r == 0 && rest.broken ? -EBADMSG : r;
}

#include "daemon/epoch_map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

int epoch_map_init(struct epoch_map *m)
{
	*m = (struct epoch_map){.count = 0};
	return hash_index_init(&m->index);
}

void epoch_map_release(struct epoch_map *m)
{
	epoch_map_discard(m);
	struct epoch_stage *next_stage;
	for (struct epoch_stage *s = m->stages; s; s = next_stage) {
		next_stage = s->next;
		struct epoch_entry *next;
		for (struct epoch_entry *e = s->first; e; e = next) {
			next = e->next;
			free(e);
		}
		free(s);
	}
	hash_index_release(&m->index);
	*m = (struct epoch_map){.count = 0};
}

static struct epoch_stage *find_stage(const struct epoch_map *m, const char *id, size_t id_length)
{
	struct epoch_stage *s = m->stages;
	while (s && (s->id_length != id_length || memcmp(s->id, id, id_length) != 0))
		s = s->next;
	return s;
}

static struct epoch_stage *add_stage(struct epoch_map *m, const char *id, size_t id_length)
{
	struct epoch_stage *s = malloc(sizeof *s + id_length + 1);
	if (!s)
		return NULL;
	*s = (struct epoch_stage){.id_length = id_length, .hash = XXH3_64bits(id, id_length)};
	memcpy(s->id, id, id_length);
	s->id[id_length] = '\0';
	struct epoch_stage **end = &m->stages;
	while (*end)
		end = &(*end)->next;
	*end = s;
	return s;
}

static uint64_t hash_key(const struct epoch_stage *s, const void *key, size_t key_length)
{
	return XXH3_64bits_withSeed(key, key_length, s->hash);
}

static bool is_it(const struct epoch_entry *e, const struct epoch_stage *s, const void *key,
		  size_t key_length)
{
	return e->stage == s && e->key_length == key_length &&
	       memcmp(e->bytes, key, key_length) == 0;
}

static struct epoch_entry *find_entry(const struct epoch_map *m, const struct epoch_stage *s,
				      const void *key, size_t key_length, uint64_t hash)
{
	struct hash_node *n = hash_index_first(&m->index, hash);
	for (; n; n = hash_index_next(n)) {
		struct epoch_entry *e = (struct epoch_entry *)(void *)n;
		if (is_it(e, s, key, key_length))
			return e;
	}
	return NULL;
}

/* The lengths are those of bytes that are there, so their sum is one too. */
static int prepare_change(struct epoch_map *m, struct epoch_stage *s, const struct change *c)
{
	struct epoch_entry *e = malloc(sizeof *e + c->key_length + c->value_length);
	if (!e)
		return -ENOMEM;
	*e = (struct epoch_entry){.stage = s,
				  .key_length = c->key_length,
				  .value_length = c->value_length,
				  .removal = c->removal};
	e->node.hash = hash_key(s, c->key, c->key_length);
	memcpy(e->bytes, c->key, c->key_length);
	memcpy(e->bytes + c->key_length, c->value, c->value_length);
	if (m->prepared_last)
		m->prepared_last->next = e;
	else
		m->prepared = e;
	m->prepared_last = e;
	return 0;
}

int epoch_map_prepare(struct epoch_map *m, const char *id, size_t id_length, struct packed changes)
{
	struct epoch_stage *s = find_stage(m, id, id_length);
	if (!s)
		s = add_stage(m, id, id_length);
	int r = s ? 0 : -ENOMEM;
	struct change change;
	while (r == 0 && delta_next(&changes, &change))
		r = prepare_change(m, s, &change);
	if (r == 0 && changes.broken)
		r = -EBADMSG;
	if (r < 0)
		epoch_map_discard(m);
	return r;
}

static uint64_t memory_of(const struct epoch_entry *e)
{
	return sizeof *e + e->key_length + e->value_length;
}

static void link_entry(struct epoch_map *m, struct epoch_entry *e)
{
	struct epoch_stage *s = e->stage;
	e->next = NULL;
	e->prev = s->last;
	if (s->last)
		s->last->next = e;
	else
		s->first = e;
	s->last = e;
	s->count++;
	s->packed_bytes += delta_put_length(e->key_length, e->value_length);
	m->count++;
	m->bytes += memory_of(e);
	hash_index_add(&m->index, &e->node, e->node.hash);
}

static void remove_entry(struct epoch_map *m, struct epoch_entry *e)
{
	struct epoch_stage *s = e->stage;
	*(e->prev ? &e->prev->next : &s->first) = e->next;
	*(e->next ? &e->next->prev : &s->last) = e->prev;
	s->count--;
	s->packed_bytes -= delta_put_length(e->key_length, e->value_length);
	m->count--;
	m->bytes -= memory_of(e);
	hash_index_remove(&m->index, &e->node);
	free(e);
}

static void apply_entry(struct epoch_map *m, struct epoch_entry *e)
{
	struct epoch_entry *old = find_entry(m, e->stage, e->bytes, e->key_length, e->node.hash);
	if (old)
		remove_entry(m, old);
	if (e->removal)
		free(e);
	else
		link_entry(m, e);
}

/* All that was prepared, which is then forgotten. */
static struct epoch_entry *take_prepared(struct epoch_map *m)
{
	struct epoch_entry *first = m->prepared;
	m->prepared = m->prepared_last = NULL;
	return first;
}

void epoch_map_apply(struct epoch_map *m)
{
	struct epoch_entry *next;
	for (struct epoch_entry *e = take_prepared(m); e; e = next) {
		next = e->next;
		apply_entry(m, e);
	}
}

void epoch_map_discard(struct epoch_map *m)
{
	struct epoch_entry *next;
	for (struct epoch_entry *e = take_prepared(m); e; e = next) {
		next = e->next;
		free(e);
	}
}

const struct epoch_stage *epoch_map_stage(const struct epoch_map *m, const char *id)
{
	return find_stage(m, id, strlen(id));
}

int epoch_map_copy(const struct epoch_map *m, const char *id, struct delta *d)
{
	const struct epoch_stage *s = epoch_map_stage(m, id);
	int r = 0;
	for (const struct epoch_entry *e = s ? s->first : NULL; e && r == 0; e = e->next)
		r = delta_put(d, epoch_entry_key(e), e->key_length, epoch_entry_value(e),
			      e->value_length);
	return r;
}

const struct epoch_entry *epoch_map_find(const struct epoch_map *m, const char *id, const void *key,
					 size_t key_length)
{
	const struct epoch_stage *s = epoch_map_stage(m, id);
	return s ? find_entry(m, s, key, key_length, hash_key(s, key, key_length)) : NULL;
}

#include "stages/encode/json_merge.h"

#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>

enum { SLOTS = 2 * JSON_MERGE_MEMBERS_MAX };

int json_merge_init(struct json_merge *m)
{
	*m = (struct json_merge){
	    .entries = calloc(JSON_MERGE_MEMBERS_MAX, sizeof *m->entries),
	    .found = calloc(JSON_MERGE_MEMBERS_MAX, sizeof *m->found),
	    .slots = calloc(SLOTS, sizeof *m->slots),
	};
	return m->entries && m->found && m->slots ? 0 : -ENOMEM;
}

void json_merge_release(struct json_merge *m)
{
	free(m->entries);
	free(m->found);
	free(m->slots);
	*m = (struct json_merge){.entries = NULL};
}

const char *json_merge_add(struct json_merge *m, const struct json_plan *plan, struct value *values,
			   const struct value *object, const uint8_t *prefix, size_t prefix_length)
{
	struct json_mistake mistake;
	struct json_members members = {
	    .at = m->found, .room = JSON_MERGE_MEMBERS_MAX - m->count, .all = true};
	if (json_scan(plan, object->bytes, object->length, values, &members, &mistake) < 0)
		return mistake.why;
	if (members.is_full)
		return JSON_TOO_MANY_FIELDS;
	for (uint32_t i = 0; i < members.count; i++)
		m->entries[m->count++] = (struct json_merge_entry){
		    .member = m->found[i],
		    .prefix = prefix,
		    .prefix_length = (uint32_t)prefix_length,
		};
	return NULL;
}

static uint64_t hash_of(const struct json_merge *m, const struct json_merge_entry *e)
{
	const struct value *name = &e->member.name;
	/* Who chooses names so that they collide would have to know where this lies. */
	XXH64_hash_t seed = XXH3_64bits_withSeed(e->prefix, e->prefix_length, (uintptr_t)m->slots);
	return XXH3_64bits_withSeed(name->bytes, name->length, seed);
}

/* As texts, wherever the prefix ends. */
static bool same_name(const struct json_merge_entry *a, const struct json_merge_entry *b)
{
	const struct value *x = &a->member.name, *y = &b->member.name;
	return a->prefix_length == b->prefix_length && x->length == y->length &&
	       memcmp(a->prefix, b->prefix, a->prefix_length) == 0 &&
	       memcmp(x->bytes, y->bytes, x->length) == 0;
}

/* From the last to the first: who finds its name taken is not the last one of it. */
void json_merge_settle(struct json_merge *m)
{
	memset(m->slots, 0, SLOTS * sizeof *m->slots);
	for (uint32_t i = m->count; i-- > 0;) {
		struct json_merge_entry *e = &m->entries[i];
		uint32_t slot = (uint32_t)(hash_of(m, e) % SLOTS);
		while (m->slots[slot] && !same_name(e, &m->entries[m->slots[slot] - 1]))
			slot = (slot + 1) % SLOTS;
		e->is_last = m->slots[slot] == 0;
		if (e->is_last)
			m->slots[slot] = i + 1;
	}
}

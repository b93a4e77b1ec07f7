#include "stages/encode/json_merge.h"

#include "stages/json/json_escape.h"
#include "stages/json/json_utf8.h"

#include <errno.h>
#include <stdlib.h>
#define XXH_STATIC_LINKING_ONLY /* a state on the stack */
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

/* A name's bytes as they are meant, wherever the prefix ends and whatever is escaped. */
struct name_bytes {
	const uint8_t *at, *end;
	const uint8_t *rest; /* of the name, behind the prefix; NULL: it has been begun */
	uint32_t rest_length;
	uint8_t character[UTF8_CHARACTER_MAX];
};

static struct name_bytes name_bytes_of(const struct json_merge_entry *e)
{
	const struct value *name = &e->member.name;
	return (struct name_bytes){.at = e->prefix,
				   .end = e->prefix + e->prefix_length,
				   .rest = name->bytes,
				   .rest_length = name->length};
}

/* A piece of them, at *ret_bytes until the next one; 0: there are no more. */
static size_t next_piece(struct name_bytes *n, const uint8_t **ret_bytes)
{
	if (n->at == n->end && n->rest) {
		n->at = n->rest;
		n->end = n->rest + n->rest_length;
		n->rest = NULL;
	}
	const size_t left = (size_t)(n->end - n->at);
	if (left > 0 && *n->at == '\\') {
		const struct json_escape e = json_escape(n->at, left);
		n->at += e.length;
		*ret_bytes = n->character;
		return utf8_put(n->character, e.point);
	}
	const uint8_t *backslash = left > 0 ? memchr(n->at, '\\', left) : NULL;
	const size_t plain = backslash ? (size_t)(backslash - n->at) : left;
	*ret_bytes = n->at;
	n->at += plain;
	return plain > 0 || !n->rest ? plain : next_piece(n, ret_bytes);
}

static uint64_t hash_of(const struct json_merge *m, const struct json_merge_entry *e)
{
	struct name_bytes n = name_bytes_of(e);
	const uint8_t *piece;
	XXH3_state_t state;
	XXH3_INITSTATE(&state);
	/* Who chooses names so that they collide would have to know where this lies. */
	XXH3_64bits_reset_withSeed(&state, (uintptr_t)m->slots);
	for (size_t length; (length = next_piece(&n, &piece)) > 0;)
		XXH3_64bits_update(&state, piece, length);
	return XXH3_64bits_digest(&state);
}

static bool same_name(const struct json_merge_entry *a, const struct json_merge_entry *b)
{
	struct name_bytes x = name_bytes_of(a), y = name_bytes_of(b);
	const uint8_t *p = NULL, *q = NULL;
	size_t i = 0, j = 0;
	for (;;) {
		if (i == 0)
			i = next_piece(&x, &p);
		if (j == 0)
			j = next_piece(&y, &q);
		const size_t both = i < j ? i : j;
		if (both == 0)
			return i == j;
		if (memcmp(p, q, both) != 0)
			return false;
		p += both;
		q += both;
		i -= both;
		j -= both;
	}
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

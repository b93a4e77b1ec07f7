/* json_plan.h - which fields of a record somebody wants, as a tree of names; made at load, read for every record.
 *
 *	status -> 0, user.id -> 1, user.name -> 2
 *
 *	root --- "status"   column 0
 *	     \-- "user" --- "id"     column 1            below user: 1, 2
 *	                \-- "name"   column 2
 *
 * A path is names, so {"user.id": 1} has no user.id; nothing within an array has a path.
 *
 * Threads: any once it is made. Memory: malloc, at load. Layer: stages. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
	JSON_NO_COLUMN = UINT16_MAX,
	JSON_NAME_MAX = 255, /* bytes */
	JSON_DEPTH_MAX = 1024,
	JSON_ROOT = 1, /* node 0 is all that nobody wants */
};

struct json_name {
	const uint8_t *bytes;
	size_t length;
};

/* In a table of twice as many as there are names, at least: there is always one whose node is 0, and a search ends. */
struct json_slot {
	uint64_t word; /* the name's first eight bytes, 0 where it is shorter */
	const uint8_t *name;
	uint32_t length;
	uint32_t node;
};

struct json_node {
	struct json_slot *slots;
	uint32_t mask; /* of slots; one less than there are */
	uint32_t children;
	uint16_t *below; /* the columns of everything below this */
	uint16_t below_count;
	uint16_t column;
};

struct json_plan {
	struct json_node *nodes;
	uint32_t count;
	uint32_t depth_max; /* objects and arrays within each other, the record itself counted */
	uint16_t columns;   /* one more than the highest */
};

/* 0, -ENOMEM. depth_max: 1 to JSON_DEPTH_MAX. On error there is nothing to release. */
int json_plan_init(struct json_plan *p, uint32_t depth_max);

/* What the path of so many names, at least one, leads to goes to column. 0, -EEXIST: the path has another column;
 * -ENAMETOOLONG: a name has more than JSON_NAME_MAX bytes; -EINVAL: more names than depth_max or none; -ENOMEM. */
int json_plan_want(struct json_plan *p, const struct json_name *names, size_t count,
		   uint16_t column);
/* The same, of names with dots between them: `user.id` is `id` within `user`. */
int json_plan_want_path(struct json_plan *p, const char *path, size_t length, uint16_t column);

void json_plan_release(struct json_plan *p);

/* The first eight bytes of a name, with 0 for those it does not have; `readable` bytes may be read, as many as it has at
 * least. */
static inline uint64_t json_name_word(const uint8_t *name, size_t length, size_t readable)
{
	uint64_t word = 0;
	if (readable < sizeof word) {
		memcpy(&word, name, length);
		return word;
	}
	memcpy(&word, name, sizeof word);
	if (length >= sizeof word)
		return word;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return word & ~(~(uint64_t)0 >> 8 * length);
#else
	return word & (((uint64_t)1 << 8 * length) - 1);
#endif
}

static inline uint32_t json_name_slot(const struct json_node *n, uint64_t word)
{
	return (uint32_t)(word * UINT64_C(0x9e3779b97f4a7c15) >> 32) & n->mask;
}

/* The node that a name leads to from n; 0: nobody wants it. */
static inline uint32_t json_plan_find(const struct json_node *n, const uint8_t *name, size_t length,
				      size_t readable)
{
	const uint64_t word = json_name_word(name, length, readable);
	uint32_t i = json_name_slot(n, word);
	for (; n->slots[i].node; i = (i + 1) & n->mask) {
		const struct json_slot *s = &n->slots[i];
		if (s->word == word && s->length == length &&
		    (length <= sizeof word || memcmp(s->name, name, length) == 0))
			return s->node;
	}
	return 0;
}

/* record_layout.h - how a record that a stage makes is written as one JSON object: what stands before each of its values.
 *
 *   user.id, count, user.name      {"user":{"id": VALUE ,"name": VALUE },"count": VALUE }
 *                                   ^ text ^^^^^^       ^^^^^^^^         ^^^^^^^^^^       ^ the rest
 *
 * Threads: the owner's. Memory: record_layout_release(). Layer: stages. */
#pragma once

#include "conf/option.h"
#include "stages/packer.h"

struct layout_member {
	size_t name;     /* which of the names */
	size_t from, to; /* of the text before its value */
};

/* An object within it, such as `user`: it begins and ends so far into the text that stands before the value of a member; of that
 * behind the last one, into the rest. */
struct layout_object {
	const char *name;
	size_t length;
	struct layout_place {
		size_t member, into;
	} begins, ends;
};

struct record_layout {
	struct packer text;
	struct layout_member *members; /* in the order in which they are written */
	size_t count;
	struct layout_object *objects;
	size_t object_count;
	size_t rest; /* from here on it follows the last value */
};

/* names: as field_names_check() accepts them; they outlive it. 0 or -ENOMEM; record_layout_release() in any case. */
int record_layout_init(struct record_layout *l, const struct text *names, size_t count);
void record_layout_release(struct record_layout *l);

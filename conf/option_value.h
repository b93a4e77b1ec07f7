/* option_value.h - one option's value: from YAML into the struct its table fills.
 *
 * Threads: one. Memory: texts are shared with the nodes. Layer: conf. */
#pragma once

#include "conf/node.h"
#include "conf/option.h"

/* For any type but OPTION_GROUP. `field` points at what the type says. 0; -EINVAL with a problem added, or none when
 * the node is broken and was told of; -ENOMEM, told by the arena. `field` is untouched on failure, but a list or map has the
 * items that were good. */
int option_value_set(const struct option *o, const struct node *n, void *field, struct arena *arena,
		     struct problems *problems);

/* "a size like 64KiB, 1MiB or 10MB": what would be right. */
enum { OPTION_WANT_ROOM = 320 };
void option_value_want(const struct option *o, char text[OPTION_WANT_ROOM]);

/* A number of this option's type, with its unit. */
enum { OPTION_NUMBER_ROOM = 40 };
void option_value_print(const struct option *o, uint64_t value, char text[OPTION_NUMBER_ROOM]);

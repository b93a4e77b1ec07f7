/* yaml_cursor.h - a walk over YAML text that counts lines and columns the way libyaml does, so that places inside a
 * scalar, which libyaml doesn't give, can be told as exactly as the scalar's own.
 *
 * Threads: one. Memory: none; the text must outlive the cursor. Layer: conf. */
#pragma once

#include "conf/node.h"

struct yaml_cursor {
	const char *at, *end;
	size_t index;          /* characters before `at`, as libyaml's yaml_mark_t counts them */
	unsigned line, column; /* from 1 */
};

void yaml_cursor_init(struct yaml_cursor *c, const char *text, size_t length);

/* One character on; a line break of two bytes counts as one step. Not at the end. */
void yaml_cursor_step(struct yaml_cursor *c);

/* Over anchors and tags, and the space and comments after them, to the value they belong to. */
void yaml_cursor_skip_properties(struct yaml_cursor *c);

/* The place of the nth `$` (from 0) that a scalar's value holds, escapes that stand for one counted. Where the scalar's
 * text isn't at hand: the scalar's own place. */
struct place yaml_dollar_place(const struct node *scalar, size_t nth);

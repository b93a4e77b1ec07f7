/* override.h - `--set a.b.c=VALUE`: one value of the topology replaced, or added.
 *
 *   a.b.c=VALUE    a text as it stands, where the option takes text, whatever YAML would make of it; numbers and words
 *                  elsewhere; a stage or a group of options: a YAML map
 *   a.b.c:=VALUE   YAML: lists, quoted texts with escapes
 *
 * Threads: one. Memory: the reader's arena; the argument must live as long. Layer: conf. */
#pragma once

#include "conf/yaml_tree.h"

/* The path goes through maps, whose missing keys it creates, and lists, where a part is an index from 0 (the list's
 * length: one more item; a single text counts as a list of one); but no stage whose name is much like that of one that is
 * there. Problems stand at "--set a.b.c". 0; -EINVAL with problems added, root unchanged but for keys created on the way; -ENOMEM, told by the arena. */
int override_apply(struct yaml_reader *r, struct node *root, const char *argument);

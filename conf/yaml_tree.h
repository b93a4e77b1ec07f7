/* yaml_tree.h - YAML text to nodes with places, within limits.
 *
 *   text -> libyaml's events -> nodes: aliases copied, `<<` merged, duplicate keys told
 *
 * Threads: one. Memory: nodes live in the reader's arena; the text must live as long. Layer: conf, libyaml. */
#pragma once

#include "conf/node.h"
#include "conf/problems.h"

enum {
	YAML_TEXT_BYTES_MAX = 4 << 20,
	YAML_SCALAR_BYTES_MAX = 1 << 20,
	YAML_DEPTH_MAX = 64,
	YAML_NODES_MAX = 100000, /* keys and values, each alias counted as what it stands for */
	YAML_ALIASES_MAX = 10000,
};

/* Shared by all the texts of one topology, so that the limits are on their sum. */
struct yaml_reader {
	struct arena *arena;
	struct problems *problems;
	size_t nodes, aliases; /* so far */
};

void yaml_reader_init(struct yaml_reader *r, struct arena *arena, struct problems *problems);

/* Reads one document. `file` stands in the places of nodes and problems; file_lines false: the text is no file, so
 * there are no lines and columns to tell (--set, presets). 0, with *ret_root NULL for a text without a document;
 * -EINVAL with problems added, *ret_root then NULL, or what there is but for duplicate keys and the like, so that its
 * other problems can be told too; -ENOMEM, told by the arena, with *ret_root NULL. */
int yaml_tree_read(struct yaml_reader *r, const char *file, bool file_lines, const char *text,
		   size_t length, struct node **ret_root);

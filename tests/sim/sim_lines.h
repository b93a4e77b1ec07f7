/* sim_lines.h - what a sink holds, line by line: all its files, the oldest first, unpacked.
 *
 * Threads: one. Memory: its own, until sim_lines_release(). Layer: tests. */
#pragma once

#include "tests/sim/sim_inode.h"

struct sim_lines {
	struct sim_bytes held;
	size_t at;
	bool is_broken; /* one of them is no whole zstd file */
};

void sim_lines_read(struct sim_lines *l, struct sim_fs *fs, const char *directory);
void sim_lines_release(struct sim_lines *l);

/* The next one; false: there is none. One without an end counts, too. */
bool sim_lines_next(struct sim_lines *l, const char **ret_line, size_t *ret_length);

/* json_blocks.h - 64 bytes of JSON at a time: where quotes, backslashes and control characters are, and whether UTF-8 is
 * right. Once for each instruction set; only json_index.h and tests use it.
 *
 *	bytes        { " a \ " b " : 1 }
 *	quotes         1     1   1         every quote, escaped or not: json_index.h knows which
 *	backslashes        1
 *
 * Nothing is read outside [bytes, bytes + length).
 *
 * Threads: any; the choice of instruction set is made before main(). Memory: none. Layer: stages, libc only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	JSON_BLOCK_BYTES = 64,
	JSON_WINDOW_BLOCKS = 64,
	JSON_WINDOW_BYTES = JSON_BLOCK_BYTES * JSON_WINDOW_BLOCKS,
};

/* One word for each block, the first byte's bit is the lowest; bits beyond the end are 0. One more word of quotes, for
 * whoever wants to put an end there. */
struct json_masks {
	uint64_t quotes[JSON_WINDOW_BLOCKS + 1];
	uint64_t backslashes[JSON_WINDOW_BLOCKS];
	uint64_t controls[JSON_WINDOW_BLOCKS]; /* below 0x20 */
};

/* What there is of at all: 0 means none. */
struct json_some {
	uint64_t backslashes, controls, high; /* high: from 0x80 on */
};

struct json_skeleton;

struct json_kernels {
	const char *name;
	bool (*supported)(void);

	/* Fills in the words of length bytes, at most JSON_WINDOW_BYTES. */
	struct json_some (*masks)(const uint8_t *bytes, size_t length, struct json_masks *masks);

	bool (*is_utf8)(const uint8_t *bytes, size_t length);

	/* json_skeleton.h; NULL: a record is walked as fast. */
	bool (*skeleton)(const uint8_t *bytes, size_t length, const uint64_t *quotes,
			 struct json_skeleton *ret_skeleton);
};

/* Widest first, the last of them runs anywhere; ends with a NULL name. */
extern const struct json_kernels json_kernels_all[];

/* The widest that this machine supports. Tests put the others here. */
extern const struct json_kernels *json_kernels;

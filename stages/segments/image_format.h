/* image_format.h - the head of a batch's image (batch_image.h), for who writes and who reads it.
 * Threads: any. Memory: none. Layer: stages. */
#pragma once

#include <stdint.h>

#define IMAGE_MAGIC UINT32_C(0x314d4942) /* BIM1 */

/* Where in the head what stands. */
enum {
	IMAGE_AT_MAGIC = 0,
	IMAGE_AT_FLAGS = 4,
	IMAGE_AT_COUNT = 8, /* of records */
	IMAGE_AT_RUNS = 12, /* how many */
	IMAGE_AT_EXTENT =
	    16, /* from the first record's beginning to the last one's end, with its delimiter */
	IMAGE_AT_BYTES = 20,     /* of records and delimiters */
	IMAGE_AT_NAMES = 24,     /* their length */
	IMAGE_AT_FIELDS = 28,    /* likewise */
	IMAGE_AT_BESIDE = 32,    /* of these, bytes that come with a field */
	IMAGE_AT_DELIMITER = 36, /* its length, one byte; the three behind are 0 */
	IMAGE_AT_DELIMITER_BYTES = 40,
	IMAGE_AT_WALL = 48,
	IMAGE_AT_READ = 56, /* monotonic, of the start of the machine that follows */
	IMAGE_AT_BOOT = 64,
	IMAGE_AT_PLACE = 72,
	IMAGE_HEAD = 80,
	IMAGE_RUN = 8,    /* skip, u32, from the end of the run before; count, u32 */
	IMAGE_LENGTH = 4, /* of a record */
};

enum {
	IMAGE_UNTERMINATED = 1,
	IMAGE_HAS_PLACE = 2,
	IMAGE_HAS_ROWS = 4,
	IMAGE_HAS_SOURCE = 8,
	IMAGE_HAS_FILE = 16,
	IMAGE_FLAGS = 31,
};

/* A field begins with its type, its form shifted by so much, and this if its bytes come with it. */
enum { IMAGE_FORM_SHIFT = 4, IMAGE_BESIDE = 0x80, IMAGE_FORM_MASK = 7, IMAGE_TYPE_MASK = 15 };

/* What one takes at most, without bytes of its own. */
enum { IMAGE_FIELD_MAX = 11, IMAGE_VARINT_MAX = 5 };

/* held_lines.h - the beginnings of lines that come in parts, kept until the rest is there.
 *
 *   bytes   [ line 0 ......... | line 1 . | line 2 .... |     free      ]     `capacity` for all of them
 *
 * Lines are few, and mostly it is the last one that grows; what stands behind another is moved.
 *
 * Threads: one. Memory: held_lines_release(); nothing is taken after held_lines_init(). Layer: stages. */
#pragma once

#include "stages/batch.h"
#include "stages/packer.h"

enum { HELD_LINES_MAX = 16, HELD_TIME_MAX = 64 };

/* Whose parts belong together. */
struct held_key {
	uint64_t origin; /* where it is read from */
	bool is_error;   /* standard error, not standard output */
	bool is_json;
};

struct held_line {
	struct held_key key;
	uint32_t from, length; /* in the bytes */
	uint8_t time[HELD_TIME_MAX];
	uint8_t time_length; /* of its first part */
	/* Not packed. */
	uint64_t since_ns;  /* monotonic: when the last part came */
	bool is_due;        /* it is to be held no longer */
	const char *source; /* as a batch's */
	struct delimiter delimiter;
};

struct held_lines {
	uint8_t *bytes;
	uint32_t length, capacity;
	unsigned count;
	struct held_line lines[HELD_LINES_MAX]; /* in the order of their bytes */
};

/* 0 or -ENOMEM; then there is nothing to release. */
int held_lines_init(struct held_lines *h, uint32_t capacity);
void held_lines_release(struct held_lines *h);

/* Its number; -1: nothing of it is held. */
int held_lines_find(const struct held_lines *h, const struct held_key *key);

/* Is there room for so many bytes more; of a line that is not held yet, too? */
bool held_lines_fit(const struct held_lines *h, int line, size_t bytes);

/* An empty line, the last; there is room. */
struct held_line *held_lines_add(struct held_lines *h, const struct held_key *key);
/* There is room. */
void held_lines_append(struct held_lines *h, unsigned line, const uint8_t *bytes, uint32_t length);
/* Those behind it get numbers that are one lower. */
void held_lines_drop(struct held_lines *h, unsigned line);

void held_lines_pack(const struct held_lines *h, struct packer *p);
/* Into one that is empty. 0; -EBADMSG: that was not packed here; -E2BIG: there is no room for it. Then it is empty. */
int held_lines_unpack(struct held_lines *h, const uint8_t *bytes, size_t length);

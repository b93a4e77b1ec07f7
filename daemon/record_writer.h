/* record_writer.h - one record of the epoch log, made piece by piece: however much it holds, it takes one chunk.
 *
 *	record_writer_begin_parts(w, ...);
 *	while (!w->ended) {
 *		record_writer_fill(w);      w->chunk.bytes, w->chunk.length: write these next
 *	}
 *	w->chain                            the record's checksum, with which the next one's is seeded
 *
 * Threads: the owner's. Memory: the chunk and the hash's state, kept. Layer: daemon. */
#pragma once

#include "daemon/epoch_format.h"

struct XXH3_state_s;

/* What one stage wants remembered. */
struct epoch_part {
	const char *id;
	const struct delta *delta;
};

struct record_writer {
	struct packer chunk;
	struct XXH3_state_s *hash;
	struct epoch_head head;
	uint64_t made; /* bytes of it, so far */
	uint64_t chain;
	bool ended;

	/* what it is made of: parts, or if that is NULL a snapshot of all that is remembered */
	const struct epoch_part *part, *parts_end;
	size_t copied; /* of the part's delta */
	const struct epoch_stage *stage;
	const struct epoch_entry *entry;
};

/* 0 or -ENOMEM; to be released in either case. */
int record_writer_init(struct record_writer *w);
/* Also of what is all zero. */
void record_writer_release(struct record_writer *w);

/* chain: the checksum before it. What it is made of stays put until it has ended. */
void record_writer_begin_parts(struct record_writer *w, uint64_t epoch, int64_t wall_ns,
			       uint64_t chain, const struct epoch_part *parts, size_t count);
void record_writer_begin_snapshot(struct record_writer *w, uint64_t epoch, int64_t wall_ns,
				  uint64_t chain, const struct epoch_map *m);

/* Empties the chunk and fills it with what comes next. 0, or -ENOMEM: begin again. */
int record_writer_fill(struct record_writer *w);

/* The length of a snapshot's record. */
uint64_t record_snapshot_length(const struct epoch_map *m);

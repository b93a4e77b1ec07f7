/* csv_header.h - the names in a file's first record of comma-separated values, and why they may be of no use.
 *
 *	id,"user ""x""",note        ──pack──►  fine | 2 id | 8 user "x" | 4 note        what snapshots hold
 *	                            ──make──►  names[0] {"id", slot 1}, ...             what records are read by
 *
 * A byte order mark before it belongs to the file. Strictly each field has a name, and no two the same; if not, a field without a name
 * is left out, and of a name that comes twice the last field counts.
 *
 * Threads: the owner's. Memory: one allocation each. Layer: stages. */
#pragma once

#include "stages/chain.h"
#include "stages/hash_index.h"
#include "stages/packer.h"

struct csv_name {
	const uint8_t *bytes; /* in the header's own memory */
	uint32_t length;
	int slot; /* of a parser; -1: nobody wants it, or it has no name */
};

struct csv_header {
	struct hash_node by_names;
	struct chain in_list;
	uint64_t number; /* in snapshots */
	uint32_t files;  /* how many have it */
	bool is_known;   /* to whoever keeps the snapshots */
	const char *why; /* it is of no use (static); NULL: it is */
	const uint8_t *packed;
	size_t packed_length;
	size_t footprint; /* all that it takes */
	size_t count;
	struct csv_name names[];
};

/* Appends the names in a record; of one that is no CSV only that. What went wrong sticks to the packer. */
void csv_header_pack(struct packer *to, const uint8_t *bytes, size_t length, uint8_t comma,
		     bool strict);

/* What it would take; SIZE_MAX: these bytes were not packed here. */
size_t csv_header_footprint(const uint8_t *packed, size_t length);

/* Of what was packed, unless it would take more than `most` bytes: then of one that is of no use for that. NULL: out of memory.
 * free() ends it. Its slots are -1. */
struct csv_header *csv_header_make(const uint8_t *packed, size_t length, size_t most, bool strict);

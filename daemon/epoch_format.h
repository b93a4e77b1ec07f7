/* epoch_format.h - the epoch log's bytes.
 *
 *        0  header     magic, version, created, base epoch, topology   | zeros |  checksum
 *     4096  slot 0     sequence, length, epoch, chain, appending       | zeros |  checksum
 *     8192  slot 1     the same                                        | zeros |  checksum
 *    12288  record     magic, length, epoch, time, number of parts,
 *                      part: id, delta   part: id, delta   ...         | zeros |  checksum
 *           record     ...
 *
 * Everything is a multiple of 4096 bytes long, so that writing one thing touches no block of another. Numbers are u64,
 * ids and deltas are bytes as in stages/packer.h, a delta is as in stages/delta.h. A checksum is XXH3's 64 bits over all
 * that stands before it in its header, slot or record; it is the last 8 bytes.
 *
 * Chain. A record's checksum is seeded with that of the record before, the first one's and the slots' with the header's.
 * So no record can be left out, moved, or be one of another log.
 *
 * Slots. A log is made with its first record in it and renamed into place, both slots saying so (appending 0). Then each
 * append writes its record and, in the slot that is not the newest, how far the log was committed *before* it:
 *
 *   ... [ record N-1 ] [ record N ]          one fdatasync for both
 *                    ^                       newest slot: length here, epoch N-1, appending N
 *
 * Up to the newest slot's length everything was durable once: what is wrong there is damage. What is wrong behind it, or
 * missing though a slot says that it was begun, is a record that was torn as it was written. Without the slots, a log cut
 * off between two records would look whole, and damage in the middle like a torn end.
 *
 * The header keeps its shape and its checksum in all versions, so that a newer one is told from damage.
 *
 * Threads: any. Memory: the callers'. Layer: daemon. */
#pragma once

#include "daemon/epoch_map.h"

enum {
	EPOCH_FORMAT_VERSION = 1,
	EPOCH_BLOCK = 4096,
	EPOCH_FRONT = 3 * EPOCH_BLOCK, /* header and slots; where the records begin */
	EPOCH_NAME_MAX = 1024,
	EPOCH_CHECKSUM = 8,
	EPOCH_HEAD = 40, /* of a record, before its parts */
};

struct epoch_header {
	uint64_t version;
	int64_t created_ns;  /* since 1970: the first epoch of all */
	uint64_t base_epoch; /* the first record's */
	uint64_t chain;
	char name[EPOCH_NAME_MAX + 1];
};

struct epoch_slot {
	uint64_t sequence;     /* the larger is the newer */
	uint64_t length;       /* of the file, committed */
	uint64_t epoch, chain; /* of the record that ends there */
	uint64_t appending;    /* the epoch whose record comes next; 0: none yet */
};

struct epoch_head {
	uint64_t length; /* of the whole record */
	uint64_t epoch;
	int64_t wall_ns; /* since 1970 */
	uint64_t parts;
};

/* These append a whole block to p. The first also sets h->chain. The name has at most EPOCH_NAME_MAX bytes. */
void epoch_header_pack(struct packer *p, struct epoch_header *h);
void epoch_slot_pack(struct packer *p, const struct epoch_slot *s, uint64_t header_chain);

void epoch_head_pack(struct packer *p, const struct epoch_head *h);
/* The length of a record whose parts take so much. */
uint64_t epoch_record_length(uint64_t parts_bytes);
/* The part's beginning; its delta follows. */
void epoch_part_pack(struct packer *p, const char *id, size_t id_length, uint64_t delta_bytes);
uint64_t epoch_part_length(size_t id_length, uint64_t delta_bytes);

/* Of one block. NULL, or what is wrong with it, for the operator; no more than that is then known. */
const char *epoch_header_check(struct epoch_header *ret_header, const uint8_t *block);
const char *epoch_slot_check(struct epoch_slot *ret_slot, const uint8_t *block,
			     uint64_t header_chain);

/* Of a record's first block, with room bytes of the file from its beginning on. */
const char *epoch_head_check(struct epoch_head *ret_head, const uint8_t *block, uint64_t room);
/* Of all its head->length bytes. */
const char *epoch_record_check(const uint8_t *record, const struct epoch_head *head, uint64_t chain,
			       uint64_t *ret_chain);
/* Prepares what a record says. As epoch_map_prepare(). */
int epoch_record_prepare(struct epoch_map *m, const uint8_t *record, const struct epoch_head *head);

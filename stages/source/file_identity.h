/* file_identity.h - two samples of a file's bytes that tell whether it still is what it was, or was written anew.
 *
 *   [ head: the first 256 ] ............ [ tail: the last 64 ] not used yet
 *                                                            ^ tail.end
 *
 * The tail holds bytes as they were used, not as they are found when somebody looks again: a file that was truncated
 * and has grown past that place differs there. Of a compressed file it is the bytes as they are stored, up to where it
 * was read.
 *
 * Threads: the owner's. Memory: a head's bytes until there are 256 of them. Layer: stages, libxxhash. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HEAD_BYTES = 256, TAIL_BYTES = 64 };

/* All zero: nothing is known. */
struct file_head {
	uint64_t hash;  /* XXH3, when there are no bytes */
	uint8_t *bytes; /* NULL: only the hash is known, or it is whole */
	uint16_t length;
};

struct file_tail {
	uint64_t end;
	uint64_t hash; /* XXH3, when there are no bytes */
	uint8_t bytes[TAIL_BYTES];
	uint8_t length;
	bool has_bytes;
};

void file_head_release(struct file_head *h);
/* n bytes were read at offset `at`. 0 or -ENOMEM. */
int file_head_note(struct file_head *h, uint64_t at, const uint8_t *bytes, size_t n);
uint64_t file_head_hash(const struct file_head *h);
/* These h->length bytes are what the file holds now. A head of which only the hash is known can be added to
 * afterwards. 1: they are the same; 0: they are not; -ENOMEM. */
int file_head_compare(struct file_head *h, const uint8_t *bytes);

/* n bytes were used; they end at offset `end`. */
void file_tail_note(struct file_tail *t, uint64_t end, const uint8_t *bytes, size_t n);
uint64_t file_tail_hash(const struct file_tail *t);
/* As file_head_compare(), for t->length bytes before t->end. */
bool file_tail_compare(struct file_tail *t, const uint8_t *bytes);

/* ack_ledger.h - how many frames of one connection wait to be answered, and for what.
 *
 *   entries   [ 7: 12 frames ][ 8: 3 frames ]      number 7 and 8 are those of batches in a journal, or of epochs
 *
 * Frames are answered in order, each when its number has come about. There is room for a few numbers; beyond that the last ones are
 * taken together, so that some are answered later than they could be, and none earlier.
 *
 * Threads: the owner's. Memory: none but its own. Layer: libc only. */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { ACK_ENTRIES = 4 };

struct ack_ledger {
	struct {
		uint64_t number, frames;
	} entries[ACK_ENTRIES];
	unsigned count;
};

/* number: not less than any before. */
static inline void ack_ledger_add(struct ack_ledger *l, uint64_t number, uint64_t frames)
{
	bool joins = l->count > 0 && l->entries[l->count - 1].number == number;
	assert(l->count == 0 || l->entries[l->count - 1].number <= number);
	if (!joins && l->count == ACK_ENTRIES)
		l->entries[l->count - 1].number = number;
	else if (!joins)
		l->entries[l->count++] = (__typeof__(l->entries[0])){number, 0};
	l->entries[l->count - 1].frames += frames;
}

/* Those up to that number have come about: how many frames are to be answered now. */
static inline uint64_t ack_ledger_take(struct ack_ledger *l, uint64_t number)
{
	uint64_t frames = 0;
	unsigned n = 0;
	while (n < l->count && l->entries[n].number <= number)
		frames += l->entries[n++].frames;
	l->count -= n;
	memmove(l->entries, l->entries + n, l->count * sizeof l->entries[0]);
	return frames;
}

static inline bool ack_ledger_is_empty(const struct ack_ledger *l)
{
	return l->count == 0;
}

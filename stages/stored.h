/* stored.h - how much has reached an output since it was last asked. Threads: the owner's. Layer: stages. */
#pragma once

#include "stages/stage.h"

struct stored {
	size_t batches; /* whose last byte has */
	uint64_t records, bytes;
	uint64_t read_ns; /* monotonic: when the oldest of it was read; 0: nothing */
};

static inline void stored_note_read(struct stored *s, uint64_t read_ns)
{
	if (read_ns != 0 && (s->read_ns == 0 || read_ns < s->read_ns))
		s->read_ns = read_ns;
}

/* Moves everything from `from` to `to`. */
static inline void stored_move(struct stored *to, struct stored *from)
{
	to->batches += from->batches;
	to->records += from->records;
	to->bytes += from->bytes;
	stored_note_read(to, from->read_ns);
	*from = (struct stored){0};
}

/* Adds it to the stage's figures and forgets it; returns the batches, for inlet_done(). */
static inline size_t stored_count(struct stored *s, struct stage_counters *counters,
				  uint64_t now_ns)
{
	size_t batches = s->batches;
	counter_add(&counters->records_out, s->records);
	counter_add(&counters->bytes_out, s->bytes);
	if (s->read_ns != 0 && now_ns > s->read_ns &&
	    now_ns - s->read_ns > counter_get(&counters->latency_max_ns))
		counter_set(&counters->latency_max_ns, now_ns - s->read_ns);
	*s = (struct stored){0};
	return batches;
}

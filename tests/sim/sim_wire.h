/* sim_wire.h - a source with a journal, and the peer that sends it numbered records, which outlives pipelines and crashes.
 *
 *   peer: 0, 1, 2, ... --> wire --journal--> outlet          the peer counts on what was answered, and on nothing else
 *         answered      <------'
 *
 * What was sent is not sent again, be it answered or not: each record comes out once at most, and each that was answered does.
 *
 * Threads: one. Memory: until sim_wires_forget(). Layer: tests. */
#pragma once

#include "stages/stage.h"

struct sim_wire {
	char id[32];       /* the source's */
	uint64_t next;     /* to be sent */
	bool *is_answered; /* by number */
};

enum { SIM_WIRE_RECORD_MAX = 160 };

extern const struct stage_type sim_wire_type;

/* The source's peer; made when it is first asked for. */
struct sim_wire *sim_wire(const char *id);
void sim_wires_forget(void);

/* The text of that source's record: its length. */
size_t sim_wire_text(const char *id, uint64_t number, char text[SIM_WIRE_RECORD_MAX]);

/* summary.h - what a run came to, in one line. Layer: daemon. */
#pragma once

#include "daemon/pipeline.h"

struct totals {
	uint64_t records_in, bytes_in;   /* of all sources */
	uint64_t records_out, bytes_out; /* of all sinks */
	uint64_t filtered;               /* by transforms */
	uint64_t refused;  /* records that a stage could do nothing with, whatever became of them */
	uint64_t gathered; /* by transforms that make records of their own of them */
	uint64_t errors;   /* inputs and operations that failed, */
	uint64_t undone;   /* and those of them that were made good */
	uint64_t lost[LOSS_COUNT];
	uint64_t work_done, work_total; /* bytes of input */
	bool work_known; /* work_total is all: every source knows its size, as a pipe does not */
	uint64_t truncations; /* followed files that shrank and were begun again */
	uint64_t removals;    /* files deleted, as the topology says */
};

struct totals summary_totals(const struct pipeline *p);

/* One line on stderr, which tells several sinks apart; where the log is JSON a log line, so that every line there is,
 * after one for each of several sinks. Before it, a log line for each reason why records were refused. failed: it did not end
 * well. */
void summary_print(const struct pipeline *p, double seconds, bool failed);

/* "1.2 GB", "345 KB": powers of ten, three digits. Into `text`, which is returned. */
const char *human_bytes(double bytes, char text[static 16]);

/* aggregate_options.h - what a topology says to `aggregate`.
 *
 * Threads: any. Memory: the topology's. Layer: stages. */
#pragma once

#include "conf/option.h"

enum { LATE_DROP, LATE_ON_ERROR };

struct aggregate_options {
	struct text_list by;
	uint64_t window_ns, grace_ns;
	struct text_map fields;
	uint64_t max_groups;
	uint64_t late;
};

extern const struct option aggregate_table[];

void aggregate_check(const void *options, struct place at, struct problems *problems);

/* collected.h - what a sink of fake_stages.h has to have got. Each fails the test. Layer: tests. */
#pragma once

#include <stdint.h>

/* So many: first, first + step, ... */
void collected_in_order(const char *sink, uint64_t first, uint64_t step, uint64_t count);
/* Any, each above the one before. */
void collected_ascending(const char *sink);
/* 0 to count - 1, each once, in any order; they are sorted then. */
void collected_each_once(const char *sink, uint64_t count);

/* test_keys.h - what may stand in an item of `tests:`, and in the items within it.
 *
 * Threads: any. Memory: none. Layer: conf. */
#pragma once

#include "conf/option.h"

extern const struct option test_keys[];        /* struct topology_test */
extern const struct option record_keys[];      /* struct test_record */
extern const struct option expectation_keys[]; /* struct test_expectation */

/* Lists and maps beside these; each ends with NULL. */
extern const char *const test_lists[]; /* both are required */
extern const char *const record_maps[];

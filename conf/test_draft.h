/* test_draft.h - `tests:`, from YAML to struct topology_test. Which stages they name is for test_names.h.
 *
 * Threads: one. Memory: an arena's. Layer: conf. */
#pragma once

#include "conf/node.h"
#include "conf/topology_test.h"

/* tests: the value of the key. 0; -EINVAL with problems added, and those in which nothing is wrong are in ret_tests; -ENOMEM. */
int tests_read(struct topology_tests *ret_tests, const struct node *tests, struct arena *arena,
	       struct problems *problems);

/* test_names.h - the stages that tests name, found among those of the topology.
 *
 * Threads: one. Memory: an arena's. Layer: conf. */
#pragma once

#include "conf/stage_draft.h"
#include "conf/topology.h"

/* Every stage that a test names, whether there is one of that name. 0 or -EINVAL with problems added. */
int tests_check_names(const struct topology_tests *tests, const struct stage_drafts *drafts,
		      struct problems *problems);

/* Which stages get something of what enters where the test says, that stage included: a bool for each of the topology's. */
void test_reach(const struct topology_test *test, const struct topology *t, bool *ret_reached);

/* Puts the numbers of those stages in, and finds expectations that nothing can come to. The names have been checked, the topology
 * is wired. 0; -EINVAL with problems added; -ENOMEM. */
int tests_place(struct topology_tests *tests, const struct topology *t, struct problems *problems);

/* rehearsal_report.h - how a test went, for people: a line for each, and below it what is not as it should be. Records are shown with
 * what is not printable escaped, and those of a test that holds a secret not at all.
 *
 *   ok errors come out
 *   FAILED slow ones do, too
 *     t.yaml:31:9: `slow` gave 2 records, not 1
 *       GET /a
 *       GET /b
 *
 * Threads: main. Layer: daemon. */
#pragma once

#include "daemon/rehearsal.h"

/* run: what rehearsal_run() returned. To stdout. True: all is as expected. */
bool rehearsal_report(const struct rehearsal *t, int run);

void rehearsal_report_sum(const struct topology *t, size_t failed);

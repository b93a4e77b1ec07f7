/* given_fields.h - whether a field that a stage reads can be there: whether any stage above it, by any way, gives it.
 *
 *   parse_regex (?<host>..)  ──►  filter where: hots == "a"        t.yaml:4:38: warning: nothing above gives `hots`; did you mean `host`?
 *   gives host                    mentions hots
 *
 * Only where none can: parsers of objects may give any name with their prefix, and what is known of any record (`body`, `time`, ...)
 * is always there. What has() looks for is no mistake, nor is what `remove` and their like name.
 *
 * Threads: one. Memory: none that stays. Layer: daemon. */
#pragma once

#include "conf/problems.h"
#include "conf/topology.h"

/* Warns of those that cannot. The topology is one that a plan was made of. 0 or -ENOMEM. */
int given_fields_check(const struct topology *t, struct problems *problems);

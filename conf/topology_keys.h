/* topology_keys.h - the top-level keys beside the sections: name, memory, supervision, shutdown_timeout, log.
 *
 * Threads: any. Memory: none. Layer: conf. */
#pragma once

#include "conf/option.h"

/* The list that stands beside these and the sections. */
extern const char *const tests_key;

/* Fills a struct topology. */
extern const struct option topology_keys[];

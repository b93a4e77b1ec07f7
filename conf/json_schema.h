/* json_schema.h - the topology's JSON Schema (draft 2020-12), for editors: what the option tables say, said once more.
 *
 *   $defs: interpolated, and one for each section and each type of stage: sources, source.file, ...
 *
 * A value that is filled in (`${...}`) is accepted everywhere: what it comes to is only known when it is loaded.
 * Threads: one. Memory: presets are parsed in an arena of its own. Layer: conf. */
#pragma once

#include "conf/schema.h"

#include <stdio.h>

/* 0 or -ENOMEM. What went wrong with the stream, who flushes it will find. */
int json_schema_write(const struct stage_catalog *catalog, FILE *to);

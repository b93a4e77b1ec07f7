/* builtin.h - the stages in this build, by name; the table of them is stage_types in stage.h.
 *
 * Adding a stage adds a line here. Threads: constants. Layer: stages. */
#pragma once

#include "stages/stage.h"

extern const struct stage_type file_source_type;
extern const struct stage_type stdin_source_type;
extern const struct stage_type filter_type;
extern const struct stage_type file_sink_type;
extern const struct stage_type stdout_sink_type;
extern const struct stage_type blackhole_type;

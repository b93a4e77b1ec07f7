/* registry.c - every stage in this build. Adding a stage is one line here. */
#include "stages/builtin.h"

const struct stage_type *const stage_types[] = {
    &file_source_type,
    &stdin_source_type, /* sources */
    &filter_type,       /* transforms */
    &file_sink_type,
    &stdout_sink_type,
    &blackhole_type, /* sinks */
    NULL,
};

const char *const loss_names[LOSS_COUNT] = {
    [LOSS_LONG_LINE_DROPPED] = "long lines dropped",
    [LOSS_LONG_LINE_TRUNCATED] = "long lines truncated",
    [LOSS_LONG_LINE_SPLIT] = "long lines split",
};

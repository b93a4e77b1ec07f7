/* registry.c - every stage in this build. Adding a stage is one line here. */
#include "stages/builtin.h"

const struct stage_type *const stage_types[] = {
    /* sources */
    &file_source_type,
    &stdin_source_type,
    &exec_source_type,
    &tcp_source_type,
    &unix_source_type,
    &udp_source_type,
    &syslog_source_type,
    &schedule_source_type,
#ifndef SLUICE_WITHOUT_MICROHTTPD
    &http_source_type,
#endif
#ifndef SLUICE_WITHOUT_CURL
    &http_client_type,
#endif
    /* transforms */
    &filter_type,
    &parse_json_type,
    &parse_regex_type,
    &parse_grok_type,
    &set_type,
    &remove_type,
    &rename_type,
    &keep_type,
    &route_type,
    &sample_type,
    &parse_cri_type,
    &parse_csv_type,
    &parse_logfmt_type,
    &parse_syslog_type,
    &redact_type,
    &aggregate_type,
    &dedupe_type,
    &multiline_type,
    &throttle_type,
#ifndef SLUICE_WITHOUT_LUAJIT
    &lua_transform_type,
#endif
    /* sinks */
    &file_sink_type,
    &syslog_sink_type,
    &tcp_sink_type,
    &udp_sink_type,
    &unix_sink_type,
    &stdout_sink_type,
    &exec_sink_type,
    &blackhole_type,
    &fallback_type,
#ifndef SLUICE_WITHOUT_CURL
    &http_sink_type,
#endif
    NULL,
};

const struct stage_left_out stages_left_out[] = {
#ifdef SLUICE_WITHOUT_LUAJIT
    {STAGE_TRANSFORM, "lua", "LuaJIT"},
#endif
#ifdef SLUICE_WITHOUT_CURL
    {STAGE_SINK, "http", "libcurl"},
    {STAGE_SOURCE, "http_client", "libcurl"},
#endif
#ifdef SLUICE_WITHOUT_MICROHTTPD
    {STAGE_SOURCE, "http", "libmicrohttpd"},
#endif
    {.name = NULL},
};

const char *const loss_names[LOSS_COUNT] = {
    [LOSS_LONG_LINE_DROPPED] = "long lines dropped",
    [LOSS_LONG_LINE_TRUNCATED] = "long lines truncated",
    [LOSS_LONG_LINE_SPLIT] = "long lines split",
    [LOSS_REFUSED] = "refused and dropped",
    [LOSS_LATE] = "late",
    [LOSS_MULTILINE_CUT] = "records of many lines cut",
    [LOSS_THROTTLED] = "throttled",
    [LOSS_QUEUE_FULL] = "dropped by full queues",
};

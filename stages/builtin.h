/* builtin.h - the stages in this build, by name; the table of them is stage_types in stage.h.
 *
 * Adding a stage adds a line here. Threads: constants. Layer: stages. */
#pragma once

#include "stages/stage.h"

extern const struct stage_type file_source_type;
extern const struct stage_type stdin_source_type;
extern const struct stage_type exec_source_type;
extern const struct stage_type tcp_source_type;
extern const struct stage_type unix_source_type;
extern const struct stage_type udp_source_type;
extern const struct stage_type schedule_source_type;
extern const struct stage_type syslog_source_type;
extern const struct stage_type http_source_type; /* needs libmicrohttpd */
extern const struct stage_type filter_type;
extern const struct stage_type parse_json_type;
extern const struct stage_type parse_regex_type;
extern const struct stage_type parse_grok_type;
extern const struct stage_type set_type;
extern const struct stage_type remove_type;
extern const struct stage_type rename_type;
extern const struct stage_type keep_type;
extern const struct stage_type route_type;
extern const struct stage_type sample_type;
extern const struct stage_type parse_cri_type;
extern const struct stage_type parse_csv_type;
extern const struct stage_type parse_logfmt_type;
extern const struct stage_type parse_syslog_type;
extern const struct stage_type redact_type;
extern const struct stage_type aggregate_type;
extern const struct stage_type dedupe_type;
extern const struct stage_type multiline_type;
extern const struct stage_type throttle_type;
extern const struct stage_type lua_transform_type; /* needs LuaJIT */
extern const struct stage_type file_sink_type;
extern const struct stage_type syslog_sink_type;
extern const struct stage_type tcp_sink_type;
extern const struct stage_type udp_sink_type;
extern const struct stage_type unix_sink_type;
extern const struct stage_type stdout_sink_type;
extern const struct stage_type exec_sink_type;
extern const struct stage_type blackhole_type;
extern const struct stage_type fallback_type;
extern const struct stage_type http_sink_type;   /* needs libcurl */
extern const struct stage_type http_client_type; /* likewise */

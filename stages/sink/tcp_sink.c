/* tcp_sink.c - records over a TCP or TLS connection: stages/net/net_stream_sink.h. */
#include "stages/builtin.h"
#include "stages/net/net_sink.h"

static const struct option tcp_sink_table[] = {
    {"address", OPTION_TEXT, NET_SINK_AT(stream.address), .required = true, .min = 1,
     .doc = "Where to connect to: logs.example.org:514, [::1]:514"},
    {"encoding", OPTION_GROUP, NET_SINK_AT(encoding), .group = encoding_table,
     .doc = "How records are written"},
    NET_STREAM_SINK_ROWS(NET_SINK_AT(stream), net_method_table),
    NET_STREAM_TLS_ROW(NET_SINK_AT(stream)),
    {0},
};

static void tcp_sink_check(const void *options, struct place at, struct problems *problems)
{
	net_sink_check(options, false, at, problems);
}

const struct stage_type tcp_sink_type = {
    .schema = {NET_SINK_SCHEMA(tcp_sink_table), .name = "tcp",
	       .summary = "writes records to a TCP or TLS connection", .check = tcp_sink_check},
    NET_SINK_HOOKS,
    .open = net_sink_open,
    .memory = net_sink_memory,
    .guarantee = net_sink_guarantee,
};

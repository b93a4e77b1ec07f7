/* udp_sink.c - each record as a UDP datagram: stages/net/net_datagram_sink.h. */
#include "stages/builtin.h"
#include "stages/net/net_sink.h"

static const struct option udp_sink_table[] = {
    {"address", OPTION_TEXT, NET_SINK_AT(stream.address), .required = true, .min = 1,
     .doc = "Where to send to: logs.example.org:514, [::1]:514"},
    {"encoding", OPTION_GROUP, NET_SINK_AT(encoding), .group = encoding_table,
     .doc = "How records are written; no delimiter is sent"},
    CALL_OPTION_ROWS(NET_SINK_AT(stream.calls)),
    {0},
};

static void udp_sink_check(const void *options, struct place at, struct problems *problems)
{
	net_sink_check(options, false, at, problems);
}

const struct stage_type udp_sink_type = {
    .schema = {NET_SINK_SCHEMA(udp_sink_table), .name = "udp",
	       .summary = "sends each record as a UDP datagram", .check = udp_sink_check},
    NET_SINK_HOOKS,
    .open = net_sink_datagram_open,
    .memory = net_sink_datagram_memory,
    .guarantee = net_sink_datagram_guarantee,
};

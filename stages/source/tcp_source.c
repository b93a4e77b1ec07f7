/* tcp_source.c - what connections bring, over TCP or TLS: stages/net/net_server.h. */
#include "stages/builtin.h"
#include "stages/net/net_source.h"

static const struct option tcp_source_table[] = {
    {"listen", OPTION_TEXTS, NET_SOURCE_AT(tcp), .required = true, .min = 1,
     .doc = "Where to wait for connections: 127.0.0.1:514, [::1]:514, :514 for the loopback, "
	    "0.0.0.0:514 for all addresses"},
    NET_FRAMING_OPTION_ROWS(NET_SOURCE_AT(server.framing), net_method_table),
    NET_STREAM_ROWS(NET_SOURCE_AT(server)),
    NET_TLS_ROW(NET_SOURCE_AT(server)),
    NET_SERVER_ROWS(NET_SOURCE_AT(server)),
    {0},
};

const struct stage_type tcp_source_type = {
    .schema = {.kind = STAGE_SOURCE,
	       .name = "tcp",
	       .summary = "listens for TCP connections, and reads records from them",
	       .options = tcp_source_table,
	       .options_size = sizeof(struct net_source_options),
	       .check = net_source_check},
    NET_SOURCE_HOOKS,
};

/* udp_source.c - datagrams, each a record: stages/net/net_datagrams.h. */
#include "stages/builtin.h"
#include "stages/net/net_source.h"

static const struct option udp_source_table[] = {
    {"listen", OPTION_TEXTS, NET_SOURCE_AT(udp), .required = true, .min = 1,
     .doc = "Where to wait for datagrams: 127.0.0.1:514, [::1]:514, :514 for the loopback, "
	    "0.0.0.0:514 for all addresses"},
    NET_DATAGRAM_ROWS(NET_SOURCE_AT(server)),
    NET_SERVER_ROWS(NET_SOURCE_AT(server)),
    {0},
};

const struct stage_type udp_source_type = {
    .schema = {.kind = STAGE_SOURCE,
	       .name = "udp",
	       .summary = "listens for UDP datagrams, each a record",
	       .options = udp_source_table,
	       .options_size = sizeof(struct net_source_options),
	       .check = net_source_check},
    NET_SOURCE_HOOKS,
};

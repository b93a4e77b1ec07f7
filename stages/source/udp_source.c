/* udp_source.c - datagrams, each a record: stages/net/net_datagrams.h. */
#include "stages/builtin.h"
#include "stages/net/net_source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct udp_source_options {
	struct text_list listen;
	struct net_server_options server;
};

#define SERVER offsetof(struct udp_source_options, server)

static const struct option udp_source_table[] = {
    {"listen", OPTION_TEXTS, offsetof(struct udp_source_options, listen), .required = true,
     .min = 1,
     .doc = "Where to wait for datagrams: 127.0.0.1:514, [::1]:514, :514 for the loopback, "
	    "0.0.0.0:514 for all addresses"},
    NET_DATAGRAM_ROWS(SERVER),
    NET_SERVER_ROWS(SERVER),
    {0},
};

static const struct net_server_options *server_of(const void *options)
{
	return &((const struct udp_source_options *)options)->server;
}

static size_t udp_source_capacity(const void *options)
{
	return net_server_datagram_capacity(server_of(options));
}

static void udp_source_check(const void *options, struct place at, struct problems *problems)
{
	const struct udp_source_options *o = options;
	net_listen_check(&o->listen, false, problems);
	net_server_check(&o->server, udp_source_capacity(options), at, problems);
}

static int udp_source_open(struct stage *s)
{
	const struct udp_source_options *o = s->options;
	const struct net_places places = {.datagrams = {&o->listen}};
	struct net_server *n = s->state = calloc(1, sizeof *n);
	return n ? net_server_open(n, s, &o->server, &places) : -ENOMEM;
}

static void udp_source_fields(const void *options, struct field_uses *uses)
{
	net_server_fields(server_of(options), uses);
}

static size_t udp_source_memory(const void *options)
{
	return net_server_datagram_memory(server_of(options));
}

static const char *udp_source_needs_epochs(const void *options)
{
	return journal_needs_epochs(&server_of(options)->journal);
}

static const char *udp_source_restart(const void *options, bool remembers)
{
	return net_source_restart(server_of(options), remembers);
}

const struct stage_type udp_source_type = {
    .schema = {.kind = STAGE_SOURCE,
	       .name = "udp",
	       .summary = "listens for UDP datagrams, each a record",
	       .options = udp_source_table,
	       .options_size = sizeof(struct udp_source_options),
	       .check = udp_source_check},
    .open = udp_source_open,
    .close = net_source_close,
    .source_step = net_source_step,
    .source_attend = net_source_attend,
    .snapshot = net_source_snapshot,
    .committed = net_source_committed,
    .settle = net_source_settle,
    .tell = net_source_tell,
    .fields = udp_source_fields,
    .buffer_capacity = udp_source_capacity,
    .memory = udp_source_memory,
    .drains = true,
    .restart = udp_source_restart,
    .needs_epochs = udp_source_needs_epochs,
    .figures = net_server_figures,
};

/* tcp_source.c - what connections bring, over TCP or TLS: stages/net/net_server.h. */
#include "stages/builtin.h"
#include "stages/net/net_source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct tcp_source_options {
	struct text_list listen;
	struct net_server_options server;
};

#define SERVER offsetof(struct tcp_source_options, server)

static const struct option tcp_source_table[] = {
    {"listen", OPTION_TEXTS, offsetof(struct tcp_source_options, listen), .required = true,
     .min = 1,
     .doc = "Where to wait for connections: 127.0.0.1:514, [::1]:514, :514 for the loopback, "
	    "0.0.0.0:514 for all addresses"},
    NET_FRAMING_OPTION_ROWS(SERVER + offsetof(struct net_server_options, framing),
			    net_method_table),
    NET_STREAM_ROWS(SERVER),
    NET_TLS_ROW(SERVER),
    NET_SERVER_ROWS(SERVER),
    {0},
};

static const struct net_server_options *server_of(const void *options)
{
	return &((const struct tcp_source_options *)options)->server;
}

static size_t tcp_source_capacity(const void *options)
{
	return net_server_stream_capacity(server_of(options));
}

static void tcp_source_check(const void *options, struct place at, struct problems *problems)
{
	const struct tcp_source_options *o = options;
	net_listen_check(&o->listen, false, problems);
	net_server_check(&o->server, tcp_source_capacity(options), at, problems);
}

static int tcp_source_open(struct stage *s)
{
	const struct tcp_source_options *o = s->options;
	const struct net_places places = {.streams = {&o->listen}};
	struct net_server *n = s->state = calloc(1, sizeof *n);
	return n ? net_server_open(n, s, &o->server, &places) : -ENOMEM;
}

static void tcp_source_fields(const void *options, struct field_uses *uses)
{
	net_server_fields(server_of(options), uses);
}

static size_t tcp_source_memory(const void *options)
{
	return net_server_stream_memory(server_of(options));
}

static size_t tcp_source_descriptors(const void *options)
{
	return net_server_descriptors(server_of(options));
}

static const char *tcp_source_needs_epochs(const void *options)
{
	return journal_needs_epochs(&server_of(options)->journal);
}

static const char *tcp_source_restart(const void *options, bool remembers)
{
	return net_source_restart(server_of(options), remembers);
}

const struct stage_type tcp_source_type = {
    .schema = {.kind = STAGE_SOURCE,
	       .name = "tcp",
	       .summary = "listens for TCP connections, and reads records from them",
	       .options = tcp_source_table,
	       .options_size = sizeof(struct tcp_source_options),
	       .check = tcp_source_check},
    .open = tcp_source_open,
    .close = net_source_close,
    .source_step = net_source_step,
    .source_attend = net_source_attend,
    .snapshot = net_source_snapshot,
    .committed = net_source_committed,
    .settle = net_source_settle,
    .tell = net_source_tell,
    .fields = tcp_source_fields,
    .buffer_capacity = tcp_source_capacity,
    .memory = tcp_source_memory,
    .descriptors = tcp_source_descriptors,
    .drains = true,
    .restart = tcp_source_restart,
    .needs_epochs = tcp_source_needs_epochs,
    .figures = net_server_figures,
};

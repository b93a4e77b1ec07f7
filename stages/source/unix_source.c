/* unix_source.c - what comes to sockets in the file system: connections, or datagrams as syslog(3) sends them. */
#include "stages/builtin.h"
#include "stages/net/net_source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct unix_source_options {
	struct text_list listen;
	uint64_t mode; /* 0: stream */
	struct net_server_options server;
};

#define SERVER offsetof(struct unix_source_options, server)

static const char *const modes[] = {"stream", "datagram", NULL};

static const struct option unix_source_table[] = {
    {"listen", OPTION_TEXTS, offsetof(struct unix_source_options, listen), .required = true,
     .min = 1, .doc = "Paths of sockets to make: /run/app.sock; unix:@name has no file"},
    {"mode", OPTION_CHOICE, offsetof(struct unix_source_options, mode), .preset = "stream",
     .choices = modes, .doc = "Whether connections are waited for, or datagrams, each a record"},
    NET_FRAMING_OPTION_ROWS(SERVER + offsetof(struct net_server_options, framing),
			    net_method_table),
    NET_STREAM_ROWS(SERVER),
    NET_TLS_ROW(SERVER),
    NET_SERVER_ROWS(SERVER),
    {0},
};

static const struct net_server_options *server_of(const void *options)
{
	return &((const struct unix_source_options *)options)->server;
}

static bool is_stream(const void *options)
{
	return ((const struct unix_source_options *)options)->mode == 0;
}

static size_t unix_source_capacity(const void *options)
{
	return is_stream(options) ? net_server_stream_capacity(server_of(options))
				  : net_server_datagram_capacity(server_of(options));
}

static void unix_source_check(const void *options, struct place at, struct problems *problems)
{
	const struct unix_source_options *o = options;
	net_listen_check(&o->listen, true, problems);
	net_server_check(&o->server, unix_source_capacity(options), at, problems);
	if (!is_stream(o))
		net_datagram_check(&o->server, at, problems);
}

static int unix_source_open(struct stage *s)
{
	const struct unix_source_options *o = s->options;
	bool stream = is_stream(o);
	const struct net_places places = {.streams = {stream ? &o->listen : NULL},
					  .datagrams = {stream ? NULL : &o->listen}};
	struct net_server *n = s->state = calloc(1, sizeof *n);
	return n ? net_server_open(n, s, &o->server, &places) : -ENOMEM;
}

static void unix_source_fields(const void *options, struct field_uses *uses)
{
	net_server_fields(server_of(options), uses);
}

static size_t unix_source_memory(const void *options)
{
	return is_stream(options) ? net_server_stream_memory(server_of(options))
				  : net_server_datagram_memory(server_of(options));
}

static size_t unix_source_descriptors(const void *options)
{
	return net_server_descriptors(server_of(options));
}

static const char *unix_source_needs_epochs(const void *options)
{
	return journal_needs_epochs(&server_of(options)->journal);
}

static const char *unix_source_restart(const void *options, bool remembers)
{
	return net_source_restart(server_of(options), remembers);
}

const struct stage_type unix_source_type = {
    .schema = {.kind = STAGE_SOURCE,
	       .name = "unix",
	       .summary = "listens at sockets in the file system",
	       .options = unix_source_table,
	       .options_size = sizeof(struct unix_source_options),
	       .check = unix_source_check},
    .open = unix_source_open,
    .close = net_source_close,
    .source_step = net_source_step,
    .source_attend = net_source_attend,
    .snapshot = net_source_snapshot,
    .committed = net_source_committed,
    .settle = net_source_settle,
    .tell = net_source_tell,
    .fields = unix_source_fields,
    .buffer_capacity = unix_source_capacity,
    .memory = unix_source_memory,
    .descriptors = unix_source_descriptors,
    .drains = true,
    .restart = unix_source_restart,
    .needs_epochs = unix_source_needs_epochs,
    .figures = net_server_figures,
};

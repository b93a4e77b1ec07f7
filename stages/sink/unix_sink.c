/* unix_sink.c - records to a socket in the file system: over a connection, or each as a datagram. */
#include "stages/builtin.h"
#include "stages/net/net_sink.h"

static const char *const modes[] = {"stream", "datagram", NULL};

static const struct option unix_sink_table[] = {
    {"path", OPTION_TEXT, NET_SINK_AT(stream.address), .required = true, .min = 1,
     .doc = "The socket: /run/app.sock; unix:@name has no file"},
    {"mode", OPTION_CHOICE, NET_SINK_AT(mode), .preset = "stream", .choices = modes,
     .doc = "Whether there is a connection, or each record is a datagram"},
    {"encoding", OPTION_GROUP, NET_SINK_AT(encoding), .group = encoding_table,
     .doc = "How records are written"},
    NET_STREAM_SINK_ROWS(NET_SINK_AT(stream), net_method_table),
    {0},
};

static void unix_sink_check(const void *options, struct place at, struct problems *problems)
{
	const struct net_sink_options *o = options;
	net_sink_check(o, true, at, problems);
	if (!net_sink_is_stream(o) && o->stream.framing.method != NET_NEWLINE)
		problem_add(problems, at,
			    "`framing` means nothing to datagrams, each is a record; leave it out");
}

const struct stage_type unix_sink_type = {
    .schema = {NET_SINK_SCHEMA(unix_sink_table), .name = "unix",
	       .summary = "writes records to a socket in the file system",
	       .check = unix_sink_check},
    NET_SINK_HOOKS,
    .open = net_sink_open,
    .memory = net_sink_memory,
    .guarantee = net_sink_guarantee,
};

/* syslog_sink.c - records as messages of syslog (stages/encode/encode_syslog.c), over UDP, TCP, TLS or a unix socket.
 *
 *   mode    udp, unix             a datagram each; unix: /dev/log
 *           tcp, unix_stream      framed; by octet counting unless it is said otherwise
 */
#include "stages/builtin.h"
#include "stages/net/net_sink.h"

/* Those of datagrams are odd. */
enum syslog_mode { SYSLOG_TCP, SYSLOG_UDP, SYSLOG_UNIX_STREAM, SYSLOG_UNIX };

static const char *const modes[] = {[SYSLOG_TCP] = "tcp",
				    [SYSLOG_UDP] = "udp",
				    [SYSLOG_UNIX_STREAM] = "unix_stream",
				    [SYSLOG_UNIX] = "unix",
				    NULL};

static const struct option syslog_sink_table[] = {
    {"address", OPTION_TEXT, NET_SINK_AT(stream.address), .required = true, .min = 1,
     .doc = "Where to send to: logs.example.org:514, or a socket's path: /dev/log"},
    {"mode", OPTION_CHOICE, NET_SINK_AT(mode), .preset = "tcp", .choices = modes,
     .doc = "How messages are sent; unix: as datagrams, as /dev/log wants them"},
    {"encoding", OPTION_GROUP, NET_SINK_AT(encoding), .group = encoding_syslog_preset_table,
     .doc = "How records are written; a format other than syslog should write a message, too"},
    NET_STREAM_SINK_ROWS(NET_SINK_AT(stream), net_octet_method_table),
    NET_STREAM_TLS_ROW(NET_SINK_AT(stream)),
    {0},
};

static void syslog_sink_check(const void *options, struct place at, struct problems *problems)
{
	const struct net_sink_options *o = options;
	bool has_path = o->mode == SYSLOG_UNIX || o->mode == SYSLOG_UNIX_STREAM;
	net_sink_check(o, has_path, at, problems);
	if (o->stream.tls_given && o->mode != SYSLOG_TCP)
		problem_add(problems, at, "`tls` with `mode: %s`; it is for tcp", modes[o->mode]);
}

const struct stage_type syslog_sink_type = {
    .schema = {NET_SINK_SCHEMA(syslog_sink_table), .name = "syslog",
	       .summary = "sends records as messages of syslog", .check = syslog_sink_check},
    NET_SINK_HOOKS,
    .open = net_sink_open,
    .memory = net_sink_memory,
    .guarantee = net_sink_guarantee,
};

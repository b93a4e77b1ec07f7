/* syslog_sink.c - records as messages of syslog (stages/encode/encode_syslog.c), over UDP, TCP, TLS or a unix socket.
 *
 *   mode    udp, unix             a datagram each; unix: /dev/log
 *           tcp, unix_stream      framed; by octet counting unless it is said otherwise
 */
#include "stages/builtin.h"
#include "stages/net/net_sink.h"

enum syslog_mode { SYSLOG_TCP, SYSLOG_UDP, SYSLOG_UNIX, SYSLOG_UNIX_STREAM };

struct syslog_sink_options {
	struct net_stream_options stream; /* of datagrams the address and the calls */
	uint64_t mode;
	struct encoding_options encoding;
};

#define STREAM offsetof(struct syslog_sink_options, stream)

static const char *const modes[] = {"tcp", "udp", "unix", "unix_stream", NULL};

static const struct option syslog_sink_table[] = {
    {"address", OPTION_TEXT, STREAM + offsetof(struct net_stream_options, address),
     .required = true, .min = 1,
     .doc = "Where to send to: logs.example.org:514, or a socket's path: /dev/log"},
    {"mode", OPTION_CHOICE, offsetof(struct syslog_sink_options, mode), .preset = "tcp",
     .choices = modes, .doc = "How messages are sent; unix: as datagrams, as /dev/log wants them"},
    {"encoding", OPTION_GROUP, offsetof(struct syslog_sink_options, encoding),
     .group = encoding_syslog_preset_table,
     .doc = "How records are written; a format other than syslog should write a message, too"},
    NET_STREAM_SINK_ROWS(STREAM, net_octet_method_table),
    NET_STREAM_TLS_ROW(STREAM),
    {0},
};

static const struct net_stream_options *stream_of(const void *options)
{
	return &((const struct syslog_sink_options *)options)->stream;
}

static const struct call_options *calls_of(const void *options)
{
	return &stream_of(options)->calls;
}

static bool is_stream(const struct syslog_sink_options *o)
{
	return o->mode == SYSLOG_TCP || o->mode == SYSLOG_UNIX_STREAM;
}

static bool has_path(const struct syslog_sink_options *o)
{
	return o->mode == SYSLOG_UNIX || o->mode == SYSLOG_UNIX_STREAM;
}

static void syslog_sink_check(const void *options, struct place at, struct problems *problems)
{
	const struct syslog_sink_options *o = options;
	net_stream_check(&o->stream, has_path(o), at, problems);
	encoding_check(&o->encoding, at, problems);
	if (o->stream.tls_given && o->mode != SYSLOG_TCP)
		problem_add(problems, at, "`tls` with `mode: %s`; it is for tcp", modes[o->mode]);
	if (!is_stream(o) && o->stream.await_reply.bytes)
		problem_add(problems, o->stream.await_reply.at,
			    "`await_reply` means nothing to datagrams; leave it out");
}

static int syslog_sink_open(struct stage *s)
{
	const struct syslog_sink_options *o = s->options;
	struct delimiter delimiter = encoding_delimiter(&o->encoding);
	return is_stream(o) ? net_sink_open_stream(s, &o->stream, &delimiter)
			    : net_sink_open_datagrams(s, &o->stream.address, &o->stream.calls);
}

static size_t syslog_sink_memory(const void *options)
{
	return is_stream(options) ? net_stream_memory(stream_of(options))
				  : net_sink_datagram_memory();
}

static const char *syslog_sink_guarantee(const void *options, bool stream, bool epochs)
{
	(void)stream, (void)epochs;
	return is_stream(options) ? net_stream_guarantee(stream_of(options))
				  : net_sink_datagram_guarantee();
}

static const struct stage_schema *syslog_sink_companion(const void *options,
							const void **ret_options)
{
	return encoding_companion(&((const struct syslog_sink_options *)options)->encoding,
				  ret_options);
}

static bool syslog_sink_tries_for_ever(const void *options)
{
	return call_options_try_for_ever(calls_of(options));
}

const struct stage_type syslog_sink_type = {
    .schema = {.kind = STAGE_SINK,
	       .name = "syslog",
	       .summary = "sends records as messages of syslog",
	       .options = syslog_sink_table,
	       .options_size = sizeof(struct syslog_sink_options),
	       .check = syslog_sink_check,
	       .companion = syslog_sink_companion,
	       .tries_for_ever = syslog_sink_tries_for_ever,
	       .has_failures = true},
    .open = syslog_sink_open,
    .close = net_sink_close,
    .sink_step = net_sink_step,
    .sink_finish = net_sink_finish,
    .sink_let_go = net_sink_let_go,
    .memory = syslog_sink_memory,
    .guarantee = syslog_sink_guarantee,
};

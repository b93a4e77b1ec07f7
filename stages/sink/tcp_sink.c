/* tcp_sink.c - records over a TCP or TLS connection: stages/net/net_stream_sink.h. */
#include "stages/builtin.h"
#include "stages/net/net_sink.h"

struct tcp_sink_options {
	struct net_stream_options stream;
	struct encoding_options encoding;
};

#define STREAM offsetof(struct tcp_sink_options, stream)

static const struct option tcp_sink_table[] = {
    {"address", OPTION_TEXT, STREAM + offsetof(struct net_stream_options, address),
     .required = true, .min = 1, .doc = "Where to connect to: logs.example.org:514, [::1]:514"},
    {"encoding", OPTION_GROUP, offsetof(struct tcp_sink_options, encoding), .group = encoding_table,
     .doc = "How records are written"},
    NET_STREAM_SINK_ROWS(STREAM, net_method_table),
    NET_STREAM_TLS_ROW(STREAM),
    {0},
};

static const struct net_stream_options *stream_of(const void *options)
{
	return &((const struct tcp_sink_options *)options)->stream;
}

static const struct call_options *calls_of(const void *options)
{
	return &stream_of(options)->calls;
}

static void tcp_sink_check(const void *options, struct place at, struct problems *problems)
{
	const struct tcp_sink_options *o = options;
	net_stream_check(&o->stream, false, at, problems);
	encoding_check(&o->encoding, at, problems);
}

static int tcp_sink_open(struct stage *s)
{
	const struct tcp_sink_options *o = s->options;
	struct delimiter delimiter = encoding_delimiter(&o->encoding);
	return net_sink_open_stream(s, &o->stream, &delimiter);
}

static size_t tcp_sink_memory(const void *options)
{
	return net_stream_memory(stream_of(options));
}

static const char *tcp_sink_guarantee(const void *options, bool stream, bool epochs)
{
	(void)stream, (void)epochs;
	return net_stream_guarantee(stream_of(options));
}

static const struct stage_schema *tcp_sink_companion(const void *options, const void **ret_options)
{
	return encoding_companion(&((const struct tcp_sink_options *)options)->encoding,
				  ret_options);
}

static bool tcp_sink_tries_for_ever(const void *options)
{
	return call_options_try_for_ever(calls_of(options));
}

const struct stage_type tcp_sink_type = {
    .schema = {.kind = STAGE_SINK,
	       .name = "tcp",
	       .summary = "writes records to a TCP or TLS connection",
	       .options = tcp_sink_table,
	       .options_size = sizeof(struct tcp_sink_options),
	       .check = tcp_sink_check,
	       .companion = tcp_sink_companion,
	       .tries_for_ever = tcp_sink_tries_for_ever,
	       .has_failures = true},
    .open = tcp_sink_open,
    .close = net_sink_close,
    .sink_step = net_sink_step,
    .sink_finish = net_sink_finish,
    .sink_let_go = net_sink_let_go,
    .memory = tcp_sink_memory,
    .guarantee = tcp_sink_guarantee,
};

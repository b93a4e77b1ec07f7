/* unix_sink.c - records to a socket in the file system: over a connection, or each as a datagram. */
#include "stages/builtin.h"
#include "stages/net/net_sink.h"

struct unix_sink_options {
	struct net_stream_options stream; /* of datagrams the address and the calls */
	struct encoding_options encoding;
	uint64_t mode; /* 0: stream */
};

#define STREAM offsetof(struct unix_sink_options, stream)

static const char *const modes[] = {"stream", "datagram", NULL};

static const struct option unix_sink_table[] = {
    {"path", OPTION_TEXT, STREAM + offsetof(struct net_stream_options, address), .required = true,
     .min = 1, .doc = "The socket: /run/app.sock; unix:@name has no file"},
    {"mode", OPTION_CHOICE, offsetof(struct unix_sink_options, mode), .preset = "stream",
     .choices = modes, .doc = "Whether there is a connection, or each record is a datagram"},
    {"encoding", OPTION_GROUP, offsetof(struct unix_sink_options, encoding),
     .group = encoding_table, .doc = "How records are written"},
    NET_STREAM_SINK_ROWS(STREAM, net_method_table),
    {0},
};

static const struct net_stream_options *stream_of(const void *options)
{
	return &((const struct unix_sink_options *)options)->stream;
}

static const struct call_options *calls_of(const void *options)
{
	return &stream_of(options)->calls;
}

static bool is_stream(const void *options)
{
	return ((const struct unix_sink_options *)options)->mode == 0;
}

static void unix_sink_check(const void *options, struct place at, struct problems *problems)
{
	const struct unix_sink_options *o = options;
	net_stream_check(&o->stream, true, at, problems);
	encoding_check(&o->encoding, at, problems);
	if (!is_stream(o) && o->stream.await_reply.bytes)
		problem_add(problems, o->stream.await_reply.at,
			    "`await_reply` means nothing to datagrams; leave it out");
	if (!is_stream(o) && o->stream.framing.method != NET_NEWLINE)
		problem_add(problems, at,
			    "`framing` means nothing to datagrams, each is a record; leave it out");
}

static int unix_sink_open(struct stage *s)
{
	const struct unix_sink_options *o = s->options;
	struct delimiter delimiter = encoding_delimiter(&o->encoding);
	return is_stream(o) ? net_sink_open_stream(s, &o->stream, &delimiter)
			    : net_sink_open_datagrams(s, &o->stream.address, &o->stream.calls);
}

static size_t unix_sink_memory(const void *options)
{
	return is_stream(options) ? net_stream_memory(stream_of(options))
				  : net_sink_datagram_memory();
}

static const char *unix_sink_guarantee(const void *options, bool stream, bool epochs)
{
	(void)stream, (void)epochs;
	return is_stream(options) ? net_stream_guarantee(stream_of(options))
				  : net_sink_datagram_guarantee();
}

static const struct stage_schema *unix_sink_companion(const void *options, const void **ret_options)
{
	return encoding_companion(&((const struct unix_sink_options *)options)->encoding,
				  ret_options);
}

static bool unix_sink_tries_for_ever(const void *options)
{
	return call_options_try_for_ever(calls_of(options));
}

const struct stage_type unix_sink_type = {
    .schema = {.kind = STAGE_SINK,
	       .name = "unix",
	       .summary = "writes records to a socket in the file system",
	       .options = unix_sink_table,
	       .options_size = sizeof(struct unix_sink_options),
	       .check = unix_sink_check,
	       .companion = unix_sink_companion,
	       .tries_for_ever = unix_sink_tries_for_ever,
	       .has_failures = true},
    .open = unix_sink_open,
    .close = net_sink_close,
    .sink_step = net_sink_step,
    .sink_finish = net_sink_finish,
    .sink_let_go = net_sink_let_go,
    .memory = unix_sink_memory,
    .guarantee = unix_sink_guarantee,
};

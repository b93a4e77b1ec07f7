/* udp_sink.c - each record as a UDP datagram: stages/net/net_datagram_sink.h. */
#include "stages/builtin.h"
#include "stages/encoding.h"
#include "stages/net/net_sink.h"

struct udp_sink_options {
	struct net_datagram_options datagrams;
	struct encoding_options encoding;
};

#define DATAGRAMS offsetof(struct udp_sink_options, datagrams)

static const struct option udp_sink_table[] = {
    {"address", OPTION_TEXT, DATAGRAMS + offsetof(struct net_datagram_options, address),
     .required = true, .min = 1, .doc = "Where to send to: logs.example.org:514, [::1]:514"},
    {"encoding", OPTION_GROUP, offsetof(struct udp_sink_options, encoding), .group = encoding_table,
     .doc = "How records are written; no delimiter is sent"},
    CALL_OPTION_ROWS(DATAGRAMS + offsetof(struct net_datagram_options, calls)),
    {0},
};

static const struct net_datagram_options *datagrams_of(const void *options)
{
	return &((const struct udp_sink_options *)options)->datagrams;
}

static const struct call_options *calls_of(const void *options)
{
	return &datagrams_of(options)->calls;
}

static void udp_sink_check(const void *options, struct place at, struct problems *problems)
{
	const struct udp_sink_options *o = options;
	net_datagram_sink_check(&o->datagrams.address, false, problems);
	encoding_check(&o->encoding, at, problems);
}

static int udp_sink_open(struct stage *s)
{
	const struct net_datagram_options *o = datagrams_of(s->options);
	return net_sink_open_datagrams(s, &o->address, &o->calls);
}

static size_t udp_sink_memory(const void *options)
{
	(void)options;
	return net_sink_datagram_memory();
}

static const char *udp_sink_guarantee(const void *options, bool stream, bool epochs)
{
	(void)options, (void)stream, (void)epochs;
	return net_sink_datagram_guarantee();
}

static const struct stage_schema *udp_sink_companion(const void *options, const void **ret_options)
{
	return encoding_companion(&((const struct udp_sink_options *)options)->encoding,
				  ret_options);
}

static bool udp_sink_tries_for_ever(const void *options)
{
	return call_options_try_for_ever(calls_of(options));
}

const struct stage_type udp_sink_type = {
    .schema = {.kind = STAGE_SINK,
	       .name = "udp",
	       .summary = "sends each record as a UDP datagram",
	       .options = udp_sink_table,
	       .options_size = sizeof(struct udp_sink_options),
	       .check = udp_sink_check,
	       .companion = udp_sink_companion,
	       .tries_for_ever = udp_sink_tries_for_ever,
	       .has_failures = true},
    .open = udp_sink_open,
    .close = net_sink_close,
    .sink_step = net_sink_step,
    .sink_finish = net_sink_finish,
    .sink_let_go = net_sink_let_go,
    .memory = udp_sink_memory,
    .guarantee = udp_sink_guarantee,
};

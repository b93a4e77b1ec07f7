/* net_sink.h - the options, the state and the hooks of every sink over sockets: tcp, udp, unix, syslog. A connection, or datagrams.
 *
 * Each has a table of its own for a struct net_sink_options.
 *
 * Threads: the owner's. Memory: the stage's. Layer: stages. */
#pragma once

#include "stages/encoding.h"
#include "stages/net/net_datagram_sink.h"
#include "stages/net/net_stream_sink.h"

struct net_sink_options {
	struct net_stream_options stream; /* of datagrams the address and the calls */
	struct encoding_options encoding;
	uint64_t mode; /* where there is such an option: odd where it says datagrams */
};

#define NET_SINK_AT(member) offsetof(struct net_sink_options, member)

struct net_sink {
	bool is_stream;
	union {
		struct net_stream_sink stream;
		struct net_datagram_sink datagrams;
	};
};

static inline bool net_sink_is_stream(const struct net_sink_options *o)
{
	return (o->mode & 1) == 0;
}

/* wants_path: it is a unix socket; at: of the stage. */
void net_sink_check(const struct net_sink_options *o, bool wants_path, struct place at,
		    struct problems *problems);
bool net_sink_tries_for_ever(const void *options);
const struct stage_schema *net_sink_companion(const void *options, const void **ret_options);

/* As `mode` says. */
int net_sink_open(struct stage *s);
size_t net_sink_memory(const void *options);
const char *net_sink_guarantee(const void *options, bool stream, bool epochs);
/* Of one that has datagrams only. */
int net_sink_datagram_open(struct stage *s);
size_t net_sink_datagram_memory(const void *options);
const char *net_sink_datagram_guarantee(const void *options, bool stream, bool epochs);

void net_sink_close(struct stage *s);
int net_sink_step(struct stage *s, struct inlet *in);
int net_sink_finish(struct stage *s, struct inlet *in);
int net_sink_let_go(struct stage *s);
unsigned net_sink_helpers(const void *options);

/* What they have in common, in a struct stage_schema and a struct stage_type. */
/* clang-format off */
#define NET_SINK_SCHEMA(table)                                                                     \
	.kind = STAGE_SINK, .options = (table), .options_size = sizeof(struct net_sink_options),   \
	.companion = net_sink_companion, .tries_for_ever = net_sink_tries_for_ever,                \
	.has_failures = true
#define NET_SINK_HOOKS                                                                             \
	.close = net_sink_close, .sink_step = net_sink_step, .sink_finish = net_sink_finish,       \
	.sink_let_go = net_sink_let_go, .helpers = net_sink_helpers
/* clang-format on */

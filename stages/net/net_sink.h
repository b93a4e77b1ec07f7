/* net_sink.h - the state and the hooks of a sink over sockets: a connection, or datagrams.
 * Threads: the owner's. Memory: the stage's. Layer: stages. */
#pragma once

#include "stages/net/net_datagram_sink.h"
#include "stages/net/net_stream_sink.h"

struct net_sink {
	bool is_stream;
	union {
		struct net_stream_sink stream;
		struct net_datagram_sink datagrams;
	};
};

/* Makes the stage's state. 0 or -errno. */
int net_sink_open_stream(struct stage *s, const struct net_stream_options *o,
			 const struct delimiter *delimiter);
int net_sink_open_datagrams(struct stage *s, const struct text *address,
			    const struct call_options *calls);
void net_sink_close(struct stage *s);
int net_sink_step(struct stage *s, struct inlet *in);
int net_sink_finish(struct stage *s, struct inlet *in);
int net_sink_let_go(struct stage *s);
size_t net_sink_datagram_memory(void);
const char *net_sink_datagram_guarantee(void);

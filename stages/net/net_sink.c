#include "stages/net/net_sink.h"

#include <errno.h>
#include <stdlib.h>

static struct net_sink *new_state(struct stage *s, bool is_stream)
{
	struct net_sink *k = s->state = calloc(1, sizeof *k);
	if (k)
		k->is_stream = is_stream;
	return k;
}

int net_sink_open_stream(struct stage *s, const struct net_stream_options *o,
			 const struct delimiter *delimiter)
{
	struct net_sink *k = new_state(s, true);
	return k ? net_stream_open(&k->stream, s, o, delimiter) : -ENOMEM;
}

int net_sink_open_datagrams(struct stage *s, const struct text *address,
			    const struct call_options *calls)
{
	struct net_sink *k = new_state(s, false);
	return k ? net_datagram_sink_open(&k->datagrams, s, address, calls) : -ENOMEM;
}

void net_sink_close(struct stage *s)
{
	struct net_sink *k = s->state;
	if (!k)
		return;
	if (k->is_stream)
		net_stream_close(&k->stream);
	else
		net_datagram_sink_close(&k->datagrams);
	free(k);
	s->state = NULL;
}

int net_sink_step(struct stage *s, struct inlet *in)
{
	struct net_sink *k = s->state;
	return k->is_stream ? net_stream_step(&k->stream, in)
			    : net_datagram_sink_step(&k->datagrams, in);
}

int net_sink_finish(struct stage *s, struct inlet *in)
{
	struct net_sink *k = s->state;
	return k->is_stream ? net_stream_finish(&k->stream, in)
			    : net_datagram_sink_finish(&k->datagrams, in);
}

int net_sink_let_go(struct stage *s)
{
	struct net_sink *k = s->state;
	return k->is_stream ? net_stream_let_go(&k->stream)
			    : net_datagram_sink_let_go(&k->datagrams);
}

size_t net_sink_datagram_memory(void)
{
	return sizeof(struct net_sink);
}

const char *net_sink_datagram_guarantee(void)
{
	return "sent: nobody says whether a datagram came";
}

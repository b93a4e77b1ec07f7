#include "stages/net/net_sink.h"

#include <errno.h>
#include <stdlib.h>

/* ---- options ---- */

static void check_address(const struct text *address, bool wants_path, struct problems *problems)
{
	struct net_address a;
	const char *why, *shown = text_shown(address, address->bytes);
	if (net_address_parse(address->bytes, address->length, &a, &why) < 0)
		problem_add(problems, address->at, "`%s` %s", shown, why);
	else if (wants_path != (a.place == NET_UNIX))
		problem_add(problems, address->at, "`%s` is %s; write %s", shown,
			    wants_path ? "no path" : "a path",
			    wants_path ? "unix:/path" : "host:514 or the like");
}

void net_sink_check(const struct net_sink_options *o, bool wants_path, struct place at,
		    struct problems *problems)
{
	check_address(&o->stream.address, wants_path, problems);
	net_stream_check(&o->stream, at, problems);
	call_options_check(&o->stream.calls, at, problems);
	encoding_check(&o->encoding, at, problems);
	if (!net_sink_is_stream(o) && o->stream.await_reply.bytes)
		problem_add(problems, o->stream.await_reply.at,
			    "`await_reply` means nothing to datagrams; leave it out");
}

bool net_sink_tries_for_ever(const void *options)
{
	return call_options_try_for_ever(&((const struct net_sink_options *)options)->stream.calls);
}

const struct stage_schema *net_sink_companion(const void *options, const void **ret_options)
{
	return encoding_companion(&((const struct net_sink_options *)options)->encoding,
				  ret_options);
}

size_t net_sink_memory(const void *options)
{
	const struct net_sink_options *o = options;
	return net_sink_is_stream(o) ? net_stream_memory(&o->stream) : net_sink_datagram_memory(o);
}

size_t net_sink_datagram_memory(const void *options)
{
	(void)options;
	return sizeof(struct net_sink);
}

const char *net_sink_guarantee(const void *options, bool stream, bool epochs)
{
	const struct net_sink_options *o = options;
	return net_sink_is_stream(o) ? net_stream_guarantee(&o->stream)
				     : net_sink_datagram_guarantee(o, stream, epochs);
}

const char *net_sink_datagram_guarantee(const void *options, bool stream, bool epochs)
{
	(void)options, (void)stream, (void)epochs;
	return "sent: nobody says whether a datagram came";
}

/* Names are looked up there, and that may take long. */
unsigned net_sink_helpers(const void *options)
{
	const struct text *address = &((const struct net_sink_options *)options)->stream.address;
	struct net_address a;
	const char *why;
	int r = net_address_parse(address->bytes, address->length, &a, &why);
	return r == 0 && a.place == NET_HOST;
}

/* ---- the sink ---- */

static struct net_sink *new_state(struct stage *s, bool is_stream)
{
	struct net_sink *k = s->state = calloc(1, sizeof *k);
	if (k)
		k->is_stream = is_stream;
	return k;
}

static int open_stream(struct stage *s)
{
	const struct net_sink_options *o = s->options;
	struct delimiter delimiter = encoding_delimiter(&o->encoding);
	struct net_sink *k = new_state(s, true);
	return k ? net_stream_open(&k->stream, s, &o->stream, &delimiter) : -ENOMEM;
}

int net_sink_datagram_open(struct stage *s)
{
	const struct net_sink_options *o = s->options;
	struct net_sink *k = new_state(s, false);
	if (!k)
		return -ENOMEM;
	net_datagram_sink_open(&k->datagrams, s, &o->stream.address, &o->stream.calls);
	return 0;
}

int net_sink_open(struct stage *s)
{
	return net_sink_is_stream(s->options) ? open_stream(s) : net_sink_datagram_open(s);
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

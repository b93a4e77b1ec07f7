#include "stages/net/net_source.h"

#include <errno.h>
#include <stdlib.h>

static const struct net_server_options *server_of(const void *options)
{
	return &((const struct net_source_options *)options)->server;
}

static bool is_for_datagrams(const struct net_source_options *o)
{
	return o->mode == NET_SOURCE_DATAGRAMS;
}

bool net_source_has_streams(const struct net_source_options *o)
{
	return o->tcp.count > 0 || (o->unix_stream.count > 0 && !is_for_datagrams(o));
}

bool net_source_has_datagrams(const struct net_source_options *o)
{
	return o->udp.count + o->unix_datagram.count > 0 ||
	       (o->unix_stream.count > 0 && is_for_datagrams(o));
}

void net_source_check(const void *options, struct place at, struct problems *problems)
{
	const struct net_source_options *o = options;
	net_listen_check(&o->tcp, false, problems);
	net_listen_check(&o->unix_stream, true, problems);
	net_listen_check(&o->udp, false, problems);
	net_listen_check(&o->unix_datagram, true, problems);
	net_server_check(&o->server, net_source_capacity(o), at, problems);
	if (net_source_has_datagrams(o))
		net_datagram_check(&o->server, net_source_has_streams(o), at, problems);
}

int net_source_open(struct stage *s)
{
	const struct net_source_options *o = s->options;
	const struct text_list *either = &o->unix_stream;
	const struct net_places places = {
	    .streams = {&o->tcp, is_for_datagrams(o) ? NULL : either},
	    .datagrams = {&o->udp, is_for_datagrams(o) ? either : &o->unix_datagram}};
	struct net_server *n = s->state = calloc(1, sizeof *n);
	return n ? net_server_open(n, s, &o->server, &places) : -ENOMEM;
}

void net_source_close(struct stage *s)
{
	if (!s->state)
		return;
	net_server_close(s->state);
	free(s->state);
	s->state = NULL;
}

int net_source_step(struct stage *s, struct outlet *out)
{
	return net_server_step(s->state, out);
}

int net_source_attend(struct stage *s)
{
	return net_server_attend(s->state);
}

int net_source_snapshot(struct stage *s, struct delta *d)
{
	struct net_server *n = s->state;
	return journal_snapshot(&n->journal, d);
}

void net_source_committed(struct stage *s, uint64_t epoch)
{
	struct net_server *n = s->state;
	(void)epoch;
	journal_note_committed(&n->journal);
}

int net_source_settle(struct stage *s)
{
	return net_server_settle(s->state);
}

int net_source_tell(const void *options, const struct delta *saved, struct teller *t)
{
	(void)options;
	return journal_tell(saved, t);
}

void net_source_fields(const void *options, struct field_uses *uses)
{
	net_server_fields(server_of(options), uses);
}

size_t net_source_capacity(const void *options)
{
	const struct net_source_options *o = options;
	size_t streams = net_source_has_streams(o) ? net_server_stream_capacity(&o->server) : 0;
	size_t datagrams =
	    net_source_has_datagrams(o) ? net_server_datagram_capacity(&o->server) : 0;
	return streams > datagrams ? streams : datagrams;
}

size_t net_source_more_buffers(const void *options)
{
	const struct net_source_options *o = options;
	return journal_buffers(&o->server.journal, net_source_capacity(o),
			       o->server.peer.bytes != NULL);
}

size_t net_source_memory(const void *options)
{
	const struct net_source_options *o = options;
	size_t streams = net_source_has_streams(o) ? net_server_stream_memory(&o->server) : 0;
	size_t datagrams = net_source_has_datagrams(o) ? net_server_datagram_memory(&o->server) : 0;
	return streams + datagrams;
}

size_t net_source_descriptors(const void *options)
{
	const struct net_source_options *o = options;
	return NET_LISTENERS_MAX + (net_source_has_streams(o) ? o->server.max_connections : 0);
}

const char *net_source_restart(const void *options, bool remembers)
{
	const char *journal = journal_restart(&server_of(options)->journal, remembers);
	return journal ? journal
		       : "can't be read again: what a crash finds on its way is lost, save what a "
			 "sender repeats for want of a reply with `ack: committed`";
}

const char *net_source_needs_epochs(const void *options)
{
	return journal_needs_epochs(&server_of(options)->journal);
}

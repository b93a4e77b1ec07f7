#include "stages/net/net_server_options.h"
#include "stages/net/net_datagrams.h"
#include "stages/net/net_server.h"
#include "stages/tls/tls_context.h"

#include <string.h>

void net_server_check(const struct net_server_options *o, size_t capacity, struct place at,
		      struct problems *problems)
{
	net_framing_check(&o->framing, at, problems);
	if (o->tls_given)
		tls_options_check(&o->tls, true, at, problems);
	if (o->journal.ack != ACK_AUTO && !o->reply.bytes)
		problem_add(problems, at,
			    "`ack: %s` without `reply`, by which a sender is told; add `reply`",
			    journal_ack_choices[o->journal.ack]);
	journal_check(&o->journal, capacity, at, problems);
}

void net_datagram_check(const struct net_server_options *o, bool has_streams, struct place at,
			struct problems *problems)
{
	if (o->reply.bytes && !has_streams)
		problem_add(problems, o->reply.at,
			    "`reply` means nothing to datagrams; leave it out");
	if (o->framing.lines.max_line > 1 << 20)
		problem_add(problems, at, "`max_line` of datagrams is 1MiB at most");
}

static void check_address(const struct text *text, bool wants_path, struct problems *problems)
{
	struct net_address a;
	const char *why;
	const char *shown = text_shown(text, text->bytes);
	if (net_address_parse(text->bytes, text->length, &a, &why) < 0)
		problem_add(problems, text->at, "`%s` %s", shown, why);
	else if (a.place == NET_HOST)
		problem_add(problems, text->at,
			    "`%s`: a host's name says not where to listen; write its address, or "
			    "0.0.0.0:%s for all there are",
			    shown, a.port);
	else if (wants_path != (a.place == NET_UNIX))
		problem_add(problems, text->at, "`%s` is %s; write %s", shown,
			    wants_path ? "no path" : "a path",
			    wants_path ? "unix:/path" : "127.0.0.1:514 or the like");
}

void net_listen_check(const struct text_list *listen, bool wants_paths, struct problems *problems)
{
	for (size_t i = 0; i < listen->count; i++)
		check_address(&listen->items[i], wants_paths, problems);
	if (listen->count > NET_LISTENERS_MAX)
		problem_add(problems, listen->items[NET_LISTENERS_MAX].at,
			    "more than %d addresses to listen at", NET_LISTENERS_MAX);
}

void net_server_fields(const struct net_server_options *o, struct field_uses *uses)
{
	if (o->peer.bytes)
		fields_give(uses, o->peer.bytes, o->peer.length);
}

static size_t left_max(const struct net_server_options *o)
{
	return net_framing_left_max(o->framing.lines.max_line);
}

size_t net_server_pending_max(const struct net_server_options *o)
{
	size_t least = 2 * left_max(o);
	return o->max_pending < least ? least : o->max_pending;
}

size_t net_server_stream_capacity(const struct net_server_options *o)
{
	return net_intake_capacity(left_max(o) + NET_ADDRESS_ROOM);
}

size_t net_server_datagram_capacity(const struct net_server_options *o)
{
	return net_datagrams_capacity(o);
}

size_t net_server_stream_memory(const struct net_server_options *o)
{
	enum { KEPT = 1024 };
	size_t each = sizeof(struct net_peer) + KEPT;
	if (o->tls_given)
		each += sizeof(struct tls_session) + TLS_SESSION_BYTES + NET_SEALED;
	return sizeof(struct net_server) + NET_LISTENERS_MAX * sizeof(struct net_listener) +
	       NET_WIRE + o->max_connections * each + net_server_pending_max(o) +
	       journal_memory(&o->journal, net_server_stream_capacity(o));
}

size_t net_server_datagram_memory(const struct net_server_options *o)
{
	return sizeof(struct net_server) + NET_LISTENERS_MAX * sizeof(struct net_listener) +
	       net_datagrams_memory() + journal_memory(&o->journal, net_datagrams_capacity(o));
}

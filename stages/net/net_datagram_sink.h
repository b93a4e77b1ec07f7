/* net_datagram_sink.h - a sink that sends each record as a datagram: udp, unix, and syslog over either.
 *
 * Nobody says whether a datagram came: it counts as stored when the kernel has taken it. Where that cannot be (nobody listens at a
 * unix socket), it is tried again on another socket, as a connection would be.
 *
 * Threads: the owner's. Memory: its state; one batch is held. Layer: stages. */
#pragma once

#include "stages/net/net_link.h"
#include "stages/stored.h"

#include <sys/socket.h>

enum { DATAGRAMS_SENT = 64 };

struct net_datagram_sink {
	struct calls calls;
	struct net_link link;
	struct stored stored;
	struct batch *batch; /* being sent; NULL: none is */
	uint32_t next;       /* record of it */
	uint32_t paid;       /* from there on so many may go, */
	uint64_t again_ns;   /* not before that: as `rate_limit` says, or the kernel had no room */
	struct io_op send;
	bool is_sending;
	struct net_seldom seldom;
	struct mmsghdr messages[DATAGRAMS_SENT];
	struct iovec spans[DATAGRAMS_SENT];
};

void net_datagram_sink_open(struct net_datagram_sink *k, struct stage *s,
			    const struct text *address, const struct call_options *calls);
void net_datagram_sink_close(struct net_datagram_sink *k);
int net_datagram_sink_step(struct net_datagram_sink *k, struct inlet *in);
int net_datagram_sink_finish(struct net_datagram_sink *k, struct inlet *in);
int net_datagram_sink_let_go(struct net_datagram_sink *k);

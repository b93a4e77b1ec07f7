/* net_peer.h - one connection of a net_server: its descriptor, the beginning of a record that has not come whole, the replies
 * that it is owed, its TLS.
 *
 * Threads: the owner's. Memory: one allocation each, and what is kept of a record. Layer: stages. */
#pragma once

#include "stages/chain.h"
#include "stages/net/ack_ledger.h"
#include "stages/net/net_address.h"
#include "stages/net/net_framing.h"
#include "stages/tls/tls_session.h"

struct net_server;

enum net_peer_state {
	PEER_SHAKING, /* TLS: its handshake */
	PEER_OPEN,
	PEER_ENDED, /* it says nothing more, but is owed replies */
	PEER_CLOSING,
};

enum { NET_SEALED = 4096, NET_WIRE = 64 * 1024 };

struct net_peer {
	struct net_server *server;
	enum net_peer_state state;
	int fd;
	struct chain idle, unfinished, queued, fresh, awaiting; /* links of the server's lists */
	uint64_t active_ns;                                     /* when something came last */
	uint64_t began_ns; /* when the record began that is not whole, or the handshake */
	struct io_op poll, write;

	struct net_framer framer;
	uint8_t *held; /* of that record */
	size_t held_length, held_room;

	uint64_t fresh_frames; /* in the open batch */
	struct ack_ledger owed;
	uint64_t reply_left; /* bytes of replies that are due */

	struct tls_session *tls; /* NULL: there is none */
	uint8_t *sealed;         /* NET_SEALED bytes: what it wants sent */
	size_t sealed_from, sealed_to;
	struct iovec span; /* of `write` */

	unsigned name_length;
	char name[NET_ADDRESS_ROOM];
};

/* A connection that was accepted; takes fd over. NULL: out of memory, and it is closed. */
struct net_peer *net_peer_new(struct net_server *n, int fd, const struct io_address *name);

/* No more of it is wanted; it is gone when its operations are. */
void net_peer_close(struct net_peer *p);

/* Something came, or something else shows that it is not idle. */
void net_peer_touch(struct net_peer *p);

/* It has sent records that are not answered yet, which is for us to do. */
static inline bool net_peer_awaits_answer(const struct net_peer *p)
{
	return p->fresh_frames > 0 || !ack_ledger_is_empty(&p->owed);
}

/* To be read next; to be waited for. */
void net_peer_is_ready(struct net_peer *p);
void net_peer_rests(struct net_peer *p);

/* Adds bytes to what is kept; `began`: they are a record's beginning, and none was there before. False: out of memory, or of what
 * max_pending allows, and it is closed. */
bool net_peer_hold(struct net_peer *p, const uint8_t *bytes, size_t length, bool began);
void net_peer_hold_nothing(struct net_peer *p);

/* Sends what is due, unless it is on its way. */
void net_peer_send(struct net_peer *p);

/* It says nothing more: closed, unless something is to be sent yet. */
void net_peer_ended(struct net_peer *p);

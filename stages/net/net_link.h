/* net_link.h - a sink's connection to its peer: looked up, connected, its handshake made, and made anew when it breaks.
 *
 *   DOWN --the policies let it--> RESOLVING -> OPENING -> CONNECTING -> SHAKING (TLS) -> UP --broken--> BREAKING --all ops done--> DOWN
 *     ^                               |           |            |           |
 *     +---- tried again, after a delay ----failed-+------------+-----------+-------- attempts used up --> GIVEN UP
 *
 * One connect is one call (stages/policy/calls.h), over all addresses that the host has. What the peer says is read all the time:
 * so its end is noticed, and replies are counted.
 *
 * Threads: the owner's. Memory: the caller's, and a TLS session. Layer: stages. */
#pragma once

#include "stages/net/net_address.h"
#include "stages/net/net_seldom.h"
#include "stages/policy/calls.h"
#include "stages/tls/tls_session.h"

enum net_link_state {
	LINK_DOWN,
	LINK_RESOLVING,
	LINK_OPENING,
	LINK_CONNECTING,
	LINK_SHAKING,
	LINK_UP,
	LINK_BREAKING,
	LINK_GIVEN_UP,
};

enum { LINK_READ = 16 * 1024, LINK_SAY = 16 * 1024 };

struct net_link {
	struct stage *stage;
	struct calls *calls;
	const struct tls_context *tls; /* NULL: there is none */
	const char *server_name;       /* whose certificate it has to be; NULL: anybody's */
	uint64_t handshake_timeout_ns; /* TLS */
	struct net_address where;
	int type; /* SOCK_STREAM, SOCK_DGRAM */
	const char *shown;

	enum net_link_state state;
	struct call call;
	int fd;
	struct io_address found[IO_ADDRESSES_MAX];
	unsigned found_count, next;
	bool overdue, gives_up, is_reading;
	struct net_seldom seldom, seldom_lost;
	const char *reason; /* why it broke, or could not be made; static */
	uint64_t in_vain;   /* connections in a row of which the peer has taken nothing */
	uint64_t not_before_ns;

	struct io_op op;   /* resolve, socket, connect */
	struct io_op read; /* always, once it is there */
	struct io_op say;  /* TLS: what is not of the sink */
	struct iovec said;
	struct tls_session session;
	uint64_t shaken_by_ns; /* until then a handshake is waited for */
	bool has_session;
	bool is_lost, is_told; /* and there is none of use yet; and that was said */
	bool was_of_use;       /* the peer has taken something of this connection */
	uint64_t
	    believed_at_ns; /* TLS: until then the peer may refuse us, whatever its machine has taken */
	uint64_t replies;         /* bytes of them that came as they should */
	const struct text *reply; /* what the peer says for each record; NULL: nothing is awaited */
	uint8_t bytes[LINK_READ], saying[LINK_SAY];
};

/* All of it outlives the link. */
void net_link_init(struct net_link *l, struct stage *s, struct calls *calls,
		   const struct net_address *where, int type, const char *shown);
/* Nothing is in flight. */
void net_link_release(struct net_link *l);

/* Goes on. STEP_MORE: something changed; STEP_WAIT. */
int net_link_step(struct net_link *l);

/* It is of no more use: back to DOWN with net_link_broken(), to be called when the caller's ops on it are done. */
void net_link_break(struct net_link *l, const char *reason);
/* In BREAKING, in each step: the sink's own operations on it are through. */
void net_link_broken(struct net_link *l);

/* In GIVEN_UP: what waited for it is seen to; with what comes then it is tried again. */
void net_link_begin_anew(struct net_link *l);

/* The peer has taken something. */
void net_link_is_of_use(struct net_link *l);

/* TLS: says that nothing more comes. Otherwise the same without words. */
void net_link_end(struct net_link *l);

/* A reason in a few static words. */
const char *net_reason(int64_t error);

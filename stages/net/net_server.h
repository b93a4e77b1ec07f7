/* net_server.h - a source that listens: what comes from many connections and datagram sockets becomes batches.
 *
 *            +------------------------- more may be there ------------------------+
 *            v                                                                     |
 *   accept -> RESTING --IO_POLL--> READY --read--> bytes --frames--> the open batch +--> RESTING
 *      (TLS: handshake first)        one at a time, in turn            |
 *                                                      handed on when it is full, a read was large, or nobody is ready
 *
 *   lists    idle        all, by when something came last     the first is closed for one too many, and after idle_timeout
 *            unfinished  with a part of a record              the first is closed after frame_timeout, and for max_pending
 *            shaking     in their handshake                   likewise after handshake_timeout
 *            ready, resting                                   who is read next; who is to be waited for
 *            fresh       with records in the open batch       that are to be answered once it is handed on
 *            awaiting    with records to be answered later
 *
 * A connection that nothing comes on has no buffer: it is a net_peer and an IO_POLL. The beginning of a record that has not come
 * whole is kept by it, no more than max_pending in all.
 *
 * Threads: the owner's. Memory: what net_server_stream_memory() says, by the connection. Layer: stages. */
#pragma once

#include "stages/net/net_intake.h"
#include "stages/net/net_listener.h"
#include "stages/net/net_peer.h"
#include "stages/net/net_reply.h"
#include "stages/net/net_seldom.h"
#include "stages/net/net_server_options.h"
#include "stages/stage.h"

enum net_figure {
	NET_ACCEPTED,
	NET_IDLE,    /* closed as idle */
	NET_CROWDED, /* closed for another */
	NET_REFUSED, /* frames that are none, or too long */
	NET_CUT_OFF, /* records of which the end did not come */
	NET_RESET,
	NET_SHAKY, /* handshakes that failed */
	NET_REPLIES,
	NET_KERNEL_DROPS,
	NET_HELD_BACK_MS,
	NET_FIGURES,
};
/* Those, and the journal's. */
extern const char *const net_server_figures[NET_FIGURES + JOURNAL_FIGURES + 1];

struct net_datagrams;

struct net_server {
	struct stage *stage;
	const struct net_server_options *options;
	struct net_framing framing;
	struct tls_context tls;
	struct net_reply reply;
	struct net_intake intake;
	size_t name_room; /* in front of what comes, for who sent it; 0: no field says so */

	struct net_listener *listeners;
	size_t listener_count, opened;
	struct net_datagrams *datagrams; /* NULL: none are listened for */
	size_t next_datagrams;
	bool datagrams_last; /* they had the last turn */

	struct chain idle, unfinished, shaking, ready, resting, fresh, awaiting;
	size_t open_count, pending, pending_max;

	/* The read under way, and what came of it. */
	struct io_op read;
	struct net_peer *reading;
	uint8_t *place; /* where its bytes go, or would but for TLS */
	size_t room;
	uint8_t *wire; /* TLS: where they go first */
	struct {
		struct net_peer *peer; /* NULL: nothing is to be framed */
		size_t from, to, name;
		bool ended, large;
		bool more;  /* there may be more where it came from */
		bool moved; /* some of it is done with */
	} at;

	uint64_t rested_ns;       /* when those that rest were last waited for */
	uint64_t now_ns, last_ns; /* this step's moment; when something came last */
	int64_t wall_ns;
	bool has_come, is_stopping;
	bool has_all; /* stopping: connections that there were are taken, and no more can come */
	uint64_t stop_ns, settle_ns; /* until when what has come is read, and replies may go out */

	struct rate_gate gate;
	struct journal journal;
	uint64_t answered; /* of its numbers: up to there everybody was answered */
	struct net_seldom seldom[NET_FIGURES], seldom_failure;
};

/* Where to listen; NULL: there are no more. */
struct net_places {
	const struct text_list *streams[2], *datagrams[2];
};

/* 0 or -errno, having said why; net_server_close() in any case. */
int net_server_open(struct net_server *n, struct stage *s, const struct net_server_options *o,
		    const struct net_places *places);
void net_server_close(struct net_server *n);

/* As a stage's source_step, source_attend and settle. Snapshots are the journal's. */
int net_server_step(struct net_server *n, struct outlet *out);
int net_server_attend(struct net_server *n);
int net_server_settle(struct net_server *n);

/* Of the parts. */

/* Counts it, and says so now and then: about the peer, if there is one. */
void net_server_note(struct net_server *n, enum net_figure what, const char *event,
		     const struct net_peer *p, const char *reason);
/* The open batch goes on, into the journal, if it has records; once in a step. True: it had. */
bool net_server_hand_on(struct net_server *n);

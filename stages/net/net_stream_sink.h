/* net_stream_sink.h - a sink that has a connection to its peer: tcp, unix, and syslog over either.
 *
 *   inlet ──► net_outbox ──write──► net_link ──► the peer
 *                 ▲                                │
 *                 └── what it has taken: as its kernel says, or with `await_reply` as it says itself
 *
 * Threads: the owner's. Memory: net_stream_memory(). Layer: stages. */
#pragma once

#include "stages/net/net_link.h"
#include "stages/net/net_outbox.h"
#include "stages/tls/tls_options.h"

struct net_stream_options {
	struct text address;
	struct net_method_options framing;
	struct call_options calls;
	struct text await_reply;
	uint64_t write_timeout_ns; /* 0: none */
	struct tls_options tls;
	bool tls_given;
};

/* clang-format off */
#define NET_STREAM_AT(base, member) ((base) + offsetof(struct net_stream_options, member))
#define NET_STREAM_SINK_ROWS(base, methods)                                                        \
	{"framing", OPTION_GROUP, NET_STREAM_AT(base, framing), .group = (methods),        \
	 .doc = "How records are told apart in the stream of bytes"},                              \
	{"await_reply", OPTION_TEXT, NET_STREAM_AT(base, await_reply), .min = 1, .max = 256,       \
	 .doc = "What the peer says for each record that it has; one counts as stored then, and not " \
		"when the peer's kernel has it"},                                                  \
	{"write_timeout", OPTION_DURATION, NET_STREAM_AT(base, write_timeout_ns), .preset = "5m",  \
	 .word = "off",                                                                            \
	 .doc = "A peer that takes nothing for so long is left, and connected to again"},          \
	CALL_OPTION_ROWS(NET_STREAM_AT(base, calls))
#define NET_STREAM_TLS_ROW(base)                                                                   \
	{"tls", OPTION_GROUP, NET_STREAM_AT(base, tls), .group = tls_client_table,                 \
	 .given_offset = NET_STREAM_AT(base, tls_given),                                           \
	 .doc = "The connection is TLS"}
/* clang-format on */

struct net_stream_sink {
	const struct net_stream_options *options;
	struct calls calls;
	struct tls_context tls;
	struct net_link link;
	struct net_outbox outbox;
	struct stored stored;
	uint64_t answered; /* records, on this connection */

	struct io_op write;
	unsigned span;       /* of the outbox's: the first that is not written or sealed whole */
	struct iovec sealed; /* TLS: what is written instead, of what is in `wire` */
	uint8_t *wire;
	bool is_up, is_writing;     /* a write was begun and is not through */
	uint64_t seen_taken;        /* by the peer, of `written` */
	uint64_t written, moved_ns; /* on this connection; when something last was */
	uint64_t paid_ns;           /* the write may go then */

	struct io_op look;     /* IO_UNREAD */
	uint64_t look_written; /* when it was begun, so much was `written` */
	uint64_t look_at_ns, look_delay_ns;
	bool has_ended;
};

/* What options do not go together; at: of the stage. */
void net_stream_check(const struct net_stream_options *o, struct place at,
		      struct problems *problems);
int net_stream_open(struct net_stream_sink *k, struct stage *s, const struct net_stream_options *o,
		    const struct delimiter *delimiter);
void net_stream_close(struct net_stream_sink *k);
int net_stream_step(struct net_stream_sink *k, struct inlet *in);
int net_stream_finish(struct net_stream_sink *k, struct inlet *in);
int net_stream_let_go(struct net_stream_sink *k);
size_t net_stream_memory(const struct net_stream_options *o);
const char *net_stream_guarantee(const struct net_stream_options *o);

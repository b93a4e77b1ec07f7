/* net_server_options.h - the options of every source that listens.
 * Threads: any. Memory: the topology's. Layer: stages. */
#pragma once

#include "stages/journal.h"
#include "stages/net/net_framing.h"
#include "stages/policy/rate_gate.h"
#include "stages/tls/tls_options.h"

enum { NET_LISTENERS_MAX = 64 };

struct net_server_options {
	struct net_framing_options framing;
	uint64_t max_connections, max_pending;
	uint64_t idle_timeout_ns, frame_timeout_ns; /* 0: none */
	uint64_t idle_end_ns;
	uint64_t receive_buffer; /* 0: the kernel's */
	bool keepalive;
	struct text reply;
	struct rate_gate_options gate;
	struct journal_options journal;
	struct text peer;
	struct tls_options tls;
	bool tls_given;
};

/* clang-format off */
#define NET_AT(base, member) ((base) + offsetof(struct net_server_options, member))

/* What all of them have. */
#define NET_SERVER_ROWS(base)                                                                      \
	{"receive_buffer", OPTION_SIZE, NET_AT(base, receive_buffer), .max = 1 << 30,              \
	 .doc = "How much the kernel keeps of what was not read yet (SO_RCVBUF); without it, what " \
		"the machine has set"},                                                            \
	{"peer", OPTION_TEXT, NET_AT(base, peer), .min = 1,                                        \
	 .doc = "The field that gets who has sent a record, as 192.0.2.7:49152; without it none does"}, \
	{"idle_end", OPTION_DURATION, NET_AT(base, idle_end_ns), .preset = "5s",                   \
	 .doc = "With --once: the input has ended when no connection is open and nothing has come " \
		"for so long, once something has"},                                                \
	RATE_GATE_OPTION_ROWS(NET_AT(base, gate),                                               \
			     "How much is read a second, of all connections; senders wait with "   \
			     "more, and datagrams that the kernel has no room for are lost"),      \
	JOURNAL_OPTION_ROWS(NET_AT(base, journal))

/* Those that have connections. */
#define NET_STREAM_ROWS(base)                                                                      \
	{"max_connections", OPTION_COUNT, NET_AT(base, max_connections), .preset = "1000",         \
	 .min = 1, .max = 100000,                                                                  \
	 .doc = "So many are open at a time; for one more, the one that has been idle longest is " \
		"closed"},                                                                         \
	{"max_pending", OPTION_SIZE, NET_AT(base, max_pending), .preset = "16MiB", .min = 1,       \
	 .max = UINT64_C(1) << 40,                                                                 \
	 .doc = "So much is kept of records that have not come whole, of all connections; for more, " \
		"the one that has waited longest for the rest is closed"},                         \
	{"idle_timeout", OPTION_DURATION, NET_AT(base, idle_timeout_ns), .preset = "off",          \
	 .word = "off",                                                                            \
	 .doc = "A connection on which nothing has come for so long is closed, unless it waits for " \
		"a `reply` of ours"},                   \
	{"frame_timeout", OPTION_DURATION, NET_AT(base, frame_timeout_ns), .preset = "1m",         \
	 .word = "off",                                                                            \
	 .doc = "A connection on which a record has begun and not come whole within so long is closed"}, \
	{"keepalive", OPTION_BOOL, NET_AT(base, keepalive), .preset = "true",                      \
	 .doc = "TCP: whether the kernel finds out that a silent peer is gone"},                   \
	{"reply", OPTION_TEXT, NET_AT(base, reply), .min = 1, .max = 4096,                         \
	 .doc = "Sent back for each record, in order, when `ack` says"}

/* Those that have datagrams only; the rest is as if it had been given. */
#define NET_DATAGRAM_ROWS(base)                                                                    \
	{"max_line", OPTION_SIZE,                                                                  \
	 (base) + offsetof(struct net_server_options, framing.lines.max_line), .preset = "64KiB",  \
	 .min = 1, .max = 1 << 20,                                                                 \
	 .doc = "Longest datagram; what is more of one is cut off, and counted"}

#define NET_TLS_ROW(base)                                                                          \
	{"tls", OPTION_GROUP, NET_AT(base, tls), .group = tls_server_table,                        \
	 .given_offset = NET_AT(base, tls_given),                                                  \
	 .doc = "Connections are TLS, with this certificate"}
/* clang-format on */

/* capacity: what the stage's buffer_capacity() says. */
void net_server_check(const struct net_server_options *o, size_t capacity, struct place at,
		      struct problems *problems);
/* Of one that has datagrams, and connections or not: what options mean nothing to them. */
void net_datagram_check(const struct net_server_options *o, bool has_streams, struct place at,
			struct problems *problems);
/* That these are addresses to listen at, paths or not. */
void net_listen_check(const struct text_list *listen, bool wants_paths, struct problems *problems);

/* What stage_type's hooks answer for it. */
void net_server_fields(const struct net_server_options *o, struct field_uses *uses);
size_t net_server_stream_capacity(const struct net_server_options *o);
size_t net_server_datagram_capacity(const struct net_server_options *o);
size_t net_server_stream_memory(const struct net_server_options *o);
size_t net_server_datagram_memory(const struct net_server_options *o);

/* max_pending, or more where one record needs more. */
size_t net_server_pending_max(const struct net_server_options *o);

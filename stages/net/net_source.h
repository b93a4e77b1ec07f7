/* net_source.h - the options and the hooks of every source that is nothing but a net_server: tcp, udp, unix, syslog.
 *
 * Each has a table of its own for a struct net_source_options, or for what begins with one; which of the lists it fills says whether
 * it has connections, datagrams, or both.
 *
 * Threads: the owner's. Memory: the stage's. Layer: stages. */
#pragma once

#include "stages/net/net_server.h"

struct net_source_options {
	struct text_list tcp, unix_stream, udp, unix_datagram;
	uint64_t mode; /* enum net_source_mode; an option of unix alone */
	struct net_server_options server;
};

enum net_source_mode {
	NET_SOURCE_AS_LISTED,
	NET_SOURCE_DATAGRAMS, /* what is in unix_stream is for datagrams, too */
};

#define NET_SOURCE_AT(member) offsetof(struct net_source_options, member)

bool net_source_has_streams(const struct net_source_options *o);
bool net_source_has_datagrams(const struct net_source_options *o);

/* What is wrong with addresses and options; at: of the stage. */
void net_source_check(const void *options, struct place at, struct problems *problems);

int net_source_open(struct stage *s);
void net_source_close(struct stage *s);
int net_source_step(struct stage *s, struct outlet *out);
int net_source_attend(struct stage *s);
int net_source_snapshot(struct stage *s, struct delta *d);
void net_source_committed(struct stage *s, uint64_t epoch);
int net_source_settle(struct stage *s);
int net_source_tell(const void *options, const struct delta *saved, struct teller *t);
void net_source_fields(const void *options, struct field_uses *uses);
size_t net_source_capacity(const void *options);
size_t net_source_more_buffers(const void *options);
size_t net_source_memory(const void *options);
size_t net_source_descriptors(const void *options);
const char *net_source_restart(const void *options, bool remembers);
const char *net_source_needs_epochs(const void *options);

/* All of them, in a struct stage_type. */
/* clang-format off */
#define NET_SOURCE_HOOKS                                                                           \
	.open = net_source_open, .close = net_source_close, .source_step = net_source_step,        \
	.source_attend = net_source_attend, .snapshot = net_source_snapshot,                       \
	.committed = net_source_committed, .settle = net_source_settle, .tell = net_source_tell,   \
	.fields = net_source_fields, .buffer_capacity = net_source_capacity,                       \
	.more_buffers = net_source_more_buffers,                                                   \
	.memory = net_source_memory, .descriptors = net_source_descriptors,                        \
	.restart = net_source_restart, .needs_epochs = net_source_needs_epochs, .drains = true,    \
	.figures = net_server_figures
/* clang-format on */

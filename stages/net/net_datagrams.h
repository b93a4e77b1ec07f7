/* net_datagrams.h - many datagrams are received at once, each a record, and moved together in the buffer.
 *
 *   received   | name | datagram ....... | name | datagram ...... | ...      a slot for each
 *   kept       | name datagram \n name datagram \n |                          or without names, so that neighbours are one piece
 *
 * Line ends and NULs at a datagram's end are left out; one that is empty then is no record. One longer than max_line is cut.
 *
 * Threads: the owner's. Memory: net_datagrams_new(). Layer: stages. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct net_server;
struct net_server_options;
struct net_datagrams;

/* What a buffer must hold, and what it takes itself. */
size_t net_datagrams_capacity(const struct net_server_options *o);
size_t net_datagrams_memory(void);

/* NULL: out of memory. */
struct net_datagrams *net_datagrams_new(const struct net_server *n);
void net_datagrams_free(struct net_datagrams *d);

/* The buffer is theirs at the moment. */
bool net_datagrams_are_on_their_way(const struct net_server *n);
/* Some may be received at once. */
bool net_datagrams_are_there(const struct net_server *n);

/* As net_reading_step(). */
int net_datagrams_step(struct net_server *n);

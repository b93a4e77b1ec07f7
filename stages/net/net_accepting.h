/* net_accepting.h - the sockets that a net_server listens at, and who is let in there.
 *
 *   net_accepting_open() .. begin: STEP_DONE .. step, step, ... stopping: end, until it is true .. close
 *
 * For one too many, and where descriptors have run out, the connection that has been idle longest makes way.
 *
 * Threads: the owner's. Memory: the listeners. Layer: stages. */
#pragma once

#include <stdbool.h>

struct net_places;
struct net_server;

/* Begins to listen at those. 0 or -ENOMEM. */
int net_accepting_open(struct net_server *n, const struct net_places *places);
/* STEP_DONE: all are open; STEP_WAIT; or -errno, having said why. */
int net_accepting_begin(struct net_server *n);
/* Takes those that have come, and waits for the next. */
void net_accepting_step(struct net_server *n);
/* Takes those that were connected when it began to stop. True: nobody can come any more. */
bool net_accepting_end(struct net_server *n);
/* Nothing is in flight. */
void net_accepting_close(struct net_server *n);

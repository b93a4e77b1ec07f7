/* net_reading.h - one connection after the other is read, and what came is framed into the open batch of a net_server.
 * Threads: the owner's. Memory: the server's. Layer: stages. */
#pragma once

struct net_server;

/* No more is to be made of the bytes at hand: what lies behind the records is somebody else's room. Whenever a connection goes that
 * they are of, too. */
void net_reading_leave(struct net_server *n);

/* What can be done of it now: STEP_MORE, when a batch went on or there is more to do; STEP_WAIT: for the read that is under way, for
 * a free batch or buffer, or as nobody is ready. */
int net_reading_step(struct net_server *n);

/* sockets.h - what both real backends do with sockets (stages/io.h). Every socket made here is non-blocking and
 * close-on-exec; those of TCP send what they are given at once, and notice in time that their peer is gone.
 *
 *   listen, open, shut down     on the spot
 *   accept, connect,            tried on the spot, and again when poll(2) says so (readiness.h):
 *   receive, send               -EAGAIN: not yet
 *   resolve                     blocks: a helper's
 *
 * Threads: any. Memory: the op's. Layer: daemon. */
#pragma once

#include "stages/io.h"

/* Results: a descriptor or -errno. A unix socket that is there already is replaced when nobody listens to it any more. */
int64_t sockets_listen(struct io_op *op);
int64_t sockets_open(const struct io_op *op);

int64_t sockets_accept(const struct io_op *op);
/* True: *ret_result is what came of it. False: it is under way, and known when the socket can be written. */
bool sockets_connect(const struct io_op *op, int64_t *ret_result);
int64_t sockets_receive(const struct io_op *op);
int64_t sockets_send(const struct io_op *op);
int64_t sockets_shut_down(const struct io_op *op);
/* Bytes that the peer has not acknowledged; -ENOTSOCK. */
int64_t sockets_unsent(int fd);
int64_t sockets_set_option(const struct io_op *op);

/* Result: how many addresses; -ENOENT: there is no such host; -EAGAIN: nobody who would know answers; -EINVAL: it is no
 * port; or -errno. */
int64_t sockets_resolve(const struct io_op *op);

/* net_listener.h - one socket that a source has at an address: for connections or for datagrams.
 *
 *   net_listener_open() ... `opening` done: net_listener_opened()    streams: `accepting` brings one connection after the other
 *                                                                    datagrams: `polling` says that some have come
 *
 * Threads: the owner's. Memory: the caller's; stays put. Layer: stages. */
#pragma once

#include "stages/chain.h"
#include "stages/net/net_address.h"
#include "stages/stage.h"

struct net_listener {
	struct net_address where;
	bool datagrams, secret;
	int fd;                  /* -1: not listening */
	struct io_address bound; /* where it is in fact, when the port was the kernel's to choose */
	struct io_address peer;  /* of the connection that was accepted last */
	struct io_op opening;
	struct io_op waiting;      /* IO_ACCEPT, or IO_POLL */
	bool has_come;             /* `waiting` has a result that nobody has looked at */
	bool is_last;              /* the owner's: it was asked for the last ones */
	uint64_t again_ns;         /* opening or accepting failed: not before that; 0: it did not */
	uint64_t patient_until_ns; /* the address is in use, but may become free; 0: it is not */
	uint32_t kernel_drops;     /* as the kernel has said last */
};

/* Begins it; reuse_port: others may listen there, too. */
void net_listener_open(struct net_listener *l, struct env *env, int backlog, bool reuse_port);

/* When `opening` is done: the address is in use, and it is tried again, for 3 s; to be asked again once `opening` is not busy. Who
 * was killed keeps his sockets until the kernel is through with what he had asked it for. */
bool net_listener_is_put_off(struct net_listener *l, struct env *env);

/* When `opening` is done: 0, and it has been told where; or -errno, having said why. */
int net_listener_opened(struct net_listener *l, struct env *env);

/* Waits for a connection, or for datagrams. */
void net_listener_wait(struct net_listener *l, struct env *env);

/* Nothing more is taken there. The descriptor is closed, and its path removed, once `waiting` is not busy: to be called until it is -1. */
void net_listener_close(struct net_listener *l, struct env *env);

/* An option of a socket, set as soon as possible; that it cannot be is no misfortune. */
void net_socket_set(struct env *env, int fd, int level, int name, int value);

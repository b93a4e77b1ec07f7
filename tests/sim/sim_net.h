/* sim_net.h - a network in memory: between the program under test and those outside that it talks to.
 *
 *   socket  NEW --connect--> CONNECTED <==two bounded pipes==> CONNECTED      LISTENS: those who connected wait until accepted
 *
 * What TCP promises and no more: bytes come in order, or the connection is reset. What was written and not read is lost with a
 * reset, although the writer was told that it was written, unless it has landed, which he can ask for (IO_UNREAD); so is the first
 * write after the other side has closed. Who
 * connects where nobody listens is refused; where too many wait to be accepted, waits himself.
 *
 * All calls return what the system call would: >= 0, or -errno; -EAGAIN: it would wait. Descriptors begin at SIM_NET_FIRST, beyond
 * those of sim_fs.h. A connection is where its port is: there is one address.
 *
 * Threads: one. Memory: its own, until sim_net_release(). Layer: tests. */
#pragma once

#include "tests/sim/sim_random.h"
#include "tests/sim/sim_story.h"

#include "stages/io.h"

enum {
	SIM_NET_FIRST = 1000,
	SIM_NET_SOCKETS_MAX = 256,
	SIM_NET_WAITING_MAX = 16, /* to be accepted, at one socket */
};

enum sim_socket_state { SIM_SOCKET_FREE, SIM_SOCKET_NEW, SIM_SOCKET_LISTENS, SIM_SOCKET_CONNECTED };

struct sim_socket {
	enum sim_socket_state state;
	bool of_process; /* opened by the program under test */
	unsigned port;   /* where it listens, or what it has connected to */

	int waiting[SIM_NET_WAITING_MAX]; /* LISTENS: connected and not accepted, oldest first */
	unsigned waiting_count, backlog;

	int peer;       /* CONNECTED: the other side; -1: it is gone */
	uint8_t *bytes; /* that came and were not read */
	size_t length;
	size_t landed; /* of them: on this machine, and so acknowledged to whoever wrote them */
	uint64_t lost; /* that were written here, and never land anywhere */
	bool ended;    /* nothing more comes */
	bool closed;   /* nothing more can be written */
	int error;     /* -errno, for whoever reads or writes next */
};

/* Of what the program asks for; chances per mille. */
struct sim_net_faults {
	unsigned short_reads, short_writes, interrupted;
	unsigned accept_errors;  /* -ECONNABORTED */
	unsigned socket_errors;  /* -EMFILE */
	unsigned resolve_errors; /* -EAGAIN, as when no name server answers */
};

struct sim_net {
	struct sim_random random;
	struct sim_story *story;
	struct sim_net_faults faults;
	struct sim_socket sockets[SIM_NET_SOCKETS_MAX];
	size_t pipe_bytes; /* that one direction of a connection holds */
	/* Told of each attempt of the program to connect; NULL: nobody is. */
	void (*on_connect)(void *context, unsigned port, bool refused);
	void *context;
};

void sim_net_init(struct sim_net *net, struct sim_random random, struct sim_story *story);
void sim_net_release(struct sim_net *net);

/* ---- for the program: by sim_io.h ---- */

static inline bool sim_net_has(int fd)
{
	return fd >= SIM_NET_FIRST;
}
/* An operation of the network, or on one of its descriptors. */
bool sim_net_is_about(const struct io_op *op);
/* It may be waited for: and would it be, now? */
bool sim_net_may_wait(const struct io_op *op);
bool sim_net_would_wait(const struct sim_net *net, const struct io_op *op);
int64_t sim_net_carry_out(struct sim_net *net, const struct io_op *op);

/* The program is gone: of each connection the other side hears that it was closed, or reset. crash: the machine is. */
void sim_net_end_process(struct sim_net *net, bool crash);
/* Descriptors that the program has open. */
size_t sim_net_open_count(const struct sim_net *net);

/* ---- for those outside ---- */

int sim_net_listen(struct sim_net *net, unsigned port, unsigned backlog);
int sim_net_accept(struct sim_net *net, int fd);
/* The descriptor. */
int sim_net_connect(struct sim_net *net, unsigned port);
ssize_t sim_net_read(struct sim_net *net, int fd, void *bytes, size_t length);
ssize_t sim_net_write(struct sim_net *net, int fd, const void *bytes, size_t length);
/* Of what has landed there already. */
ssize_t sim_net_read_landed(struct sim_net *net, int fd, void *bytes, size_t length);
/* With bytes that were not read it is a reset, as ever. */
void sim_net_close(struct sim_net *net, int fd);
void sim_net_reset(struct sim_net *net, int fd);
/* And nothing of what was written to it is read any more. */
void sim_net_vanish(struct sim_net *net, int fd);

bool sim_net_is_readable(const struct sim_net *net, int fd);
bool sim_net_is_writable(const struct sim_net *net, int fd);
/* The other side has closed it, or was reset. */
bool sim_net_is_left(const struct sim_net *net, int fd);

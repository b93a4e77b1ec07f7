/* io.h - completion-based operations: the only way a stage touches a file system, a descriptor or a helper thread.
 *
 *	op->code = IO_READ; op->fd = fd; op->read = ...; op->done = on_read; op->owner = self;
 *	io_submit(io, op);              the op and what it points to stay put until done is called
 *	...
 *	on_read(op): op->result         as the system call's: >= 0, or -errno
 *
 * Short reads and writes, -EINTR and -EAGAIN come through as they are. Completions may come in any order, `done` is
 * called on the worker's thread, from io's own turn, never from within io_submit().
 *
 * Backends: daemon/uring_io, daemon/plain_io; same tests for both.
 * Threads: the owner's only. Memory: ops are the callers'. Layer: stages. */
#pragma once

#include "ringbuf/stack.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

enum io_code {
	IO_OPEN, /* result: a descriptor (close-on-exec) */
	IO_CLOSE,
	IO_READ,  /* result: bytes, 0 at the end */
	IO_WRITE, /* result: bytes, maybe fewer than asked */
	IO_DATASYNC,
	IO_WRITE_BACK, /* what was written there begins to go to the disk; for whoever will sync it */
	IO_SYNC,       /* a directory's, too: 0 where its file system syncs none */
	IO_TRUNCATE,
	IO_STAT,   /* of path, following links, or of fd when path is NULL */
	IO_RENAME, /* refuses to replace (RENAME_NOREPLACE) unless replace is set */
	/* A regular file for this open file description alone (flock(2)): -EBUSY when it is another's. */
	IO_LOCK,
	/* Result: bytes written to a pipe or terminal that nobody has read yet, seen from either end; or to a connection, that its
	 * peer's machine has not acknowledged; -ENOTTY: cannot tell. */
	IO_UNREAD,
	IO_UNLINK,
	IO_MKDIR,
	IO_LIST,      /* a directory's entries; release with io_listing_release() */
	IO_WATCH_NEW, /* result: an inotify descriptor, to be read with IO_READ as a stream */
	IO_WATCH_ADD, /* result: a watch descriptor */
	IO_WATCH_REMOVE,
	IO_WORK, /* runs work.run(work.argument) on a helper thread; result: what it returned */

	/* Sockets. Once there, bytes of a connection are IO_READ and IO_WRITE with `stream`; those that were not read or written when
	 * the op is cancelled stay. A write whose reader has gone is -EPIPE, and no signal. */
	IO_LISTEN, /* result: a descriptor, bound to the address, and listening there unless it is for datagrams */
	IO_ACCEPT,  /* result: a descriptor; waits for a peer */
	IO_SOCKET,  /* result: a descriptor for whoever connects */
	IO_CONNECT, /* waits until fd is connected to the address; -EAGAIN: a unix socket has too many waiting, try again later */
	IO_RECEIVE, /* result: how many datagrams came; waits for the first */
	IO_SEND,    /* result: how many datagrams were sent; waits for room for the first */
	IO_POLL,    /* waits until fd is ready; result: for what (poll(2)) */
	IO_SHUTDOWN,   /* of a connection: SHUT_WR, SHUT_RDWR */
	IO_SET_OPTION, /* of a socket: an int (setsockopt(2)) */
	IO_RESOLVE, /* the addresses of a host and port, looked up on a helper thread; result: how many */

	/* Processes. */
	IO_SPAWN,  /* result: a process descriptor (pidfd_open(2)); spawn.pid is filled in */
	IO_AWAIT,  /* waits for that process to end and reaps it; result: as waitpid(2)'s status */
	IO_SIGNAL, /* sends it, or all of its process group (only until it is reaped), a signal */
};

/* A socket's name: a struct sockaddr of any family, in so many bytes. length 0: there is none. */
struct io_address {
	_Alignas(8) unsigned char bytes[128];
	unsigned length;
};
struct mmsghdr; /* sys/socket.h */

enum { IO_ADDRESSES_MAX = 16 };

/* For one of a process's descriptors: a pipe to it, of which our end is filled in there when it has been begun, non-blocking. */
enum { IO_PIPE = -2 };

struct io_entry {
	char *name;
	uint64_t inode;
	unsigned char type; /* DT_* */
};

struct io_listing {
	struct io_entry *entries;
	size_t count;
};

/* What there is to know of a file; times are ns since 1970. */
struct io_status {
	uint64_t device, inode; /* inode 0: there is none */
	uint64_t size;
	uint64_t links;
	int64_t modified_ns;
	int64_t birth_ns; /* 0: the file system does not tell */
	mode_t mode;
};

struct io_op {
	enum io_code code;
	int fd; /* what it works on; IO_OPEN, IO_STAT, IO_RENAME, IO_UNLINK, IO_MKDIR: directory or AT_FDCWD */
	bool
	    stream; /* IO_READ, IO_WRITE: a pipe, terminal, socket or inotify: no offset, may wait long */
	bool at_once; /* IO_READ of a connection, IO_RECEIVE: what is there; -EAGAIN: nothing is */
	bool busy;    /* submitted and not yet done; kept by the backend */
	unsigned marks; /* the backend's, while busy */
	union {
		struct {
			const char *path;
			int flags;
			mode_t mode;
			uint64_t resolve; /* RESOLVE_* of openat2(2) */
		} open;
		struct {
			void *bytes;
			size_t length;
			uint64_t at;
		} read;
		struct {
			const struct iovec *spans;
			unsigned count;
			uint64_t at;
		} write;
		struct {
			uint64_t at, length;
		} write_back;
		struct {
			uint64_t length;
		} truncate;
		struct {
			const char *path;
			struct io_status *into; /* filled in on success */
		} stat;
		struct {
			const char *from, *to;
			bool replace;
		} rename;
		struct {
			bool take;  /* and take them out, if we may read the pipe */
			bool alone; /* filled in: nobody else has the pipe open for reading */
		} unread;
		struct {
			const char *path;
		} unlink;
		struct {
			const char *path;
			mode_t mode;
		} mkdir;
		struct {
			const char *path;
			struct io_listing *into;
		} list;
		struct {
			const char *path;
			uint32_t mask;
			int descriptor; /* IO_WATCH_REMOVE */
		} watch;
		struct {
			int (*run)(void *argument);
			void *argument;
		} work;
		struct {
			const struct io_address *address;
			int type; /* SOCK_STREAM, SOCK_DGRAM */
			int backlog;
			bool reuse_port; /* others may be bound there, too, and share what comes */
			struct io_address *bound; /* filled in; NULL: nobody wants to know */
		} listen;
		struct {
			struct io_address *peer; /* filled in; NULL: nobody wants to know */
		} accept;
		struct {
			int family, type;
		} socket;
		struct {
			const struct io_address *address;
		} connect;
		struct {
			struct mmsghdr *messages; /* recvmmsg(2), sendmmsg(2) */
			unsigned count;
		} datagrams;
		struct {
			short events;
		} poll;
		struct {
			int how;
		} shutdown;
		struct {
			int level, name, value;
		} set_option;
		struct {
			const char *host, *port;
			int type;
			struct io_address *into; /* IO_ADDRESSES_MAX of them */
		} resolve;
		struct {
			const char *const
			    *arguments; /* [0]: the program, looked up in PATH; ends with NULL */
			const char *const
			    *environment; /* more of it, NAME=value; NULL: none; ends with NULL */
			const char *directory; /* NULL: ours */
			int input, output,
			    errors; /* what it has for these; -1: /dev/null; IO_PIPE: see there */
			pid_t pid;  /* filled in; it leads a process group of its own */
		} spawn;
		struct {
			/* The signal for what is left of its group when it has ended; 0: none. May be set while it waits. */
			int left;
		} await;
		struct {
			int number;
			pid_t group; /* 0: the process only, by fd */
		} signal;
	};
	int64_t result;
	void (*done)(struct io_op *op);
	void *owner;

	/* the backend's, while busy */
	struct io_op *next, *prev;
	struct stack_node node;
	struct io *io;
};

struct io;

/* Enough for a disk to be busy with. */
#define WRITE_BACK_BYTES UINT64_C(0x800000)

struct io_ops {
	void (*submit)(struct io *io, struct io_op *op);
	/* Asks for op to end early, with -ECANCELED; done is still called, once. */
	void (*cancel)(struct io *io, struct io_op *op);
};

struct io {
	const struct io_ops *ops;
	uint64_t back_bytes; /* so much is worth an IO_WRITE_BACK; 0: WRITE_BACK_BYTES */
};

static inline void io_submit(struct io *io, struct io_op *op)
{
	assert(!op->busy && op->done);
	op->busy = true;
	op->io = io;
	io->ops->submit(io, op);
}

static inline void io_cancel(struct io *io, struct io_op *op)
{
	if (op->busy)
		io->ops->cancel(io, op);
}

void io_listing_release(struct io_listing *l);

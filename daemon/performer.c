#include "daemon/performer.h"
#include "daemon/backend.h"
#include "daemon/listing.h"
#include "daemon/status.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int64_t carry_out(void *who, struct io_op op)
{
	(void)who;
	switch (op.code) {
	case IO_OPEN:
		assert(op.open.resolve == 0);
		return or_errno(
		    openat(op.fd, op.open.path, op.open.flags | O_CLOEXEC, op.open.mode));
	case IO_READ:
		return or_errno(pread(op.fd, op.read.bytes, op.read.length, (off_t)op.read.at));
	case IO_STAT:
		return status_read(op.fd, op.stat.path, op.stat.into);
	default:
		assert(op.code == IO_LIST);
		return listing_read(op.fd, op.list.path, op.list.into);
	}
}

static void close_now(void *who, int fd)
{
	(void)who;
	close(fd);
}

const struct performer performer_on_the_spot = {.perform = carry_out, .close = close_now};

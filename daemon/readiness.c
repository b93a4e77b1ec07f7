#include "daemon/readiness.h"
#include "daemon/processes.h"
#include "daemon/sockets.h"

#include <errno.h>
#include <poll.h>

bool ready_can_be_tried(const struct io_op *op)
{
	switch (op->code) {
	case IO_ACCEPT:
	case IO_CONNECT:
	case IO_RECEIVE:
	case IO_SEND:
	case IO_AWAIT:
		return true;
	default:
		return false;
	}
}

short ready_events(const struct io_op *op)
{
	switch (op->code) {
	case IO_POLL:
		return op->poll.events;
	case IO_WRITE:
	case IO_CONNECT:
	case IO_SEND:
		return POLLOUT;
	default:
		return POLLIN;
	}
}

static int64_t carry_out(const struct io_op *op)
{
	switch (op->code) {
	case IO_ACCEPT:
		return sockets_accept(op);
	case IO_RECEIVE:
		return sockets_receive(op);
	case IO_SEND:
		return sockets_send(op);
	default:
		assert(op->code == IO_AWAIT);
		return processes_await(op);
	}
}

bool ready_try(const struct io_op *op, int64_t *ret_result)
{
	if (op->code == IO_CONNECT)
		return sockets_connect(op, ret_result);
	int64_t r = carry_out(op);
	if (r == -EAGAIN)
		return false;
	*ret_result = r;
	return true;
}

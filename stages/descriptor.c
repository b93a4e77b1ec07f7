#include "stages/descriptor.h"

#include <stdlib.h>

static void on_closed(struct io_op *op)
{
	free(op);
}

void descriptor_close(struct io *io, int *fd)
{
	int closing = *fd;
	*fd = -1;
	if (closing < 0)
		return;
	struct io_op *op = calloc(1, sizeof *op);
	if (!op)
		return; /* out of memory, a descriptor lost is the least of it */
	op->code = IO_CLOSE;
	op->fd = closing;
	op->done = on_closed;
	io_submit(io, op);
}

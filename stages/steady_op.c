#include "stages/steady_op.h"

#include <assert.h>
#include <errno.h>

void steady_op_init(struct steady_op *o, struct env *env, struct space_wait *space,
		    const char *path)
{
	*o = (struct steady_op){.env = env, .space = space, .path = path};
}

/* Nothing to do: the next step sees that the operation is no longer busy. */
static void on_done(struct io_op *op)
{
	(void)op;
}

void steady_op_begin(struct steady_op *o, struct io_op op)
{
	assert(!o->op.busy);
	o->putting_off = false;
	o->op = op;
	o->op.done = on_done;
	o->op.owner = o;
	io_submit(o->env->io, &o->op);
}

static bool may_be_put_off(enum io_code code)
{
	return code != IO_CLOSE && code != IO_DATASYNC && code != IO_SYNC;
}

static bool is_to_be_repeated(const struct io_op *op)
{
	return op->code != IO_CLOSE && (op->result == -EINTR || op->result == -EAGAIN);
}

static bool is_to_be_put_off(const struct steady_op *o)
{
	return space_wait_applies(o->result) ||
	       (o->awaits_files && space_wait_is_for_files(o->result));
}

static int repeat(struct steady_op *o)
{
	steady_op_begin(o, o->op);
	return STEP_MORE;
}

int steady_op_step(struct steady_op *o)
{
	if (o->op.busy)
		return STEP_WAIT;
	if (o->putting_off)
		return space_wait_pending(o->space) ? STEP_WAIT : repeat(o);
	if (is_to_be_repeated(&o->op))
		return repeat(o);
	o->result = o->op.result;
	if (!may_be_put_off(o->op.code))
		return STEP_DONE;
	if (is_to_be_put_off(o)) {
		space_wait_failed(o->space, o->path, o->result);
		o->putting_off = true;
		return STEP_MORE;
	}
	if (o->result >= 0)
		space_wait_succeeded(o->space, o->path);
	return STEP_DONE;
}

/* The file source over files that cannot be read for a while. */
#include "tests/unit/stages/file_source_fixture.h"

#include <errno.h>

static struct {
	const struct io_ops *ops; /* of the backend */
	enum io_code code;
	int error;
	int left; /* so many fail */
} trouble;

static int answer_trouble(void *argument)
{
	(void)argument;
	return trouble.error;
}

static void submit_in_trouble(struct io *io, struct io_op *op)
{
	if (op->code == trouble.code && !op->stream && trouble.left > 0) {
		trouble.left--;
		op->code = IO_WORK;
		op->work.run = answer_trouble;
	}
	trouble.ops->submit(io, op);
}

static void cancel_in_trouble(struct io *io, struct io_op *op)
{
	trouble.ops->cancel(io, op);
}

static const struct io_ops ops_in_trouble = {.submit = submit_in_trouble,
					     .cancel = cancel_in_trouble};

static struct fixture *follow_in_trouble(enum io_code code, int error, int times)
{
	struct fixture *x = set_up("*.log", NULL);
	trouble.ops = x->backend->io.ops;
	trouble.code = code;
	trouble.error = error;
	trouble.left = times;
	x->backend->io.ops = &ops_in_trouble;
	append(x, "a.log", "one\n");
	start(x, false);
	return x;
}

/* A disk that was slow to come back, a server that was away: nothing tells when it is over. */
static void is_read_on(enum io_code code, int error)
{
	struct fixture *x = follow_in_trouble(code, error, 3);
	for (int i = 0; i < 3; i++) {
		step_until(x, trouble.left == 2 - i);
		read_all(x);
		cr_expect_eq(x->got_length, 0);
		x->skew_ns += UINT64_C(31000000000);
	}
	step_until(x, x->got_length == 4);
	cr_expect_str_eq(x->said, "file unreadable\n");
	end(x);
}

Test(file_trouble, followed_file_that_cannot_be_read_is_tried_again_and_told_once)
{
	is_read_on(IO_READ, -EIO);
}

Test(file_trouble, followed_file_that_cannot_be_opened_is_tried_again_and_told_once)
{
	is_read_on(IO_OPEN, -EACCES);
}

Test(file_trouble, interrupted_operations_are_repeated_at_once)
{
	static const struct {
		enum io_code code;
		int error;
	} cases[] = {{IO_OPEN, -EINTR}, {IO_READ, -EINTR}, {IO_READ, -EAGAIN}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct fixture *x = follow_in_trouble(cases[i].code, cases[i].error, 3);
		step_until(x, x->got_length == 4);
		cr_expect_str_eq(x->said, "");
		end(x);
	}
}

#include "stages/output_watch.h"
#include "stages/output_states.h"

#include <assert.h>
#include <errno.h>

void output_watch_init(struct output_watch *w, struct env *env)
{
	*w = (struct output_watch){.env = env};
}

static void on_done(struct io_op *op)
{
	(void)op;
}

void output_watch_begin(struct output_watch *w, const struct output_file *file, uint64_t end)
{
	assert(!w->looking);
	w->looking = true;
	w->end = end;
	w->next_ns = env_now_ns(w->env) + OUTPUT_WATCH_NS;
	w->op = (struct io_op){.code = IO_STAT,
			       .fd = file->directory,
			       .stat = {.path = output_name_in_directory(file), .into = &w->status},
			       .done = on_done,
			       .owner = w};
	io_submit(w->env->io, &w->op);
}

enum output_finding output_watch_finding(struct output_watch *w, const struct output_file *file)
{
	assert(w->looking);
	if (w->op.busy)
		return OUTPUT_LOOKING;
	w->looking = false;
	int64_t result = w->op.result;
	if (result == -ENOENT || result == -ENOTDIR)
		return OUTPUT_MOVED;
	if (result < 0)
		return OUTPUT_AS_IT_WAS;
	if (w->status.inode != file->status.inode || w->status.device != file->status.device)
		return OUTPUT_MOVED;
	return w->status.size < w->end ? OUTPUT_CUT : OUTPUT_AS_IT_WAS;
}

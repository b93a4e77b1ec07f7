#include "stages/output_settling.h"
#include "stages/descriptor.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

void output_settling_init(struct output_settling *s, struct env *env, struct space_wait *space)
{
	memset(s, 0, sizeof *s);
	s->env = env;
	s->space = space;
	for (size_t i = 0; i < SETTLING_FILES; i++)
		s->files[i].fd = s->files[i].directory = -1;
}

void output_settling_release(struct output_settling *s)
{
	for (size_t i = 0; i < SETTLING_FILES; i++) {
		assert(!s->files[i].op.op.busy);
		descriptor_close(s->env->io, &s->files[i].fd);
		descriptor_close(s->env->io, &s->files[i].directory);
	}
}

static struct io_op op_of(struct settling_file *f)
{
	switch (f->state) {
	case SETTLING_DATA:
		return (struct io_op){.code = IO_DATASYNC, .fd = f->fd};
	case SETTLING_CLOSE:
		return descriptor_closing(&f->fd);
	case SETTLING_NAME:
		return (struct io_op){.code = IO_SYNC, .fd = f->directory};
	default:
		return descriptor_closing(&f->directory);
	}
}

static void go(struct settling_file *f, enum settling_state state)
{
	f->state = state;
	if (state != SETTLING_DONE)
		steady_op_begin(&f->op, op_of(f));
}

void output_settling_take(struct output_settling *s, int *fd, int *directory, const char *path)
{
	assert(output_settling_has_room(s));
	struct settling_file *f = &s->files[s->taken++ % SETTLING_FILES];
	f->fd = *fd;
	f->directory = *directory;
	*fd = *directory = -1;
	memccpy(f->path, path, '\0', sizeof f->path);
	steady_op_init(&f->op, s->env, s->space, f->path);
	go(f, SETTLING_DATA);
}

bool output_settling_holds(const struct output_settling *s, const char *path)
{
	for (uint64_t i = s->settled; i < s->taken; i++) {
		const struct settling_file *f = &s->files[i % SETTLING_FILES];
		if (f->state != SETTLING_DONE && strcmp(f->path, path) == 0)
			return true;
	}
	return false;
}

static int fail(struct output_settling *s, const struct settling_file *f, const char *what)
{
	env_say(s->env, SAY_ERROR, what, "path=%s error=%s", space_wait_shown(s->space, f->path),
		strerror((int)-f->op.result));
	s->failed = -EIO;
	return s->failed;
}

/* The operation has a result. */
static int go_on(struct output_settling *s, struct settling_file *f)
{
	bool failed = f->op.result < 0;
	switch (f->state) {
	case SETTLING_DATA:
		if (failed)
			return fail(s, f, "output cannot be synced");
		go(f, SETTLING_CLOSE);
		break;
	case SETTLING_CLOSE:
		go(f, f->directory >= 0 ? SETTLING_NAME : SETTLING_DONE);
		break;
	case SETTLING_NAME:
		if (failed)
			return fail(s, f, "output directory cannot be synced");
		go(f, SETTLING_LEAVE);
		break;
	default:
		go(f, SETTLING_DONE);
	}
	return STEP_MORE;
}

int output_settling_step(struct output_settling *s)
{
	if (s->failed)
		return s->failed;
	int more = STEP_WAIT;
	for (uint64_t i = s->settled; i < s->taken; i++) {
		struct settling_file *f = &s->files[i % SETTLING_FILES];
		int r = f->state == SETTLING_DONE ? STEP_WAIT : steady_op_step(&f->op);
		if (r == STEP_DONE)
			r = go_on(s, f);
		if (r < 0)
			return r;
		more |= r;
	}
	while (s->settled < s->taken &&
	       s->files[s->settled % SETTLING_FILES].state == SETTLING_DONE)
		s->settled++;
	return s->settled == s->taken ? STEP_DONE : more;
}

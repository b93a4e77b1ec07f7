#include "tests/unit/stages/segment_world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct segment_world *of(struct env *e)
{
	return (struct segment_world *)(void *)e;
}

static uint64_t now_ns(struct env *e)
{
	return of(e)->now_ns;
}

static int64_t wall_ns(struct env *e)
{
	return of(e)->wall_ns;
}

static uint64_t boot(struct env *e)
{
	return of(e)->boot;
}

static uint64_t next_random(struct env *e)
{
	return sim_random_next(&of(e)->random);
}

static void wake_at(struct env *e, uint64_t when_ns)
{
	if (of(e)->wake_ns == 0 || when_ns < of(e)->wake_ns)
		of(e)->wake_ns = when_ns;
}

static void say(struct env *e, enum say_level level, const char *event, const char *format,
		va_list args)
{
	struct segment_world *w = of(e);
	char text[4096];
	cr_assert_null(strstr(format, "%0"), "the log pads nothing: %s", format);
	vsnprintf(text, sizeof text, format, args);
	(void)level;
	if (w->said_count < SEGMENT_SAID_MAX)
		w->said[w->said_count++] = event;
}

static const struct env_ops ops = {.now_ns = now_ns,
				   .wall_ns = wall_ns,
				   .boot = boot,
				   .random = next_random,
				   .wake_at = wake_at,
				   .say = say};

void segment_world_init(struct segment_world *w, uint64_t seed)
{
	memset(w, 0, sizeof *w);
	w->env.ops = &ops;
	w->now_ns = w->boot = 1;
	w->wall_ns = 1795256100000000000;
	w->random.state = seed;
	w->faults = (struct sim_faults){.slow = 500, .slow_ns = 50000};
	sim_story_init(&w->story, false, &w->now_ns);
	sim_fs_init(&w->fs, seed, &w->wall_ns, true);
	w->fs.capacity = UINT64_MAX;
	sim_fs_mount(&w->fs, "/state", false, true);
}

void segment_world_release(struct segment_world *w)
{
	cr_assert_null(w->io);
	sim_fs_release(&w->fs);
	sim_story_release(&w->story);
}

void segment_world_begin(struct segment_world *w)
{
	cr_assert_null(w->io);
	w->io = sim_io_new(&w->fs, sim_random_fork(&w->random), &w->story, &w->faults, &w->happened,
			   &w->now_ns, "world");
	w->env.io = &w->io->backend.io;
}

void segment_world_go_on(struct segment_world *w)
{
	uint64_t wake_ns = w->wake_ns, next_ns = sim_io_next_ns(w->io);
	w->wake_ns = 0;
	if (backend_poll(&w->io->backend) > 0)
		return;
	next_ns = next_ns <= w->now_ns || (wake_ns > 0 && wake_ns < next_ns) ? wake_ns : next_ns;
	if (next_ns != UINT64_MAX && next_ns > w->now_ns) {
		w->wall_ns += (int64_t)(next_ns - w->now_ns);
		w->now_ns = next_ns;
	}
}

static void drain(struct segment_world *w)
{
	for (unsigned i = 0; w->io->backend.busy > 0; i++) {
		cr_assert_lt(i, 10000);
		backend_poll(&w->io->backend);
		w->now_ns += 1000;
	}
}

void segment_world_stop(struct segment_world *w, bool killed)
{
	if (killed)
		sim_fs_kill(&w->fs);
	else
		sim_fs_crash(&w->fs);
	w->boot += !killed;
	w->io->dead = true;
	drain(w);
}

void segment_world_end(struct segment_world *w)
{
	drain(w);
	backend_close(&w->io->backend);
	w->io = NULL;
	w->wake_ns = 0;
}

size_t segment_world_said(const struct segment_world *w, const char *event)
{
	size_t n = 0;
	for (size_t i = 0; i < w->said_count; i++)
		n += strcmp(w->said[i], event) == 0;
	return n;
}

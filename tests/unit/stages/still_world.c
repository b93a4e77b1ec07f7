#include "tests/unit/stages/still_world.h"

#include <stdio.h>

static struct still_world *of(struct env *e)
{
	return (struct still_world *)(void *)e;
}

static uint64_t now(struct env *e)
{
	return of(e)->now_ns;
}

int64_t still_world_wall(const struct still_world *w)
{
	return w->wall_ns ? w->wall_ns : (int64_t)w->now_ns;
}

static int64_t wall(struct env *e)
{
	return still_world_wall(of(e));
}

static void wake_at(struct env *e, uint64_t when_ns)
{
	of(e)->wake_ns = when_ns;
}

static void __attribute__((format(printf, 4, 0)))
say(struct env *e, enum say_level level, const char *event, const char *format, va_list args)
{
	struct still_world *w = of(e);
	(void)level;
	int n = snprintf(w->said, sizeof w->said, "%s ", event);
	vsnprintf(w->said + n, sizeof w->said - (size_t)n, format, args);
}

static uint64_t boot(struct env *e)
{
	(void)e;
	return 1;
}

static const struct env_ops ops = {
    .now_ns = now, .wall_ns = wall, .boot = boot, .wake_at = wake_at, .say = say};

void still_world_init(struct still_world *w)
{
	w->env.ops = &ops;
}

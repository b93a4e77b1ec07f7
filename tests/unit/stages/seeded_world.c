#include "tests/unit/stages/seeded_world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct seeded_world *of(struct env *e)
{
	return (struct seeded_world *)(void *)e;
}

static uint64_t now(struct env *e)
{
	return of(e)->now_ns;
}

static int64_t wall(struct env *e)
{
	return (int64_t)of(e)->now_ns;
}

static uint64_t random_number(struct env *e)
{
	return sim_random_next(&of(e)->random);
}

static void wake_at(struct env *e, uint64_t when_ns)
{
	if (when_ns < of(e)->wake_ns)
		of(e)->wake_ns = when_ns;
}

static void __attribute__((format(printf, 4, 0)))
say(struct env *e, enum say_level level, const char *event, const char *format, va_list args)
{
	struct seeded_world *w = of(e);
	(void)level;
	if (w->said_count < SAID_MAX) {
		char *text = w->said[w->said_count];
		int n = snprintf(text, sizeof w->said[0], "%s: ", event);
		vsnprintf(text + n, sizeof w->said[0] - (size_t)n, format, args);
	}
	w->said_count++;
}

static const struct env_ops ops = {
    .now_ns = now, .wall_ns = wall, .random = random_number, .wake_at = wake_at, .say = say};

void seeded_world_init(struct seeded_world *w, uint64_t seed)
{
	*w = (struct seeded_world){
	    .env = {.ops = &ops}, .now_ns = 1000, .wake_ns = UINT64_MAX, .random = {.state = seed}};
	w->stage = (struct stage){.id = "out", .env = &w->env, .counters = &w->counters};
}

void seeded_world_heard(const struct seeded_world *w, unsigned *at, const char *begins)
{
	cr_assert_lt(*at, w->said_count, "nothing more was said; wanted: %s", begins);
	const char *said = w->said[(*at)++];
	cr_expect_eq(strncmp(said, begins, strlen(begins)), 0, "%s; wanted: %s", said, begins);
}

#include "stages/ticker.h"
#include "stages/time/calendar.h"

#define SET_NS                                                                                     \
	(INT64_C(3600) * SECOND_NS) /* a clock that has moved by more was set, or has slept */
#define LOOK_NS (UINT64_C(10) * SECOND_NS) /* so soon it is noticed */
enum { COUNTED_MAX = 100000 }; /* of those that were missed: more than an hour has seconds */

static void draw_delay(struct ticker *t)
{
	uint64_t most = t->options.jitter_ns;
	t->delay_ns = most == 0 ? 0 : env_random(t->env) % (most + 1);
}

static int64_t next_by_cron(const struct ticker *t, int64_t after_s)
{
	int64_t next_s = cron_next(t->options.cron, t->options.zone, after_s);
	return next_s > INT64_MAX / SECOND_NS ? INT64_MAX : next_s;
}

static void look_at_clocks(struct ticker *t)
{
	t->seen_ns = env_now_ns(t->env);
	t->seen_wall_ns = env_wall_ns(t->env);
}

void ticker_init(struct ticker *t, struct env *env, const struct ticker_options *o)
{
	*t = (struct ticker){.options = *o, .env = env};
	look_at_clocks(t);
	t->due_ns = t->seen_ns;
	if (o->every_ns == 0)
		t->due_wall_s = next_by_cron(t, floor_div(t->seen_wall_ns, SECOND_NS));
	draw_delay(t);
}

static uint64_t sum(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* Every so long. */

static bool take_passing(struct ticker *t, struct tick *tick)
{
	uint64_t every = t->options.every_ns, now = t->seen_ns;
	uint64_t at = sum(t->due_ns, t->delay_ns);
	if (now < at) {
		env_wake_at(t->env, at);
		return false;
	}
	tick->skipped = (now - at) / every;
	uint64_t due = t->due_ns + tick->skipped * every;
	tick->wall_ns = t->seen_wall_ns - (int64_t)(now - due);
	t->due_ns = sum(due, every);
	return true;
}

/* As cron says. */

static void see_to_set_clock(struct ticker *t, uint64_t seen_ns, int64_t seen_wall_ns)
{
	int64_t passed = (int64_t)(t->seen_ns - seen_ns);
	int64_t moved = t->seen_wall_ns - seen_wall_ns - passed;
	if (moved <= SET_NS && moved >= -SET_NS)
		return;
	env_say(t->env, SAY_WARN, "clock was set, the schedule goes on from there", "seconds=%lld",
		(long long)(moved / SECOND_NS));
	t->due_wall_s = next_by_cron(t, floor_div(t->seen_wall_ns, SECOND_NS));
}

/* What is due by then, from the one that is due next on; moves on to the last of them. */
static uint64_t count_missed(struct ticker *t, int64_t by_s)
{
	uint64_t missed = 0;
	int64_t next;
	while ((next = next_by_cron(t, t->due_wall_s)) <= by_s && missed < COUNTED_MAX) {
		t->due_wall_s = next;
		missed++;
	}
	return missed;
}

static bool take_shown(struct ticker *t, struct tick *tick)
{
	if (t->due_wall_s == INT64_MAX)
		return false;
	int64_t delayed_ns = t->seen_wall_ns - (int64_t)t->delay_ns;
	int64_t left_ns = t->due_wall_s * SECOND_NS - delayed_ns;
	if (left_ns > 0) {
		uint64_t pause = (uint64_t)left_ns < LOOK_NS ? (uint64_t)left_ns : LOOK_NS;
		env_wake_at(t->env, t->seen_ns + pause);
		return false;
	}
	tick->skipped = count_missed(t, floor_div(delayed_ns, SECOND_NS));
	tick->wall_ns = t->due_wall_s * SECOND_NS;
	t->due_wall_s = next_by_cron(t, t->due_wall_s);
	return true;
}

bool ticker_take(struct ticker *t, struct tick *ret_tick)
{
	uint64_t seen_ns = t->seen_ns;
	int64_t seen_wall_ns = t->seen_wall_ns;
	look_at_clocks(t);
	if (t->options.every_ns == 0)
		see_to_set_clock(t, seen_ns, seen_wall_ns);
	bool taken = t->options.every_ns > 0 ? take_passing(t, ret_tick) : take_shown(t, ret_tick);
	if (taken)
		draw_delay(t);
	return taken;
}

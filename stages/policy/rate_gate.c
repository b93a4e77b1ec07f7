#include "stages/policy/rate_gate.h"

#define MS_NS UINT64_C(1000000)

void rate_gate_init(struct rate_gate *g, const struct rate_gate_options *o, struct env *env,
		    struct counter *held_ms)
{
	*g = (struct rate_gate){.is_limited = o->rate_limit_given, .held_ms = held_ms};
	if (g->is_limited)
		rate_limit_init(&g->limit, &o->rate_limit, env_now_ns(env));
}

uint64_t rate_gate_opens_in_ns(const struct rate_gate *g, struct env *env)
{
	uint64_t now_ns = g->is_limited ? env_now_ns(env) : 0;
	return g->until_ns > now_ns ? g->until_ns - now_ns : 0;
}

bool rate_gate_is_open(const struct rate_gate *g, struct env *env)
{
	if (rate_gate_opens_in_ns(g, env) == 0)
		return true;
	env_wake_at(env, g->until_ns);
	return false;
}

/* From whole milliseconds to whole ones, so that many short waits add up to what they are. */
static void count(const struct rate_gate *g, uint64_t from_ns, uint64_t to_ns)
{
	if (g->held_ms && to_ns > from_ns)
		counter_add(g->held_ms, to_ns / MS_NS - from_ns / MS_NS);
}

void rate_gate_charge(struct rate_gate *g, struct env *env, uint64_t records, uint64_t bytes)
{
	if (!g->is_limited)
		return;
	uint64_t now_ns = env_now_ns(env);
	uint64_t until_ns = rate_limit_take(&g->limit, records, bytes, now_ns);
	count(g, g->until_ns > now_ns ? g->until_ns : now_ns, until_ns);
	g->until_ns = until_ns;
}

struct rate_portion rate_gate_portion(const struct rate_gate *g)
{
	return g->is_limited ? rate_limit_portion(&g->limit)
			     : (struct rate_portion){UINT64_MAX, UINT64_MAX};
}

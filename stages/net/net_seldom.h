/* net_seldom.h - what may happen with every connection is told now and then, and counted always.
 * Threads: the owner's. Memory: none. Layer: stages. */
#pragma once

#include "stages/env.h"

#define NET_SELDOM_NS (UINT64_C(30) * 1000000000)

struct net_seldom {
	uint64_t again_ns; /* monotonic: not told before that */
};

/* True: tell it. */
static inline bool net_seldom(struct net_seldom *s, struct env *e)
{
	uint64_t now_ns = env_now_ns(e);
	if (now_ns < s->again_ns)
		return false;
	s->again_ns = now_ns + NET_SELDOM_NS;
	return true;
}

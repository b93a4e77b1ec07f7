/* sim_random.h - all chance in a simulation: one stream of numbers from one seed.
 * Threads: one. Layer: tests. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct sim_random {
	uint64_t state;
};

/* splitmix64 (G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", 2014) */
static inline uint64_t sim_random_next(struct sim_random *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* 0 to n - 1; n at least 1. */
static inline uint64_t sim_below(struct sim_random *r, uint64_t n)
{
	return sim_random_next(r) % n;
}

static inline uint64_t sim_between(struct sim_random *r, uint64_t low, uint64_t high)
{
	return low + sim_below(r, high - low + 1);
}

static inline bool sim_chance(struct sim_random *r, unsigned per_mille)
{
	return per_mille > 0 && sim_below(r, 1000) < per_mille;
}

/* A stream of its own, so that more draws here do not change what is drawn there. */
static inline struct sim_random sim_random_fork(struct sim_random *r)
{
	return (struct sim_random){.state = sim_random_next(r)};
}

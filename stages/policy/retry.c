#include "stages/policy/retry.h"

#include <assert.h>

__extension__ typedef unsigned __int128 wide;

uint64_t retry_ceiling_ns(const struct retry_options *o, uint64_t failures)
{
	assert(failures > 0);
	uint64_t doublings = failures - 1;
	if (o->base_delay_ns == 0)
		return 0;
	if (doublings >= 64 || o->base_delay_ns > o->max_delay_ns >> doublings)
		return o->max_delay_ns;
	return o->base_delay_ns << doublings;
}

/* The high half of the product: off by 1 in 2^64 / ceiling at most, which nobody can measure. */
static uint64_t scaled(uint64_t random, uint64_t ceiling)
{
	return (uint64_t)((wide)random * ((wide)ceiling + 1) >> 64);
}

uint64_t retry_delay_ns(const struct retry_options *o, uint64_t failures, uint64_t random)
{
	uint64_t ceiling = retry_ceiling_ns(o, failures);
	return o->jitter == JITTER_NONE ? ceiling : scaled(random, ceiling);
}

#include "stages/policy/rate_limit.h"

void rate_limit_init(struct rate_limit *l, const struct rate_limit_options *o, uint64_t now_ns)
{
	*l = (struct rate_limit){.rate = {o->rate, o->burst ? o->burst : o->rate},
				 .unit = (enum rate_unit)o->unit};
	token_bucket_init(&l->tokens, &l->rate, now_ns);
}

static uint64_t cost(const struct rate_limit *l, uint64_t records, uint64_t bytes)
{
	switch (l->unit) {
	case RATE_RECORDS:
		return records;
	case RATE_BYTES:
		return bytes;
	case RATE_OPERATIONS:
		break;
	}
	return 1;
}

uint64_t rate_limit_take(struct rate_limit *l, uint64_t records, uint64_t bytes, uint64_t now_ns)
{
	return token_bucket_borrow(&l->tokens, &l->rate, now_ns, cost(l, records, bytes));
}

struct rate_portion rate_limit_portion(const struct rate_limit *l)
{
	struct rate_portion most = {UINT64_MAX, UINT64_MAX};
	if (l->unit == RATE_RECORDS)
		most.records = l->rate.burst;
	if (l->unit == RATE_BYTES)
		most.bytes = l->rate.burst;
	return most;
}

uint32_t rate_portion_of(struct rate_portion most, const struct batch *b, uint32_t first,
			 uint64_t *ret_bytes)
{
	uint64_t bytes = 0;
	uint32_t n = 0, left = b->count - first;
	for (; n < left && n < most.records && bytes < most.bytes; n++)
		bytes += b->records[first + n].length;
	*ret_bytes = bytes;
	return n;
}

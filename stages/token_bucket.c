#include "stages/token_bucket.h"

#include <assert.h>

__extension__ typedef unsigned __int128 wide;

static uint64_t full(const struct token_rate *rate)
{
	assert(rate->per_second >= 1 && rate->per_second <= TOKEN_RATE_MAX);
	assert(rate->burst >= 1 && rate->burst <= TOKEN_RATE_MAX);
	return rate->burst * TOKEN_WHOLE;
}

void token_bucket_init(struct token_bucket *b, const struct token_rate *rate, uint64_t now_ns)
{
	*b = (struct token_bucket){.billionths = full(rate), .filled_ns = now_ns};
}

static void fill(struct token_bucket *b, const struct token_rate *rate, uint64_t now_ns)
{
	uint64_t room = full(rate) - b->billionths;
	uint64_t passed = now_ns > b->filled_ns ? now_ns - b->filled_ns : 0;
	if (passed > room / rate->per_second)
		b->billionths += room;
	else
		b->billionths += passed * rate->per_second;
	b->filled_ns = now_ns > b->filled_ns ? now_ns : b->filled_ns;
}

bool token_bucket_take(struct token_bucket *b, const struct token_rate *rate, uint64_t now_ns)
{
	fill(b, rate, now_ns);
	if (b->billionths < TOKEN_WHOLE)
		return false;
	b->billionths -= TOKEN_WHOLE;
	return true;
}

uint64_t token_bucket_borrow(struct token_bucket *b, const struct token_rate *rate, uint64_t now_ns,
			     uint64_t tokens)
{
	fill(b, rate, now_ns);
	const wide wanted = (wide)tokens * TOKEN_WHOLE;
	if (wanted <= b->billionths) {
		b->billionths -= (uint64_t)wanted;
		return b->filled_ns;
	}
	const wide missing = wanted - b->billionths;
	const wide passes = (missing + rate->per_second - 1) / rate->per_second;
	if (passes >= UINT64_MAX - b->filled_ns) {
		b->billionths = 0;
		b->filled_ns = UINT64_MAX;
	} else { /* what came with the last of them is left over */
		b->billionths = (uint64_t)(passes * rate->per_second - missing);
		b->filled_ns += (uint64_t)passes;
	}
	return b->filled_ns;
}

uint64_t token_bucket_ready_ns(struct token_bucket *b, const struct token_rate *rate,
			       uint64_t now_ns, uint64_t tokens)
{
	fill(b, rate, now_ns);
	uint64_t wanted = (tokens < rate->burst ? tokens : rate->burst) * TOKEN_WHOLE;
	uint64_t missing = wanted > b->billionths ? wanted - b->billionths : 0;
	uint64_t passes = (missing + rate->per_second - 1) / rate->per_second;
	return passes < UINT64_MAX - b->filled_ns ? b->filled_ns + passes : UINT64_MAX;
}

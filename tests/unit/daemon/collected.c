#include "tests/unit/daemon/collected.h"
#include "tests/unit/daemon/fake_stages.h"

#include <criterion/criterion.h>
#include <stdlib.h>

void collected_in_order(const char *sink, uint64_t first, uint64_t step, uint64_t count)
{
	const struct collected *c = fake_collected(sink);
	cr_assert_eq(c->count, count, "%s got %zu of %zu", sink, c->count, (size_t)count);
	for (uint64_t i = 0; i < count; i++)
		cr_assert_eq(c->numbers[i], first + i * step, "%s: %zu at %zu", sink,
			     (size_t)c->numbers[i], (size_t)i);
}

void collected_ascending(const char *sink)
{
	const struct collected *c = fake_collected(sink);
	for (size_t i = 1; i < c->count; i++)
		cr_assert_lt(c->numbers[i - 1], c->numbers[i], "%s, at %zu", sink, i);
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

void collected_each_once(const char *sink, uint64_t count)
{
	const struct collected *c = fake_collected(sink);
	qsort(c->numbers, c->count, sizeof *c->numbers, by_number);
	collected_in_order(sink, 0, 1, count);
}

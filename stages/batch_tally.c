#include "stages/batch_tally.h"

#include <assert.h>

void batch_tally_begin(struct batch_tally *t)
{
	assert(batch_tally_has_room(t));
	t->parts[t->next++ % BATCH_TALLY_MAX] = 1; /* what is still to be put of it */
}

static void let_go(struct batch_tally *t, uint64_t number)
{
	uint32_t *parts = &t->parts[number % BATCH_TALLY_MAX];
	assert(*parts > 0);
	--*parts;
}

void batch_tally_put_part(struct batch_tally *t, struct part_queue *q)
{
	uint64_t number = t->next - 1;
	assert(q->next - q->first < BATCH_TALLY_MAX);
	t->parts[number % BATCH_TALLY_MAX]++;
	q->of[q->next++ % BATCH_TALLY_MAX] = (uint16_t)(number % BATCH_TALLY_MAX);
}

void batch_tally_end(struct batch_tally *t)
{
	let_go(t, t->next - 1);
}

void batch_tally_stored(struct batch_tally *t, struct part_queue *q, size_t count)
{
	for (; count > 0; count--) {
		assert(q->first < q->next);
		let_go(t, q->of[q->first++ % BATCH_TALLY_MAX]);
	}
}

size_t batch_tally_take(struct batch_tally *t)
{
	uint64_t before = t->first;
	while (t->first < t->next && t->parts[t->first % BATCH_TALLY_MAX] == 0)
		t->first++;
	return (size_t)(t->first - before);
}

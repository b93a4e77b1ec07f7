#include "stages/policy/semaphore.h"

#include <assert.h>

void semaphore_init(struct semaphore *s, uint64_t places)
{
	*s = (struct semaphore){.places = places};
	chain_init(&s->line);
}

static bool has_room(const struct semaphore *s)
{
	return s->places == 0 || s->held < s->places;
}

bool semaphore_take(struct semaphore *s, struct chain *turn)
{
	struct chain *first = chain_first(&s->line);
	if (has_room(s) && (!first || first == turn)) {
		chain_unlink(turn);
		s->held++;
		return true;
	}
	if (!chain_is_linked(turn))
		chain_append(&s->line, turn);
	return false;
}

bool semaphore_give(struct semaphore *s)
{
	assert(s->held > 0);
	s->held--;
	return chain_first(&s->line) != NULL;
}

void semaphore_leave(struct chain *turn)
{
	chain_unlink(turn);
}

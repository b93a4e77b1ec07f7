#include "daemon/taken.h"

#include <assert.h>
#include <stdlib.h>

enum { ROOM_AT_FIRST = 64 };

static struct batch **at(const struct taken *t, size_t i)
{
	return &t->ring[(t->first + i) & (t->room - 1)];
}

void taken_keep_from_now(struct taken *t)
{
	*t = (struct taken){.on = true};
}

void taken_release(struct taken *t)
{
	for (size_t i = 0; i < t->count; i++)
		batch_free(at(t, i));
	free(t->ring);
	*t = (struct taken){.on = false};
}

static bool grow(struct taken *t)
{
	size_t room = t->room ? 2 * t->room : ROOM_AT_FIRST;
	struct batch **ring = malloc(room * sizeof(struct batch *));
	if (!ring)
		return false;
	for (size_t i = 0; i < t->count; i++)
		ring[i] = *at(t, i);
	free(t->ring);
	t->ring = ring;
	t->room = room;
	t->first = 0;
	return true;
}

void taken_add(struct taken *t, struct batch *b)
{
	if (!t->on)
		return;
	assert(!taken_has_again(t));
	if (t->count == t->room && !grow(t)) {
		taken_release(t);
		return;
	}
	*at(t, t->count++) = batch_share(b);
	t->next = t->count;
}

void taken_done(struct taken *t, size_t n)
{
	if (!t->on)
		return;
	assert(n <= t->next);
	for (size_t i = 0; i < n; i++)
		batch_free(at(t, i));
	t->first += n;
	t->count -= n;
	t->next -= n;
}

void taken_rewind(struct taken *t)
{
	t->next = 0;
}

struct batch *taken_again(struct taken *t)
{
	return taken_has_again(t) ? batch_share(*at(t, t->next++)) : NULL;
}

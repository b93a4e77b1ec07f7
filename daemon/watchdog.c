#include "daemon/watchdog.h"

#include <errno.h>
#include <stdlib.h>

int watchdog_begin(struct watchdog *w, const struct pipeline *p, uint64_t limit_ns, uint64_t now_ns)
{
	*w = (struct watchdog){.every_ns = limit_ns / 2};
	if (limit_ns == 0)
		return 0;
	w->due_ns = now_ns + w->every_ns;
	w->sightings = calloc(p->runner_count, sizeof *w->sightings);
	return w->sightings ? 0 : -ENOMEM;
}

void watchdog_end(struct watchdog *w)
{
	free(w->sightings);
	*w = (struct watchdog){.sightings = NULL};
}

uint64_t watchdog_next_ns(const struct watchdog *w)
{
	return w->every_ns ? w->due_ns : UINT64_MAX;
}

static bool is_stuck(struct sighting *s, const struct runner *r)
{
	uint64_t turns = runner_turns(r);
	bool moved = turns != s->turns, was_suspect = s->suspect;
	s->turns = turns;
	s->suspect = false;
	if (moved || runner_is_through(r))
		return false;
	if (!runner_is_asleep(r))
		return true;
	s->suspect = !runner_has_reason(r);
	return s->suspect && was_suspect;
}

const char *watchdog_look(struct watchdog *w, const struct pipeline *p, uint64_t now_ns)
{
	const char *stuck = NULL;
	for (size_t i = 0; i < p->runner_count; i++)
		if (is_stuck(&w->sightings[i], &p->runners[i]))
			stuck = p->runners[i].name;
	w->due_ns = now_ns + w->every_ns;
	return stuck;
}

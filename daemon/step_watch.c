#include "daemon/step_watch.h"
#include "daemon/log.h"
#include "daemon/worker.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { STAGES_SHOWN_ROOM = 256 };

/* So long has the thread been ready to run and did not; 0: not known. */
static uint64_t waited_for_cpu(const struct step_watch *w)
{
	char text[96];
	ssize_t n = w->schedule < 0 ? -1 : pread(w->schedule, text, sizeof text - 1, 0);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	char *rest;
	strtoull(text, &rest, 10); /* how long it ran */
	return strtoull(rest, NULL, 10);
}

void step_watch_begin(struct step_watch *w)
{
	*w = (struct step_watch){.schedule =
				     open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)};
	step_watch_look(w);
}

void step_watch_end(struct step_watch *w)
{
	if (w->schedule >= 0)
		close(w->schedule);
	w->schedule = -1;
}

void step_watch_look(struct step_watch *w)
{
	w->looked_ns = w->now_ns = step_watch_clock();
	w->waited_ns = waited_for_cpu(w);
}

bool slow_steps_add(struct slow_steps *s, uint64_t took_ns, uint64_t now_ns, uint64_t *ret_count,
		    uint64_t *ret_longest_ns)
{
	s->untold++;
	s->longest_ns = s->longest_ns > took_ns ? s->longest_ns : took_ns;
	if (now_ns < s->quiet_until_ns)
		return false;
	*ret_count = s->untold;
	*ret_longest_ns = s->longest_ns;
	*s = (struct slow_steps){.quiet_until_ns = now_ns + STEP_QUIET_NS};
	return true;
}

/* Which of them it was is not known: those that run in one worker. */
static const char *stages_of(const struct worker *worker, char text[static STAGES_SHOWN_ROOM])
{
	size_t length = 0;
	for (size_t i = 0; i < worker->node_count && length < STAGES_SHOWN_ROOM; i++)
		length += (size_t)snprintf(text + length, STAGES_SHOWN_ROOM - length, "%s%s",
					   i ? "," : "", worker->nodes[i].stage.id);
	return text;
}

void step_watch_took(struct step_watch *w, struct worker *worker, uint64_t took_ns)
{
	char stages[STAGES_SHOWN_ROOM] = "";
	uint64_t before = w->waited_ns, count, longest_ns;
	step_watch_look(w);
	uint64_t waited = w->waited_ns - before;
	if (waited > took_ns || took_ns - waited <= STEP_LONG_NS)
		return;
	counter_add(&worker->nodes[0].stage.counters->slow_steps, 1);
	if (slow_steps_add(&worker->slow_steps, took_ns - waited, w->now_ns, &count, &longest_ns))
		log_line(LOG_LEVEL_WARN, worker->nodes[0].stage.id, "step took too long",
			 "worker=%s stages=%s ms=%ju count=%ju longest_ms=%ju", worker->name,
			 stages_of(worker, stages), (uintmax_t)(took_ns - waited) / 1000000,
			 (uintmax_t)count, (uintmax_t)longest_ns / 1000000);
}

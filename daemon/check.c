/* check.c - `sluice check`: every problem of a topology; or what its sinks guarantee, and what looks like a mistake where
 * it is to run. Layer: daemon. */
#include "daemon/commands.h"
#include "daemon/load.h"
#include "daemon/look.h"
#include "daemon/output.h"

#include <errno.h>
#include <stdlib.h>

/* The stages that a sink's records come through; inputs stand before their readers. */
static void mark_upstream(const struct topology *t, size_t sink, bool *upstream)
{
	for (size_t i = 0; i < t->stage_count; i++)
		upstream[i] = i == sink;
	for (size_t i = sink + 1; i-- > 0;)
		for (size_t k = 0; upstream[i] && k < t->stages[i].input_count; k++)
			upstream[t->stages[i].inputs[k].stage] = true;
}

static bool keeps_order(const struct plan *p, const bool *upstream)
{
	for (size_t g = 0; g < p->group_count; g++)
		if (upstream[p->groups[g].head] && p->groups[g].workers > 1 &&
		    !p->groups[g].ordered)
			return false;
	return true;
}

static const char *restart_of(const struct plan *p, size_t source)
{
	bool remembers = p->topology->epoch.interval_ns > 0;
	const struct stage_type *type = plan_type(p, source);
	return type->restart ? type->restart(p->topology->stages[source].options, remembers) : NULL;
}

/* The sources with the same to say, on one line. */
static void print_restart(const struct plan *p, size_t source, bool *upstream)
{
	const struct topology_stage *stages = p->topology->stages;
	const char *restart = restart_of(p, source);
	printf("    after a restart, %s", stages[source].id.bytes);
	for (size_t i = source + 1; i < p->topology->stage_count; i++) {
		if (!upstream[i] || restart_of(p, i) != restart)
			continue;
		upstream[i] = false;
		printf(", %s", stages[i].id.bytes);
	}
	printf(": %s\n", restart);
}

/* It stands in front of the one whose queue spills. A sink that cannot be asked what it has stored gets it again. */
static void print_spill(const struct plan *p, size_t spill)
{
	const struct topology_stage *s = &p->topology->stages[spill];
	const struct spill_options *o = s->options;
	size_t reader = spill + 1;
	char most[UNITS_TEXT_ROOM];
	while (!plan_reads(p, reader, spill))
		reader++;
	const char *id = p->topology->stages[reader].id.bytes;
	printf(
	    "    what %s has no room for waits on disk, up to %s, also through a stop or a crash; "
	    "what the disk loses of it is told",
	    id, size_text(most, o->max_size));
	if (plan_keeps_copies(p, spill))
		printf("; after a crash %s gets again what it had not done at the last epoch", id);
	printf("\n");
}

/* Where records may be late, or left out. */
static void print_queues(const struct plan *p, const bool *upstream)
{
	for (size_t i = 0; i < p->topology->stage_count; i++) {
		const struct topology_stage *s = &p->topology->stages[i];
		bool newest = s->queue_when_full == WHEN_FULL_DROP_NEWEST;
		if (upstream[i] && plan_type(p, i)->spills)
			print_spill(p, i);
		else if (upstream[i] && (newest || s->queue_when_full == WHEN_FULL_DROP_OLDEST))
			printf("    what %s has no room for is left out, the %s first, and "
			       "counted\n",
			       s->id.bytes, newest ? "newest" : "oldest");
	}
}

static void print_guarantee(const struct plan *p, size_t sink, bool *upstream)
{
	const struct topology_stage *s = &p->topology->stages[sink];
	mark_upstream(p->topology, sink, upstream);
	printf("  %s (%s): %s%s\n", s->id.bytes, s->schema->name,
	       keeps_order(p, upstream) ? "each input in order, " : "in no certain order, ",
	       plan_type(p, sink)->guarantee(s->options, look_is_stream(s),
					     p->topology->epoch.interval_ns > 0));
	print_queues(p, upstream);
	for (size_t i = 0; i < sink; i++)
		if (upstream[i] && plan_type(p, i)->restart)
			print_restart(p, i, upstream);
}

static int print_guarantees(const struct plan *p)
{
	bool *upstream = calloc(p->topology->stage_count, sizeof *upstream);
	if (!upstream)
		return -ENOMEM;
	for (size_t i = 0; i < p->topology->stage_count; i++)
		if (plan_type(p, i)->guarantee)
			print_guarantee(p, i, upstream);
	free(upstream);
	return 0;
}

static int say_all_is_well(const struct loaded *l)
{
	char used[UNITS_TEXT_ROOM], budget[UNITS_TEXT_ROOM];
	printf("%s: %zu stages, no problems; at most %s of memory, of %s\n",
	       topology_shown_name(&l->topology), l->topology.stage_count,
	       size_text(used, l->plan.memory_total), size_text(budget, l->topology.memory));
	return print_guarantees(&l->plan) < 0 ? EXIT_FAILED : output_end();
}

static int check(const struct arguments *a)
{
	struct loaded l;
	int code = load(&l, a, true);
	if (code == 0)
		code = say_all_is_well(&l);
	loaded_release(&l);
	return code;
}

int command_check(int argc, char **argv)
{
	struct arguments a;
	int code = EXIT_USAGE;
	if (arguments_read(&a, "check", TAKES_CONFIG, argc, argv) == 0)
		code = check(&a);
	arguments_release(&a);
	return code;
}

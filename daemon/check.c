/* check.c - `sluice check`: every problem of a topology, or what its sinks guarantee. Layer: daemon. */
#include "daemon/commands.h"
#include "daemon/load.h"

#include <stdio.h>

static void print_guarantees(const struct topology *t)
{
	for (size_t i = 0; i < t->stage_count; i++)
		if (t->stages[i].schema->kind == STAGE_SINK)
			printf("  %s (%s): in order, complete after a drained stop; after a crash, "
			       "from the beginning of the input\n",
			       t->stages[i].id.bytes, t->stages[i].schema->name);
}

static int check(const struct arguments *a)
{
	struct loaded l;
	int code = load(&l, a);
	if (code == 0) {
		printf("%s: %zu stages, no problems; memory %zu of %zu KiB\n",
		       l.topology.name.bytes, l.topology.stage_count, l.plan.memory_total >> 10,
		       (size_t)l.topology.memory >> 10);
		print_guarantees(&l.topology);
	}
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

#include "daemon/load.h"
#include "daemon/catalog.h"
#include "daemon/cpus.h"
#include "daemon/look.h"
#include "daemon/overlaps.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *variable(const char *name)
{
	return getenv(name);
}

static int load_topology(struct topology *t, const struct arguments *a, struct problems *problems)
{
	struct topology_request request = {
	    .files = a->files,
	    .file_count = a->file_count,
	    .sets = a->sets,
	    .set_count = a->set_count,
	    .catalog = catalog(),
	    .variable = variable,
	    .keep_sound = true,
	};
	return topology_load(t, &request, problems);
}

int load(struct loaded *l, const struct arguments *a, bool look)
{
	memset(l, 0, sizeof *l);
	struct problems problems;
	problems_init(&problems);
	int r = load_topology(&l->topology, a, &problems);
	if (r == 0)
		r = plan_make(&l->plan, &l->topology, cpus_available(), &problems);
	/* Also of the stages in which nothing is wrong, where others are. */
	if (r != -ENOMEM)
		r = result_worse(overlaps_check(&l->topology, &problems), r);
	if (r != -ENOMEM && look)
		look_at_disk(&l->topology, &problems);
	problems_print(&problems, stderr);
	if (r == -ENOMEM)
		fputs("sluice: out of memory\n", stderr);
	problems_release(&problems);
	return r == 0 ? 0 : r == -ENOMEM ? EXIT_FAILED : EXIT_CONFIGURATION;
}

void loaded_release(struct loaded *l)
{
	plan_release(&l->plan);
	topology_release(&l->topology);
}

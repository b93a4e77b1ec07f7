#include "daemon/load.h"
#include "daemon/catalog.h"
#include "daemon/cpus.h"
#include "daemon/given_fields.h"
#include "daemon/look.h"
#include "daemon/overlaps.h"
#include "daemon/rehearsal.h"
#include "daemon/zone_file.h"
#include "daemon/supervision.h"
#include "stages/stage.h"

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

/* What is deleted for having been stored must be known to be. */
static int check_epochs(const struct topology *t, struct problems *problems)
{
	int r = 0;
	for (size_t i = 0; i < t->stage_count && t->epoch.interval_ns == 0; i++) {
		const struct stage_type *type =
		    (const struct stage_type *)(const void *)t->stages[i].schema;
		const char *option =
		    type->needs_epochs ? type->needs_epochs(t->stages[i].options) : NULL;
		if (!option)
			continue;
		problem_add(
		    problems, t->stages[i].at,
		    "`%s` needs epochs, and `epoch` is `off`; without them nobody knows what "
		    "has been stored",
		    option);
		r = -EINVAL;
	}
	return r;
}

int load(struct loaded *l, const struct arguments *a, bool look)
{
	memset(l, 0, sizeof *l);
	struct problems problems;
	problems_init(&problems);
	int r = load_topology(&l->topology, a, &problems);
	if (r == 0)
		r = plan_make(&l->plan, &l->topology, cpus_available(), &problems);
	if (r == 0)
		r = given_fields_check(&l->topology, &problems);
	if (r != -ENOMEM)
		r = result_worse(check_epochs(&l->topology, &problems), r);
	if (r != -ENOMEM)
		r = result_worse(supervision_check(&l->topology, &problems), r);
	if (r != -ENOMEM)
		r = result_worse(zone_files_check(&l->topology, &problems), r);
	/* Also of the stages in which nothing is wrong, where others are. */
	if (r != -ENOMEM)
		r = result_worse(overlaps_check(&l->topology, &problems), r);
	if (r == 0)
		r = rehearsals_check(&l->topology, &problems);
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

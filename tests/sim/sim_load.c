#include "tests/sim/sim_load.h"
#include "daemon/catalog.h"
#include "tests/sim/sim_caller.h"
#include "tests/sim/sim_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CPUS = 2, TYPES_MAX = 128 };

static const char *no_variable(const char *name)
{
	(void)name;
	return NULL;
}

/* The program's, and two that are ours. */
static const struct stage_catalog *sim_catalog(void)
{
	static const struct stage_schema *types[TYPES_MAX];
	static struct stage_catalog all;
	size_t n = 0;
	all = *catalog();
	all.types = types;
	for (; catalog()->types[n]; n++)
		types[n] = catalog()->types[n];
	types[n++] = &sim_caller_type.schema;
	types[n] = &sim_wire_type.schema;
	return &all;
}

/* conf reads files: this is one, and in memory. */
static int yaml_file(const char *yaml, char path[64])
{
	int fd = memfd_create("topology", MFD_CLOEXEC);
	size_t length = strlen(yaml);
	if (fd < 0 || write(fd, yaml, length) != (ssize_t)length)
		abort();
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

static int plan_with(struct topology *t, struct plan *p, bool tight, struct problems *problems)
{
	int r = plan_make(p, t, CPUS, problems);
	if (r < 0)
		return r;
	t->memory = p->memory_needed + (tight ? 0 : UINT64_C(8) << 20);
	plan_release(p);
	r = plan_make(p, t, CPUS, problems);
	if (r == 0 || problems->count == 0)
		return r;
	problems_release(problems); /* fan-out takes a part of what there is */
	t->memory = UINT64_C(16) << 30;
	return plan_make(p, t, CPUS, problems);
}

bool sim_load(struct topology *t, struct plan *p, const char *yaml, bool tight)
{
	char path[64];
	int fd = yaml_file(yaml, path);
	const char *files[] = {path};
	struct topology_request request = {
	    .files = files, .file_count = 1, .catalog = sim_catalog(), .variable = no_variable};
	struct problems problems;
	problems_init(&problems);
	int r = topology_load(t, &request, &problems);
	if (r == 0)
		r = plan_with(t, p, tight, &problems);
	problems_print(&problems, stderr);
	problems_release(&problems);
	close(fd);
	return r == 0;
}

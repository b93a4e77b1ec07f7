#include "tests/unit/daemon/fake_stages.h"
#include "stages/builtin.h"
#include "stages/segments/spill.h"
#include "tests/sim/sim_wire.h"
#include "tests/unit/daemon/fake_table.h"
#include "tests/unit/daemon/fake_types.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct option fake_no_options[] = {{0}};

static const struct stage_schema *const schemas[] = {
    &fake_numbers_type.schema, &fake_odd_type.schema,
    &fake_labour_type.schema,  &fake_breaks_type.schema,
    &fake_collect_type.schema, &fake_nothing_type.schema,
    &fake_table_type.schema,   &fake_parts_type.schema,
    &fake_late_type.schema,    &fake_naps_type.schema,
    &fake_picky_type.schema,   &fallback_type.schema,
    &sim_wire_type.schema,     &fake_stuck_type.schema,
    &fake_moody_type.schema,   NULL,
};

const struct stage_catalog fake_catalog = {.types = schemas, .spill = &spill_type.schema};

static const char *no_variable(const char *name)
{
	(void)name;
	return NULL;
}

static void read_with(struct topology *t, const char *yaml, const struct stage_catalog *catalog)
{
	char path[] = "/tmp/sluice-fake-XXXXXX.yaml";
	int fd = mkstemps(path, 5);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, yaml, strlen(yaml)), (ssize_t)strlen(yaml));
	close(fd);
	const char *files[] = {path};
	struct topology_request request = {
	    .files = files, .file_count = 1, .catalog = catalog, .variable = no_variable};
	struct problems problems;
	problems_init(&problems);
	int r = topology_load(t, &request, &problems);
	problems_print(&problems, stderr);
	unlink(path);
	cr_assert_eq(r, 0);
	problems_release(&problems);
}

void fake_read(struct topology *t, const char *yaml)
{
	read_with(t, yaml, &fake_catalog);
}

void fake_load_with(struct topology *t, struct plan *p, const char *yaml,
		    const struct stage_catalog *catalog)
{
	read_with(t, yaml, catalog);
	struct problems problems;
	problems_init(&problems);
	int r = plan_make(p, t, 2, &problems);
	problems_print(&problems, stderr);
	cr_assert_eq(r, 0);
	problems_release(&problems);
}

void fake_load(struct topology *t, struct plan *p, const char *yaml)
{
	fake_load_with(t, p, yaml, &fake_catalog);
}

size_t fake_stage(const struct topology *t, const char *id)
{
	for (size_t i = 0; i < t->stage_count; i++)
		if (strcmp(t->stages[i].id.bytes, id) == 0)
			return i;
	cr_assert_fail("no stage %s", id);
	return 0;
}

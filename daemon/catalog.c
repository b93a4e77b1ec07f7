#include "daemon/catalog.h"
#include "stages/segments/spill.h"
#include "stages/stage.h"

#include <assert.h>

enum { TYPES_MAX = 128 };

const struct stage_catalog *catalog(void)
{
	static const struct stage_schema *schemas[TYPES_MAX];
	static struct stage_catalog all = {
	    .types = schemas, .left_out = stages_left_out, .spill = &spill_type.schema};
	for (size_t i = 0; stage_types[i]; i++) {
		assert(i + 1 < TYPES_MAX);
		schemas[i] = &stage_types[i]->schema;
	}
	return &all;
}

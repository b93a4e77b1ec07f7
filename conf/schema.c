#include "conf/schema.h"

#include <string.h>

const char *const stage_kind_names[STAGE_KINDS] = {"source", "transform", "sink"};
const char *const stage_section_names[STAGE_KINDS] = {"sources", "transforms", "sinks"};

const struct stage_schema *stage_schema_find(const struct stage_catalog *catalog,
					     enum stage_kind kind, const char *name, size_t length)
{
	for (size_t i = 0; catalog->types[i]; i++) {
		const struct stage_schema *s = catalog->types[i];
		if (s->kind == kind && strlen(s->name) == length && !memcmp(s->name, name, length))
			return s;
	}
	return NULL;
}

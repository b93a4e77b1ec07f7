#include "stages/io.h"

#include <stdlib.h>

void io_listing_release(struct io_listing *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->entries[i].name);
	free(l->entries);
	*l = (struct io_listing){.entries = NULL};
}

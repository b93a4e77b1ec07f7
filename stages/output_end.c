#include "stages/output_end.h"

#include <stddef.h>

const struct output_end *output_ends_find(const struct output_ends *e, uint64_t inode)
{
	for (unsigned i = 0; i < e->count; i++)
		if (e->list[i].inode == inode)
			return &e->list[i];
	return NULL;
}

static struct output_end *next_place(struct output_ends *e)
{
	if (e->count < OUTPUT_ENDS_MAX)
		return &e->list[e->count++];
	struct output_end *place = &e->list[e->next];
	e->next = (e->next + 1) % OUTPUT_ENDS_MAX;
	return place;
}

void output_ends_note(struct output_ends *e, struct output_end end)
{
	for (unsigned i = 0; i < e->count; i++)
		if (e->list[i].inode == end.inode) {
			e->list[i] = end;
			return;
		}
	*next_place(e) = end;
}

#include "stages/file_origin.h"

#include <stdlib.h>
#include <string.h>

struct file_origin *file_origin_new(const char *path, const char *source, uint64_t device,
				    uint64_t inode)
{
	size_t length = strlen(path), beside = source ? strlen(source) + 1 : 0;
	struct file_origin *o = malloc(sizeof *o + length + 1 + beside);
	if (!o)
		return NULL;
	o->source = source ? memcpy(o->path + length + 1, source, beside) : NULL;
	refcount_init(&o->references, 1);
	o->device = device;
	o->inode = inode;
	o->length = length;
	memcpy(o->path, path, length + 1);
	return o;
}

void file_origin_hold(struct file_origin *o)
{
	refcount_hold(&o->references);
}

void file_origin_let_go(struct file_origin *o)
{
	if (o && refcount_let_go(&o->references))
		free(o);
}

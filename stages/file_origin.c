#include "stages/file_origin.h"

#include "stages/packer.h"

#include <errno.h>
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

int file_origin_unpack(struct packed *from, struct file_origin **ret_origin)
{
	size_t source_length, path_length;
	const uint8_t *source = packed_bytes(from, &source_length);
	uint64_t device = packed_u64(from), inode = packed_u64(from);
	const uint8_t *path = packed_bytes(from, &path_length);
	if (from->broken)
		return -EBADMSG;
	char *own_source = strndup((const char *)source, source_length);
	char *own_path = strndup((const char *)path, path_length);
	if (own_source && own_path)
		*ret_origin = file_origin_new(own_path, own_source, device, inode);
	const bool made = own_source && own_path && *ret_origin;
	free(own_source);
	free(own_path);
	return made ? 0 : -ENOMEM;
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

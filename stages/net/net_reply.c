#include "stages/net/net_reply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 4096 };

int net_reply_init(struct net_reply *r, const char *text, size_t length)
{
	size_t times = length > 0 && length < BLOCK ? BLOCK / length : 1;
	*r = (struct net_reply){.text_length = length, .length = times * length};
	if (length == 0)
		return 0;
	r->block = malloc(r->length);
	if (!r->block)
		return -ENOMEM;
	for (size_t i = 0; i < times; i++)
		memcpy(r->block + i * length, text, length);
	return 0;
}

void net_reply_release(struct net_reply *r)
{
	free(r->block);
	r->block = NULL;
}

size_t net_reply_next(const struct net_reply *r, uint64_t left, const uint8_t **ret_bytes)
{
	size_t rest = (size_t)(left % r->text_length);
	size_t offset = rest > 0 ? r->text_length - rest : 0;
	*ret_bytes = r->block + offset;
	return left < r->length - offset ? (size_t)left : r->length - offset;
}

#include "stages/source/file_identity.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

void file_head_release(struct file_head *h)
{
	free(h->bytes);
	*h = (struct file_head){.length = 0};
}

static int take_bytes(struct file_head *h)
{
	if (!h->bytes)
		h->bytes = malloc(HEAD_BYTES);
	return h->bytes ? 0 : -ENOMEM;
}

static void keep_only_hash(struct file_head *h)
{
	h->hash = file_head_hash(h);
	free(h->bytes);
	h->bytes = NULL;
}

int file_head_note(struct file_head *h, uint64_t at, const uint8_t *bytes, size_t n)
{
	bool cannot_add = h->length == HEAD_BYTES || (h->length > 0 && !h->bytes);
	if (cannot_add || at > h->length || at + n <= h->length)
		return 0;
	if (take_bytes(h) < 0)
		return -ENOMEM;
	size_t from = h->length - (size_t)at, room = HEAD_BYTES - (size_t)h->length;
	size_t more = n - from < room ? n - from : room;
	memcpy(h->bytes + h->length, bytes + from, more);
	h->length = (uint16_t)(h->length + more);
	if (h->length == HEAD_BYTES)
		keep_only_hash(h);
	return 0;
}

uint64_t file_head_hash(const struct file_head *h)
{
	return h->bytes ? XXH3_64bits(h->bytes, h->length) : h->hash;
}

int file_head_compare(struct file_head *h, const uint8_t *bytes)
{
	if (XXH3_64bits(bytes, h->length) != file_head_hash(h))
		return 0;
	if (h->bytes || h->length == HEAD_BYTES)
		return 1;
	if (take_bytes(h) < 0)
		return -ENOMEM;
	memcpy(h->bytes, bytes, h->length);
	return 1;
}

void file_tail_note(struct file_tail *t, uint64_t end, const uint8_t *bytes, size_t n)
{
	size_t kept = t->has_bytes && t->end + n == end ? t->length : 0;
	if (n > TAIL_BYTES) {
		bytes += n - TAIL_BYTES;
		n = TAIL_BYTES;
	}
	size_t fits = TAIL_BYTES - n < kept ? TAIL_BYTES - n : kept;
	memmove(t->bytes, t->bytes + kept - fits, fits);
	memcpy(t->bytes + fits, bytes, n);
	t->length = (uint8_t)(fits + n);
	t->has_bytes = true;
	t->end = end;
}

uint64_t file_tail_hash(const struct file_tail *t)
{
	return t->has_bytes ? XXH3_64bits(t->bytes, t->length) : t->hash;
}

bool file_tail_compare(struct file_tail *t, const uint8_t *bytes)
{
	if (XXH3_64bits(bytes, t->length) != file_tail_hash(t))
		return false;
	memcpy(t->bytes, bytes, t->length);
	t->has_bytes = true;
	return true;
}

#include "stages/delta.h"

#include <errno.h>

enum { PUT = 1, FORGET = 2, OVERHEAD_MAX = 1 + 2 * VARINT_BYTES_MAX };

void delta_release(struct delta *d)
{
	packer_release(&d->packer);
	d->count = 0;
}

void delta_clear(struct delta *d)
{
	packer_clear(&d->packer);
	d->count = 0;
}

/* Room for all of a change or nothing of it: what can't be had now may be had with the next try. */
static int reserve(struct delta *d, size_t key_length, size_t value_length)
{
	if (key_length > SIZE_MAX / 4 || value_length > SIZE_MAX / 4)
		return -ENOMEM;
	int r = packer_reserve(&d->packer, OVERHEAD_MAX + key_length + value_length);
	d->packer.error = 0;
	return r;
}

void delta_pack_put(struct packer *p, const void *key, size_t key_length, const void *value,
		    size_t value_length)
{
	packer_raw(p, &(uint8_t){PUT}, 1);
	packer_varint(p, key_length);
	packer_varint(p, value_length);
	packer_raw(p, key, key_length);
	packer_raw(p, value, value_length);
}

size_t delta_put_length(size_t key_length, size_t value_length)
{
	return 1 + varint_length(key_length) + varint_length(value_length) + key_length +
	       value_length;
}

int delta_put(struct delta *d, const void *key, size_t key_length, const void *value,
	      size_t value_length)
{
	int r = reserve(d, key_length, value_length);
	if (r < 0)
		return r;
	delta_pack_put(&d->packer, key, key_length, value, value_length);
	d->count++;
	return 0;
}

int delta_remove(struct delta *d, const void *key, size_t key_length)
{
	int r = reserve(d, key_length, 0);
	if (r < 0)
		return r;
	packer_raw(&d->packer, &(uint8_t){FORGET}, 1);
	packer_bytes(&d->packer, key, key_length);
	d->count++;
	return 0;
}

bool delta_next(struct packed *rest, struct change *ret_change)
{
	if (packed_is_over(rest))
		return false;
	const uint8_t *kind = packed_raw(rest, 1);
	if (*kind != PUT && *kind != FORGET) {
		rest->broken = true;
		return false;
	}
	uint64_t key_length = packed_varint(rest);
	uint64_t value_length = *kind == PUT ? packed_varint(rest) : 0;
	struct change change = {.removal = *kind == FORGET};
	change.key = packed_raw(rest, key_length);
	change.value = packed_raw(rest, value_length);
	if (rest->broken)
		return false;
	change.key_length = (size_t)key_length;
	change.value_length = (size_t)value_length;
	*ret_change = change;
	return true;
}

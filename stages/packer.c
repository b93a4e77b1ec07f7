#include "stages/packer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CAPACITY_FIRST = 256, U64_BYTES = 8, MORE = 0x80, LOW_BITS = 0x7f };

void packer_release(struct packer *p)
{
	free(p->bytes);
	*p = (struct packer){.bytes = NULL};
}

void packer_clear(struct packer *p)
{
	p->length = 0;
	p->error = 0;
}

static int grow(struct packer *p, size_t needed)
{
	size_t capacity = p->capacity ? p->capacity : CAPACITY_FIRST;
	while (capacity < needed)
		capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
	uint8_t *bytes = realloc(p->bytes, capacity);
	if (!bytes)
		return -ENOMEM;
	p->bytes = bytes;
	p->capacity = capacity;
	return 0;
}

int packer_reserve(struct packer *p, size_t more)
{
	if (p->error)
		return p->error;
	if (more > SIZE_MAX - p->length)
		p->error = -ENOMEM;
	else if (p->length + more > p->capacity)
		p->error = grow(p, p->length + more);
	return p->error;
}

void packer_raw(struct packer *p, const void *bytes, size_t length)
{
	if (length == 0 || packer_reserve(p, length) < 0)
		return;
	memcpy(p->bytes + p->length, bytes, length);
	p->length += length;
}

void packer_u64(struct packer *p, uint64_t value)
{
	uint8_t bytes[U64_BYTES];
	for (size_t i = 0; i < U64_BYTES; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
	packer_raw(p, bytes, sizeof bytes);
}

void packer_varint(struct packer *p, uint64_t value)
{
	uint8_t bytes[VARINT_BYTES_MAX];
	size_t n = 0;
	for (; value > LOW_BITS; value >>= 7)
		bytes[n++] = (uint8_t)(MORE | (value & LOW_BITS));
	bytes[n++] = (uint8_t)value;
	packer_raw(p, bytes, n);
}

void packer_bytes(struct packer *p, const void *bytes, size_t length)
{
	packer_varint(p, length);
	packer_raw(p, bytes, length);
}

size_t varint_length(uint64_t value)
{
	size_t n = 1;
	for (; value > LOW_BITS; value >>= 7)
		n++;
	return n;
}

struct packed packed_from(const void *bytes, size_t length)
{
	/* So that even nothing has an address, and NULL always means that it is not there. */
	static const uint8_t nothing[1];
	const uint8_t *at = length > 0 ? bytes : nothing;
	return (struct packed){.at = at, .end = at + length};
}

const uint8_t *packed_raw(struct packed *p, uint64_t length)
{
	if (p->broken || length > (size_t)(p->end - p->at)) {
		p->broken = true;
		return NULL;
	}
	const uint8_t *bytes = p->at;
	p->at += length;
	return bytes;
}

uint64_t packed_u64(struct packed *p)
{
	const uint8_t *bytes = packed_raw(p, U64_BYTES);
	uint64_t value = 0;
	for (size_t i = 0; bytes && i < U64_BYTES; i++)
		value |= (uint64_t)bytes[i] << (8 * i);
	return value;
}

uint64_t packed_varint(struct packed *p)
{
	uint64_t value = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		const uint8_t *byte = packed_raw(p, 1);
		if (!byte)
			return 0;
		uint64_t bits = *byte & LOW_BITS;
		if (shift == 63 && bits > 1)
			break;
		value |= bits << shift;
		if (!(*byte & MORE))
			return value;
	}
	p->broken = true;
	return 0;
}

const uint8_t *packed_bytes(struct packed *p, size_t *ret_length)
{
	uint64_t length = packed_varint(p);
	const uint8_t *bytes = packed_raw(p, length);
	*ret_length = bytes ? (size_t)length : 0;
	return bytes;
}

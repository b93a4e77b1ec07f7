/* packer.h - values written one after the other into bytes, and read back.
 *
 *	packer_varint(p, offset);                  packed = packed_from(bytes, length);
 *	packer_bytes(p, path, strlen(path));       offset = packed_varint(&packed);
 *	if (p->error) ...                          path = packed_bytes(&packed, &length);
 *	                                           if (!packed_is_whole(&packed)) ...
 *
 *   u64     8 bytes, the lowest first
 *   varint  7 bits a byte, the lowest first, the top bit says that another follows: 1 to 10 bytes
 *   bytes   their length as a varint, then they themselves
 *
 * Errors stick: write or read everything, then ask once. What does not know the order of the values cannot read them.
 *
 * Threads: the owner's. Memory: a packer's one buffer, which grows and is kept until packer_release(); what is read
 * points into the bytes given. Layer: stages. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VARINT_BYTES_MAX = 10 };

struct packer {
	uint8_t *bytes;
	size_t length, capacity;
	int error; /* 0 or -ENOMEM; from then on nothing is written until packer_clear() */
};

/* All zero is an empty packer. */
void packer_release(struct packer *p);
/* Empties it and forgets the error; keeps the buffer. */
void packer_clear(struct packer *p);
/* Makes room for so many bytes more. 0 or -ENOMEM, which sticks. */
int packer_reserve(struct packer *p, size_t more);

void packer_u64(struct packer *p, uint64_t value);
void packer_varint(struct packer *p, uint64_t value);
void packer_bytes(struct packer *p, const void *bytes, size_t length);
/* The bytes alone: whoever reads knows how many. */
void packer_raw(struct packer *p, const void *bytes, size_t length);

/* How many bytes packer_varint() writes for it. */
size_t varint_length(uint64_t value);

struct packed {
	const uint8_t *at, *end;
	bool broken; /* something was asked for that is not there */
};

struct packed packed_from(const void *bytes, size_t length);

/* 0, and broken, when it is not there. */
uint64_t packed_u64(struct packed *p);
uint64_t packed_varint(struct packed *p);
/* length bytes, or NULL and broken. Never NULL when they are there. */
const uint8_t *packed_raw(struct packed *p, uint64_t length);
/* As packed_raw(), with the length they came with; 0 when broken. */
const uint8_t *packed_bytes(struct packed *p, size_t *ret_length);

/* True when everything has been read, or can't be. */
static inline bool packed_is_over(const struct packed *p)
{
	return p->broken || p->at == p->end;
}

/* True when everything was there and nothing is left over. */
static inline bool packed_is_whole(const struct packed *p)
{
	return !p->broken && p->at == p->end;
}

/* le_bytes.h - numbers in bytes, the lowest first, wherever they stand.
 * Threads: any. Memory: none. Layer: stages, libc only. */
#pragma once

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline void le_put_u32(uint8_t *at, uint32_t value)
{
	value = htole32(value);
	memcpy(at, &value, sizeof value);
}

static inline void le_put_u64(uint8_t *at, uint64_t value)
{
	value = htole64(value);
	memcpy(at, &value, sizeof value);
}

static inline uint32_t le_get_u32(const uint8_t *at)
{
	uint32_t value;
	memcpy(&value, at, sizeof value);
	return le32toh(value);
}

static inline uint64_t le_get_u64(const uint8_t *at)
{
	uint64_t value;
	memcpy(&value, at, sizeof value);
	return le64toh(value);
}

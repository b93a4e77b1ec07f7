/* time_digits.h - the smallest parts of a time as text: digits, and an offset to UTC.
 *
 * Each moves *at behind what it has read; where it returns false, *at is anywhere up to end.
 * Threads: any. Memory: none. Layer: libc only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

static inline bool time_is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static inline bool time_read_byte(const uint8_t **at, const uint8_t *end, uint8_t wanted)
{
	if (*at == end || **at != wanted)
		return false;
	(*at)++;
	return true;
}

/* From `least` to `most` digits, as many as there are. */
static inline bool time_read_number(const uint8_t **at, const uint8_t *end, unsigned least,
				    unsigned most, unsigned *ret)
{
	unsigned n = 0, count = 0;
	for (; count < most && *at < end && time_is_digit(**at); count++, (*at)++)
		n = n * 10 + (unsigned)(**at - '0');
	*ret = n;
	return count >= least;
}

/* All the digits behind a point, at least one, as billionths; those beyond the ninth are dropped. */
static inline bool time_read_billionths(const uint8_t **at, const uint8_t *end, uint32_t *ret)
{
	const uint8_t *start = *at;
	uint32_t n = 0, unit = 100000000;
	for (; *at < end && time_is_digit(**at); (*at)++, unit /= 10)
		n += (uint32_t)(**at - '0') * unit;
	*ret = n;
	return *at > start;
}

/* Z, +hh, +hhmm, +hh:mm; seconds east of UTC. Up to 23:59. */
static inline bool time_read_offset(const uint8_t **at, const uint8_t *end, int32_t *ret_s)
{
	unsigned hours, minutes = 0;
	*ret_s = 0;
	if (time_read_byte(at, end, 'Z'))
		return true;
	bool negative = time_read_byte(at, end, '-');
	if (!negative && !time_read_byte(at, end, '+'))
		return false;
	if (!time_read_number(at, end, 2, 2, &hours))
		return false;
	bool more = time_read_byte(at, end, ':') || (*at < end && time_is_digit(**at));
	if (more && !time_read_number(at, end, 2, 2, &minutes))
		return false;
	int32_t seconds = (int32_t)(hours * 3600 + minutes * 60);
	*ret_s = negative ? -seconds : seconds;
	return hours <= 23 && minutes <= 59;
}

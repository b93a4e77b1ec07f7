#include "stages/time/time_names.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

const char *const month_names[MONTH_NAMES] = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December",
};

const char *const weekday_names[WEEKDAY_NAMES] = {
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
};

/* Three bytes as a number; letters without their case. */
static uint32_t folded(const char *three)
{
	return ((uint32_t)(uint8_t)three[0] << 16 | (uint32_t)(uint8_t)three[1] << 8 |
		(uint8_t)three[2]) |
	       0x202020;
}

static int read_name(const uint8_t **at, const uint8_t *end, const char *const *names, int count)
{
	if (end - *at < NAME_ABBREVIATED)
		return -1;
	const char *text = (const char *)*at;
	uint32_t wanted = folded(text);
	for (int i = 0; i < count; i++) {
		size_t length = strlen(names[i]);
		if (folded(names[i]) != wanted ||
		    strncasecmp(text, names[i], NAME_ABBREVIATED) != 0)
			continue;
		bool whole =
		    (size_t)(end - *at) >= length && strncasecmp(text, names[i], length) == 0;
		*at += whole ? length : NAME_ABBREVIATED;
		return i;
	}
	return -1;
}

int time_read_month_name(const uint8_t **at, const uint8_t *end)
{
	return read_name(at, end, month_names, MONTH_NAMES);
}

int time_read_weekday_name(const uint8_t **at, const uint8_t *end)
{
	return read_name(at, end, weekday_names, WEEKDAY_NAMES);
}

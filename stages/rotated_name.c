#include "stages/rotated_name.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { NARROW_MAX = 999, NARROW_DIGITS = 3, WIDE_DIGITS = 6, STAMP_LENGTH = 16 };
#define SECOND_NS INT64_C(1000000000)

/* Where the extension of path's last component begins; a leading dot is part of the name. */
static size_t stem_length(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	size_t dots = strspn(name, ".");
	return (size_t)(name - path) + dots + strcspn(name + dots, ".");
}

int rotated_name(const char *path, int64_t wall_ns, unsigned number, char *out, size_t room)
{
	assert(number <= ROTATED_NUMBER_MAX);
	time_t seconds = (time_t)(wall_ns / SECOND_NS);
	struct tm when;
	char stamp[32], count[16] = "";
	gmtime_r(&seconds, &when);
	if (strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &when) == 0)
		return -ENAMETOOLONG;
	if (number > NARROW_MAX)
		snprintf(count, sizeof count, "_%d_%06u", NARROW_MAX, number);
	else if (number > 0)
		snprintf(count, sizeof count, "_%03u", number);
	size_t stem = stem_length(path);
	int wrote = snprintf(out, room, "%.*s.%s%s%s", (int)stem, path, stamp, count, path + stem);
	return wrote < 0 || (size_t)wrote >= room ? -ENAMETOOLONG : 0;
}

/* So many digits; -1: there are fewer. */
static int read_digits(const char **at, unsigned digits)
{
	int value = 0;
	for (unsigned i = 0; i < digits; i++, (*at)++) {
		if (**at < '0' || **at > '9')
			return -1;
		value = 10 * value + (**at - '0');
	}
	return value;
}

/* The second, since 1970; -1: that is no stamp. One that no clock shows is not written as it was read. */
static int64_t read_stamp(const char **at)
{
	struct tm when = {.tm_year = read_digits(at, 4) - 1900};
	when.tm_mon = read_digits(at, 2) - 1;
	when.tm_mday = read_digits(at, 2);
	if (*(*at)++ != 'T')
		return -1;
	when.tm_hour = read_digits(at, 2);
	when.tm_min = read_digits(at, 2);
	when.tm_sec = read_digits(at, 2);
	return *(*at)++ == 'Z' ? (int64_t)timegm(&when) : -1;
}

/* 0: there is none; -1: that is none. */
static int read_number(const char **at)
{
	if (**at != '_')
		return 0;
	(*at)++;
	int number = read_digits(at, NARROW_DIGITS);
	if (number != NARROW_MAX || **at != '_')
		return number;
	(*at)++;
	return read_digits(at, WIDE_DIGITS);
}

bool rotated_name_original(const char *name, char *out, size_t room, int64_t *ret_wall_ns)
{
	char again[PATH_MAX];
	size_t stem = stem_length(name), length = strlen(name);
	if (length < stem + 1 + STAMP_LENGTH || length >= sizeof again)
		return false;
	const char *at = name + stem + 1;
	int64_t second = read_stamp(&at);
	bool has_stamp = second >= 0 && second <= INT64_MAX / SECOND_NS;
	int number = has_stamp ? read_number(&at) : -1;
	if (number < 0 || (*at != '\0' && *at != '.') || stem + strlen(at) >= room)
		return false;
	memmove(out, name, stem);
	memcpy(out + stem, at, strlen(at) + 1);
	if (rotated_name(out, second * SECOND_NS, (unsigned)number, again, sizeof again) < 0)
		return false;
	*ret_wall_ns = second * SECOND_NS;
	return strcmp(again, name) == 0;
}

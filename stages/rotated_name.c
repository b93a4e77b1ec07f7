#include "stages/rotated_name.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { NARROW_MAX = 999 };

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
	time_t seconds = (time_t)(wall_ns / 1000000000);
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

#include "stages/time/zone.h"

#include "stages/time/time_digits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int zone_fixed(struct zone *z, const char *name, size_t length)
{
	const uint8_t *at = (const uint8_t *)name, *end = at + length;
	*z = (struct zone){0};
	if (length == 3 && memcmp(name, "UTC", 3) == 0)
		return 0;
	return time_read_offset(&at, end, &z->before_s) && at == end ? 0 : -EINVAL;
}

static int read_file(struct zone *z, struct env *env, const char *name)
{
	size_t length = 0;
	uint8_t *bytes = malloc(ZONE_BYTES_MAX);
	if (!bytes)
		return -ENOMEM;
	int r = env_read_zone(env, name, bytes, ZONE_BYTES_MAX, &length);
	if (r == 0)
		r = zone_init(z, bytes, length);
	free(bytes);
	return r == -ENOENT && strcmp(name, "local") == 0 ? 0 : r;
}

int zone_open(struct zone *z, struct env *env, const char *name, size_t length)
{
	char copy[ZONE_NAME_MAX + 1];
	if (zone_fixed(z, name, length) == 0)
		return 0;
	*z = (struct zone){0};
	if (length == 0 || length > ZONE_NAME_MAX || memchr(name, '\0', length))
		return -EINVAL;
	memcpy(copy, name, length);
	copy[length] = '\0';
	return read_file(z, env, copy);
}

void zone_release(struct zone *z)
{
	free(z->changes);
	*z = (struct zone){0};
}

static int64_t begin_of(const struct zone_change *c, bool local)
{
	return local ? c->local_s : c->utc_s;
}

static struct zone_span find(const struct zone *z, int64_t second, bool local)
{
	size_t low = 0,
	       high = z->count; /* those below low have begun, those from high on have not */
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (begin_of(&z->changes[middle], local) <= second)
			low = middle + 1;
		else
			high = middle;
	}
	return (struct zone_span){
	    .from_s = low > 0 ? begin_of(&z->changes[low - 1], local) : INT64_MIN,
	    .to_s = low < z->count ? begin_of(&z->changes[low], local) : INT64_MAX,
	    .offset_s = low > 0 ? z->changes[low - 1].offset_s : z->before_s,
	};
}

struct zone_span zone_at(const struct zone *z, int64_t utc_s)
{
	return find(z, utc_s, false);
}

struct zone_span zone_at_local(const struct zone *z, int64_t local_s)
{
	return find(z, local_s, true);
}

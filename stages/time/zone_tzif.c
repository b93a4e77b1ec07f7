/* zone_tzif.c - a zone from the bytes of a TZif file (RFC 8536), of which nothing is believed.
 *
 *	header, data in 32 bits      passed over
 *	header                       "TZif", version, 15 unused, six counts
 *	times      8 bytes each      seconds since 1970
 *	types      1 byte each       which of the following begins then
 *	           6 bytes each      offset to UTC (4), saved time or not, name
 *	names, leap seconds, two lists of flags
 *	\n rule \n */
#include "stages/time/zone.h"

#include "stages/time/calendar.h"
#include "stages/time/zone_rule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	HEADER_BYTES = 44,
	TYPE_BYTES = 6,
	TIME_BYTES = 8,
	OFFSET_MAX_S = 26 * 3600, /* what RFC 8536 asks for */
	YEAR_FIRST = 1677,        /* what nanoseconds in 64 bits reach */
	YEAR_LAST = 2263,
	CHANGES_OF_YEAR = 2,
};

struct input {
	const uint8_t *at, *end;
};

struct counts {
	uint32_t utc_flags, standard_flags, leaps, times, types, names;
};

struct tables {
	const uint8_t *times, *kinds, *types;
	const char *rule;
	size_t rule_length;
};

static uint32_t big32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t big64(const uint8_t *p)
{
	return (int64_t)((uint64_t)big32(p) << 32 | big32(p + 4));
}

/* NULL: there are not so many. */
static const uint8_t *take(struct input *in, uint64_t bytes)
{
	const uint8_t *taken = in->at;
	if (bytes > (uint64_t)(in->end - in->at))
		return NULL;
	in->at += bytes;
	return taken;
}

static bool read_header(struct input *in, struct counts *n)
{
	const uint8_t *h = take(in, HEADER_BYTES);
	if (!h || memcmp(h, "TZif", 4) != 0 || h[4] < '2')
		return false;
	*n = (struct counts){big32(h + 20), big32(h + 24), big32(h + 28),
			     big32(h + 32), big32(h + 36), big32(h + 40)};
	return true;
}

static bool skip_old_data(struct input *in)
{
	struct counts n;
	return read_header(in, &n) &&
	       take(in, (uint64_t)n.times * 5 + (uint64_t)n.types * TYPE_BYTES + n.names +
			    (uint64_t)n.leaps * 8 + n.standard_flags + n.utc_flags);
}

static bool find_rule(struct input *in, struct tables *t)
{
	const uint8_t *first = take(in, 1);
	if (!first || *first != '\n')
		return false;
	const uint8_t *last = memchr(in->at, '\n', (size_t)(in->end - in->at));
	t->rule = (const char *)in->at;
	t->rule_length = last ? (size_t)(last - in->at) : 0;
	return last;
}

static bool find_tables(struct input *in, struct counts *n, struct tables *t)
{
	if (!skip_old_data(in) || !read_header(in, n) || n->types == 0 || n->leaps > 0)
		return false;
	t->times = take(in, (uint64_t)n->times * TIME_BYTES);
	t->kinds = t->times ? take(in, n->times) : NULL;
	t->types = t->kinds ? take(in, (uint64_t)n->types * TYPE_BYTES) : NULL;
	return t->types && take(in, (uint64_t)n->names + n->standard_flags + n->utc_flags) &&
	       find_rule(in, t);
}

/* ---- changes ---- */

static bool read_offset(const struct tables *t, const struct counts *n, uint32_t type,
			int32_t *ret_s)
{
	if (type >= n->types)
		return false;
	*ret_s = (int32_t)big32(t->types + (size_t)type * TYPE_BYTES);
	return *ret_s >= -OFFSET_MAX_S && *ret_s <= OFFSET_MAX_S;
}

static int32_t last_offset(const struct zone *z)
{
	return z->count ? z->changes[z->count - 1].offset_s : z->before_s;
}

/* Ascending, but a later one at the same moment takes its place. What changes nothing is none. */
static void add_change(struct zone *z, int64_t utc_s, int32_t offset_s)
{
	if (z->count && z->changes[z->count - 1].utc_s == utc_s)
		z->count--;
	if (last_offset(z) == offset_s)
		return;
	int32_t before = last_offset(z);
	int64_t local = utc_s + (offset_s > before ? offset_s : before);
	/* Of two changes within a few hours, the clocks' order is that of the moments all the same. */
	if (z->count && local < z->changes[z->count - 1].local_s)
		local = z->changes[z->count - 1].local_s;
	z->changes[z->count++] =
	    (struct zone_change){.utc_s = utc_s, .local_s = local, .offset_s = offset_s};
}

/* Moments long before anything that can be told are as good as the first of all; so says RFC 8536 of some. */
static int64_t within_reach(int64_t utc_s)
{
	const int64_t far = INT64_MAX / 4;
	return utc_s < -far ? -far : utc_s > far ? far : utc_s;
}

static bool add_listed(struct zone *z, const struct tables *t, const struct counts *n)
{
	int64_t before = INT64_MIN;
	int32_t offset_s;
	if (!read_offset(t, n, 0, &z->before_s))
		return false;
	for (uint32_t i = 0; i < n->times; i++) {
		int64_t utc_s = big64(t->times + (size_t)i * TIME_BYTES);
		if ((i > 0 && utc_s <= before) || !read_offset(t, n, t->kinds[i], &offset_s))
			return false;
		add_change(z, within_reach(utc_s), offset_s);
		before = utc_s;
	}
	return true;
}

/* Those of the rule that come behind `after`. */
static void add_year(struct zone *z, const struct zone_rule *r, int64_t year, int64_t after)
{
	struct zone_change both[CHANGES_OF_YEAR] = {
	    {.utc_s = zone_rule_begins(r, year), .offset_s = r->saving_s},
	    {.utc_s = zone_rule_ends(r, year), .offset_s = r->standard_s},
	};
	bool ends_first = both[1].utc_s < both[0].utc_s;
	for (int i = 0; i < CHANGES_OF_YEAR; i++) {
		const struct zone_change *c = &both[i ^ (int)ends_first];
		bool in_order = z->count == 0 || c->utc_s >= z->changes[z->count - 1].utc_s;
		if (c->utc_s > after && in_order)
			add_change(z, c->utc_s, c->offset_s);
	}
}

static void add_foretold(struct zone *z, const struct zone_rule *r, int64_t after, bool any_listed)
{
	/* A second of the list is in no year before YEAR_FIRST of interest; a day's room, as rules reach over the turn. */
	int64_t year = YEAR_FIRST;
	if (any_listed)
		year = calendar_date(floor_div(after, DAY_S)).year - 1;
	if (year < YEAR_FIRST)
		year = YEAR_FIRST;
	if (!any_listed)
		z->before_s = r->standard_s;
	for (; r->saves && year <= YEAR_LAST; year++)
		add_year(z, r, year, after);
}

static int make_changes(struct zone *z, const struct tables *t, const struct counts *n)
{
	struct zone_rule rule = {0};
	if (t->rule_length && zone_rule_parse(&rule, t->rule, t->rule_length) < 0)
		return -EINVAL;
	size_t room = n->times + (size_t)CHANGES_OF_YEAR * (YEAR_LAST - YEAR_FIRST + 1);
	z->changes = calloc(room, sizeof *z->changes);
	if (!z->changes)
		return -ENOMEM;
	if (!add_listed(z, t, n))
		return -EINVAL;
	int64_t after = INT64_MIN;
	if (n->times)
		after = within_reach(big64(t->times + (size_t)(n->times - 1) * TIME_BYTES));
	if (t->rule_length)
		add_foretold(z, &rule, after, n->times > 0);
	return 0;
}

int zone_init(struct zone *z, const uint8_t *bytes, size_t length)
{
	struct input in = {bytes, bytes + length};
	struct counts n;
	struct tables t;
	*z = (struct zone){0};
	int r = length <= ZONE_BYTES_MAX && find_tables(&in, &n, &t) ? make_changes(z, &t, &n)
								     : -EINVAL;
	if (r < 0)
		zone_release(z);
	return r;
}

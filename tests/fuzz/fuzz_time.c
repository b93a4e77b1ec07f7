/* fuzz_time.c - any text in any format, in any zone: a time or none, the same whatever was read before it; and what is written is
 * read as the same moment.
 *
 *   format, a NUL; text, a NUL; the zone's name or the bytes of its file
 *
 * Layer: tests, libFuzzer. */
#include "stages/time/time_parse.h"
#include "stages/time/time_write.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

enum { INPUT_MAX = 1 << 16, WRITTEN_MAX = TIME_STEPS_MAX * 32 };

/* What is read past the end of it is found. */
struct piece {
	uint8_t *bytes;
	size_t length;
};

static struct piece piece_of(const uint8_t **at, const uint8_t *end)
{
	const uint8_t *stop = *at < end ? memchr(*at, '\0', (size_t)(end - *at)) : NULL;
	if (!stop)
		stop = end;
	struct piece p = {.length = (size_t)(stop - *at)};
	p.bytes = malloc(p.length + !p.length);
	assert(p.bytes);
	memcpy(p.bytes, *at, p.length);
	*at = stop < end ? stop + 1 : end;
	return p;
}

static bool zone_from(struct zone *z, const uint8_t *bytes, size_t length)
{
	return zone_fixed(z, (const char *)bytes, length) == 0 || zone_init(z, bytes, length) == 0;
}

static int read_with(const struct time_format *f, const struct zone *z, struct time_cache *cache,
		     const struct piece *text, int64_t *ret_ns)
{
	const int64_t now_ns = INT64_C(1711843200) * SECOND_NS;
	int r = time_parse(f, z, cache, now_ns, text->bytes, text->length, ret_ns);
	assert(r == 0 || r == -EINVAL || r == -ERANGE);
	return r;
}

/* Also one byte shorter, which may say another date with the bytes that were noted. */
static void read_text(const struct time_format *f, const struct zone *z, const struct piece *text)
{
	struct time_cache cache = {0}, none = {0};
	int64_t first = 0, again = 0;
	struct piece shorter = *text;
	int r = read_with(f, z, &cache, text, &first);
	if (shorter.length) {
		shorter.length--;
		int64_t ns = 0, fresh_ns = 0;
		int short_r = read_with(f, z, &cache, &shorter, &ns);
		assert(short_r == read_with(f, z, &none, &shorter, &fresh_ns) && ns == fresh_ns);
	}
	assert(r == read_with(f, z, &cache, text, &again) && first == again);
}

static void check_spans(const struct zone *z, int64_t second)
{
	struct zone_span utc = zone_at(z, second), local = zone_at_local(z, second);
	assert(utc.from_s <= second && second < utc.to_s);
	assert(local.from_s <= second && second < local.to_s);
	for (size_t i = 1; i < z->count; i++) {
		assert(z->changes[i - 1].utc_s < z->changes[i].utc_s);
		assert(z->changes[i - 1].local_s <= z->changes[i].local_s);
	}
}

static void write_moment(const struct piece *format, const struct zone *z, int64_t ns)
{
	static char text[WRITTEN_MAX];
	static const char rfc3339[] = "rfc3339";
	struct time_format f;
	struct time_cache cache = {0};
	const char *why;
	size_t at;
	int64_t back;
	if (time_format_init(&f, (const char *)format->bytes, format->length, TIME_TO_WRITE, &why,
			     &at) == 0) {
		size_t n = time_write(&f, z, ns, text, sizeof text);
		assert(n > 0 && time_write(&f, z, ns, text, n - 1) == 0);
	}
	assert(time_format_init(&f, rfc3339, strlen(rfc3339), TIME_TO_WRITE, &why, &at) == 0);
	size_t n = time_write(&f, z, ns, text, TIME_RFC3339_MAX);
	struct time_shown t;
	time_show(&t, zone_at(z, floor_div(ns, SECOND_NS)).offset_s, ns);
	/* An offset of a day or more is no part of RFC 3339. */
	if (t.offset_s > -DAY_S && t.offset_s < DAY_S)
		assert(time_parse(&f, z, &cache, 0, (const uint8_t *)text, n, &back) == 0 &&
		       back == ns);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	const uint8_t *at = bytes, *end = bytes + length;
	struct time_format f;
	struct zone z = {0};
	const char *why = NULL;
	size_t where = 0;
	if (length == 0 || length > INPUT_MAX)
		return 0;
	struct piece format = piece_of(&at, end), text = piece_of(&at, end);
	struct piece rest = {.bytes = malloc((size_t)(end - at) + 1), .length = (size_t)(end - at)};
	assert(rest.bytes);
	memcpy(rest.bytes, at, rest.length);
	bool has_zone = zone_from(&z, rest.bytes, rest.length);
	assert(has_zone || (z.count == 0 && !z.changes && z.before_s == 0));
	int64_t ns = 0;
	memcpy(&ns, text.bytes, text.length < sizeof ns ? text.length : sizeof ns);
	if (time_format_init(&f, (const char *)format.bytes, format.length, TIME_TO_READ, &why,
			     &where) == 0)
		read_text(&f, &z, &text);
	else
		assert(why && where <= format.length);
	check_spans(&z, ns / SECOND_NS);
	write_moment(&format, &z, ns);
	zone_release(&z);
	free(format.bytes);
	free(text.bytes);
	free(rest.bytes);
	return 0;
}

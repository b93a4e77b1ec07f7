#include "tests/unit/stages/time_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct time_format time_format_of(const char *text, enum time_use use)
{
	struct time_format f;
	const char *why = "";
	size_t at = 0;
	cr_assert_eq(time_format_init(&f, text, strlen(text), use, &why, &at), 0, "%s: %s", text,
		     why);
	return f;
}

/* From memory that ends with the text, twice with one cache: what was found the first time changes nothing. */
int64_t time_read_at(const char *format, const struct zone *z, const char *text, int64_t now_ns)
{
	struct time_format f = time_format_of(format, TIME_TO_READ);
	struct time_cache cache = {0};
	size_t length = strlen(text);
	uint8_t *exact = malloc(length + !length);
	int64_t ns[2] = {0, 0};
	int r[2];
	cr_assert_not_null(exact);
	memcpy(exact, text, length);
	for (int i = 0; i < 2; i++)
		r[i] = time_parse(&f, z, &cache, now_ns, exact, length, &ns[i]);
	free(exact);
	cr_assert(r[0] == r[1] && ns[0] == ns[1], "%s %s", format, text);
	cr_assert(r[0] == 0 || r[0] == -EINVAL || r[0] == -ERANGE);
	cr_assert(r[0] == 0 || ns[0] == 0, "what is refused leaves no time");
	return r[0] == 0 ? ns[0] : r[0] == -EINVAL ? TIME_WRONG : TIME_FAR;
}

int64_t time_read(const char *format, const struct zone *z, const char *text)
{
	return time_read_at(format, z, text, TIME_NOW);
}

const char *time_text(const char *format, const struct zone *z, int64_t ns)
{
	static char text[256];
	struct time_format f = time_format_of(format, TIME_TO_WRITE);
	size_t length = time_write(&f, z, ns, text, sizeof text - 1);
	cr_assert_gt(length, 0);
	/* To the byte: no less will do. */
	char *exact = malloc(length);
	cr_assert_not_null(exact);
	cr_assert_eq(time_write(&f, z, ns, exact, length), length);
	cr_assert_eq(memcmp(exact, text, length), 0);
	cr_assert_eq(time_write(&f, z, ns, exact, length - 1), 0);
	free(exact);
	text[length] = '\0';
	return text;
}

bool time_zone_file(const char *name, struct zone *ret_zone)
{
	char path[256];
	uint8_t bytes[8192];
	snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name);
	FILE *file = fopen(path, "r");
	if (!file)
		return false;
	size_t length = fread(bytes, 1, sizeof bytes, file);
	fclose(file);
	cr_assert_eq(zone_init(ret_zone, bytes, length), 0, "%s", name);
	return true;
}

static size_t put_number(uint8_t *to, uint64_t n, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		to[i] = (uint8_t)(n >> 8 * (bytes - 1 - i));
	return bytes;
}

static size_t put_header(uint8_t *to, size_t times, size_t types)
{
	const uint64_t counts[] = {0, 0, 0, times, types, 1};
	size_t n = 20;
	memset(to, 0, n);
	memcpy(to, "TZif2", 5);
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		n += put_number(to + n, counts[i], 4);
	return n;
}

size_t tzif_make(uint8_t to[static TZIF_ROOM], int32_t before_s, const struct tzif_change *changes,
		 size_t count, const char *rule)
{
	size_t n = put_header(to, 0, 1);
	memset(to + n, 0, 7);
	n += 7;
	n += put_header(to + n, count, count + 1);
	cr_assert_lt(n + count * 15 + 10 + strlen(rule), TZIF_ROOM);
	for (size_t i = 0; i < count; i++)
		n += put_number(to + n, (uint64_t)changes[i].utc_s, 8);
	for (size_t i = 0; i < count; i++)
		n += put_number(to + n, i + 1, 1);
	for (size_t i = 0; i <= count; i++) {
		n += put_number(to + n, (uint32_t)(i ? changes[i - 1].offset_s : before_s), 4);
		n += put_number(to + n, 0, 2);
	}
	to[n++] = '\0'; /* the names */
	return n + (size_t)sprintf((char *)to + n, "\n%s\n", rule);
}

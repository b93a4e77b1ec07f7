#include "daemon/zone_file.h"

#include "stages/stage.h"
#include "stages/time/zone.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct clock_options {
	struct text zone;
};

static const struct option clock_table[] = {
    {"zone", OPTION_TEXT, offsetof(struct clock_options, zone), .doc = "Where it hangs"},
    {0},
};

static const struct text *clock_zone(const void *options)
{
	return &((const struct clock_options *)options)->zone;
}

static const struct stage_type clock_type = {
    .schema = {.kind = STAGE_SOURCE,
	       .name = "clock",
	       .options = clock_table,
	       .options_size = sizeof(struct clock_options)},
    .zone = clock_zone,
};
static const struct option no_table[] = {{0}};
static const struct stage_type nothing_type = {
    .schema = {.kind = STAGE_SINK, .name = "nothing", .options = no_table, .options_size = 1},
};
static const struct stage_schema *const types[] = {&clock_type.schema, &nothing_type.schema, NULL};
static const struct stage_catalog catalog = {.types = types};

static int found(const char *name)
{
	uint8_t bytes[ZONE_BYTES_MAX];
	size_t length = 0;
	int r = zone_file_read(NULL, name, bytes, sizeof bytes, &length);
	struct zone z = {0};
	if (r == 0)
		r = zone_init(&z, bytes, length);
	zone_release(&z);
	return r;
}

Test(zone_file, names_lead_down_only)
{
	static const char *const names[] = {
	    "",  "/",        "/etc/localtime", "..",      "../passwd", "Europe/../../../etc/passwd",
	    ".", "Europe/.", "Europe//Berlin", "Europe/", "./UTC",     "Europe/.."};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		cr_expect_eq(found(names[i]), -EINVAL, "%s", names[i]);
	cr_expect_eq(found("..."), -ENOENT);
	cr_expect_eq(found("No/Such"), -ENOENT);
}

static void need_zones(void)
{
	if (access("/usr/share/zoneinfo/Europe/Berlin", R_OK) < 0)
		cr_skip_test("this machine has no time zones");
}

Test(zone_file, zones_of_the_machine_are_read)
{
	need_zones();
	cr_expect_eq(found("Europe/Berlin"), 0);
	cr_expect_eq(found("Europe"), -ENOENT, "a folder");
	cr_expect_eq(found("Europe/Berlin/Mitte"), -ENOENT);
	if (access("/etc/localtime", R_OK) == 0)
		cr_expect_eq(found("local"), 0);
	uint8_t bytes[64];
	size_t length;
	cr_expect_eq(zone_file_read(NULL, "Europe/Berlin", bytes, sizeof bytes, &length), -EFBIG);
}

/* What is said of a topology with that zone; the caller's. */
static char *check(const char *zone)
{
	struct topology t;
	struct problems problems;
	char path[] = "/tmp/sluice-zone-XXXXXX";
	int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");
	cr_assert(f && fprintf(f,
			       "sources: {in: {type: clock%s}}\n"
			       "sinks: {out: {type: nothing, inputs: [in]}}\n",
			       zone) > 0);
	fclose(f);
	const char *file = path;
	struct topology_request request = {.files = &file, .file_count = 1, .catalog = &catalog};
	problems_init(&problems);
	cr_assert_eq(topology_load(&t, &request, &problems), 0);
	unlink(path);
	int r = zone_files_check(&t, &problems);
	cr_assert_eq(r, problems_total(&problems) > 0 ? -EINVAL : 0);
	char *text = NULL;
	size_t length;
	FILE *to = open_memstream(&text, &length);
	cr_assert_not_null(to);
	problems_print(&problems, to);
	fclose(to);
	problems_release(&problems);
	topology_release(&t);
	return text;
}

Test(zone_file, a_zone_that_is_none_is_a_mistake_in_the_topology)
{
	static const struct {
		const char *zone, *said;
	} cases[] = {
	    {"", ""},
	    {", zone: UTC", ""},
	    {", zone: local", ""},
	    {", zone: \"+02:00\"", ""},
	    {", zone: \"+25:00\"", "no time zone"},
	    {", zone: Europe/Berln", ":1:35: no time zone `Europe/Berln` in"},
	    {", zone: ../../etc/passwd", "`../../etc/passwd` is no time zone"},
	};
	need_zones();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *text = check(cases[i].zone);
		cr_expect(cases[i].said[0] ? strstr(text, cases[i].said) != NULL : text[0] == '\0',
			  "%s: %s", cases[i].zone, text);
		free(text);
	}
}

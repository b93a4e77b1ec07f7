#include "stages/builtin.h"
#include "stages/text/csv_scan.h"
#include "tests/unit/stages/transform_trial.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALL                                                                                        \
	"facility severity facility_code severity_code timestamp hostname appname procid msgid "   \
	"message"

static void expect(struct transform_trial *t, uint32_t record, const char *name,
		   const char *expected)
{
	const char *got = transform_get(t, record, name);
	cr_expect_str_eq(got, expected, "record %u: %s is %s, not %s", record, name, got, expected);
}

Test(parse_syslog, the_parts_of_both_formats_become_fields)
{
	struct transform_trial t = {.batch = NULL};
	transform_begin(&t, &parse_syslog_type, "", ALL);
	transform_feed_text(&t, "<165>1 2003-10-11T22:14:15.003Z host app 42 ID47 - m\n"
				"Oct 11 22:14:15 h su[7]: text\n");
	expect(&t, 0, "facility", "local4");
	expect(&t, 0, "severity", "notice");
	expect(&t, 0, "facility_code", "20");
	expect(&t, 0, "severity_code", "5");
	expect(&t, 0, "timestamp", "2003-10-11T22:14:15.003Z");
	expect(&t, 0, "hostname", "host");
	expect(&t, 0, "appname", "app");
	expect(&t, 0, "procid", "42");
	expect(&t, 0, "msgid", "ID47");
	expect(&t, 0, "message", "m");
	expect(&t, 1, "facility", "-");
	expect(&t, 1, "severity_code", "-");
	expect(&t, 1, "timestamp", "Oct 11 22:14:15");
	expect(&t, 1, "procid", "7");
	expect(&t, 1, "msgid", "-");
	expect(&t, 1, "message", "text");
	transform_end(&t);
}

#define DATA "structured_data"
#define NEW(data) "<1>1 - - - - - " data "\n"

Test(parse_syslog, structured_data_is_a_map_or_what_a_path_leads_to)
{
	static const struct {
		const char *text, *map, *a, *k, *dotted;
	} cases[] = {
	    {NEW("-"), "-", "-", "-", "-"},
	    {NEW("[a]"), "{\"a\":{}}", "{}", "-", "-"},
	    {NEW("[a k=\"v\" l=\"\"]"), "{\"a\":{\"k\":\"v\",\"l\":\"\"}}",
	     "{\"k\":\"v\",\"l\":\"\"}", "v", "-"},
	    {NEW("[b k=\"v\"][a k=\"\\\"\\\\\\]\\n\"]"),
	     "{\"b\":{\"k\":\"v\"},\"a\":{\"k\":\"\\\"\\\\]\\\\n\"}}", "{\"k\":\"\\\"\\\\]\\\\n\"}",
	     "\"\\]\\n", "-"},
	    {NEW("[a k=\"1\" k=\"2\"]"), "{\"a\":{\"k\":\"1\",\"k\":\"2\"}}",
	     "{\"k\":\"1\",\"k\":\"2\"}", "2", "-"},
	    {NEW("[a k=\"1\"][a l=\"2\"]"), "{\"a\":{\"k\":\"1\"},\"a\":{\"l\":\"2\"}}",
	     "{\"l\":\"2\"}", "-", "-"},
	    {NEW("[a.b@1 c.d=\"v\"]"), "{\"a.b@1\":{\"c.d\":\"v\"}}", "-", "-", "v"},
	    {NEW("[a k=\"\xff\"]"), "{\"a\":{\"k\":\"\xef\xbf\xbd\"}}", "{\"k\":\"\xef\xbf\xbd\"}",
	     "\xff", "-"},
	    {"<1>Oct 11 22:14:15 h a: m\n", "-", "-", "-", "-"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct transform_trial t = {.batch = NULL};
		transform_begin(&t, &parse_syslog_type, "",
				DATA " " DATA ".a " DATA ".a.k " DATA ".a.b@1.c.d");
		transform_feed_text(&t, cases[i].text);
		expect(&t, 0, DATA, cases[i].map);
		expect(&t, 0, DATA ".a", cases[i].a);
		expect(&t, 0, DATA ".a.k", cases[i].k);
		expect(&t, 0, DATA ".a.b@1.c.d", cases[i].dotted);
		transform_end(&t);
	}
}

Test(parse_syslog, what_is_another_format_than_told_is_refused)
{
	struct transform_trial t = {.batch = NULL};
	transform_begin(&t, &parse_syslog_type, "format: rfc5424", "message error");
	transform_feed_text(&t, "<1>Oct 11 22:14:15 h a: m\n<1>1 - - - - - - m\n");
	expect(&t, 0, "error", "version");
	expect(&t, 0, "message", "-");
	expect(&t, 1, "message", "m");
	transform_end(&t);
}

Test(parse_syslog, an_encoder_gets_every_part)
{
	struct transform_trial t = {.batch = NULL};
	transform_begin(&t, &parse_syslog_type, "", "*");
	transform_feed_text(&t, "<1>1 - h - - - [x y=\"z\"] m\n");
	expect(&t, 0, "facility", "kern");
	expect(&t, 0, "hostname", "h");
	expect(&t, 0, DATA, "{\"x\":{\"y\":\"z\"}}");
	expect(&t, 0, "message", "m");
	transform_end(&t);
}

/* ---- logs of Loghub with their columns, which lie beside the repository in ../shared/data ---- */

enum { LOG_LINES = 2000, LOG_BYTES_MAX = 1 << 20 };

static size_t read_log(const char *name, const char *ending, char *to)
{
	char path[256];
	snprintf(path, sizeof path, "../shared/data/%s_2k.log%s", name, ending);
	FILE *f = fopen(path, "r");
	if (!f)
		cr_skip_test("no ../shared/data beside the repository");
	size_t length = fread(to, 1, LOG_BYTES_MAX, f);
	fclose(f);
	cr_assert(length > 0 && length < LOG_BYTES_MAX);
	return length;
}

/* The fields of the line at *at, which is moved behind it, as texts. */
static void read_columns(char **at, char columns[][2048], size_t count)
{
	char *newline = strchr(*at, '\n');
	struct csv_field f;
	struct csv_scan s = csv_from((uint8_t *)*at, (size_t)(newline - *at), ',', true);
	for (size_t i = 0; i < count; i++) {
		cr_assert_eq(csv_next(&s, &f), 1);
		cr_assert_lt(f.text.length, 2048);
		columns[i][csv_undouble((uint8_t *)columns[i], f.text)] = 0;
	}
	*at = newline + 1;
}

/* Columns: LineId, the three parts of the timestamp, host, program, process if there is one, text. */
static void expect_row(struct transform_trial *t, uint32_t record, char c[][2048],
		       const char *program)
{
	char stamp[64];
	snprintf(stamp, sizeof stamp, "%.3s %2.2s %.8s", c[1], c[2], c[3]);
	expect(t, record, "timestamp", stamp);
	expect(t, record, "hostname", c[4]);
	expect(t, record, "appname", program ? program : c[5]);
	expect(t, record, "procid", program ? c[5] : c[6][0] ? c[6] : "-");
	/* the tables have no blanks around texts, as some of the kernel's have */
	const char *text = program ? c[6] : c[7], *got = transform_get(t, record, "message");
	got += strspn(got, " ");
	size_t length = strlen(got);
	while (length > 0 && got[length - 1] == ' ')
		length--;
	cr_expect(length == strlen(text) && memcmp(got, text, length) == 0, "%s, not %s", got,
		  text);
}

static void expect_log(const char *name, const char *program)
{
	static char log[LOG_BYTES_MAX], table[LOG_BYTES_MAX];
	static char columns[8][2048];
	struct transform_trial t = {.batch = NULL};
	size_t length = 0, given = read_log(name, "", log);
	for (size_t i = 0; i < given; i++)
		if (log[i] != '\r')
			log[length++] = log[i];
	table[read_log(name, "_structured.csv", table)] = 0;
	transform_widen(&t, LOG_BYTES_MAX);
	transform_begin(&t, &parse_syslog_type, "", ALL);
	cr_assert_eq(transform_feed(&t, log, length), 0);
	cr_assert_eq(transform_count(&t), LOG_LINES);
	char *at = strchr(table, '\n') + 1;
	for (uint32_t i = 0; i < LOG_LINES; i++) {
		read_columns(&at, columns, program ? 7 : 8);
		expect_row(&t, i, columns, program);
	}
	transform_end(&t);
}

Test(parse_syslog, two_thousand_lines_of_a_linux_log_have_the_fields_of_their_table)
{
	expect_log("Linux", NULL);
}

Test(parse_syslog, two_thousand_lines_of_an_openssh_log_have_the_fields_of_their_table)
{
	expect_log("OpenSSH", "sshd");
}

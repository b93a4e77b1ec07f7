/* What a pattern finds in logs of real programs, beside the columns that others have found in them: LogHub's *_structured.csv,
 * which lie beside the repository in ../shared/data. */
#include "tests/unit/stages/transform_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(real_logs, .fini = transforms_forget);

/* Lines are tried some at a time, so that what differs is told in few. */
enum { RECORDS = 2000, AT_ONCE = 50, COLUMNS = 16, PATH_BYTES = 256 };

struct text_file {
	char *bytes;
	size_t length;
};

static struct text_file slurp(const char *name)
{
	char path[PATH_BYTES];
	struct text_file f = {.bytes = NULL};
	snprintf(path, sizeof path, "../shared/data/%s", name);
	FILE *from = fopen(path, "r");
	if (!from)
		cr_skip_test("no ../shared/data beside the repository");
	cr_assert_eq(fseek(from, 0, SEEK_END), 0);
	f.length = (size_t)ftell(from);
	rewind(from);
	f.bytes = calloc(1, f.length + 2);
	cr_assert(f.bytes && fread(f.bytes, 1, f.length, from) == f.length);
	fclose(from);
	if (f.bytes[f.length - 1] != '\n')
		f.bytes[f.length++] = '\n';
	return f;
}

/* One cell of RFC 4180; puts an end behind it, in place. False: it was the row's last. */
static bool take_cell(char **at, char **ret_cell)
{
	char *from = *at, *to = from;
	bool quoted = *from == '"';
	*ret_cell = to;
	for (from += quoted; *from && (quoted || (*from != ',' && *from != '\n')); from++) {
		if (quoted && *from == '"' && *++from != '"')
			quoted = false;
		if (!quoted && (*from == ',' || *from == '\n'))
			break;
		*to++ = *from;
	}
	char ended_by = *from;
	*at = *from ? from + 1 : from;
	if (to > *ret_cell && to[-1] == '\r')
		to--;
	*to = 0;
	return ended_by == ',';
}

static size_t take_row(char **at, char *cells[static COLUMNS])
{
	size_t count = 0;
	while (take_cell(at, &cells[count++]))
		cr_assert_lt(count, COLUMNS);
	return count;
}

static size_t column_of(char *cells[static COLUMNS], size_t count, const char *name, size_t length)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(cells[i]) == length && memcmp(cells[i], name, length) == 0)
			return i;
	cr_assert_fail("no column %.*s", (int)length, name);
	return 0;
}

/* A record as the fixture will show it if it has these columns. An empty cell: it has none. */
static void show_row(FILE *to, char *heads[static COLUMNS], size_t head_count,
		     char *cells[static COLUMNS], const char *columns)
{
	for (const char *c = columns; *c; c += strcspn(c, ", "), c += strspn(c, ", ")) {
		size_t name = strcspn(c, ", ");
		const char *cell = cells[column_of(heads, head_count, c, name)];
		if (*cell)
			fprintf(to, " %.*s=\"%s\"", (int)name, c, cell);
		else
			fprintf(to, " %.*s=-", (int)name, c);
	}
	putc('\n', to);
}

/* Tries the next lines; moves both on. */
static void compare_some(const char *yaml, char **line, char **row, char *heads[static COLUMNS],
			 size_t head_count, const char *columns)
{
	char *want = NULL, *cells[COLUMNS], *from = *line;
	size_t length;
	FILE *to = open_memstream(&want, &length);
	for (int i = 0; i < AT_ONCE; i++) {
		size_t line_length = strcspn(*line, "\n");
		cr_assert_eq(take_row(row, cells), head_count);
		fprintf(to, "%.*s |", (int)line_length, *line);
		show_row(to, heads, head_count, cells, columns);
		*line += line_length + 1;
	}
	fclose(to);
	cr_assert_eq(transforms_run(yaml, from, (size_t)(*line - from)), 0);
	transforms_expect("out", want);
	cr_assert_eq(counter_get(&transforms_counters("p")->records_in), AT_ONCE);
	transforms_forget();
	free(want);
}

/* parser: its type and options. */
static void compare(const char *name, const char *columns, const char *parser)
{
	char file[PATH_BYTES], yaml[2048], *heads[COLUMNS];
	snprintf(file, sizeof file, "%s.log", name);
	struct text_file log = slurp(file);
	snprintf(file, sizeof file, "%s.log_structured.csv", name);
	struct text_file csv = slurp(file);
	snprintf(yaml, sizeof yaml,
		 "transforms:\n  p: {inputs: [in], %s, on_error: stop}\n"
		 "sinks: {out: {type: show, inputs: [p], fields: [%s]}}\n",
		 parser, columns);
	char *line = log.bytes, *row = csv.bytes;
	size_t head_count = take_row(&row, heads);
	for (int i = 0; i < RECORDS; i += AT_ONCE)
		compare_some(yaml, &line, &row, heads, head_count, columns);
	cr_assert_eq(line, log.bytes + log.length, "as many lines as rows");
	free(csv.bytes);
	free(log.bytes);
}

Test(real_logs, apache_by_regex)
{
	compare("Apache_2k", "Time, Level, Content",
		"type: parse_regex, regex: '^\\[(?<Time>[^]]+)\\] \\[(?<Level>\\w+)\\] "
		"(?<Content>.*?)\\r?$'");
}

Test(real_logs, apache_by_grok)
{
	compare("Apache_2k", "Time, Level, Content",
		"type: parse_grok, match: '^\\[%{HTTPDERROR_DATE:Time}\\] \\[%{LOGLEVEL:Level}\\] "
		"%{DATA:Content}\\r?$'");
}

Test(real_logs, hdfs_by_regex)
{
	compare("HDFS_2k", "Date, Time, Pid, Level, Component, Content",
		"type: parse_regex, regex: '^(?<Date>\\d{6}) (?<Time>\\d{6}) (?<Pid>\\d+) "
		"(?<Level>[A-Z]+) (?<Component>[^:]+): (?<Content>.*?)\\r?$'");
}

Test(real_logs, hdfs_by_grok)
{
	compare("HDFS_2k", "Date, Time, Pid, Level, Component, Content",
		"type: parse_grok, patterns: {SIX: '[0-9]{6}'}, match: '^%{SIX:Date} %{SIX:Time} "
		"%{INT:Pid} %{LOGLEVEL:Level} %{JAVACLASS:Component}: %{DATA:Content}\\r?$'");
}

Test(real_logs, linux_by_grok)
{
	compare("Linux_2k", "Month, Date, Time, Level, Component, PID, Content",
		"type: parse_grok, match: '^%{MONTH:Month} +%{MONTHDAY:Date} %{TIME:Time} "
		"%{SYSLOGHOST:Level} +(?<Component>.*?)(?:\\[%{POSINT:PID}\\])?: +"
		"%{DATA:Content} *\\r?$'");
}

Test(real_logs, openssh_by_grok)
{
	compare("OpenSSH_2k", "Date, Day, Time, Component, Pid, Content",
		"type: parse_grok, match: '^%{MONTH:Date} +%{MONTHDAY:Day} %{TIME:Time} "
		"%{SYSLOGHOST:Component} sshd\\[%{POSINT:Pid}\\]: %{DATA:Content} *\\r?$'");
}

/* Fields that get the values of expressions, over real batches. */
#include "tests/unit/stages/transform_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

TestSuite(set, .fini = transforms_forget);

#define PARSED "transforms:\n  parsed: {type: parse_json, inputs: [in]}\n"
#define SET(fields) PARSED "  s: {type: set, inputs: [parsed], fields: {" fields "}}\n"
#define SHOW(what) "sinks: {out: {type: show, inputs: [s], " what "}}\n"

Test(set, expressions_give_fields_their_values)
{
	transforms_pass(SET("level: '\"error\"', total: a + b, twice: 'name + name', same: o")
			    SHOW("fields: [level, total, twice, same]"),
			"{\"a\": 1, \"b\": 2, \"name\": \"x\\u0041\", \"o\": {\"p\": [1]}}\n"
			"{\"a\": -1, \"b\": 2, \"name\": \"\", \"o\": null}\n");
	transforms_expect("out", "{\"a\": 1, \"b\": 2, \"name\": \"x\\u0041\", \"o\": {\"p\": "
				 "[1]}} | level=\"error\" total=3 "
				 "twice=\"xAxA\" same={\"p\": [1]}\n"
				 "{\"a\": -1, \"b\": 2, \"name\": \"\", \"o\": null} | "
				 "level=\"error\" total=1 twice=\"\" "
				 "same=null\n");
}

Test(set, all_expressions_see_the_record_as_it_was)
{
	transforms_pass(SET("a: b, b: a, c: 'has(d)', d: '1'") SHOW("fields: [a, b, c, d]"),
			"{\"a\":1,\"b\":2}\n{\"a\":3,\"b\":4}\n");
	transforms_expect("out", "{\"a\":1,\"b\":2} | a=digits \"2\" b=digits \"1\" c=false d=1\n"
				 "{\"a\":3,\"b\":4} | a=digits \"4\" b=digits \"3\" c=false d=1\n");
}

Test(set, record_whose_expression_fails_keeps_all_its_fields)
{
	transforms_pass(SET("a: '\"new\"', b: 10 / z") SHOW("fields: [a, b, error]"),
			"{\"a\":1,\"z\":0}\n{\"a\":1,\"z\":5}\n{\"a\":1}\n");
	transforms_expect("out",
			  "{\"a\":1,\"z\":0} | a=digits \"1\" b=- error=\"division by zero\"\n"
			  "{\"a\":1,\"z\":5} | a=\"new\" b=2 error=-\n"
			  "{\"a\":1} | a=digits \"1\" b=- error=\"no such field\"\n");
	cr_expect_eq(counter_get(&transforms_counters("s")->refused), 2);
}

Test(set, failures_may_be_dropped_or_sent_to_a_sink)
{
	transforms_pass(PARSED
			"  s: {type: set, inputs: [parsed], fields: {b: a + 1}, dead_letter: bad}\n"
			"sinks:\n  out: {type: show, inputs: [s], fields: [b]}\n"
			"  bad: {type: show, inputs: [], fields: [b, error]}\n",
			"{\"a\":1}\n{}\n{\"a\":2}\n");
	transforms_expect("out", "{\"a\":1} | b=2\n{\"a\":2} | b=3\n");
	transforms_expect("bad", "{} | b=- error=\"no such field\"\n");
}

Test(set, later_stages_see_what_was_set)
{
	transforms_pass(
	    SET("bad: status >= 500") "  f: {type: filter, inputs: [s], where: bad}\n"
				      "  t: {type: set, inputs: [f], fields: {n: 'string(status) + "
				      "\"!\"'}}\n"
				      "sinks: {out: {type: show, inputs: [t], fields: [n]}}\n",
	    "{\"status\":200}\n{\"status\":500}\n{\"status\":503}\n");
	transforms_expect("out", "{\"status\":500} | n=\"500!\"\n{\"status\":503} | n=\"503!\"\n");
}

Test(set, body_is_the_line)
{
	transforms_pass(SET("body: 'msg + \"/\" + body'") SHOW("fields: [body, msg, error]"),
			"{\"msg\":\"a\"}\n{\"no\":1}\n{\"msg\":7}\n{\"msg\":\"\\n\"}\n");
	transforms_expect(
	    "out",
	    "a/{\"msg\":\"a\"} | body=\"a/{\"msg\":\"a\"}\" msg=\"a\" error=-\n"
	    "{\"no\":1} | body=\"{\"no\":1}\" msg=- error=\"no such field\"\n"
	    "{\"msg\":7} | body=\"{\"msg\":7}\" msg=digits \"7\" error=\"no such overload\"\n"
	    "\n/{\"msg\":\"\\n\"} | body=\"\n/{\"msg\":\"\\n\"}\" msg=escaped \"\\n\" error=-\n");
}

Test(set, body_that_is_no_text_is_a_failure)
{
	transforms_pass(SET("body: msg") SHOW("fields: [error]"),
			"{\"msg\":\"a\\u0041\"}\n{\"msg\":7}\n{\"msg\":\"\"}\n");
	transforms_expect("out",
			  "aA | error=-\n{\"msg\":7} | error=\"`body` is no text\"\n | error=-\n");
}

Test(set, body_can_be_parsed_again)
{
	transforms_pass(
	    SET("body: inner") "  again: {type: parse_json, inputs: [s]}\n"
			       "sinks: {out: {type: show, inputs: [again], fields: [x]}}\n",
	    "{\"inner\":\"{\\\"x\\\":1}\"}\n{\"inner\":\"{\\\"x\\\":2}\"}\n");
	transforms_expect("out", "{\"x\":1} | x=digits \"1\"\n{\"x\":2} | x=digits \"2\"\n");
}

Test(set, lines_that_are_set_stand_in_a_row_for_whoever_writes_them)
{
	transforms_pass(
	    PARSED
	    "  s: {type: set, inputs: [in], fields: {body: 'body + \"!\"'}}\n"
	    "  f: {type: filter, inputs: [s], contains: '2'}\n"
	    "sinks: {out: {type: show, inputs: [f]}, all: {type: show, inputs: [s, parsed]}}\n",
	    "1\n2\n3\n");
	transforms_expect("out", "2! |\n");
	cr_expect_eq(counter_get(&transforms_counters("s")->bytes_out), 6);
}

Test(set, time_is_the_records_own)
{
	transforms_pass(
	    SET("time: timestamp(t)") "  after: {type: filter, inputs: [s], where: 'time < "
				      "timestamp(\"2001-01-01T00:00:00Z\")'}\n"
				      "sinks:\n  out: {type: show, inputs: [s], fields: [time, "
				      "error]}\n"
				      "  old: {type: show, inputs: [after], all: true}\n",
	    "{\"t\":\"2000-01-01T00:00:00Z\"}\n{\"t\":\"soon\"}\n");
	transforms_expect(
	    "out", "{\"t\":\"2000-01-01T00:00:00Z\"} | time=time:946684800.000000000 error=-\n"
		   "{\"t\":\"soon\"} | time=time:1000000000.000000000 error=\"string is not a "
		   "timestamp\"\n");
	transforms_expect("old",
			  "{\"t\":\"2000-01-01T00:00:00Z\"} | {\"t\":\"2000-01-01T00:00:00Z\"} "
			  "+time=time:946684800.000000000 at time:946684800.000000000\n");
}

Test(set, time_that_is_no_timestamp_is_a_failure)
{
	transforms_pass(SET("time: t") SHOW("fields: [error]"), "{\"t\":5}\n");
	transforms_expect("out", "{\"t\":5} | error=\"`time` is no timestamp\"\n");
}

Test(set, what_lies_within_a_field_that_is_set_is_what_is_in_there)
{
	transforms_pass(SET("user: '{\"id\": 7, \"deep\": {\"x\": true}}', gone: '1'")
			    SHOW("fields: [user, user.id, user.name, user.deep.x, gone.y]"),
			"{\"user\":{\"id\":1,\"name\":\"n\"},\"gone\":{\"y\":2}}\n");
	transforms_expect("out",
			  "{\"user\":{\"id\":1,\"name\":\"n\"},\"gone\":{\"y\":2}} | "
			  "user={\"id\":7,\"deep\":{\"x\":true}} user.id=digits \"7\" user.name=- "
			  "user.deep.x=true gone.y=-\n");
}

Test(set, field_around_one_that_is_set_is_as_it_was)
{
	transforms_pass(SET("user.id: '8'") SHOW("fields: [user, user.id]"),
			"{\"user\":{\"id\":1}}\n{}\n");
	transforms_expect(
	    "out", "{\"user\":{\"id\":1}} | user={\"id\":1} user.id=8\n{} | user=- user.id=8\n");
}

Test(set, known_names_may_be_shadowed)
{
	transforms_pass(
	    SET("source: '\"mine\"', offset: 'source'") SHOW("fields: [source, offset]"), "{}\n");
	transforms_expect("out", "{} | source=\"mine\" offset=\"in\"\n");
}

/* Of 4096 records each makes more than a share of the source's buffer. */
Test(set, text_of_many_records_has_room)
{
	const size_t count = 10000;
	char *lines = malloc(count * 8 + 1), *end = lines, *wanted = malloc(count * 160 + 1);
	char *want = wanted;
	for (size_t i = 0; i < count; i++) {
		end += sprintf(end, "%06zu\n", i);
		want += sprintf(want, "%06zu | x=\"%06zu and some more text to fill it, %06zu\"\n",
				i, i, i);
	}
	transforms_pass(
	    "transforms:\n  s: {type: set, inputs: [in], fields: {x: 'body + \" and some more "
	    "text to fill it, \" + body'}}\n" SHOW("fields: [x]"),
	    lines);
	transforms_expect("out", wanted);
	cr_expect_eq(counter_get(&transforms_counters("s")->refused), 0);
	free(lines);
	free(wanted);
}

Test(set, more_than_there_is_room_for_is_a_failure_and_no_more)
{
	char line[65536 - 1];
	memset(line, 'x', sizeof line);
	line[sizeof line - 1] = '\n';
	transforms_run("transforms:\n"
		       "  a: {type: set, inputs: [in], fields: {x: 'body + body + body + body'}}\n"
		       "  s: {type: set, inputs: [a], fields: {y: 'x + x + x + x + x + x + x + x + "
		       "x', body: 'x + x + x + "
		       "x + x'}}\n" SHOW("fields: [error]"),
		       line, sizeof line);
	cr_expect_eq(counter_get(&transforms_counters("a")->refused), 0);
	cr_expect_eq(counter_get(&transforms_counters("s")->refused), 1);
}

/* One stage after the other, each of which makes text. */
static void write_chain(char yaml[static 8192], int length)
{
	char *end = yaml + sprintf(yaml, "memory: 2GiB\ntransforms:\n");
	for (int i = 0; i < length; i++) {
		char input[8] = "in";
		if (i > 0)
			sprintf(input, "s%d", i - 1);
		end +=
		    sprintf(end, "  s%d: {type: set, inputs: [%s], fields: {x: 'body + \"!\"'}}\n",
			    i, input);
	}
	sprintf(end, "sinks: {out: {type: show, inputs: [s%d], fields: [x]}}\n", length - 1);
}

Test(set, as_many_as_a_batch_has_buffers_for_make_text)
{
	char yaml[8192];
	write_chain(yaml, BATCH_HELD_MAX);
	transforms_pass(yaml, "a\nb\n");
	transforms_expect("out", "a | x=\"a!\"\nb | x=\"b!\"\n");
}

Test(set, more_than_a_batch_has_buffers_for_are_refused)
{
	char yaml[8192], expected[256];
	write_chain(yaml, BATCH_HELD_MAX + 1);
	sprintf(expected,
		"t.yaml:%d:3: more than %d stages make text of a record, one after the other, up "
		"to this "
		"one; do more in fewer\n",
		BATCH_HELD_MAX + 3, BATCH_HELD_MAX);
	transforms_refuse(yaml, expected);
}

Test(set, mistakes_are_told_at_load_with_their_columns)
{
	transforms_refuse(
	    "transforms:\n  s:\n    type: set\n    inputs: [in]\n    fields:\n"
	    "      a: 1 +\n      .b: 1\n      user: 1\n      user.id: 1\n      time: '\"now\"'\n   "
	    "   body: 5\n"
	    "      c: x == 1 &&& y\n" SHOW("all: true"),
	    "t.yaml:6:13: `a`: expected a value, a name or `(`, not the end of the expression\n"
	    "t.yaml:7:7: `.b` can't name a field: it has an empty part; a path is names with one "
	    "dot between "
	    "them\n"
	    "t.yaml:9:7: `user.id` and `user` stand side by side, and one is within the other; a "
	    "stage can do one "
	    "of them, another stage the other\n"
	    "t.yaml:10:13: `time` has to be a timestamp; `timestamp(...)` makes one of a text\n"
	    "t.yaml:11:13: `body` has to be a text; `string(...)` makes one of anything\n"
	    "t.yaml:12:19: `c`: `&` is no operator: did you mean `&&`?\n");
	transforms_refuse(
	    "transforms: {s: {type: set, inputs: [in]}}\n" SHOW("all: true"),
	    "t.yaml:1:14: the required option `fields` is missing; write `fields:` and a map like "
	    "{name: text}\n");
}

Test(set, more_fields_than_a_batch_has_are_refused)
{
	char *yaml = malloc(1 << 20), *end = yaml;
	end += sprintf(end, "transforms:\n  s:\n    type: set\n    inputs: [in]\n    fields:\n");
	for (int i = 0; i < 10000; i++)
		end += sprintf(end, "      f%d: '1'\n", i);
	strcpy(end, SHOW("all: true"));
	transforms_refuse(
	    yaml, "t.yaml:2:3: more than 256 fields are spoken of, up to this stage; a batch has "
		  "no more\n");
	free(yaml);
}

/* What is set takes room for what is made, and little where nothing is. */
Test(set, sets_of_literals_and_numbers_fit_into_a_small_budget)
{
	char yaml[8192] = "memory: 64MiB\ntransforms:\n", *end = yaml + strlen(yaml);
	for (int i = 0; i < 20; i++)
		end += sprintf(end,
			       "  s%d: {type: set, inputs: [%s%d], fields: {a: '\"text\"', b: "
			       "'size(body) > 1', "
			       "c: body, d: size(body)}}\n",
			       i + 1, "s", i);
	strcpy(end, "sinks: {out: {type: show, inputs: [s20], fields: [a, b]}}\n"
		    "sources: {s0: {type: lines, capacity: 1MiB}}\n");
	transforms_pass(yaml, "a\n");
	transforms_expect("out", "a | a=\"text\" b=false\n");
}

Test(set, what_is_known_of_a_record_is_no_field_of_it_for_having_been_read)
{
	transforms_pass(PARSED "  f: {type: filter, inputs: [parsed], where: 'body != source && "
			       "time > timestamp(0)'}\n"
			       "  s: {type: set, inputs: [f], fields: {body: 'string(b)', source: "
			       "b, time: 'timestamp(b)'}}\n" SHOW("all: true"),
			"{\"a\":1}\n");
	transforms_expect("out",
			  "{\"a\":1} | +error=\"no such field\" {\"a\":1} -body -source -time\n");
}

#include "stages/builtin.h"
#include "tests/unit/stages/transform_trial.h"

#include <criterion/criterion.h>
#include <string.h>

Test(parse_csv, fields_are_called_by_their_order)
{
	struct transform_trial t = {.batch = NULL};
	transform_begin(&t, &parse_csv_type, "names: [id, name, note]", "id note");
	transform_feed_text(&t, "1,x,\"a \"\"b\"\", c\"\r\n2,,\n");
	cr_assert_eq(transform_count(&t), 2);
	cr_expect_str_eq(transform_get(&t, 0, "id"), "1");
	cr_expect_str_eq(transform_get(&t, 0, "note"), "a \"b\", c");
	cr_expect_str_eq(transform_get(&t, 0, "name"), "-", "nobody wants it");
	cr_expect_str_eq(transform_get(&t, 1, "id"), "2");
	cr_expect_str_eq(transform_get(&t, 1, "note"), "");
	transform_end(&t);
}

Test(parse_csv, strictly_a_record_has_as_many_fields_as_there_are_names)
{
	struct transform_trial t = {.batch = NULL};
	transform_begin(&t, &parse_csv_type, "names: [a, b]", "a b error");
	transform_feed_text(&t, "1\n1,2\n1,2,3\n1,x\"y\n\n");
	cr_expect_str_eq(transform_get(&t, 0, "error"), "fewer fields than names");
	cr_expect_str_eq(transform_get(&t, 0, "a"), "-");
	cr_expect_str_eq(transform_get(&t, 1, "error"), "-");
	cr_expect_str_eq(transform_get(&t, 1, "b"), "2");
	cr_expect_str_eq(transform_get(&t, 2, "error"), "more fields than names");
	cr_expect_str_eq(transform_get(&t, 3, "error"), "quote within a field");
	cr_expect_str_eq(transform_get(&t, 4, "error"), "fewer fields than names");
	transform_end(&t);
}

Test(parse_csv, leniently_it_may_have_more_or_fewer)
{
	struct transform_trial t = {.batch = NULL};
	transform_begin(&t, &parse_csv_type, "{names: [a, b], delimiter: ';', strict: false}",
			"a b error");
	transform_feed_text(&t, "1\n1;2;3\n1;x\"y\n\"1;2\n");
	cr_expect_str_eq(transform_get(&t, 0, "a"), "1");
	cr_expect_str_eq(transform_get(&t, 0, "b"), "-");
	cr_expect_str_eq(transform_get(&t, 1, "b"), "2");
	cr_expect_str_eq(transform_get(&t, 2, "b"), "x\"y");
	cr_expect_str_eq(transform_get(&t, 3, "error"), "quote without an end");
	transform_end(&t);
}

Test(parse_csv, an_encoder_gets_every_name)
{
	struct transform_trial t = {.batch = NULL};
	transform_begin(&t, &parse_csv_type, "{names: [a, b], prefix: x_}", "*");
	transform_feed_text(&t, "1,2\n");
	cr_expect_str_eq(transform_get(&t, 0, "x_a"), "1");
	cr_expect_str_eq(transform_get(&t, 0, "x_b"), "2");
	transform_end(&t);
}

/* A file of its own, from its beginning. */
static void begin_file(struct transform_trial *t, struct file_origin *origin)
{
	t->origin = origin;
	t->has_place = true;
	t->place = 0;
}

Test(parse_csv, the_first_record_of_each_file_names_its_fields)
{
	struct transform_trial t = {.batch = NULL};
	struct file_origin *a = file_origin_new("a.csv", NULL, 1, 1),
			   *b = file_origin_new("b.csv", NULL, 1, 2);
	transform_begin(&t, &parse_csv_type, "header: true", "id note error");
	begin_file(&t, a);
	transform_feed_text(&t, "id,note\n1,x\n");
	cr_assert_eq(transform_count(&t), 1);
	cr_expect_str_eq(transform_get(&t, 0, "body"), "1,x");
	cr_expect_str_eq(transform_get(&t, 0, "id"), "1");
	uint64_t behind = t.place;
	begin_file(&t, b);
	transform_feed_text(&t, "note,\"id\"\n2,y\n");
	cr_expect_str_eq(transform_get(&t, 0, "id"), "y");
	t.origin = a;
	t.place = behind;
	transform_feed_text(&t, "3,z\n4\n5,6,7\n");
	cr_expect_str_eq(transform_get(&t, 0, "id"), "3");
	cr_expect_str_eq(transform_get(&t, 1, "error"), "fewer fields than names");
	cr_expect_str_eq(transform_get(&t, 2, "error"), "more fields than names");
	begin_file(&t, a); /* it was written anew */
	transform_feed_text(&t, "at,id\n5,6\n");
	cr_expect_str_eq(transform_get(&t, 0, "id"), "6");
	transform_end(&t);
	file_origin_let_go(a);
	file_origin_let_go(b);
}

Test(parse_csv, without_its_header_a_file_has_no_fields)
{
	struct transform_trial t = {.batch = NULL};
	transform_begin(&t, &parse_csv_type, "header: true", "id error");
	t.has_place = true;
	t.place = 100;
	transform_feed_text(&t, "id\n1\n");
	cr_expect_str_eq(transform_get(&t, 0, "error"), "no header of its file is known");
	t.has_place = false;
	transform_feed_text(&t, "id\n");
	cr_expect_str_eq(transform_get(&t, 0, "error"), "no header of its file is known",
			 "where it stands is not known");
	transform_end(&t);
}

Test(parse_csv, a_header_of_no_use_is_refused_with_all_behind_it)
{
	struct transform_trial t = {.batch = NULL};
	transform_begin(&t, &parse_csv_type, "header: true", "id error");
	begin_file(&t, NULL);
	transform_feed_text(&t, "id,id\n1,2\n");
	cr_assert_eq(transform_count(&t), 2);
	cr_expect_str_eq(transform_get(&t, 0, "error"), "the header of its file has a name twice");
	cr_expect_str_eq(transform_get(&t, 1, "error"), "the header of its file has a name twice");
	cr_expect_str_eq(transform_get(&t, 1, "id"), "-");
	transform_end(&t);
}

Test(parse_csv, leniently_a_header_may_lack_names_and_have_some_twice)
{
	struct transform_trial t = {.batch = NULL};
	transform_begin(&t, &parse_csv_type, "{header: true, strict: false}", "* id error");
	begin_file(&t, NULL);
	transform_feed_text(&t, "id,,id,x\n1,2,\"a \"\"b\"\"\"\n1,2,3,4,5\n");
	cr_expect_str_eq(transform_get(&t, 0, "id"), "a \"b\"");
	cr_expect_str_eq(transform_get(&t, 0, "object"), "{\"id\":\"1\",\"id\":\"a \\\"b\\\"\"}");
	cr_expect_str_eq(transform_get(&t, 1, "object"), "{\"id\":\"1\",\"id\":\"3\",\"x\":\"4\"}");
	cr_expect_str_eq(transform_get(&t, 1, "error"), "-");
	transform_end(&t);
}

Test(parse_csv, with_names_the_header_is_only_left_out)
{
	struct transform_trial t = {.batch = NULL};
	transform_begin(&t, &parse_csv_type, "{names: [a, b], header: true}", "a b error");
	begin_file(&t, NULL);
	transform_feed_text(&t, "x,x\n1,2\n");
	cr_assert_eq(transform_count(&t), 1);
	cr_expect_str_eq(transform_get(&t, 0, "b"), "2");
	transform_feed_text(&t, "x,x\n");
	cr_expect_str_eq(transform_get(&t, 0, "a"), "x");
	t.place = 1000; /* in the middle of a file */
	transform_feed_text(&t, "3,4\n");
	cr_expect_str_eq(transform_get(&t, 0, "a"), "3");
	transform_end(&t);
}

Test(parse_csv, headers_are_remembered)
{
	struct transform_trial before = {.batch = NULL}, after = {.batch = NULL};
	struct delta d = {.count = 0};
	transform_begin(&before, &parse_csv_type, "header: true", "id");
	begin_file(&before, NULL);
	transform_feed_text(&before, "id,x\n");
	cr_expect_eq(transform_count(&before), 0);
	cr_assert_eq(parse_csv_type.snapshot(&before.stage, &d), 0);
	after.saved = &d;
	/* other fields are wanted then */
	transform_begin(&after, &parse_csv_type, "{header: true, prefix: c_}", "c_x");
	after.has_place = true;
	after.place = before.place;
	transform_feed_text(&after, "1,2\n");
	cr_expect_str_eq(transform_get(&after, 0, "c_x"), "2");
	transform_end(&before);
	transform_end(&after);
	delta_release(&d);
}

/* A header of 10,000 names, and records of as many fields. */
Test(parse_csv, there_may_be_ten_thousand_names)
{
	enum { NAMES = 10000 };
	struct transform_trial t = {.batch = NULL};
	static char lines[NAMES * 14];
	size_t length = 0;
	for (int i = 0; i < NAMES; i++)
		length += (size_t)sprintf(lines + length, "%sn%d", i ? "," : "", i);
	lines[length++] = '\n';
	for (int i = 0; i < NAMES; i++)
		length += (size_t)sprintf(lines + length, "%s%d", i ? "," : "", i);
	lines[length++] = '\n';
	transform_widen(&t, 1 << 18);
	transform_begin(&t, &parse_csv_type, "header: true", "n9999 n0 error");
	begin_file(&t, NULL);
	transform_feed(&t, lines, length);
	cr_expect_str_eq(transform_get(&t, 0, "n9999"), "9999");
	cr_expect_str_eq(transform_get(&t, 0, "n0"), "0");
	transform_end(&t);
}

Test(parse_csv, options_that_cannot_be_meant_are_problems)
{
	static const struct {
		const char *yaml, *text;
	} cases[] = {
	    {"names: [a, b, a]", "two fields are called the same"},
	    {"{names: [a], delimiter: '\"'}", "`delimiter` is a quote, a line's end or NUL, which "
					      "cannot separate fields"},
	    {"{names: [a], delimiter: \"\\r\"}",
	     "`delimiter` is a quote, a line's end or NUL, which "
	     "cannot separate fields"},
	    {"{names: [a], delimiter: \"\\0\"}",
	     "`delimiter` is a quote, a line's end or NUL, which "
	     "cannot separate fields"},
	};
	const char *text;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		cr_expect_eq(transform_problems(&parse_csv_type, cases[i].yaml, &text), 1);
		cr_expect_str_eq(text, cases[i].text);
	}
	cr_expect_eq(transform_problems(&parse_csv_type, "", &text), 1);
	cr_expect_str_eq(text,
			 "parse_csv needs `names`, what fields are called, or `header: true`");
	cr_expect_eq(transform_problems(&parse_csv_type, "header: true", &text), 0);
	cr_expect_gt(transform_problems(&parse_csv_type, "{names: [a], delimiter: ab}", &text), 0);
	cr_expect_eq(transform_problems(&parse_csv_type, "{names: [a], delimiter: \"\\t\"}", &text),
		     0);
}

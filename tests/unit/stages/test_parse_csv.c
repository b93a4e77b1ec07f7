#include "stages/builtin.h"
#include "tests/unit/stages/transform_trial.h"

#include <criterion/criterion.h>
#include <string.h>

Test(parse_csv, fields_are_called_by_their_order)
{
	struct transform_trial t = {.edge_index = 0};
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
	struct transform_trial t = {.edge_index = 0};
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
	struct transform_trial t = {.edge_index = 0};
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
	struct transform_trial t = {.edge_index = 0};
	transform_begin(&t, &parse_csv_type, "{names: [a, b], prefix: x_}", "*");
	transform_feed_text(&t, "1,2\n");
	cr_expect_str_eq(transform_get(&t, 0, "x_a"), "1");
	cr_expect_str_eq(transform_get(&t, 0, "x_b"), "2");
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
	cr_expect_gt(transform_problems(&parse_csv_type, "", &text), 0);
	cr_expect_gt(transform_problems(&parse_csv_type, "{names: [a], delimiter: ab}", &text), 0);
	cr_expect_eq(transform_problems(&parse_csv_type, "{names: [a], delimiter: \"\\t\"}", &text),
		     0);
}

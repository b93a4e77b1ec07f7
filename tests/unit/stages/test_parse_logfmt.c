#include "stages/builtin.h"
#include "tests/unit/stages/transform_trial.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

Test(parse_logfmt, wanted_keys_become_fields)
{
	struct transform_trial t = {.batch = NULL};
	transform_begin(&t, &parse_logfmt_type, "", "level msg a.b cached nothing");
	transform_feed_text(
	    &t, "level=info msg=\"two \\\"w\\\"\" a.b=1 cached other=2\nlevel=warn level=error\n");
	cr_assert_eq(transform_count(&t), 2);
	cr_expect_str_eq(transform_get(&t, 0, "level"), "info");
	cr_expect_str_eq(transform_get(&t, 0, "msg"), "two \"w\"");
	cr_expect_str_eq(transform_get(&t, 0, "a.b"), "1");
	cr_expect_str_eq(transform_get(&t, 0, "cached"), "true");
	cr_expect_str_eq(transform_get(&t, 0, "nothing"), "-");
	cr_expect_str_eq(transform_get(&t, 1, "level"), "error");
	cr_expect_str_eq(transform_get(&t, 1, "msg"), "-");
	transform_end(&t);
}

Test(parse_logfmt, an_encoder_gets_all_pairs_as_json)
{
	static const struct {
		const char *text, *object;
	} cases[] = {
	    {"", "{}"},
	    {"a=1 b=\"x y\" c d=", "{\"a\":\"1\",\"b\":\"x y\",\"c\":true,\"d\":\"\"}"},
	    {"a=\"\\u00e9\\n\\\"\\\\\" b=2", "{\"a\":\"\xc3\xa9\\n\\\"\\\\\",\"b\":\"2\"}"},
	    {"a=\"\x01\\t\"", "{\"a\":\"\\u0001\\t\"}"},
	    {"a=\xff\xc3\xa9 \xfe=1", "{\"a\":\"\xef\xbf\xbd\xc3\xa9\",\"\xef\xbf\xbd\":\"1\"}"},
	    {"a=\"\xff\\n\"", "{\"a\":\"\xef\xbf\xbd\\n\"}"},
	    {"k\\=v a=1 a=2", "{\"k\\\\\":\"v\",\"a\":\"1\",\"a\":\"2\"}"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct transform_trial t = {.batch = NULL};
		char line[256];
		transform_begin(&t, &parse_logfmt_type, "", "* a");
		snprintf(line, sizeof line, "%s\n", cases[i].text);
		transform_feed_text(&t, line);
		cr_expect_str_eq(transform_get(&t, 0, "object"), cases[i].object);
		transform_end(&t);
	}
}

Test(parse_logfmt, a_refused_record_has_an_error_and_no_fields)
{
	struct transform_trial t = {.batch = NULL};
	transform_begin(&t, &parse_logfmt_type, "", "* a error");
	transform_feed_text(&t, "a=1 b=\"\na=2\n");
	cr_expect_str_eq(transform_get(&t, 0, "a"), "-");
	cr_expect_str_eq(transform_get(&t, 0, "object"), "-");
	cr_expect_str_eq(transform_get(&t, 0, "error"), "quote without an end");
	cr_expect_str_eq(transform_get(&t, 1, "a"), "2");
	cr_expect_str_eq(transform_get(&t, 1, "error"), "-");
	cr_expect_eq(counter_get(&t.counters.refused), 1);
	transform_end(&t);
}

Test(parse_logfmt, names_get_the_prefix)
{
	struct transform_trial t = {.batch = NULL};
	transform_begin(&t, &parse_logfmt_type, "prefix: log.", "log.a a");
	transform_feed_text(&t, "a=1\n");
	cr_expect_str_eq(transform_get(&t, 0, "log.a"), "1");
	cr_expect_str_eq(transform_get(&t, 0, "a"), "-");
	transform_end(&t);
}

Test(parse_logfmt, ten_thousand_pairs_are_one_object)
{
	enum { PAIRS = 10000 };
	struct transform_trial t = {.batch = NULL};
	char *line = malloc(PAIRS * 4);
	cr_assert(line);
	for (size_t i = 0; i < PAIRS; i++)
		memcpy(line + 4 * i, "k=v ", 4);
	line[4 * PAIRS - 1] = '\n';
	transform_begin(&t, &parse_logfmt_type, "", "* k");
	transform_feed(&t, line, 4 * PAIRS);
	cr_expect_eq(strlen(transform_get(&t, 0, "object")), PAIRS * 8 + 1);
	cr_expect_str_eq(transform_get(&t, 0, "k"), "v");
	transform_end(&t);
	free(line);
}

Test(parse_logfmt, an_object_that_has_no_room_is_an_ordinary_failure)
{
	enum { BYTES = 1024 };
	struct transform_trial t = {.batch = NULL};
	char line[BYTES + 16];
	memcpy(line, "a=\"", 3);
	memset(line + 3, 1, BYTES - 5);
	memcpy(line + BYTES - 2, "\"\nb=1\n", 6);
	transform_widen(&t, BYTES + 16);
	transform_begin(&t, &parse_logfmt_type, "", "* error");
	transform_feed(&t, line, BYTES + 4);
	cr_expect_str_eq(transform_get(&t, 0, "error"), "out of room");
	cr_expect_str_eq(transform_get(&t, 1, "object"), "{\"b\":\"1\"}");
	transform_end(&t);
}

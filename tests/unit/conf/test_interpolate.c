#include "tests/unit/conf/load_fixture.h"

#include "conf/interpolate.h"

static void begin(void)
{
	fixture_begin();
	setenv("WORD", "hello", 1);
	setenv("EMPTY", "", 1);
	setenv("NUMBER", "7", 1);
	unsetenv("UNSET");
}

TestSuite(interpolate, .init = begin, .fini = fixture_end);

/* The value of `name:` once it is filled in. */
static void expect_name(const char *typed, const char *expected)
{
	char yaml[512];

	snprintf(yaml, sizeof(yaml), "name: %s\n" SOURCE SINK, typed);
	load_good(yaml);
	expect_text(&loaded.name, expected);
}

/* What is wrong with `name:` in line 1. */
static void expect_refusal(const char *typed, unsigned column, const char *expected)
{
	char yaml[512], problem[512];

	snprintf(yaml, sizeof(yaml), "name: %s\n" SOURCE SINK, typed);
	snprintf(problem, sizeof(problem), "t.yaml:1:%u: %s\n", column, expected);
	load_bad(yaml, problem);
}

Test(interpolate, variables_stand_anywhere_in_a_value)
{
	expect_name("${WORD}", "hello");
	expect_name("a${WORD}b${NUMBER}", "ahellob7");
	expect_name("'${WORD}'", "hello");
	expect_name("\"\\x24{WORD}\"", "hello");
	expect_name("|\n  ${WORD}\n  x", "hello\nx\n");
	expect_name("x${EMPTY}", "x");
}

Test(interpolate, quotes_make_no_text_of_what_is_filled_in)
{
	load_good("memory: \"${UNSET:-5}MiB\"\nsources: {in: {type: tail, paths: [a]}}\n"
		  "transforms: {t: {type: sieve, inputs: [in], contains: [\"${NUMBER}\"], "
		  "invert: '${UNSET:-true}', queue: {capacity: \"${NUMBER}\"}}}\n"
		  "sinks: {out: {type: hole, inputs: [t]}}\n");
	const struct sieve_options *o = stage_called("t")->options;
	cr_expect_eq(loaded.memory, 5 << 20);
	cr_expect_eq(stage_called("t")->queue_capacity, 7);
	cr_expect(o->invert);
	expect_text(&o->contains.items[0], "7");
}

Test(interpolate, quoted_number_with_no_variable_in_it_is_a_text)
{
	load_bad(SOURCE "sinks: {out: {type: hole, inputs: [in], queue: {capacity: '6'}}}\n",
		 "t.yaml:5:59: `capacity` is the text `6`; take the quotes off\n");
}

Test(interpolate, defaults_stand_in_for_unset_and_empty)
{
	expect_name("${UNSET:-abc}", "abc");
	expect_name("${EMPTY:-abc}", "abc");
	expect_name("${WORD:-abc}", "hello");
	expect_name("x${UNSET:-}", "x");
	expect_name("${UNSET:-${WORD}!}", "hello!");
	expect_name("${WORD:-${UNSET}}${NUMBER}", "hello7");
	expect_name("${UNSET:-a:-b}", "a:-b");
}

Test(interpolate, required_variables_that_are_set_are_filled_in)
{
	expect_name("${WORD:?needed}${NUMBER}", "hello7");
	expect_refusal("x ${UNSET:?set it to a name}", 9,
		       "the variable `UNSET` is not set: set it to a name");
	expect_refusal("${EMPTY:?by ${WORD}}", 7, "the variable `EMPTY` is not set: by hello");
}

Test(interpolate, dollars_that_are_just_that)
{
	expect_name("a$$b", "a$b");
	expect_name("$${WORD}", "${WORD}");
	expect_name("'^a$'", "^a$");
	expect_name("$WORD", "$WORD");
	expect_name("$$$$", "$$");
	expect_name("x}${UNSET:-a$$}}", "x}a$}");
}

Test(interpolate, unset_variable_is_told_with_its_column)
{
	expect_refusal("${UNSET}", 7,
		       "the variable `UNSET` is not set; set it or write `${UNSET:-default}`");
	expect_refusal("ab ${UNSET}", 10,
		       "the variable `UNSET` is not set; set it or write `${UNSET:-default}`");
	expect_refusal("$$ ${WORD} ${UNSET}", 18,
		       "the variable `UNSET` is not set; set it or write `${UNSET:-default}`");
	expect_refusal("${EMPTY:-${UNSET}}", 16,
		       "the variable `UNSET` is not set; set it or write `${UNSET:-default}`");
	expect_refusal("${WORD:-${UNSET}} ${UNSET}", 25,
		       "the variable `UNSET` is not set; set it or write `${UNSET:-default}`");
}

Test(interpolate, column_is_exact_in_quoted_and_escaped_text)
{
	expect_refusal("'it''s ${UNSET}'", 14,
		       "the variable `UNSET` is not set; set it or write `${UNSET:-default}`");
	expect_refusal("\"\\t\\\\ \\x24 \\u0024{UNSET}\"", 18,
		       "the variable `UNSET` is not set; set it or write `${UNSET:-default}`");
	expect_refusal("\"\xc3\xa9\xf0\x9f\x98\x80 ${UNSET}\"", 11,
		       "the variable `UNSET` is not set; set it or write `${UNSET:-default}`");
	expect_refusal("\"\\\\x24 ${UNSET}\"", 14,
		       "the variable `UNSET` is not set; set it or write `${UNSET:-default}`");
}

Test(interpolate, line_is_exact_in_texts_of_several_lines)
{
	load_bad(
	    "name: | # a $ of no account\n  first $5\n  second ${UNSET}\n" SOURCE SINK,
	    "t.yaml:3:10: the variable `UNSET` is not set; set it or write `${UNSET:-default}`\n");
	load_bad(
	    "name: \"first $$\n\n   \\\n   ${UNSET}\"\n" SOURCE SINK,
	    "t.yaml:4:4: the variable `UNSET` is not set; set it or write `${UNSET:-default}`\n");
	load_bad(
	    "name: a $\r\n  b ${UNSET}\r\n" SOURCE SINK,
	    "t.yaml:2:5: the variable `UNSET` is not set; set it or write `${UNSET:-default}`\n");
}

Test(interpolate, column_is_exact_behind_anchors_and_tags)
{
	expect_refusal("&ab !!str ${UNSET}", 17,
		       "the variable `UNSET` is not set; set it or write `${UNSET:-default}`");
	load_bad(
	    "name: &ab # $\n  x${UNSET}\n" SOURCE SINK,
	    "t.yaml:2:4: the variable `UNSET` is not set; set it or write `${UNSET:-default}`\n");
}

Test(interpolate, malformed_references_are_told)
{
	expect_refusal("x${WORD", 8,
		       "no `}` ends this `${`; write `$$` for a `$` that is just that");
	expect_refusal("x${WORD:-y", 8,
		       "no `}` ends this `${`; write `$$` for a `$` that is just that");
	expect_refusal("x${}", 8,
		       "`${` without a variable's name; write `$$` for a `$` that is just that");
	expect_refusal("'${1A}'", 8,
		       "`${` without a variable's name; write `$$` for a `$` that is just that");
	expect_refusal("${WORD-x}", 7, "`${WORD` goes on with neither `}` nor `:-` nor `:?`");
	expect_refusal("${UNSET:-${UNSET:-${UNSET:-${UNSET:-${UNSET:-${UNSET:-${UNSET:-${UNSET:-${"
		       "UNSET:-x}}}}}}}}}",
		       79, "`${` nested more than 8 deep");
}

Test(interpolate, what_comes_in_never_becomes_structure)
{
	setenv("EVIL", "x\nsinks: {more: {type: hole}}\n# [a, b] *in", 1);
	load_good("name: ${EVIL}\n" SOURCE SINK);
	expect_text(&loaded.name, "x\nsinks: {more: {type: hole}}\n# [a, b] *in");
	setenv("EVIL", "[in, in]", 1);
	load_bad(SOURCE "sinks:\n  out:\n    type: hole\n    inputs: ${EVIL}\n",
		 "t.yaml:2:3: nobody reads the source `in`; name it in some `inputs` or remove it\n"
		 "t.yaml:8:13: unknown input `[in, in]`; name a source or a transform\n");
	setenv("EVIL", "a: b", 1);
	load_bad(SOURCE SINK "log: ${EVIL}\n",
		 "t.yaml:9:6: `log` is `a: b`; write `debug`, `info`, `warn` or `error`\n");
}

Test(interpolate, value_is_not_filled_in_twice)
{
	setenv("OUTER", "${WORD}", 1);
	expect_name("${OUTER}", "${WORD}");
}

Test(interpolate, keys_are_left_alone)
{
	load_bad(SOURCE SINK "${WORD}: x\n",
		 "t.yaml:9:1: unknown key `${WORD}`; there is `name`, `memory`, "
		 "`state_dir`, `epoch`, `supervision`, `shutdown_timeout`, `log`, `sources`, "
		 "`transforms`, `sinks` or "
		 "`tests`\n");
}

Test(interpolate, numbers_may_come_from_variables)
{
	setenv("SIZE", "5MiB", 1);
	load_good("memory: ${SIZE}\n" SOURCE SINK "    queue: ${NUMBER}\n");
	cr_expect_eq(loaded.memory, 5 << 20);
	cr_expect_eq(stage_called("out")->queue_capacity, 7);
}

Test(interpolate, empty_result_is_an_empty_text)
{
	load_bad(SOURCE SINK "name: ${EMPTY}\n",
		 "t.yaml:9:7: `name` is 0 bytes long; at least 1\n");
}

Test(interpolate, secret_loses_one_newline_and_is_marked)
{
	write_text("pw", "hunter2\n\n");
	load_good("sources:\n  in:\n    type: tail\n    paths: [a, \"x${file:pw}\"]\n" SINK);
	const struct tail_options *o = stage_called("in")->options;
	expect_text(&o->paths.items[1], "xhunter2\n");
	cr_expect(o->paths.items[1].secret);
	cr_expect_not(o->paths.items[0].secret);
}

Test(interpolate, secret_in_a_default_is_marked_only_when_it_is_used)
{
	write_text("pw", "hunter2");
	load_good("name: ${UNSET:-${file:pw}}\n" SOURCE SINK);
	expect_text(&loaded.name, "hunter2");
	cr_expect(loaded.name.secret);
	load_good("name: ${WORD:-${file:missing}}\n" SOURCE SINK);
	expect_text(&loaded.name, "hello");
	cr_expect_not(loaded.name.secret);
}

Test(interpolate, messages_never_show_a_secret)
{
	write_text("pw", "hunter2");
	load_bad("name: ${UNSET:?${file:pw}}\nmemory: ${file:pw}\nlog: ${file:pw}\nsources:\n  in: "
		 "{type: '${file:pw}'}\n"
		 "sinks:\n  out: {type: hole, inputs: ['${file:pw}', '${file:pw}*'], ordered: "
		 "'${file:pw}'}\n",
		 "t.yaml:1:7: the variable `UNSET` is not set: ***\n"
		 "t.yaml:2:9: `memory` is `***`; write a size like 64KiB, 1MiB or 10MB\n"
		 "t.yaml:3:6: `log` is `***`; write `debug`, `info`, `warn` or `error`\n"
		 "t.yaml:5:3: nobody reads the source `in`; name it in some `inputs` or remove it\n"
		 "t.yaml:5:14: unknown source type `***`; `sluice list` names those in this build\n"
		 "t.yaml:7:30: unknown input `***`; name a source or a transform\n"
		 "t.yaml:7:44: `***` matches no source or transform\n"
		 "t.yaml:7:69: `ordered` is `***`; write true or false\n");
}

Test(interpolate, secret_path_may_hold_a_variable)
{
	cr_assert_eq(mkdir("hello", 0700), 0);
	write_text("hello/pw", "s3");
	expect_name("${file:${WORD}/pw}", "s3");
}

Test(interpolate, secrets_that_cannot_be_read_are_told)
{
	char *big = calloc(1, SECRET_BYTES_MAX + 1);

	expect_refusal("a ${file:missing}", 9,
		       "can't read the secret `missing`: No such file or directory");
	expect_refusal("${file:.}", 7, "can't read the secret `.`: Is a directory");
	expect_refusal("${file:}", 7,
		       "`${file:}` without a path; write `${file:/run/secrets/name}`");
	expect_refusal("\"${file:a\\0b}\"", 8,
		       "`${file:}` without a path; write `${file:/run/secrets/name}`");
	expect_refusal("${file:pw", 7,
		       "no `}` ends this `${`; write `$$` for a `$` that is just that");
	write_bytes("big", big, SECRET_BYTES_MAX + 1);
	expect_refusal("${file:big}", 7, "the secret `big` has more than 65536 bytes");
	expect_refusal("${file:/dev/zero}", 7, "the secret `/dev/zero` has more than 65536 bytes");
	write_bytes("big", big, SECRET_BYTES_MAX);
	expect_refusal("${file:big}", 7, "`name` is 65536 bytes long; at most 255");
	free(big);
}

Test(interpolate, result_is_bounded)
{
	char *big = malloc(100001), yaml[256] = "";

	memset(big, 'x', 100000);
	big[100000] = 0;
	setenv("BIG", big, 1);
	for (int i = 0; i < 11; i++)
		strcat(yaml, "${BIG}");
	expect_refusal(yaml, 7 + 10 * 6, "the value comes to more than 1048576 bytes");
	free(big);
}

Test(interpolate, one_problem_for_a_value_and_none_about_what_it_would_have_been)
{
	load_bad(
	    "memory: ${UNSET}${UNSET}\nlog: ${UNSET}\n" SOURCE "  b: ${UNSET}\n" SINK,
	    "t.yaml:1:9: the variable `UNSET` is not set; set it or write `${UNSET:-default}`\n"
	    "t.yaml:2:6: the variable `UNSET` is not set; set it or write `${UNSET:-default}`\n"
	    "t.yaml:7:3: nobody reads the source `b`; name it in some `inputs` or remove it\n"
	    "t.yaml:7:6: the variable `UNSET` is not set; set it or write `${UNSET:-default}`\n");
}

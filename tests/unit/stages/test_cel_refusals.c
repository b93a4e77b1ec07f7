#include "tests/unit/stages/cel_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

Test(cel_refusals, the_grammar_is_held)
{
	static const struct cel_refusal cases[] = {
	    {"", 0, "expected a value, a name or `(`, not the end of the expression"},
	    {"1 +", 3, "expected a value, a name or `(`, not the end of the expression"},
	    {"1 2", 2, "expected an operator, not `2`"},
	    {"(1", 2, "expected `)`, not the end of the expression"},
	    {"[1 2]", 3, "expected `,` or `]`, not `2`"},
	    {"size(1", 6, "expected `,` or `)`, not the end of the expression"},
	    {"size(path,)", 10, "expected an argument, not `)`"},
	    {"{'a' 1}", 5, "expected `:`, not `1`"},
	    {"{'a': 1", 7, "expected `,` or `}`, not the end of the expression"},
	    {"t ? 1", 5, "expected `:`, not the end of the expression"},
	    {"t ? t ? 1 : 2 : 3", 6, "expected `:`, not `?`"},
	    {"list[0", 6, "expected `]`, not the end of the expression"},
	    {"map.1", 3, "expected an operator, not `.1`"},
	    {"map.", 4, "expected a name, not the end of the expression"},
	    {"map.in", 4, "expected a name, not `in`"},
	    {"!-i", 1, "expected a value, a name or `(`, not `-`"},
	    {"i = 7", 2, "`=` is no operator: equality is `==`"},
	    {"t & f", 2, "`&` is no operator: did you mean `&&`?"},
	    {"t | f", 2, "`|` is no operator: did you mean `||`?"},
	    {"i # 1", 2, "unexpected `#`"},
	    {"if", 0, "`if` is a reserved word"},
	    {"1 + while", 4, "`while` is a reserved word"},
	    {"`a`", 0, "expected a value, a name or `(`, not `a`"},
	    {"map.`a", 6,
	     "a name in backticks has letters, digits, `_-./` and spaces, and ends with `"},
	    {"map.``", 4, "empty name"},
	    {"\xff", 0, "expression is not valid UTF-8"},
	};
	CEL_REFUSED(cases);
}

Test(cel_refusals, a_literal_is_well_formed)
{
	static const struct cel_refusal cases[] = {
	    {"9223372036854775808", 0, "number larger than an int holds: a uint ends with `u`"},
	    {"i + 18446744073709551616", 4, "number larger than 64 bits hold"},
	    {"18446744073709551616u", 0, "number larger than 64 bits hold"},
	    {"-1u", 1, "a uint has no sign"},
	    {"0x", 0, "malformed number"},
	    {"12ab", 0, "malformed number"},
	    {"1e999", 0, "number larger than a double holds"},
	    {"i + 'abc", 4, "string without its closing quote"},
	    {"'''abc''", 0, "string without its closing quote"},
	    {"'a\nb'", 2, "a newline in a string: write \\n, or quote with '''"},
	    {"'a\\q'", 2, "no such escape: a backslash itself is \\\\"},
	    {"'\\u12'", 1, "too few hexadecimal digits: \\x has 2, \\u 4, \\U 8"},
	    {"'\\ud800'", 1, "no such character in Unicode"},
	    {"'\\U00110000'", 1, "no such character in Unicode"},
	    {"'\\8'", 1, "no such escape: a backslash itself is \\\\"},
	    {"'\\400'", 1, "an octal escape is \\ and 000 to 377"},
	    {"b'\\u00e9'", 2, "bytes have no \\u: write \\x and two digits"},
	};
	CEL_REFUSED(cases);
}

Test(cel_refusals, names_are_known)
{
	static const struct cel_refusal cases[] = {
	    {"statsu >= 500", 0, "there is no field `statsu`; did you mean `status`?"},
	    {"t && wholly.unknown", 5, "there is no field `wholly`"},
	    {"user", 0, "there is no field `user`"},
	    {"has(statsu)", 4, "there is no field `statsu`; did you mean `status`?"},
	    {"has(1)", 0, "has() takes a field: has(a.b)"},
	    {"has()", 0, "has() takes a field: has(a.b)"},
	    {"has(map['a'])", 0, "has() takes a field: has(a.b)"},
	    {"size == 1", 0, "`size` is a function, not a field"},
	    {"path.startswith('/')", 5,
	     "there is no function `startswith`; did you mean `startsWith`?"},
	    {"siez(path)", 0, "there is no function `siez`; did you mean `size`?"},
	    {"path.frobnicate()", 5, "there is no function `frobnicate`"},
	    {"type(i)", 0, "type() is not supported"},
	    {"startsWith(path, '/')", 0, "`startsWith` is called as x.startsWith()"},
	    {"path.int()", 5, "`int` is called as int(x)"},
	    {"size()", 0, "`size` takes 1 argument, not 0"},
	    {"size(path, path)", 0, "`size` takes 1 argument, not 2"},
	    {"path.startsWith()", 5, "`startsWith` takes 1 argument, not 0"},
	    {"time.getHours('UTC', 1)", 5, "`getHours` takes 0 or 1 arguments, not 2"},
	};
	CEL_REFUSED(cases);
}

Test(cel_refusals, what_is_not_supported_says_so)
{
	static const struct cel_refusal cases[] = {
	    {"list.all(x, x > 0)", 5, "the macro `all` is not supported"},
	    {"list.exists(x, x > 0)", 5, "the macro `exists` is not supported"},
	    {"list.exists_one(x, x > 0)", 5, "the macro `exists_one` is not supported"},
	    {"t && [1].map(x, x * 2) == []", 9, "the macro `map` is not supported"},
	    {"list.filter(x, x > 0)", 5, "the macro `filter` is not supported"},
	    {"Message{a: 1}", 7, "messages (`Type{...}`) are not supported"},
	    {"a.b.Message{}", 11, "messages (`Type{...}`) are not supported"},
	    {"path.matches(path)", 13, "matches() takes a pattern that is written out"},
	    {"path.matches('a(')", 13, "pattern, at its byte 2: missing closing parenthesis"},
	    {"time.getHours('Europe/Paris')", 14,
	     "time zones by name are not supported: UTC, or an offset such as +02:00"},
	};
	CEL_REFUSED(cases);
}

Test(cel_refusals, types_that_never_fit_are_told)
{
	static const struct cel_refusal cases[] = {
	    {"1 + 'a'", 2, "`+` does not take int and string"},
	    {"1 + 1u", 2, "`+` does not take int and uint"},
	    {"1 + 1.0", 2, "`+` does not take int and double"},
	    {"i + null", 2, "`+` does not take dyn and null"},
	    {"path - 'a'", 5, "`-` does not take dyn and string"},
	    {"d % 2.0", 2, "`%` does not take dyn and double"},
	    {"map[null]", 3, "`[]` does not take dyn and null"},
	    {"1.0 % 2.0", 4, "`%` does not take double and double"},
	    {"'a' * 2", 4, "`*` does not take string and int"},
	    {"-'a'", 0, "`-` does not take string"},
	    {"-(1u)", 0, "`-` does not take uint"},
	    {"!1", 0, "`!` does not take int"},
	    {"1 < 'a'", 2, "`<` does not take int and string"},
	    {"[1] < [2]", 4, "`<` does not take list and list"},
	    {"1 == 'a'", 2, "`==` does not take int and string"},
	    {"'a' != b'a'", 4, "`!=` does not take string and bytes"},
	    {"1 in 2", 2, "`in` does not take int and int"},
	    {"'a' in 'abc'", 4, "`in` does not take string and string"},
	    {"[1]['a']", 3, "`[]` does not take list and string"},
	    {"1[0]", 1, "`[]` does not take int and int"},
	    {"{}[null]", 2, "`[]` does not take map and null"},
	    {"'a'.b", 4, "string has no fields"},
	    {"has([1].b)", 8, "list has no fields"},
	    {"1 && t", 0, "`&&` takes bool, not int"},
	    {"t || f || 'a'", 10, "`||` takes bool, not string"},
	    {"1 ? 2 : 3", 0, "`?:` takes bool, not int"},
	    {"t ? 1 : 'a'", 2,
	     "`?:` gives either int or string: where that is meant, put dyn() around one"},
	    {"{1.5: 1}", 1, "a key is an int, uint, bool or string, not double"},
	    {"{null: 1}", 1, "a key is an int, uint, bool or string, not null"},
	    {"size(1)", 5, "`size` does not take int"},
	    {"'a'.startsWith(1)", 15, "`startsWith` does not take int"},
	    {"(1).startsWith('a')", 1, "`startsWith` does not take int"},
	    {"int([1])", 4, "`int` does not take list"},
	    {"bool(1)", 5, "`bool` does not take int"},
	    {"timestamp(1.5)", 10, "`timestamp` does not take double"},
	    {"duration('1s').getMonth()", 0, "`getMonth` does not take duration"},
	    {"timestamp(1) + timestamp(2)", 13, "`+` does not take timestamp and timestamp"},
	    {"duration('1s') - timestamp(2)", 15, "`-` does not take duration and timestamp"},
	    {"(i > 1) + 1", 8, "`+` does not take bool and int"},
	    {"size(path) == 'a'", 11, "`==` does not take int and string"},
	};
	CEL_REFUSED(cases);
}

static int compiled(const char *text, size_t length, struct cel_error *error)
{
	struct cel_program p;
	int r = cel_program_init(&p, text, length, cel_fixture_names(), error);
	cel_program_release(&p);
	return r;
}

/* `before` so often, then `middle`, then `after` so often. */
static int compiled_nest(const char *before, const char *middle, const char *after, size_t times,
			 struct cel_error *error)
{
	static char text[CEL_TEXT_BYTES_MAX * 2];
	size_t n = 0, one = strlen(before), other = strlen(after);
	for (size_t i = 0; i < times; i++, n += one)
		memcpy(text + n, before, one);
	memcpy(text + n, middle, strlen(middle));
	n += strlen(middle);
	for (size_t i = 0; i < times; i++, n += other)
		memcpy(text + n, after, other);
	return compiled(text, n, error);
}

Test(cel_refusals, depth_is_limited_and_repetition_is_not)
{
	struct cel_error error;
	cr_assert_eq(compiled_nest("(", "i", ")", CEL_DEPTH_MAX - 1, &error), 0);
	cr_assert_eq(compiled_nest("(", "i", ")", CEL_DEPTH_MAX, &error), -EINVAL);
	cr_assert_eq(error.offset, CEL_DEPTH_MAX);
	cr_assert_str_eq(error.message, "expression nested more than 200 deep");
	static const char *const openings[] = {"[",  "{1:",      "!",     "-",
					       "i[", "f ? 1 : ", "size(", "path.contains("};
	for (size_t i = 0; i < sizeof openings / sizeof *openings; i++)
		cr_assert_eq(compiled_nest(openings[i], "", "", 4000, &error), -EINVAL);
	cr_assert_eq(compiled_nest("", "i", " + i", CEL_DEPTH_MAX - 1, &error), 0);
	cr_assert_eq(compiled_nest("", "i", " + i", CEL_DEPTH_MAX, &error), -EINVAL);
	cr_assert_eq(compiled_nest("", "map", ".a", CEL_DEPTH_MAX, &error), -EINVAL);
	cr_assert_eq(compiled_nest("", "t", " || t", 5000, &error), 0, "%s", error.message);
	cr_assert_eq(compiled_nest("", "t", " && t", 5000, &error), 0, "%s", error.message);
}

Test(cel_refusals, length_and_count_are_limited)
{
	static char text[CEL_TEXT_BYTES_MAX + 1];
	struct cel_error error;
	memset(text, ' ', sizeof text);
	text[0] = '1';
	cr_assert_eq(compiled(text, sizeof text - 1, &error), 0);
	cr_assert_eq(compiled(text, sizeof text, &error), -EINVAL);
	cr_assert_eq(error.offset, CEL_TEXT_BYTES_MAX);
	cr_assert_eq(compiled_nest("path.matches('a') || ", "t", "", CEL_REGEXES_MAX, &error), 0);
	cr_assert_eq(compiled_nest("path.matches('a') || ", "t", "", CEL_REGEXES_MAX + 1, &error),
		     -EINVAL);
	cr_assert_str_eq(error.message, "more than 64 patterns");
}

#include "tests/unit/stages/cel_fixture.h"

#include <criterion/criterion.h>

Test(cel_operators, precedence_is_that_of_the_language)
{
	static const struct cel_case cases[] = {
	    {"1 + 2 * 3", "7"},
	    {"(1 + 2) * 3", "9"},
	    {"10 - 4 - 3", "3"},
	    {"100 / 10 / 5", "2"},
	    {"100 % 30 % 7", "3"},
	    {"2 * 3 % 4", "2"},
	    {"-2 * -3", "6"},
	    {"1 - -1", "2"},
	    {"1 -1", "0"},
	    {"1 + 1 == 2", "true"},
	    {"1 < 2 == true", "true"},
	    {"true || false && false", "true"},
	    {"(true || false) && false", "false"},
	    {"false && false || true", "true"},
	    {"1 == 1 && 2 == 2", "true"},
	    {"!false && false", "false"},
	    {"!(false && false)", "true"},
	    {"!!true", "true"},
	    {"false ? 1 : true ? 2 : 3", "2"},
	    {"true ? 1 : false ? 2 : 3", "1"},
	    {"true || false ? 1 : 2", "1"},
	    {"1 in [1] && true", "true"},
	    {"1 + 1 in [2]", "true"},
	    {"-i + 1", "-6"},
	    {"-[5][0]", "-5"},
	    {".i", "7"},
	    {"\t1\n+\r\f2", "3"},
	    {"1 // one\n + 1", "2"},
	};
	CEL_EXPECT(cases);
}

Test(cel_operators, ints_and_uints_never_wrap)
{
	static const struct cel_case cases[] = {
	    {"9223372036854775807 + 1", "!integer overflow"},
	    {"-9223372036854775808 - 1", "!integer overflow"},
	    {"9223372036854775807 + 0", "9223372036854775807"},
	    {"5000000000 * 5000000000", "!integer overflow"},
	    {"-9223372036854775808 * -1", "!integer overflow"},
	    {"-9223372036854775808 / -1", "!integer overflow"},
	    {"-9223372036854775808 % -1", "!integer overflow"},
	    {"-min", "!integer overflow"},
	    {"-(-9223372036854775807)", "9223372036854775807"},
	    {"1 / 0", "!division by zero"},
	    {"1 % 0", "!modulus by zero"},
	    {"i / zero", "!division by zero"},
	    {"7 / 2", "3"},
	    {"-7 / 2", "-3"},
	    {"7 % 3", "1"},
	    {"-7 % 3", "-1"},
	    {"7 % -3", "1"},
	    {"18446744073709551615u + 1u", "!integer overflow"},
	    {"0u - 1u", "!integer overflow"},
	    {"18446744073709551615u * 2u", "!integer overflow"},
	    {"7u / 2u", "3u"},
	    {"7u % 4u", "3u"},
	    {"1u / 0u", "!division by zero"},
	    {"1u % 0u", "!modulus by zero"},
	    {"large + 1u", "!integer overflow"},
	    {"status * 2", "1006"},
	};
	CEL_EXPECT(cases);
}

Test(cel_operators, doubles_are_those_of_ieee)
{
	static const struct cel_case cases[] = {
	    {"1.0 / 0.0", "infd"},
	    {"-1.0 / 0.0", "-infd"},
	    {"1e308 * 10.0", "infd"},
	    {"0.0 / 0.0 == 0.0 / 0.0", "false"},
	    {"double('NaN') != double('NaN')", "true"},
	    {"double('NaN') < 1.0", "false"},
	    {"double('NaN') >= 1.0", "false"},
	    {"1 > double('NaN')", "false"},
	    {"-0.0 == 0.0", "true"},
	    {"1.5 - 0.25", "1.25d"},
	    {"-d", "-2.5d"},
	    {"ratio * 2.0", "25d"},
	};
	CEL_EXPECT(cases);
}

Test(cel_operators, plus_joins_text_and_lists)
{
	static const struct cel_case cases[] = {
	    {"'a' + 'b'", "\"ab\""},
	    {"'' + ''", "\"\""},
	    {"path + '?' + escaped", "\"/api/users?a/\xc3\xa9\xf0\x9f\x98\x80\n\""},
	    {"b'a' + b'\\xff'", "b:61ff"},
	    {"[1] + [2, 3]", "[1,2,3]"},
	    {"[] + []", "[]"},
	    {"[i] + list", "[7,1,\"two\",3.0,null,{\"k\": [true]},[],\"\\u0041\"]"},
	    {"([1] + [2])[1]", "2"},
	};
	CEL_EXPECT(cases);
}

Test(cel_operators, what_does_not_fit_is_an_error_when_it_is_known_only_then)
{
	static const struct cel_case cases[] = {
	    {"i + u", "!no such overload"},
	    {"i + 1.0", "!no such overload"},
	    {"i + '1'", "!no such overload"},
	    {"path - dyn('a')", "!no such overload"},
	    {"path * 2", "!no such overload"},
	    {"d % dyn(2.0)", "!no such overload"},
	    {"-u", "!no such overload"},
	    {"-path", "!no such overload"},
	    {"!i", "!no such overload"},
	    {"i < path", "!no such overload"},
	    {"list < list", "!no such overload"},
	    {"nothing < 1", "!no such overload"},
	    {"nothing + nothing", "!no such overload"},
	    {"time + time", "!no such overload"},
	    {"took - time", "!no such overload"},
	    {"raw + path", "!no such overload"},
	    {"map + map", "!no such overload"},
	    {"absent + 1", "!no such field"},
	    {"1 + absent", "!no such field"},
	    {"broken + 1", "!it was broken"},
	    {"absent == absent", "!no such field"},
	    {"huge > 1.0", "!number out of range"},
	    {"lone == 'a'", "!invalid escape in a string"},
	    {"dyn(1) + 'a'", "!no such overload"},
	    {"[1, 'a'][1] + 1", "!no such overload"},
	};
	CEL_EXPECT(cases);
}

Test(cel_operators, numbers_compare_by_what_they_are_worth)
{
	static const struct cel_case cases[] = {
	    {"1 == 1u", "true"},
	    {"1 == 1.0", "true"},
	    {"1u == 1.0", "true"},
	    {"-1 == 18446744073709551615u", "false"},
	    {"-1 < 0u", "true"},
	    {"0u > -1", "true"},
	    {"9223372036854775807 == 9223372036854775808.0", "false"},
	    {"9223372036854775807 < 9223372036854775808.0", "true"},
	    {"9223372036854775807 < 9223372036854775808u", "true"},
	    {"18446744073709551615u < 18446744073709551616.0", "true"},
	    {"18446744073709551615u == 18446744073709551616.0", "false"},
	    {"min == -9223372036854775808.0", "true"},
	    {"min > -1e19", "true"},
	    {"1u > -0.5", "true"},
	    {"0u == -0.0", "true"},
	    {"3 < 3.5", "true"},
	    {"-3 > -3.5", "true"},
	    {"4 > 3.5", "true"},
	    {"3u < 3.5", "true"},
	    {"3.5 >= 3u", "true"},
	    {"9007199254740993 > 9007199254740992.0", "true"},
	    {"1 < 2", "true"},
	    {"2 <= 2", "true"},
	    {"2 >= 3", "false"},
	    {"3 > 2", "true"},
	    {"2u < 1u", "false"},
	    {"1 != 2", "true"},
	    {"status >= 500", "true"},
	    {"status == 503.0", "true"},
	    {"large == 18446744073709551615u", "true"},
	    {"ratio == 12.5", "true"},
	};
	CEL_EXPECT(cases);
}

Test(cel_operators, text_and_bools_have_an_order)
{
	static const struct cel_case cases[] = {
	    {"'a' < 'b'", "true"},
	    {"'a' < 'aa'", "true"},
	    {"'' < 'a'", "true"},
	    {"'B' < 'a'", "true"},
	    {"'\\uffff' < '\\U00010000'", "true"},
	    {"'a' == 'a'", "true"},
	    {"'a' == 'A'", "false"},
	    {"'\\u00e9' == 'e\\u0301'", "false"},
	    {"b'\\x01' < b'\\xff'", "true"},
	    {"b'a' >= b'a'", "true"},
	    {"raw == b'\\x01\\xff'", "true"},
	    {"false < true", "true"},
	    {"true <= false", "false"},
	    {"escaped == 'a/\\u00e9\\U0001F600\\n'", "true"},
	    {"path > '/api'", "true"},
	};
	CEL_EXPECT(cases);
}

Test(cel_operators, equality_is_defined_between_all_types)
{
	static const struct cel_case cases[] = {
	    {"i == path", "false"},
	    {"i != path", "true"},
	    {"nothing == null", "true"},
	    {"nothing == 0", "false"},
	    {"i == null", "false"},
	    {"null == null", "true"},
	    {"list == map", "false"},
	    {"[1, 2] == [1, 2]", "true"},
	    {"[1, 2] == [1u, 2.0]", "true"},
	    {"[1, 2] == [2, 1]", "false"},
	    {"[1] == [1, 2]", "false"},
	    {"[] == []", "true"},
	    {"[[1], {}] == [[1], {}]", "true"},
	    {"{'a': 1, 'b': 2} == {'b': 2, 'a': 1.0}", "true"},
	    {"{'a': 1} == {'a': 2}", "false"},
	    {"{'a': 1} == {'b': 1}", "false"},
	    {"{'a': 1} == {'a': 1, 'b': 2}", "false"},
	    {"{'a': 1, 'b': 2} == {'a': 1}", "false"},
	    {"{1: 'x'} == {1u: 'x'}", "true"},
	    {"list == [1, 'two', 3, null, {'k': [true]}, [], 'A']", "true"},
	    {"list != [1, 'two', 3, null, {'k': [false]}, [], 'A']", "true"},
	    {"map == {'n': null, 'a': 2, 'd': 4, 'b': {'c': 'x'}}", "true"},
	    {"map == {'n': null, 'a': 1, 'd': 4, 'b': {'c': 'x'}}", "false"},
	    {"map == map", "true"},
	    {"empty == {}", "true"},
	    {"cut == [1, 2]", "!malformed JSON"},
	    {"time == took", "false"},
	};
	CEL_EXPECT(cases);
}

#include "tests/unit/stages/cel_fixture.h"

#include <criterion/criterion.h>

Test(cel_functions, size_counts_characters_bytes_elements_and_pairs)
{
	static const struct cel_case cases[] = {
	    {"size('')", "0"},
	    {"size('abc')", "3"},
	    {"'abc'.size()", "3"},
	    {"size('\\u00e9\\U0001F600')", "2"},
	    {"size(escaped)", "5"},
	    {"size(b'\\xff\\x00')", "2"},
	    {"size(bytes('\\u00e9'))", "2"},
	    {"size([])", "0"},
	    {"[1, 2, 3].size()", "3"},
	    {"size({'a': 1, 'b': 2})", "2"},
	    {"size(list)", "7"},
	    {"list.size()", "7"},
	    {"size(empty)", "0"},
	    {"size(map.b)", "1"},
	    {"size(i)", "!no such overload"},
	    {"size(nothing)", "!no such overload"},
	    {"size(absent)", "!no such field"},
	    {"size(cut)", "!malformed JSON"},
	    {"size(bare)", "!malformed JSON"},
	    {"size(trailing)", "!malformed JSON"},
	};
	CEL_EXPECT(cases);
}

Test(cel_functions, strings_are_searched)
{
	static const struct cel_case cases[] = {
	    {"'abc'.startsWith('ab')", "true"},
	    {"'abc'.startsWith('')", "true"},
	    {"''.startsWith('')", "true"},
	    {"''.startsWith('a')", "false"},
	    {"'abc'.startsWith('bc')", "false"},
	    {"'abc'.endsWith('bc')", "true"},
	    {"'abc'.endsWith('')", "true"},
	    {"'abc'.endsWith('ab')", "false"},
	    {"'c'.endsWith('bc')", "false"},
	    {"'abc'.contains('b')", "true"},
	    {"'abc'.contains('')", "true"},
	    {"''.contains('')", "true"},
	    {"''.contains('a')", "false"},
	    {"'abc'.contains('ac')", "false"},
	    {"path.startsWith('/api')", "true"},
	    {"path.startsWith('/app')", "false"},
	    {"escaped.contains('\\u00e9')", "true"},
	    {"escaped.startsWith('a/')", "true"},
	    {"status >= 500 && path.startsWith(\"/api\")", "true"},
	    {"i.startsWith('a')", "!no such overload"},
	    {"path.startsWith(i)", "!no such overload"},
	    {"absent.contains('a')", "!no such field"},
	    {"path.contains(absent)", "!no such field"},
	    {"raw.contains('a')", "!no such overload"},
	};
	CEL_EXPECT(cases);
}

Test(cel_functions, matches_searches_with_a_pattern)
{
	static const struct cel_case cases[] = {
	    {"'hubba'.matches('ubb')", "true"},
	    {"matches('hubba', 'ubb')", "true"},
	    {"'hubba'.matches('^ubb')", "false"},
	    {"path.matches(r'^/api/[a-z]+$')", "true"},
	    {"path.matches('^/' + 'api')", "true"},
	    {"escaped.matches('\\u00e9.')", "true"},
	    {"''.matches('')", "true"},
	    {"path.matches('a') && path.matches('b')", "false"},
	    {"path.matches('users') && path.matches('api')", "true"},
	    {"i.matches('7')", "!no such overload"},
	    {"absent.matches('7')", "!no such field"},
	    {"dyn('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab').matches('^(a|aa)+$')",
	     "!regular expression took too many steps"},
	};
	CEL_EXPECT(cases);
}

Test(cel_functions, int_and_uint_take_what_fits)
{
	static const struct cel_case cases[] = {
	    {"int(1)", "1"},
	    {"int(42u)", "42"},
	    {"int(18446744073709551615u)", "!number out of range"},
	    {"int(-123.456)", "-123"},
	    {"int(1.9)", "1"},
	    {"int(-7.9)", "-7"},
	    {"int(1e99)", "!number out of range"},
	    {"int(9223372036854775808.0)", "!number out of range"},
	    {"int(double('NaN'))", "!number out of range"},
	    {"int('987')", "987"},
	    {"int('-9223372036854775808')", "-9223372036854775808"},
	    {"int('9223372036854775808')", "!number out of range"},
	    {"int('')", "!string is not an int"},
	    {"int('1.5')", "!string is not an int"},
	    {"int(' 1')", "!string is not an int"},
	    {"int('0x1')", "!string is not an int"},
	    {"int(timestamp('2004-09-16T23:59:59Z'))", "1095379199"},
	    {"int(status)", "503"},
	    {"int(nothing)", "!no such overload"},
	    {"int(list)", "!no such overload"},
	    {"uint(1729)", "1729u"},
	    {"uint(-1)", "!number out of range"},
	    {"uint(3.14159265)", "3u"},
	    {"uint(-0.5)", "0u"},
	    {"uint(-1.0)", "!number out of range"},
	    {"uint(1e19)", "10000000000000000000u"},
	    {"uint(6.022e23)", "!number out of range"},
	    {"uint('300')", "300u"},
	    {"uint('-1')", "!string is not a uint"},
	    {"uint('18446744073709551616')", "!number out of range"},
	    {"uint(7u)", "7u"},
	};
	CEL_EXPECT(cases);
}

Test(cel_functions, double_and_bool_take_what_reads_as_one)
{
	static const struct cel_case cases[] = {
	    {"double(0)", "0d"},
	    {"double(-1000000000000000)", "-1000000000000000d"},
	    {"double(9223372036854775807) == 9.223372036854775807e18", "true"},
	    {"double(123u)", "123d"},
	    {"double(1.5)", "1.5d"},
	    {"double('123.456')", "123.456d"},
	    {"double('-987.654')", "-987.654d"},
	    {"double('6.02214e23')", "6.02214e+23d"},
	    {"double('1.38e-23')", "1.38e-23d"},
	    {"double('-84.32e7') == -8.432e8", "true"},
	    {"double('.5')", "0.5d"},
	    {"double('Infinity')", "infd"},
	    {"double('-Inf')", "-infd"},
	    {"double('')", "!string is not a double"},
	    {"double('1e')", "!string is not a double"},
	    {"double('1.5x')", "!string is not a double"},
	    {"double('1e999')", "!number out of range"},
	    {"double('1e-999')", "0d"},
	    {"double(t)", "!no such overload"},
	    {"bool(true)", "true"},
	    {"bool('true')", "true"},
	    {"bool('False')", "false"},
	    {"bool('1')", "true"},
	    {"bool('f')", "false"},
	    {"bool('TrUe')", "!string is not a bool"},
	    {"bool('')", "!string is not a bool"},
	    {"bool(i)", "!no such overload"},
	};
	CEL_EXPECT(cases);
}

Test(cel_functions, string_and_bytes_take_what_has_text)
{
	static const struct cel_case cases[] = {
	    {"string(123)", "\"123\""},
	    {"string(-456)", "\"-456\""},
	    {"string(min)", "\"-9223372036854775808\""},
	    {"string(9876u)", "\"9876\""},
	    {"string(123.456)", "\"123.456\""},
	    {"string(-4.5e-3)", "\"-0.0045\""},
	    {"string(0.1)", "\"0.1\""},
	    {"string(0.1 + 0.2)", "\"0.30000000000000004\""},
	    {"string(1.0)", "\"1\""},
	    {"string(1.0 / 0.0)", "\"+Inf\""},
	    {"string(0.0 / 0.0)", "\"NaN\""},
	    {"string(true)", "\"true\""},
	    {"string('a')", "\"a\""},
	    {"string(b'abc')", "\"abc\""},
	    {"string(b'\\303\\277')", "\"\xc3\xbf\""},
	    {"string(b'\\000\\xff')", "!invalid UTF-8"},
	    {"string(b'\\xed\\xa0\\x80')", "!invalid UTF-8"},
	    {"string(b'\\xc0\\x80')", "!invalid UTF-8"},
	    {"string(raw)", "!invalid UTF-8"},
	    {"string(status) + '!'", "\"503!\""},
	    {"string(nothing)", "!no such overload"},
	    {"string(list)", "!no such overload"},
	    {"bytes('')", "b:"},
	    {"bytes('abc')", "b:616263"},
	    {"bytes('\\u00ff')", "b:c3bf"},
	    {"bytes(b'a')", "b:61"},
	    {"bytes(i)", "!no such overload"},
	    {"dyn(1)", "1"},
	    {"dyn(path)", "\"/api/users\""},
	    {"dyn(absent)", "!no such field"},
	};
	CEL_EXPECT(cases);
}

#include "tests/unit/stages/cel_fixture.h"

#include <criterion/criterion.h>

Test(cel_literals, numbers_are_what_they_say)
{
	static const struct cel_case cases[] = {
	    {"0", "0"},
	    {"42", "42"},
	    {"-42", "-42"},
	    {"- 42", "-42"},
	    {"--42", "42"},
	    {"0x2A", "42"},
	    {"0Xff", "255"},
	    {"-0x10", "-16"},
	    {"9223372036854775807", "9223372036854775807"},
	    {"-9223372036854775808", "-9223372036854775808"},
	    {"-0x8000000000000000", "-9223372036854775808"},
	    {"007", "7"},
	    {"0u", "0u"},
	    {"7U", "7u"},
	    {"0xFFu", "255u"},
	    {"18446744073709551615u", "18446744073709551615u"},
	    {"1.5", "1.5d"},
	    {"-1.5", "-1.5d"},
	    {".25", "0.25d"},
	    {"1e3", "1000d"},
	    {"1E+3", "1000d"},
	    {"25e-1", "2.5d"},
	    {"1.7976931348623157e308", "1.797693134862316e+308d"},
	    {"4.9406564584124654e-324", "4.940656458412465e-324d"},
	    {"0.1 + 0.2", "0.3d"},
	    {"123456789012345678901234567890.0", "1.234567890123457e+29d"},
	    {"true", "true"},
	    {"false", "false"},
	    {"null", "null"},
	};
	CEL_EXPECT(cases);
}

Test(cel_literals, strings_have_their_escapes)
{
	static const struct cel_case cases[] = {
	    {"''", "\"\""},
	    {"\"\"", "\"\""},
	    {"'a\"b'", "\"a\"b\""},
	    {"\"a'b\"", "\"a'b\""},
	    {"'\\'\\\"\\`\\?\\\\'", "\"'\"`?\\\""},
	    {"'\\a\\b\\f\\n\\r\\t\\v'", "\"\a\b\f\n\r\t\v\""},
	    {"'\\x41\\X42'", "\"AB\""},
	    {"'\\xe9'", "\"\xc3\xa9\""},
	    {"'\\u00e9'", "\"\xc3\xa9\""},
	    {"'\\u20ac'", "\"\xe2\x82\xac\""},
	    {"'\\U0001F600'", "\"\xf0\x9f\x98\x80\""},
	    {"'\\101\\377'", "\"A\xc3\xbf\""},
	    {"'\xe2\x82\xac'", "\"\xe2\x82\xac\""},
	    {"r'\\n\\'", "\"\\n\\\""},
	    {"R\"\\d+\"", "\"\\d+\""},
	    {"'''a'b''c'''", "\"a'b''c\""},
	    {"\"\"\"a\nb\"\"\"", "\"a\nb\""},
	    {"''''''", "\"\""},
	    {"r'''\\'''", "\"\\\""},
	    {"'a' // and the rest is a comment", "\"a\""},
	};
	CEL_EXPECT(cases);
}

Test(cel_literals, bytes_have_bytes_where_strings_have_characters)
{
	static const struct cel_case cases[] = {
	    {"b''", "b:"},
	    {"b'abc'", "b:616263"},
	    {"B\"\\xff\\000\"", "b:ff00"},
	    {"b'\\377'", "b:ff"},
	    {"b'\xc3\xbf'", "b:c3bf"},
	    {"br'\\x'", "b:5c78"},
	    {"rb'\\x'", "b:5c78"},
	    {"b'''a\nb'''", "b:610a62"},
	    {"bytes('\\377') == b'\\377'", "false"},
	};
	CEL_EXPECT(cases);
}

Test(cel_literals, lists_and_maps_leave_as_json)
{
	static const struct cel_case cases[] = {
	    {"[]", "[]"},
	    {"[1, 2u, -3, 1.5, true, null]", "[1,2,-3,1.5,true,null]"},
	    {"[1,]", "[1]"},
	    {"['a\"b\\\\c\\n', [[]], {}]", "[\"a\\\"b\\\\c\\u000a\",[[]],{}]"},
	    {"{}", "{}"},
	    {"{'a': 1, 'b': [i]}", "{\"a\":1,\"b\":[7]}"},
	    {"{1: 'x', 2u: 'y', true: 'z',}", "{\"1\":\"x\",\"2\":\"y\",\"true\":\"z\"}"},
	    {"[time, took]", "[\"2009-02-13T23:31:30.123456789Z\",\"1.5s\"]"},
	    {"[list, escaped]", "[[1, \"two\", 3.0, null, {\"k\": [true]}, [], \"\\u0041\"],"
				"\"a/\xc3\xa9\xf0\x9f\x98\x80\\u000a\"]"},
	    {"[b'a']", "!JSON has no bytes"},
	    {"[1.0 / 0.0]", "!JSON has no such number"},
	    {"[1 / zero]", "!division by zero"},
	    {"{'a': 1, 'a': 2}", "!repeated key"},
	    {"{1: 1, 1u: 2}", "!repeated key"},
	    {"{path: 1, '/api' + '/users': 2}", "!repeated key"},
	    {"{d: 1}", "!not a type that a key may have"},
	};
	CEL_EXPECT(cases);
}

#include "tests/unit/stages/cel_fixture.h"

#include <criterion/criterion.h>

Test(cel_containers, fields_and_keys_are_found)
{
	static const struct cel_case cases[] = {
	    {"map.a", "digits \"2\""},
	    {"map.a + 1", "3"},
	    {"map.b.c", "\"x\""},
	    {"map.b", "{\"c\": \"x\"}"},
	    {"map['b']['c']", "\"x\""},
	    {"map.`b`.c", "\"x\""},
	    {"map.d * 2", "8"},
	    {"map.n", "null"},
	    {"map.zzz", "!no such field"},
	    {"map['zzz']", "!no such key"},
	    {"map[1]", "!no such key"},
	    {"map[nothing]", "!no such overload"},
	    {"map.a.c", "!no such overload"},
	    {"list.a", "!no such overload"},
	    {"i.a", "!no such overload"},
	    {"absent.a", "!no such field"},
	    {"{'a': 1}.a", "1"},
	    {"{'a-b': 1}.`a-b`", "1"},
	    {"{'a': 1}['a']", "1"},
	    {"{'if': 1}.if", "1"},
	    {"{1: 'x'}[1]", "\"x\""},
	    {"{1: 'x'}[1u]", "\"x\""},
	    {"{1u: 'x'}[1.0]", "\"x\""},
	    {"{true: 'x'}[true]", "\"x\""},
	    {"{1: 'x'}[2]", "!no such key"},
	    {"{'a': i}.a", "7"},
	    {"{path: 1}['/api/users']", "1"},
	    {"{'a': {'b': [1, 2]}}.a.b[1]", "2"},
	};
	CEL_EXPECT(cases);
}

Test(cel_containers, elements_are_found_by_number)
{
	static const struct cel_case cases[] = {
	    {"[7, 8][0]", "7"},
	    {"[7, 8][1]", "8"},
	    {"[7, 8][2]", "!index out of range"},
	    {"[7, 8][-1]", "!index out of range"},
	    {"[][0]", "!index out of range"},
	    {"[7, 8][dyn(1u)]", "8"},
	    {"[7, 8][dyn(1.0)]", "8"},
	    {"[7, 8][dyn(0.5)]", "!index out of range"},
	    {"[7, 8][dyn('a')]", "!no such overload"},
	    {"list[0] + 1", "2"},
	    {"list[1]", "\"two\""},
	    {"list[4].k[0]", "true"},
	    {"list[6] == 'A'", "true"},
	    {"list[7]", "!index out of range"},
	    {"list[-1]", "!index out of range"},
	    {"list['a']", "!no such overload"},
	    {"list[absent]", "!no such field"},
	    {"i[0]", "!no such overload"},
	    {"cut[1]", "!malformed JSON"},
	};
	CEL_EXPECT(cases);
}

Test(cel_containers, in_asks_elements_and_keys)
{
	static const struct cel_case cases[] = {
	    {"1 in [1, 2]", "true"},
	    {"3 in [1, 2]", "false"},
	    {"1u in [1]", "true"},
	    {"1.0 in [1]", "true"},
	    {"'a' in ['b', 'a']", "true"},
	    {"'a' in []", "false"},
	    {"null in [1, null]", "true"},
	    {"[1] in [[1]]", "true"},
	    {"i in [zero, i]", "true"},
	    {"status in [500, 502, 503]", "true"},
	    {"'two' in list", "true"},
	    {"3 in list", "true"},
	    {"'A' in list", "true"},
	    {"{'k': [true]} in list", "true"},
	    {"'zzz' in list", "false"},
	    {"'a' in {'a': 1}", "true"},
	    {"'b' in {'a': 1}", "false"},
	    {"1 in {1u: 1}", "true"},
	    {"1.5 in {1: 1}", "false"},
	    {"'d' in map", "true"},
	    {"'zzz' in map", "false"},
	    {"1 in map", "false"},
	    {"list in map", "!no such overload"},
	    {"'a' in path", "!no such overload"},
	    {"'a' in absent", "!no such field"},
	    {"absent in [1]", "!no such field"},
	    {"1 in [absent, 1]", "!no such field"},
	    {"2 in cut", "!malformed JSON"},
	    {"!('a' in {'a': 1})", "false"},
	};
	CEL_EXPECT(cases);
}

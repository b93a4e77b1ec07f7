#include "tests/unit/stages/cel_fixture.h"

#include <criterion/criterion.h>

Test(cel_logic, and_and_or_absorb_errors_that_the_other_side_decides)
{
	static const struct cel_case cases[] = {
	    {"true && true", "true"},
	    {"true && false", "false"},
	    {"false || false", "false"},
	    {"false || true", "true"},
	    {"absent && false", "false"},
	    {"false && absent", "false"},
	    {"absent || true", "true"},
	    {"true || absent", "true"},
	    {"absent && true", "!no such field"},
	    {"true && absent", "!no such field"},
	    {"absent || false", "!no such field"},
	    {"false || absent", "!no such field"},
	    {"1 / 0 == 1 || true", "true"},
	    {"1 / 0 == 1 && false", "false"},
	    {"absent && broken", "!no such field"},
	    {"broken || absent", "!it was broken"},
	    {"absent && broken && false", "false"},
	    {"absent || broken || true", "true"},
	    {"(absent || true) && t", "true"},
	    {"(absent && false) || f", "false"},
	    {"!(absent || true)", "false"},
	    {"!absent", "!no such field"},
	    {"i && false", "false"},
	    {"false && i", "false"},
	    {"i || true", "true"},
	    {"i && true", "!no such overload"},
	    {"path || false", "!no such overload"},
	    {"nothing && true", "!no such overload"},
	    {"t && !f", "true"},
	    {"t || f && f", "true"},
	};
	CEL_EXPECT(cases);
}

Test(cel_logic, a_condition_evaluates_one_side)
{
	static const struct cel_case cases[] = {
	    {"true ? 1 : 2", "1"},
	    {"false ? 1 : 2", "2"},
	    {"t ? 1 : 1 / 0", "1"},
	    {"f ? 1 / 0 : 2", "2"},
	    {"t ? absent : 1", "!no such field"},
	    {"absent ? 1 : 2", "!no such field"},
	    {"i ? 1 : 2", "!no such overload"},
	    {"t ? i : path", "7"},
	    {"f ? dyn(1) : 'a'", "\"a\""},
	    {"status >= 500 ? 'error' : status >= 400 ? 'refused' : 'fine'", "\"error\""},
	};
	CEL_EXPECT(cases);
}

Test(cel_logic, has_tells_what_is_there)
{
	static const struct cel_case cases[] = {
	    {"has(i)", "true"},
	    {"has(absent)", "false"},
	    {"has(nothing)", "true"},
	    {"has(broken)", "!it was broken"},
	    {"has(user.id)", "true"},
	    {"has(user.name)", "false"},
	    {"has(map.a)", "true"},
	    {"has(map.n)", "true"},
	    {"has(map.d)", "true"},
	    {"has(map.zzz)", "false"},
	    {"has(map.b.c)", "true"},
	    {"has(map.b.d)", "false"},
	    {"has(map.zzz.c)", "!no such field"},
	    {"has(map.a.c)", "!no such overload"},
	    {"has(absent.x)", "!no such field"},
	    {"has({'a': 1}.a)", "true"},
	    {"has({'a': 1}.b)", "false"},
	    {"has(absent) && absent > 1", "false"},
	    {"has(absent) ? absent : 'none'", "\"none\""},
	    {"!has(absent) || absent == 1", "true"},
	};
	CEL_EXPECT(cases);
}

Test(cel_logic, a_field_alone_is_handed_on_as_it_stands)
{
	static const struct cel_case cases[] = {
	    {"i", "7"},
	    {"user.id", "9"},
	    {"user.name", "!no such field"},
	    {"status", "digits \"503\""},
	    {"escaped", "escaped \"a\\/\\u00e9\\ud83d\\ude00\\n\""},
	    {"empty", "{}"},
	    {"absent", "!no such field"},
	    {"broken", "!it was broken"},
	    {"nothing", "null"},
	    {"time", "time:1234567890.123456789"},
	    {"took", "span:1500000000"},
	};
	CEL_EXPECT(cases);
}

#include "tests/unit/stages/transform_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(lua, .fini = transforms_forget, .timeout = 60);

/* One `lua` over lines of JSON; options: the rest of its map, behind a comma. */
static const char *topology(const char *options, const char *script, const char *show)
{
	static char yaml[16384];
	size_t used = (size_t)snprintf(yaml, sizeof yaml,
				       "transforms:\n"
				       "  p: {type: parse_json, inputs: [in], max_depth: 1000}\n"
				       "  l:\n"
				       "    type: lua\n"
				       "    inputs: [p]\n"
				       "%s"
				       "    source: |\n",
				       options);
	for (const char *line = script; *line; line += strcspn(line, "\n") + 1)
		used += (size_t)snprintf(yaml + used, sizeof yaml - used, "      %.*s\n",
					 (int)strcspn(line, "\n"), line);
	snprintf(yaml + used, sizeof yaml - used, "sinks: {out: {type: show, inputs: [l], %s}}\n",
		 show);
	return yaml;
}

static void expect(const char *options, const char *script, const char *show, const char *lines,
		   const char *expected)
{
	transforms_pass(topology(options, script, show), lines);
	transforms_expect("out", expected);
}

#define READS "    fields: [a, b, c, body]\n"
#define WRITES "    writes: [a, b, c, d, body, time]\n"
#define SHOWS "fields: [a, b, d]"

Test(lua, record_goes_on_as_the_script_has_changed_it)
{
	expect(READS WRITES,
	       "function process(record)\n"
	       "  record.d = record.a + 1\n"
	       "  record.b = record.b .. '!'\n"
	       "end\n",
	       SHOWS, "{\"a\":1,\"b\":\"x\"}\n{\"a\":2.5,\"b\":\"y\\t\"}\n",
	       "{\"a\":1,\"b\":\"x\"} | a=digits \"1\" b=\"x!\" d=2\n"
	       "{\"a\":2.5,\"b\":\"y\\t\"} | a=digits \"2.5\" b=\"y\t!\" d=3.5d\n");
}

Test(lua, false_drops_true_and_nothing_keep)
{
	expect(READS,
	       "function process(record)\n"
	       "  if record.a == 1 then return false end\n"
	       "  if record.a == 2 then return true end\n"
	       "  if record.a == 4 then return {} end\n"
	       "end\n",
	       "fields: [a]", "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n{\"a\":4}\n",
	       "{\"a\":2} | a=digits \"2\"\n{\"a\":3} | a=digits \"3\"\n");
	cr_assert_eq(counter_get(&transforms_counters("l")->refused), 0);
}

Test(lua, types_come_and_go_as_they_are)
{
	expect(READS WRITES,
	       "function process(r)\n"
	       "  r.d = type(r.a) .. ' ' .. tostring(r.a == null)\n"
	       "  r.b = r.a\n"
	       "end\n",
	       "fields: [b, d]",
	       "{\"a\":true}\n{\"a\":null}\n{}\n{\"a\":\"t\"}\n{\"a\":[1,{\"x\":[]}]}\n{\"a\":{"
	       "\"k\":null}}\n"
	       "{\"a\":1e400}\n{\"a\":-0.0}\n",
	       "{\"a\":true} | b=true d=\"boolean false\"\n"
	       "{\"a\":null} | b=null d=\"userdata true\"\n"
	       "{} | b=- d=\"nil false\"\n"
	       "{\"a\":\"t\"} | b=\"t\" d=\"string false\"\n"
	       "{\"a\":[1,{\"x\":[]}]} | b=[1,{\"x\":[]}] d=\"table false\"\n"
	       "{\"a\":{\"k\":null}} | b={\"k\":null} d=\"table false\"\n"
	       "{\"a\":1e400} | b=infd d=\"number false\"\n"
	       "{\"a\":-0.0} | b=-0d d=\"number false\"\n");
}

Test(lua, whole_numbers_of_64_bits_are_exact)
{
	expect(
	    READS WRITES,
	    "function process(r)\n"
	    "  r.b = r.a + 1\n"
	    "  r.d = {r.a}\n"
	    "end\n",
	    "fields: [a, b, d]",
	    "{\"a\":9007199254740993}\n{\"a\":-9223372036854775808}\n{\"a\":18446744073709551614}\n"
	    "{\"a\":9007199254740991}\n",
	    "{\"a\":9007199254740993} | a=digits \"9007199254740993\" b=9007199254740994 "
	    "d=[9007199254740993]\n"
	    "{\"a\":-9223372036854775808} | a=digits \"-9223372036854775808\" "
	    "b=-9223372036854775807 d=[-9223372036854775808]\n"
	    "{\"a\":18446744073709551614} | a=digits \"18446744073709551614\" "
	    "b=18446744073709551615u d=[18446744073709551614]\n"
	    "{\"a\":9007199254740991} | a=digits \"9007199254740991\" b=9007199254740992 "
	    "d=[9007199254740991]\n");
}

Test(lua, field_that_is_set_to_nil_is_gone)
{
	expect(READS WRITES, "function process(r) r.a = nil end\n", "fields: [a], all: true",
	       "{\"a\":1}\n", "{\"a\":1} | a=- {\"a\":1} -a -b -c -body -d -time\n");
}

Test(lua, body_and_time_are_the_records)
{
	expect("    fields: [body, time]\n" WRITES,
	       "function process(r)\n"
	       "  r.body = r.body:upper() .. ' ' .. r.time\n"
	       "  r.time = '2024-05-01T12:00:00.25Z'\n"
	       "end\n",
	       "fields: [time]", "x\ny\n",
	       "X 2001-09-09T01:46:40Z | time=time:1714564800.250000000\n"
	       "Y 2001-09-09T01:46:40Z | time=time:1714564800.250000000\n");
}

Test(lua, record_becomes_several_each_like_it_but_for_what_is_said)
{
	expect(READS WRITES,
	       "function process(r)\n"
	       "  r.d = 'all'\n"
	       "  if r.a then return {{body = 'one', a = 7}, r, {b = missing}} end\n"
	       "end\n",
	       SHOWS, "{\"a\":1,\"b\":\"x\"}\nno\n{\"a\":2}\n",
	       "one | a=7 b=\"x\" d=\"all\"\n"
	       "{\"a\":1,\"b\":\"x\"} | a=digits \"1\" b=\"x\" d=\"all\"\n"
	       "{\"a\":1,\"b\":\"x\"} | a=digits \"1\" b=- d=\"all\"\n"
	       "no | a=- b=- d=\"all\"\n"
	       "one | a=7 b=- d=\"all\"\n"
	       "{\"a\":2} | a=digits \"2\" b=- d=\"all\"\n"
	       "{\"a\":2} | a=digits \"2\" b=- d=\"all\"\n");
}

/* Full batches, each record more than one: there are neither rows nor buffers for all at once. */
Test(lua, records_of_full_batches_become_many_in_order)
{
	enum { LINES = 9000, PARTS = 7 };
	char *lines = malloc((size_t)LINES * 16), *expected = malloc((size_t)LINES * PARTS * 32);
	size_t used = 0, wanted = 0;
	for (int i = 0; i < LINES; i++) {
		used += (size_t)sprintf(lines + used, "%d\n", i);
		for (int k = 1; k <= PARTS; k++)
			wanted += (size_t)sprintf(expected + wanted, "%d.%d | d=%d\n", i, k, k);
	}
	expect(READS WRITES,
	       "function process(r)\n"
	       "  local parts = {}\n"
	       "  for k = 1, 7 do parts[k] = {body = r.body .. '.' .. k, d = k} end\n"
	       "  return parts\n"
	       "end\n",
	       "fields: [d]", lines, expected);
	free(lines);
	free(expected);
}

Test(lua, long_texts_of_many_records_take_more_buffers)
{
	enum { LINES = 300 };
	static char lines[LINES * 8], expected[LINES * 60100];
	size_t used = 0, wanted = 0;
	for (int i = 0; i < LINES; i++) {
		used += (size_t)sprintf(lines + used, "%d\n", i);
		wanted += (size_t)sprintf(expected + wanted, "%d", i);
		memset(expected + wanted, 'x', 60000);
		wanted += 60000;
		wanted += (size_t)sprintf(expected + wanted, " |\n");
	}
	expect(READS WRITES, "function process(r) r.body = r.body .. ('x'):rep(60000) end\n",
	       "all: false", lines, expected);
}

Test(lua, record_that_would_be_too_long_is_a_failure_and_stays)
{
	expect(READS WRITES "", "function process(r) r.d = 1 r.body = ('x'):rep(70000) end\n",
	       "fields: [d, error]", "{}\n", "{} | d=- error=\"out of room\"\n");
}

Test(lua, what_was_not_declared_is_an_error_that_says_so)
{
	expect("    fields: [a]\n    writes: [d]\n",
	       "function process(r)\n"
	       "  local good, why = pcall(function() return r.zzz end)\n"
	       "  r.d = why\n"
	       "end\n",
	       "fields: [d]", "x\n",
	       "x | d=\"script:2: `zzz` is not among `fields`; declare it there to read it\"\n");
	expect("    fields: [a]\n    writes: [d]\n",
	       "function process(r)\n"
	       "  local good, why = pcall(function() r.a = 1 end)\n"
	       "  r.d = why\n"
	       "end\n",
	       "fields: [d]", "x\n",
	       "x | d=\"script:2: `a` is not among `writes`; declare it there to set it\"\n");
}

Test(lua, failed_records_keep_their_fields_and_the_state_lives_on)
{
	expect(READS WRITES,
	       "n = 0\n"
	       "function process(r)\n"
	       "  n = n + 1\n"
	       "  r.d = n\n"
	       "  if r.a == 2 then error('no') end\n"
	       "  if r.a == 3 then return {{d = 1}, {x = 1}} end\n"
	       "  if r.a == 4 then error({}) end\n"
	       "  if r.a == 5 then return 7 end\n"
	       "  if r.a == 6 then r.d = pairs end\n"
	       "  if r.a == 7 then r.d = {1, x = 1} end\n"
	       "  if r.a == 8 then r.time = 'now' end\n"
	       "  if r.a == 9 then return {1} end\n"
	       "end\n",
	       "fields: [d, error]",
	       "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n{\"a\":4}\n{\"a\":5}\n{\"a\":6}\n{\"a\":7}\n{"
	       "\"a\":8}\n{\"a\":9}\n{\"a\":10}\n",
	       "{\"a\":1} | d=1 error=-\n"
	       "{\"a\":2} | d=- error=\"script failed\"\n"
	       "{\"a\":3} | d=- error=\"script failed\"\n"
	       "{\"a\":4} | d=- error=\"script failed\"\n"
	       "{\"a\":5} | d=- error=\"script failed\"\n"
	       "{\"a\":6} | d=- error=\"script failed\"\n"
	       "{\"a\":7} | d=- error=\"script failed\"\n"
	       "{\"a\":8} | d=- error=\"script failed\"\n"
	       "{\"a\":9} | d=- error=\"script failed\"\n"
	       "{\"a\":10} | d=10 error=-\n");
}

/* Each stalls, or takes all memory, where nothing sees to it. */
static const char *const hostile[] = {
    "while true do end",
    "while true do pcall(function() while true do end end) end",
    "local function f() pcall(f) f() end f()",
    "local function f() return f() end f()",
    "local function f() return 1 + f() end f()",
    "local t = {} while true do t[#t + 1] = {} end",
    "local s = 'x' while true do s = s .. s end",
    "return ('x'):rep(1e9)",
    "return ('x'):rep(30000000)",
    "return (('a'):rep(40)):find(('a?'):rep(40) .. ('a'):rep(40))",
    "return (('a'):rep(5000)):match('.-.-.-.-.-b')",
    "while true do pcall(string.find, ('a'):rep(5000), '.-.-.-.-b') end",
    "return (('a'):rep(5000)):gsub('.-.-.-.-b', '')",
    "for _ in (('a'):rep(5000)):gmatch('.-.-.-.-b') do end",
    ("local s = ('x'):rep(4000000) local n = 0 while true do if s .. n < s .. n then n = n + 1 end "
     "end"),
    "local t = {} for i = 1, 90000 do t[i] = i % 7 end while true do table.insert(t, 1, 1) end",
    ("local t = {} for i = 1, 20000 do t[i] = i end while true do table.sort(t, function() return "
     "true end) end"),
    "local t = setmetatable({}, {__index = function(t, k) return t[k .. 1] end}) return t.x",
    "local t = setmetatable({}, {__tostring = function() while true do end end}) tostring(t)",
    "local t = {} t[1] = t r.d = t",
    "return setmetatable({}, {__index = function() while true do end end}).x",
    "load('return 1')()",
    "loadstring('return 1')()",
    "return string.dump(process)",
    "os.exit(1)",
    "io.open('/etc/passwd')",
    "require('ffi').cdef('int getpid(void);')",
    "ffi.cdef('')",
    "dofile('/etc/passwd')",
    "collectgarbage('stop')",
    "coroutine.wrap(function() while true do end end)()",
    "debug.sethook()",
    "jit.on()",
    "newproxy(true)",
    "getfenv(0)",
    "xpcall(function() error('x') end, function() while true do end end)",
    "getmetatable('').__index = nil",
    "getmetatable(r).__index = nil",
    "error(setmetatable({}, {__tostring = error}))",
    "error()",
    "r[{}] = 1",
    "r[1] = 1",
    "return {{[1] = 1}}",
    "return {{body = 1}}",
    "return {{d = {[1.5] = 1}}}",
    "local t = {} for i = 1, 2000 do t[i] = {} end return t",
    "return math.random()",
    "keep = {} for i = 1, 1e9 do keep[i] = ('x'):rep(100) .. i end",
};

Test(lua, hostile_scripts_end_as_failures_and_the_next_record_is_fine, .timeout = 300)
{
	for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
		char script[1024];
		snprintf(script, sizeof script,
			 "function process(r)\n"
			 "  if r.a == 1 then\n"
			 "    %s\n"
			 "  end\n"
			 "  r.d = 'fine'\n"
			 "end\n",
			 hostile[i]);
		transforms_pass(topology(READS WRITES "    memory: 4MiB\n", script, "fields: [d]"),
				"{\"a\":1}\n{\"a\":2}\n");
		uint64_t refused = counter_get(&transforms_counters("l")->refused);
		cr_expect_eq(refused, 1, "%s: %d failed", hostile[i], (int)refused);
		transforms_expect("out", "{\"a\":1} | d=-\n{\"a\":2} | d=\"fine\"\n");
	}
}

Test(lua, globals_are_what_they_should_be_and_no_more)
{
	expect(READS WRITES,
	       "function process(r)\n"
	       "  local names = {}\n"
	       "  for name in pairs(_G) do names[#names + 1] = name end\n"
	       "  table.sort(names)\n"
	       "  r.body = table.concat(names, ' ')\n"
	       "end\n",
	       "all: false", "x\n",
	       "_G _VERSION assert bit error getmetatable ipairs list math missing next null pairs "
	       "pcall process "
	       "rawequal rawget rawset select setmetatable string table tonumber tostring type "
	       "unpack |\n");
}

Test(lua, strings_are_searched_as_in_lua)
{
	expect(READS WRITES,
	       "function process(r)\n"
	       "  local out = {}\n"
	       "  local function say(...) out[#out + 1] = table.concat({...}, ',') end\n"
	       "  say(('a.b'):find('.', 2, true)) say(('abc'):find('b()c')) say(('abc'):find('', "
	       "9) or 'nil')\n"
	       "  say(('key=val'):match('(%w+)=(%w+)')) say(('abc'):match('b', -1) or 'nil')\n"
	       "  for k, v in ('a=1, b=2'):gmatch('(%w+)=(%w+)') do say(k, v) end\n"
	       "  for w in ('xyz'):gmatch('') do say('e') end\n"
	       "  say(('hello'):gsub('l', 'L')) say(('hello'):gsub('l', 'L', 1)) "
	       "say(('abc'):gsub('', '-'))\n"
	       "  say(('abc'):gsub('%w', '%0%0')) say(('abc'):gsub('(a)(b)', '%2%1')) "
	       "say(('abc'):gsub('^a', 'x'))\n"
	       "  say(('abc'):gsub('%w', {a = 1, b = false})) say(('abc'):gsub('%w', function(c) "
	       "if c == 'c' then return 'C' end end))\n"
	       "  r.body = table.concat(out, ' ')\n"
	       "end\n",
	       "all: false", "x\n",
	       "2,2 2,3,3 4 key,val nil a,1 b,2 e e e e heLLo,2 heLlo,1 -a-b-c-,4 aabbcc,3 bac,1 "
	       "xbc,1 1bc,3 abC,3 |\n");
}

Test(lua, mistakes_of_a_script_are_told_with_their_line)
{
	transforms_refuse("transforms:\n"
			  "  l:\n"
			  "    type: lua\n"
			  "    inputs: [in]\n"
			  "    source: |\n"
			  "      function process(r)\n"
			  "        r.x = = 1\n"
			  "      end\n"
			  "sinks: {out: {type: show, inputs: [l]}}\n",
			  "t.yaml:7:1: script: unexpected symbol near '='\n");
	transforms_refuse("transforms: {l: {type: lua, inputs: [in], source: 'x = nil + 1'}}\n"
			  "sinks: {out: {type: show, inputs: [l]}}\n",
			  "t.yaml:1:52: script: attempt to perform arithmetic on a nil value\n");
	transforms_refuse(
	    "transforms: {l: {type: lua, inputs: [in], source: 'x = 1'}}\n"
	    "sinks: {out: {type: show, inputs: [l]}}\n",
	    "t.yaml:1:52: script: there is no `process`; define `function process(record)`\n");
	transforms_refuse(
	    "transforms: {l: {type: lua, inputs: [in], source: 'while true do end'}}\n"
	    "sinks: {out: {type: show, inputs: [l]}}\n",
	    "t.yaml:1:52: script: `instructions` are used up\n");
	transforms_refuse("transforms: {l: {type: lua, inputs: [in], source: \"\\eLJ\\x02\"}}\n"
			  "sinks: {out: {type: show, inputs: [l]}}\n",
			  "t.yaml:1:51: script: bytecode is no script\n");
}

Test(lua, options_that_do_not_fit_together_are_refused)
{
	transforms_refuse(
	    "transforms: {l: {type: lua, inputs: [in]}}\n"
	    "sinks: {out: {type: show, inputs: [l]}}\n",
	    "t.yaml:1:14: a script stands in `source` or in `file`; write one of them\n");
	transforms_refuse(
	    "transforms: {l: {type: lua, inputs: [in], file: /no/such/file.lua}}\n"
	    "sinks: {out: {type: show, inputs: [l]}}\n",
	    "t.yaml:1:49: `file`: can't read `/no/such/file.lua`: No such file or directory\n");
	transforms_refuse("transforms: {l: {type: lua, inputs: [in], fields: [a, a], source: x}}\n"
			  "sinks: {out: {type: show, inputs: [l]}}\n",
			  "t.yaml:1:55: `a` stands twice; take one of them away\n");
}

Test(lua, tables_may_be_as_deep_as_a_record_may)
{
	enum { DEEP = 900 };
	static char line[16 * DEEP], expected[16 * DEEP];
	char *at = line + sprintf(line, "{\"a\":");
	for (int i = 0; i < DEEP; i++)
		at += sprintf(at, i % 2 ? "[" : "{\"k\":");
	*at++ = '1';
	for (int i = DEEP; i-- > 0;)
		*at++ = i % 2 ? ']' : '}';
	int length = (int)(at - line);
	snprintf(at, 3, "}\n");
	snprintf(expected, sizeof expected, "%.*s} | d=%.*s\n", length, line, length - 5, line + 5);
	expect(READS WRITES, "function process(r) r.d = r.a end\n", "fields: [d]", line, expected);
}

Test(lua, globals_survive_from_record_to_record)
{
	expect(READS WRITES, "n = 0\nfunction process(r) n = n + 1 r.d = n end\n", "fields: [d]",
	       "a\nb\nc\n", "a | d=1\nb | d=2\nc | d=3\n");
}

Test(lua, what_lies_within_a_field_that_is_set_is_found)
{
	expect("    fields: [a]\n    writes: [u]\n",
	       "function process(r) r.u = {id = 7, tags = list{}, none = null, deep = {1, {x = "
	       "'y'}}} end\n",
	       "fields: [u, u.id]", "{\"u\":{\"id\":1}}\n",
	       "{\"u\":{\"id\":1}} | "
	       "u={\"deep\":[1,{\"x\":\"y\"}],\"id\":7,\"none\":null,\"tags\":[]} u.id=digits "
	       "\"7\"\n");
}

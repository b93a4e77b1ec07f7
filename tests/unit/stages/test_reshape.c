/* Fields that are removed, kept and renamed, over real batches. */
#include "tests/unit/stages/transform_fixture.h"

#include <criterion/criterion.h>

TestSuite(reshape, .fini = transforms_forget);

#define PARSED "transforms:\n  parsed: {type: parse_json, inputs: [in]}\n"
#define STAGE(what) PARSED "  s: {inputs: [parsed], " what "}\n"
#define SHOW(what) "sinks: {out: {type: show, inputs: [s], " what "}}\n"

Test(reshape, removed_fields_are_gone_with_what_lies_within)
{
	transforms_pass(STAGE("type: remove, fields: [a, user]")
			    SHOW("fields: [a, b, user, user.id, username]"),
			"{\"a\":1,\"b\":2,\"user\":{\"id\":3},\"username\":4}\n");
	transforms_expect(
	    "out", "{\"a\":1,\"b\":2,\"user\":{\"id\":3},\"username\":4} | a=- b=digits \"2\" "
		   "user=- user.id=- username=digits \"4\"\n");
}

Test(reshape, removal_is_told_to_who_writes_out_all)
{
	transforms_pass(STAGE("type: remove, fields: [a, user.id]") SHOW("all: true"),
			"{\"a\":1}\n");
	transforms_expect("out", "{\"a\":1} | {\"a\":1} -a -user.id\n");
}

Test(reshape, removed_field_can_be_set_again)
{
	transforms_pass(
	    PARSED "  r: {type: remove, inputs: [parsed], fields: [a]}\n"
		   "  s: {type: set, inputs: [r], fields: {a: 'has(a)'}}\n" SHOW("fields: [a]"),
	    "{\"a\":1}\n");
	transforms_expect("out", "{\"a\":1} | a=false\n");
}

Test(reshape, what_is_known_of_a_record_is_not_removed)
{
	transforms_pass(STAGE("type: remove, fields: [body, source]")
			    SHOW("fields: [body, source]"),
			"{\"source\":\"x\"}\n");
	transforms_expect("out",
			  "{\"source\":\"x\"} | body=\"{\"source\":\"x\"}\" source=\"in\"\n");
}

Test(reshape, only_what_is_kept_remains)
{
	transforms_pass(
	    PARSED
	    "  t: {type: set, inputs: [parsed], fields: {new: '1', other: '2', user.id: '5'}}\n"
	    "  s: {type: keep, inputs: [t], fields: [a, new, user, missing]}\n"
	    "sinks:\n  out: {type: show, inputs: [s], fields: [a, b, new, other, user, user.id, "
	    "missing]}\n"
	    "  all: {type: show, inputs: [s], all: true}\n",
	    "{\"a\":1,\"b\":2,\"user\":{\"id\":3}}\n");
	transforms_expect(
	    "out", "{\"a\":1,\"b\":2,\"user\":{\"id\":3}} | a=digits \"1\" b=- new=1 other=- "
		   "user={\"id\":3} user.id=5 missing=-\n");
	transforms_expect("all",
			  "{\"a\":1,\"b\":2,\"user\":{\"id\":3}} | {} +new=1 -other +user.id=5 "
			  "+a=digits \"1\" +user={\"id\":3} -missing\n");
}

Test(reshape, kept_part_of_a_field_stays_without_the_field)
{
	transforms_pass(STAGE("type: keep, fields: [user.id]")
			    SHOW("fields: [user, user.id, user.name]"),
			"{\"user\":{\"id\":3,\"name\":\"n\"}}\n");
	transforms_expect(
	    "out",
	    "{\"user\":{\"id\":3,\"name\":\"n\"}} | user=- user.id=digits \"3\" user.name=-\n");
}

Test(reshape, kept_records_keep_their_time)
{
	transforms_pass(PARSED
			"  t: {type: set, inputs: [parsed], fields: {time: 'timestamp(t)'}}\n"
			"  s: {type: keep, inputs: [t], fields: [a]}\n" SHOW("fields: [time, t]"),
			"{\"t\":\"2000-01-01T00:00:00Z\"}\n");
	transforms_expect("out",
			  "{\"t\":\"2000-01-01T00:00:00Z\"} | time=time:946684800.000000000 t=-\n");
}

Test(reshape, renamed_field_has_another_name)
{
	transforms_pass(STAGE("type: rename, fields: {a: b, x: y}") SHOW("fields: [a, b, x, y]"),
			"{\"a\":1,\"b\":2}\n{\"b\":3,\"x\":4,\"y\":5}\n");
	transforms_expect("out",
			  "{\"a\":1,\"b\":2} | a=- b=digits \"1\" x=- y=-\n"
			  "{\"b\":3,\"x\":4,\"y\":5} | a=- b=digits \"3\" x=- y=digits \"4\"\n");
}

Test(reshape, names_are_swapped)
{
	transforms_pass(STAGE("type: rename, fields: {a: b, b: a}") SHOW("fields: [a, b]"),
			"{\"a\":1,\"b\":2}\n{\"b\":3}\n{}\n");
	transforms_expect("out", "{\"a\":1,\"b\":2} | a=digits \"2\" b=digits \"1\"\n"
				 "{\"b\":3} | a=digits \"3\" b=-\n{} | a=- b=-\n");
}

Test(reshape, what_lies_within_is_renamed_along)
{
	transforms_pass(PARSED
			"  t: {type: set, inputs: [parsed], fields: {user.id: '9'}}\n"
			"  u: {type: remove, inputs: [t], fields: [user.bad]}\n"
			"  s: {type: rename, inputs: [u], fields: {user: person}}\n" SHOW(
			    "fields: [user, user.id, person.id, person.zip, person.bad, user.zip]"),
			"{\"user\":{\"id\":1,\"zip\":2,\"bad\":3},\"person\":{\"zip\":4}}\n{}\n");
	transforms_expect(
	    "out",
	    "{\"user\":{\"id\":1,\"zip\":2,\"bad\":3},\"person\":{\"zip\":4}} | user=- user.id=- "
	    "person.id=9 person.zip=digits \"2\" person.bad=- user.zip=-\n"
	    "{} | user=- user.id=- person.id=9 person.zip=- person.bad=-"
	    " user.zip=-\n");
}

Test(reshape, field_moves_out_of_another_and_into_one)
{
	transforms_pass(STAGE("type: rename, fields: {user.name: user, a: b.c}")
			    SHOW("fields: [user, user.name, b.c]"),
			"{\"user\":{\"name\":\"n\"},\"a\":1}\n");
	transforms_expect(
	    "out",
	    "{\"user\":{\"name\":\"n\"},\"a\":1} | user=\"n\" user.name=- b.c=digits \"1\"\n");
}

Test(reshape, what_is_known_can_be_given_a_name)
{
	transforms_pass(STAGE("type: rename, fields: {source: origin}")
			    SHOW("fields: [source, origin]"),
			"{}\n{\"source\":\"own\"}\n");
	transforms_expect("out", "{} | source=\"in\" origin=\"in\"\n"
				 "{\"source\":\"own\"} | source=\"in\" origin=\"own\"\n");
}

Test(reshape, mistakes_are_told_at_load)
{
	transforms_refuse(
	    STAGE("type: rename, fields: {a: a, b: time, c: body, d: x, e: x, f: y.}")
		SHOW("all: true"),
	    "t.yaml:3:51: `a` is renamed to itself; leave it out\n"
	    "t.yaml:3:57: `time` is known of any record, and no field; `set` gives it a value\n"
	    "t.yaml:3:66: `body` is known of any record, and no field; `set` gives it a value\n"
	    "t.yaml:3:81: `x` stands twice; keep one\n"
	    "t.yaml:3:87: `y.` can't name a field: it has an empty part; a path is names with one "
	    "dot "
	    "between them\n");
	transforms_refuse(STAGE("type: remove, fields: [a, b.c, a, b, \"x\\0y\"]")
			      SHOW("all: true"),
			  "t.yaml:3:56: `a` stands twice; keep one\n"
			  "t.yaml:3:59: `b` and `b.c` stand side by side, and one is within the "
			  "other; a stage can do "
			  "one of them, another stage the other\n"
			  "t.yaml:3:62: `x\\x00y` can't name a field: it holds a NUL byte\n");
	transforms_refuse(STAGE("type: keep, fields: []") SHOW("all: true"),
			  "t.yaml:3:45: `fields` is empty; write at least one\n");
}

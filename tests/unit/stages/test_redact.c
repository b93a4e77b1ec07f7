/* redact in a topology: bodies, fields, what is refused, and that nothing gets through that was not searched. */
#include "tests/unit/stages/transform_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(redact, .fini = transforms_forget);

#define PARSED "  parsed: {type: parse_json, inputs: [in]}\n"
#define SHOWN(FROM, WHAT) "sinks: {out: {type: show, inputs: [" FROM "], " WHAT "}}\n"

Test(redact, bodies_are_written_anew_and_the_others_stay)
{
	transforms_pass("transforms:\n"
			"  clean: {type: redact, inputs: [in], sets: [email, ipv4]}\n" SHOWN(
			    "clean", "all: false"),
			"nothing\n\n192.0.2.1 ann@example.com\nnor here\n192.0.2.2\n");
	transforms_expect("out", "nothing |\n |\n*** *** |\nnor here |\n*** |\n");
	const struct stage_counters *c = transforms_counters("clean");
	cr_expect_eq(counter_get(&c->figures[0]), 1); /* email */
	cr_expect_eq(counter_get(&c->figures[2]), 2); /* ipv4 */
	cr_expect_eq(counter_get(&c->refused), 0);
}

Test(redact, bodies_that_are_json_stay_json_for_the_parser_below)
{
	transforms_pass(
	    "transforms:\n"
	    "  clean: {type: redact, inputs: [in], sets: [card, email]}\n"
	    "  parsed: {type: parse_json, inputs: [clean]}\n" SHOWN("parsed", "fields: [a, card]"),
	    "{\"a\": \"ann\\u0040example.com\", \"card\": 4111111111111111}\n");
	transforms_expect("out", "{\"a\": \"***\", \"card\": \"***\"} | a=\"***\" card=\"***\"\n");
}

Test(redact, fields_are_redacted_by_what_they_say)
{
	transforms_pass(
	    "transforms:\n" PARSED
	    "  clean: {type: redact, inputs: [parsed], fields: [a, user, n], "
	    "sets: [email, card], mask: '#'}\n" SHOWN("clean", "fields: [a, user, user.id, n, b]"),
	    "{\"a\":\"ann\\u0040example.com\",\"user\":{\"id\":\"x@y.zz\"},"
	    "\"n\":4111111111111111,\"b\":\"b@c.de\"}\n"
	    "{\"a\":\"\\u0041\",\"n\":[\"x@y.zz\", 1]}\n");
	transforms_expect("out", "{\"a\":\"ann\\u0040example.com\",\"user\":{\"id\":\"x@y.zz\"},"
				 "\"n\":4111111111111111,\"b\":\"b@c.de\"} | "
				 "a=\"#\" user={\"id\":\"#\"} user.id=\"#\" n=\"#\" b=\"b@c.de\"\n"
				 "{\"a\":\"\\u0041\",\"n\":[\"x@y.zz\", 1]} | "
				 "a=escaped \"\\u0041\" user=- user.id=- n=[\"#\", 1] b=-\n");
}

/* Who has asked for the line before has put it where who asks next would find it. */
Test(redact, the_line_as_a_field_is_what_the_line_becomes)
{
	transforms_pass(
	    "transforms:\n"
	    "  some: {type: filter, inputs: [in], where: 'body.contains(\"@\")'}\n"
	    "  clean: {type: redact, inputs: [some], sets: [email]}\n"
	    "  rest: {type: filter, inputs: [clean], where: '!body.contains(\"@\")'}\n" SHOWN(
		"rest", "fields: [body]"),
	    "to ann@example.com\nnobody\n");
	transforms_expect("out", "to *** | body=\"to ***\"\n");
}

Test(redact, records_that_are_filtered_and_batches_that_are_shared_stay_apart)
{
	transforms_pass("transforms:\n"
			"  some: {type: filter, inputs: [in], contains: 'x'}\n"
			"  clean: {type: redact, inputs: [some], sets: [email]}\n"
			"sinks:\n"
			"  out: {type: show, inputs: [clean]}\n"
			"  raw: {type: show, inputs: [some]}\n",
			"a@b.cc\nx a@b.cc\ny\nx\nx d@e.ff\n");
	transforms_expect("out", "x *** |\nx |\nx *** |\n");
	transforms_expect("raw", "x a@b.cc |\nx |\nx d@e.ff |\n");
}

/* ---- what cannot be searched ---- */

#define GIVES_UP "patterns: ['(?:a|aa)+$']"

/* One line that makes the pattern give up, between others. */
static const char *hard_lines(void)
{
	static char text[256];
	char hard[101];
	memset(hard, 'a', sizeof hard - 1);
	hard[sizeof hard - 1] = 0;
	snprintf(text, sizeof text, "x@y.zz\n%s!\nb\n", hard);
	return text;
}

Test(redact, a_record_that_could_not_be_searched_passes_as_a_mask)
{
	transforms_pass("transforms:\n"
			"  clean: {type: redact, inputs: [in], sets: [email], " GIVES_UP
			"}\n" SHOWN("clean", "fields: [error]"),
			hard_lines());
	transforms_expect("out", "*** | error=-\n*** | error=\"regex gave up\"\nb | error=-\n");
	cr_expect_eq(counter_get(&transforms_counters("clean")->refused), 1);
}

Test(redact, a_field_that_could_not_be_searched_passes_as_a_mask)
{
	char text[256], wanted[512];
	snprintf(text, sizeof text, "{\"a\":\"%.*s\",\"b\":\"c@d.ee\"}", 101,
		 strchr(hard_lines(), '\n') + 1);
	snprintf(wanted, sizeof wanted, "%s | a=\"***\" b=\"***\" error=\"regex gave up\"\n", text);
	text[strlen(text) + 1] = 0;
	text[strlen(text)] = '\n';
	transforms_pass(
	    "transforms:\n" PARSED
	    "  clean: {type: redact, inputs: [parsed], fields: [a, b], sets: [email], " GIVES_UP
	    "}\n" SHOWN("clean", "fields: [a, b, error]"),
	    text);
	transforms_expect("out", wanted);
	cr_expect_eq(counter_get(&transforms_counters("clean")->refused), 1);
}

Test(redact, on_error_sends_it_away_as_it_was)
{
	char wanted[256];
	transforms_pass("transforms:\n"
			"  clean: {type: redact, inputs: [in], sets: [email], " GIVES_UP
			", dead_letter: bad}\n"
			"sinks:\n"
			"  out: {type: show, inputs: [clean]}\n"
			"  bad: {type: show, inputs: []}\n",
			hard_lines());
	transforms_expect("out", "*** |\nb |\n");
	snprintf(wanted, sizeof wanted, "%.*s |\n", 101, strchr(hard_lines(), '\n') + 1);
	transforms_expect("bad", wanted);
}

Test(redact, on_error_drops_it_or_stops)
{
	static const char topology[] =
	    "transforms:\n"
	    "  clean: {type: redact, inputs: [in], sets: [email], " GIVES_UP ", on_error: %s}\n"
	    "sinks: {out: {type: show, inputs: [clean]}}\n";
	char text[512];
	snprintf(text, sizeof text, topology, "drop");
	transforms_pass(text, hard_lines());
	transforms_expect("out", "*** |\nb |\n");
	transforms_forget();
	snprintf(text, sizeof text, topology, "stop");
	cr_expect_neq(transforms_run(text, hard_lines(), strlen(hard_lines())), 0);
}

/* Where hashes are much longer than what they stand for, one line's growth is another's want: it is masked, and none is cut. */
Test(redact, what_gets_too_long_is_masked_as_a_whole)
{
	enum { LINE = 60000 };
	char *text = malloc(LINE + 16);
	for (size_t i = 0; i + 8 <= LINE; i += 8)
		memcpy(text + i, "1.2.3.4 ", 8);
	memcpy(text + LINE, "\n::1 x\n", 8);
	transforms_pass("sources: {in: {type: lines}}\ntransforms:\n"
			"  clean: {type: redact, inputs: [in], sets: [ipv4, ipv6], mask: '"
			"01234567890123456789012345678901234567890123456789012345678901234567890123"
			"456789012345678901234567890123456789012345678901234567890123456789'}\n"
			"sinks: {out: {type: show, inputs: [clean], fields: [error]}}\n",
			text);
	cr_expect_eq(counter_get(&transforms_counters("clean")->refused), 1);
	free(text);
}

/* ---- the topology ---- */

#define REFUSED(OPTIONS, SAID)                                                                     \
	transforms_refuse("transforms:\n  r: {type: redact, inputs: [in], " OPTIONS                \
			  "}\n" SHOWN("r", "fields: [a]"),                                         \
			  "t.yaml:2:" SAID)

Test(redact, mistakes_are_told_where_they_stand)
{
	REFUSED("fields: [a]", "3: redact needs `sets` or `patterns`\n");
	REFUSED("sets: [mail]",
		"42: there is no set of that name; email, card, ipv4, ipv6, bearer, "
		"jwt, aws, iban or uuid is one\n");
	REFUSED("patterns: ['a(']",
		"46: `patterns` does not compile: missing closing parenthesis, at offset 2\n");
	REFUSED("patterns: ['()()()()()()()()()()()()()()()()()']",
		"46: a pattern has more than 16 groups; (?:...) makes none\n");
	REFUSED("sets: [email], with: hash",
		"3: `with: hash` needs a `key`, 32 hexadecimal digits as `openssl rand -hex 16` "
		"makes them\n");
	REFUSED(
	    "sets: [email], with: hash, key: abc",
	    "67: `key` has to be 32 hexadecimal digits, as `openssl rand -hex 16` makes them\n");
	REFUSED("sets: [email], key: abc", "55: `key` is for `with: hash`; take it away\n");
	REFUSED("sets: [email], prefix: abc", "58: `prefix` is for `with: hash`; take it away\n");
}

Test(redact, bodies_below_a_parser_are_refused_when_its_fields_are_read)
{
	transforms_refuse(
	    "transforms:\n" PARSED
	    "  clean: {type: redact, inputs: [parsed], sets: [email], fields: [body]}\n"
	    "sinks: {out: {type: show, inputs: [clean], fields: [a]}}\n",
	    "t.yaml:3:67: `body` is redacted where `a` was found in it, which is read "
	    "further down as it was; redact it before it is parsed, or `a` here too\n");
	transforms_refuse(
	    "transforms:\n" PARSED
	    "  clean: {type: redact, inputs: [parsed], sets: [email], fields: [body]}\n"
	    "sinks: {out: {type: show, inputs: [clean], all: true}}\n",
	    "t.yaml:3:67: `body` is redacted where a parser has found fields in it, "
	    "which are written out as they were; redact it before it is parsed\n");
}

Test(redact, bodies_below_a_parser_do_when_its_fields_were_read_before_or_are_redacted_too)
{
	transforms_pass(
	    "transforms:\n" PARSED "  some: {type: filter, inputs: [parsed], where: 'a != \"\"'}\n"
	    "  clean: {type: redact, inputs: [some], fields: [body, b], sets: [email]}\n"
	    "sinks: {out: {type: show, inputs: [clean], fields: [b, error]}}\n",
	    "{\"a\":\"x@y.zz\",\"b\":\"x@y.zz\"}\n");
	transforms_expect("out", "{\"a\":\"***\",\"b\":\"***\"} | b=\"***\" error=-\n");
}

Test(redact, fields_that_others_hold_or_nobody_reads_are_refused)
{
	transforms_refuse(
	    "transforms:\n" PARSED
	    "  clean: {type: redact, inputs: [parsed], sets: [email], fields: [u.id]}\n"
	    "sinks: {out: {type: show, inputs: [clean], fields: [u.id, u]}}\n",
	    "t.yaml:3:67: `u.id` is redacted, but `u`, which holds it, is read further "
	    "down as it was; redact `u`\n");
	transforms_refuse("transforms:\n" PARSED
			  "  clean: {type: redact, inputs: [parsed], sets: [email], fields: [a]}\n"
			  "sinks: {out: {type: show, inputs: [clean]}}\n",
			  "t.yaml:3:67: nobody further down reads `a`, and records are written as "
			  "they were read; redact `body`, or give a sink an `encoding`\n");
}

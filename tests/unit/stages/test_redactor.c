/* What takes a secret's place; several kinds and patterns in one text; JSON; and secrets planted in noise, which never get out. */
#include "stages/json/json_scan.h"
#include "stages/secrets/redactor.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct redactor r;

static void setup(void)
{
	r = (struct redactor){.put = (const uint8_t *)"***", .put_length = 3};
	for (int k = 0; k < SECRET_KINDS; k++)
		r.search.kinds[k] = true;
}

static void teardown(void)
{
	redactor_release(&r);
}

TestSuite(redactor, .init = setup, .fini = teardown);

static void add_pattern(const char *pattern)
{
	struct regex_error error;
	int result = secret_search_add_pattern(&r.search, pattern, strlen(pattern), &error);
	cr_assert_eq(result, 0, "%s: %s", pattern, error.message);
}

static void hash_with(uint8_t first)
{
	r.hashes = true;
	r.key[0] = first;
	r.put_length = 0;
}

/* From text to what it becomes; static. NULL: it must not be let through. */
static const char *redacted(const char *text, bool json)
{
	static uint8_t out[4096], way[4096];
	struct writer w = {out, out + sizeof out - 1, false};
	struct scratch room = {way, way + sizeof way};
	size_t length = strlen(text);
	int result = json ? redactor_json(&r, (const uint8_t *)text, length, &room, &w)
			  : redactor_text(&r, (const uint8_t *)text, length, &w);
	if (result < 0) {
		cr_assert_eq(w.at, out);
		return NULL;
	}
	if (result == REDACTED_NOTHING) {
		cr_assert_eq(w.at, out);
		return text;
	}
	*w.at = 0;
	return (const char *)out;
}

static void expect(const char *text, const char *wanted)
{
	const char *got = redacted(text, false);
	cr_expect_str_eq(got, wanted, "%s\nbecame %s\nnot    %s", text, got, wanted);
}

static void expect_json(const char *text, const char *wanted)
{
	const char *got = redacted(text, true);
	cr_expect_str_eq(got, wanted, "%s\nbecame %s\nnot    %s", text, got, wanted);
}

Test(redactor, secrets_become_masks_and_all_else_stays)
{
	expect("ann@example.com from 192.0.2.1 paid", "*** from *** paid");
	expect("192.0.2.1", "***");
	expect("nothing at all", "nothing at all");
	expect("", "");
	cr_expect_eq(r.counts[SECRET_EMAIL], 1);
	cr_expect_eq(r.counts[SECRET_IPV4], 2);
	cr_expect_eq(r.counts[SECRET_CARD], 0);
}

Test(redactor, what_lies_across_each_other_is_one_secret)
{
	add_pattern("from ann");
	expect("mail from ann@example.com!", "mail ***!");
	expect("1.2.3.4@example.com", "***");
	expect("Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "Bearer ***");
}

Test(redactor, the_last_digits_of_cards_may_stay)
{
	r.keep = 4;
	expect("4111-1111-1111-1112 5500 0000 0000 0004", "4111-1111-1111-1112 ***0004");
	expect("(4111 1111 1111 1111)", "(***1111)");
	expect("192.0.2.1", "***");
}

Test(redactor, hashes_tell_secrets_apart_and_nothing_else)
{
	char first[64], again[64], other[64];
	hash_with(1);
	snprintf(first, sizeof first, "%s", redacted("4111 1111 1111 1111", false));
	snprintf(again, sizeof again, "%s", redacted("4111-1111-1111-1111", false));
	snprintf(other, sizeof other, "%s", redacted("5500000000000004", false));
	cr_expect_eq(strlen(first), 32);
	cr_expect_eq(strspn(first, "0123456789abcdef"), 32);
	cr_expect_str_eq(first, again);
	cr_expect_str_neq(first, other);
	hash_with(2);
	cr_expect_str_neq(redacted("4111 1111 1111 1111", false), first);
}

Test(redactor, hashes_are_of_the_bytes_found_behind_a_prefix)
{
	uint8_t hash[SIPHASH_BYTES];
	char wanted[64] = "to #";
	hash_with(7);
	r.put = (const uint8_t *)"#";
	r.put_length = 1;
	siphash(r.key, (const uint8_t *)"ann@example.com", 15, hash);
	for (size_t i = 0; i < sizeof hash; i++)
		snprintf(wanted + 4 + 2 * i, 3, "%02x", hash[i]);
	expect("to ann@example.com", wanted);
}

Test(redactor, groups_of_patterns_are_the_secret_and_else_the_match)
{
	add_pattern("password=(\\S+)");
	add_pattern("(?:pin|tan): \\d+");
	add_pattern("user (\\w+) of (\\w+)");
	expect("password=hunter2 pin: 1234", "password=*** ***");
	expect("user ann of acme", "user *** of ***");
	expect("password= x", "password= x");
	cr_expect_eq(r.counts[SECRET_KINDS], 4);
}

Test(redactor, groups_that_took_no_part_leave_the_whole_match)
{
	add_pattern("a(x)?b");
	add_pattern("(?=(secret))");
	add_pattern("((q)w)e");
	expect("ab axb", "*** a***b");
	expect("a secret.", "a ***.");
	expect("qwe", "***e");
}

/* A match that says that what was let through already is secret. */
Test(redactor, a_group_that_looks_back_over_what_was_told_is_a_failure)
{
	add_pattern("b|(?<=(a)bc)d");
	cr_expect_null(redacted("abcd", false));
	expect("abc", "a***c");
}

Test(redactor, patterns_that_can_match_nothing_find_what_there_is)
{
	add_pattern("x*");
	add_pattern("y*\\xe9?");
	expect("axxb\xe9", "a***b***");
	expect("ab", "ab");
}

Test(redactor, a_pattern_that_gives_up_lets_nothing_through)
{
	char text[64];
	add_pattern("(?:a|aa)+$");
	memset(text, 'a', sizeof text - 1);
	text[sizeof text - 2] = '!';
	text[sizeof text - 1] = 0;
	cr_expect_null(redacted(text, false));
	expect("!aa", "!***");
}

Test(redactor, without_room_nothing_is_written)
{
	uint8_t out[16], way[64];
	static const char text[] = "from ann@example.com to 192.0.2.1";
	for (size_t room = 0; room < sizeof out; room++) {
		struct writer w = {out, out + room, false};
		int result = redactor_text(&r, (const uint8_t *)text, sizeof text - 1, &w);
		cr_expect_eq(result, room < 15 ? -ENOBUFS : REDACTED_SOME);
		cr_expect_eq(w.at, room < 15 ? out : out + 15);
		cr_expect_not(w.is_full);
	}
	static const char json[] = "{\"a\":\"ann@example.com\"}";
	for (size_t room = 0; room < 11; room++) {
		struct writer w = {out, out + room, false};
		struct scratch s = {way, way + sizeof way};
		cr_expect_eq(redactor_json(&r, (const uint8_t *)json, sizeof json - 1, &s, &w),
			     -ENOBUFS);
		cr_expect_eq(w.at, out);
	}
}

Test(redactor, json_stays_json)
{
	expect_json("{\"a\": \"ann@example.com\", \"b\" : [1, 4111111111111111, -4.5e3]}",
		    "{\"a\": \"***\", \"b\" : [1, \"***\", -4.5e3]}");
	expect_json("{\"a\":\"x \\u0061nn\\u0040example.com \\\" y\"}", "{\"a\":\"x *** \\\" y\"}");
	expect_json("{\"ann@example.com\":{\"b\":true,\"c\":null}}",
		    "{\"***\":{\"b\":true,\"c\":null}}");
	expect_json("{\"a\":\"\\u00e9\\n\",\"b\":\"plain\"}",
		    "{\"a\":\"\\u00e9\\n\",\"b\":\"plain\"}");
	expect_json("{\"a\":\"Basic dXNlcjpw\\/XNz\"}", "{\"a\":\"Basic ***\"}");
	expect_json("[]", "[]");
}

Test(redactor, masks_are_escaped_in_json)
{
	r.put = (const uint8_t *)"<\"\\>";
	r.put_length = 4;
	expect_json("[\"at 192.0.2.1\"]", "[\"at <\\\"\\\\>\"]");
}

/* ---- planted ---- */

static uint64_t seed = 1;

static uint32_t next_random(uint32_t below)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(seed >> 33) % below;
}

static const struct {
	const char *secret;
	const char *before; /* without which it is none */
} planted[] = {
    {"jo.public@example.com", " "},
    {"4111111111111111", " "},
    {"4111 1111 1111 1111", " "},
    {"5500-0000-0000-0004", " "},
    {"203.0.113.77", " "},
    {"2001:db8::dead:beef", " "},
    {"q9w8e7r6t5y4", " Bearer "},
    {"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", " "},
    {"AKIAIOSFODNN7EXAMPLE", " "},
    {"DE89370400440532013000", " "},
    {"123e4567-e89b-12d3-a456-426614174000", " "},
};

/* Bytes of all kinds, and more than a few of those that secrets are made of. */
static size_t put_noise(uint8_t *to, size_t count)
{
	static const char likely[] = "@.:-+ 0123456789abcdefABCDEF\"%/=_eyJAKIA";
	for (size_t i = 0; i < count; i++)
		to[i] = next_random(2) ? (uint8_t)likely[next_random(sizeof likely - 1)]
				       : (uint8_t)next_random(256);
	return count;
}

Test(redactor, what_was_planted_never_comes_out, .timeout = 120)
{
	static uint8_t text[2048], out[8192];
	for (unsigned round = 0; round < 60000; round++) {
		size_t which = next_random(sizeof planted / sizeof *planted);
		const char *secret = planted[which].secret, *before = planted[which].before;
		size_t length = put_noise(text, next_random(200));
		/* where a word begins and ends */
		memcpy(text + length, before, strlen(before));
		length += strlen(before);
		memcpy(text + length, secret, strlen(secret));
		length += strlen(secret);
		text[length++] = ';';
		length += put_noise(text + length, next_random(200));
		struct writer w = {out, out + sizeof out, false};
		int result = redactor_text(&r, text, length, &w);
		cr_assert_eq(result, REDACTED_SOME, "%s was not found", secret);
		size_t written = (size_t)(w.at - out);
		cr_assert_null(memmem(out, written, secret, strlen(secret)), "%s came out", secret);
	}
}

/* The same as JSON: escaped at random, between other members. */
static size_t put_escaped(uint8_t *to, const char *text)
{
	size_t at = 0;
	to[at++] = '"';
	for (; *text; text++)
		if (*text != '"' && *text != '\\' && next_random(3))
			to[at++] = (uint8_t)*text;
		else
			at += (size_t)snprintf((char *)to + at, 7, "\\u%04x",
					       (unsigned)(uint8_t)*text);
	to[at++] = '"';
	return at;
}

static size_t put_text(uint8_t *to, const char *text)
{
	memcpy(to, text, strlen(text));
	return strlen(text);
}

Test(redactor, what_was_planted_in_json_never_comes_out_and_it_stays_json, .timeout = 120)
{
	static uint8_t text[2048], out[8192], way[8192];
	struct json_plan plan;
	struct json_mistake mistake;
	struct value none;
	cr_assert_eq(json_plan_init(&plan, JSON_DEPTH_MAX), 0);
	for (unsigned round = 0; round < 20000; round++) {
		char content[256];
		size_t which = next_random(sizeof planted / sizeof *planted);
		const char *secret = planted[which].secret;
		size_t length = put_text(text, "{\"a\":[1,{\"b\":");
		snprintf(content, sizeof content, "\"x\\%s%s ", planted[which].before, secret);
		length += put_escaped(text + length, content);
		length += put_text(text + length, ",\"c\":5500000000000004},true]}");
		struct writer w = {out, out + sizeof out, false};
		struct scratch room = {way, way + sizeof way};
		cr_assert_eq(json_scan(&plan, text, (uint32_t)length, &none, NULL, &mistake), 0);
		int result = redactor_json(&r, text, length, &room, &w);
		cr_assert_eq(result, REDACTED_SOME);
		size_t written = (size_t)(w.at - out);
		cr_assert_eq(json_scan(&plan, out, (uint32_t)written, &none, NULL, &mistake), 0,
			     "%.*s", (int)written, out);
		cr_assert_null(memmem(out, written, secret, strlen(secret)));
		cr_assert_null(memmem(out, written, "5500000000000004", 16));
	}
	json_plan_release(&plan);
}

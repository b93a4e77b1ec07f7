#include "stages/text/logfmt_scan.h"
#include "tests/unit/stages/guarded.h"

#include <criterion/criterion.h>
#include <stdio.h>

/* `key:value|`, `key|` without a value, `~` before one with escapes, and what is wrong at the end. */
static const char *shown(const void *bytes, size_t length)
{
	static char to[4096];
	struct logfmt_scan s = logfmt_from(guarded_at_end(bytes, length), length);
	struct logfmt_pair p;
	size_t at = 0;
	int r;
	to[0] = 0;
	while ((r = logfmt_next(&s, &p)) > 0) {
		at += (size_t)snprintf(to + at, sizeof to - at, "%.*s", (int)p.key.length,
				       (const char *)p.key.bytes);
		if (p.value.bytes)
			at += (size_t)snprintf(to + at, sizeof to - at, ":%s%.*s",
					       p.escaped ? "~" : "", (int)p.value.length,
					       (const char *)p.value.bytes);
		at += (size_t)snprintf(to + at, sizeof to - at, "|");
	}
	if (r < 0)
		snprintf(to + at, sizeof to - at, "!%s", s.why);
	return to;
}

static const struct {
	const char *text, *expected;
} cases[] = {
    {"", ""},
    {" \t ", ""},
    {"a=1", "a:1|"},
    {"a=1 b=2\tc=3", "a:1|b:2|c:3|"},
    {"  a=1  b=2  ", "a:1|b:2|"},
    {"a", "a|"},
    {"a b=1 c", "a|b:1|c|"},
    {"a=", "a:|"},
    {"a= b", "a:|b|"},
    {"a=\"\"", "a:|"},
    {"a=\"two words\" b", "a:two words|b|"},
    {"a=\"x\"b=y", "a:x|b:y|"},
    {"a=\"say \\\"hi\\\"\" b=1", "a:~say \\\"hi\\\"|b:1|"},
    {"a=\"\\\\\"", "a:~\\\\|"},
    {"a=\"\\u00e9\\n\\ud83d\\ude00\"", "a:~\\u00e9\\n\\ud83d\\ude00|"},
    {"a=b=c", "a:b=c|"},
    {"a==", "a:=|"},
    {"url=/x?y=z&w=1 k", "url:/x?y=z&w=1|k|"},
    {"k.ey-\xc3\xa9[0]=v", "k.ey-\xc3\xa9[0]:v|"},
    {"a=\xff\xfe", "a:\xff\xfe|"},
    {"a=\\n", "a:\\n|"},
    {"a=\"\x01\"", "a:\x01|"},
    {"a=1\r", "a:1|"},
    {"a=1\x01"
     "b=2",
     "a:1|b:2|"},
    {"=", "!no key"},
    {"a=1 =2", "a:1|!no key"},
    {"\"a\"=1", "!quote in a key"},
    {"a\"b=1", "!quote in a key"},
    {"a=b\"c", "!quote in a value"},
    {"a=\"", "!quote without an end"},
    {"a=\"b", "!quote without an end"},
    {"a=\"b\\", "!escape"},
    {"a=\"b\\\"", "!quote without an end"},
    {"a=\"\\x\"", "!escape"},
    {"a=\"\\'\"", "!escape"},
    {"a=\"\\u12\"", "!escape"},
    {"a=\"\\ud83d\"", "!lone surrogate"},
    {"a=1 b=\"x\" c=\"", "a:1|b:x|!quote without an end"},
};

Test(logfmt_scan, records_are_taken_apart_or_refused_where_they_are_wrong)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *got = shown(cases[i].text, strlen(cases[i].text));
		cr_expect_str_eq(got, cases[i].expected, "%s: %s, not %s", cases[i].text, got,
				 cases[i].expected);
	}
}

Test(logfmt_scan, a_nul_separates_pairs_and_stands_between_quotes)
{
	static const char text[] = "a=1\0b=\"x\0y\"";
	struct logfmt_scan s = logfmt_from((const uint8_t *)text, sizeof text - 1);
	struct logfmt_pair p;
	cr_assert(logfmt_next(&s, &p) == 1 && p.value.length == 1);
	cr_assert(logfmt_next(&s, &p) == 1 && p.key.length == 1 && *p.key.bytes == 'b');
	cr_expect(p.value.length == 3 && p.value.bytes[1] == 0 && !p.escaped);
	cr_expect_eq(logfmt_next(&s, &p), 0);
}

Test(logfmt_scan, ten_thousand_pairs_are_found_one_by_one)
{
	static char text[10000 * 4];
	for (size_t i = 0; i < sizeof text; i += 4)
		memcpy(text + i, "k=v ", 4);
	struct logfmt_scan s = logfmt_from((uint8_t *)text, sizeof text);
	struct logfmt_pair p;
	size_t count = 0;
	while (logfmt_next(&s, &p) > 0)
		count++;
	cr_expect_eq(count, 10000);
}

#include "stages/json/json_text.h"

#include "stages/json/json_scan.h"
#include "tests/unit/stages/guarded.h"

#include <criterion/criterion.h>
#include <errno.h>

enum { ROOM = 8192 };

static uint8_t room[ROOM];

static void expect_decoded(const char *escaped, const char *plain, size_t length)
{
	struct scratch s = {room, room + ROOM};
	struct value v = {.bytes = (const uint8_t *)escaped,
			  .length = (uint32_t)strlen(escaped),
			  .type = VALUE_STRING,
			  .form = VALUE_ESCAPED};
	cr_assert(json_decode_string(&v, &s) == 0);
	cr_assert(v.type == VALUE_STRING && v.form == VALUE_PLAIN);
	cr_assert(v.length == length && memcmp(v.bytes, plain, length) == 0, "%s", escaped);
	cr_assert(s.at == room + length); /* no more than it needs */
}

#define EXPECT_DECODED(escaped, plain) expect_decoded(escaped, plain, sizeof(plain) - 1)

Test(json_text, escapes_become_what_they_stand_for)
{
	EXPECT_DECODED("\\n", "\n");
	EXPECT_DECODED("a\\tb", "a\tb");
	EXPECT_DECODED("\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t");
	EXPECT_DECODED("\\u0041\\u00e9\\u20AC\\ud83d\\ude00!",
		       "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80!");
	EXPECT_DECODED("x\\u0000y", "x\0y");
	EXPECT_DECODED("\\\\u0041", "\\u0041");
	EXPECT_DECODED("\\udbff\\udfff\\uffff\\u07ff\\u0800\\u007f\\u0080",
		       "\xf4\x8f\xbf\xbf\xef\xbf\xbf\xdf\xbf\xe0\xa0\x80\x7f\xc2\x80");
}

Test(json_text, without_room_a_string_stays_escaped)
{
	struct scratch s = {room, room + 2};
	struct value v = {.bytes = (const uint8_t *)"a\\n",
			  .length = 3,
			  .type = VALUE_STRING,
			  .form = VALUE_ESCAPED};
	cr_assert(json_decode_string(&v, &s) == -ENOBUFS);
	cr_assert(v.form == VALUE_ESCAPED && s.at == room);
}

static void expect_encoded(const char *plain, size_t length, const char *encoded)
{
	int64_t n = json_encode_string(room, ROOM, (const uint8_t *)plain, length);
	cr_assert(n == (int64_t)strlen(encoded) && memcmp(room, encoded, (size_t)n) == 0,
		  "%.*s, not %s", (int)n, (const char *)room, encoded);
}

#define EXPECT_ENCODED(plain, encoded) expect_encoded(plain, sizeof(plain) - 1, encoded)

Test(json_text, what_would_end_a_string_or_a_line_is_escaped)
{
	EXPECT_ENCODED("", "\"\"");
	EXPECT_ENCODED("plain text / longer than eight", "\"plain text / longer than eight\"");
	EXPECT_ENCODED("\"},{\"a\":\"", "\"\\\"},{\\\"a\\\":\\\"\"");
	EXPECT_ENCODED("a\\", "\"a\\\\\"");
	EXPECT_ENCODED("\b\t\n\v\f\r", "\"\\b\\t\\n\\u000b\\f\\r\"");
	EXPECT_ENCODED("\0\x01\x1f\x7f", "\"\\u0000\\u0001\\u001f\x7f\"");
	EXPECT_ENCODED("12345678\n12345678\"", "\"12345678\\n12345678\\\"\"");
}

Test(json_text, what_is_not_utf8_becomes_the_replacement_character)
{
	EXPECT_ENCODED("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
		       "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
	EXPECT_ENCODED("\x80", "\"\xef\xbf\xbd\"");
	EXPECT_ENCODED("a\xff"
		       "b",
		       "\"a\xef\xbf\xbd"
		       "b\"");
	EXPECT_ENCODED("\xc3\"", "\"\xef\xbf\xbd\\\"\""); /* does not swallow the quote */
	EXPECT_ENCODED("\xe2\x82\n",
		       "\"\xef\xbf\xbd\\n\""); /* one for the two that belong together */
	EXPECT_ENCODED("\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
	EXPECT_ENCODED("\xf0\x9f\x98", "\"\xef\xbf\xbd\"");
	EXPECT_ENCODED("\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\"");
}

Test(json_text, nothing_is_written_beyond_the_room)
{
	static const char plain[] = "ab\"c\x01\xe2\x82\xac\xff";
	int64_t n = json_encode_string(room, ROOM, (const uint8_t *)plain, sizeof plain - 1);
	cr_assert(n > 0);
	for (size_t few = 0; few < (size_t)n; few++) {
		memset(room, 0xaa, ROOM);
		cr_assert(json_encode_string(room, few, (const uint8_t *)plain, sizeof plain - 1) ==
			  -ENOBUFS);
		cr_assert(room[few] == 0xaa);
	}
	cr_assert(json_encode_string(room, (size_t)n, (const uint8_t *)plain, sizeof plain - 1) ==
		  n);
}

/* The scanner is the judge: whatever goes in, one string comes out, and reads as what went in. */
static void there_and_back(const struct json_plan *plan, const uint8_t *bytes, size_t length,
			   bool utf8)
{
	static uint8_t record[ROOM], plain[ROOM];
	memcpy(record, "{\"a\":", 5);
	int64_t n = json_encode_string(record + 5, ROOM - 6, bytes, length);
	cr_assert(n > 0 && (size_t)n <= json_encoded_max(length));
	record[5 + n] = '}';
	struct value v;
	struct json_mistake mistake;
	cr_assert(json_scan(plan, record, (uint32_t)n + 6, &v, NULL, &mistake) == 0);
	cr_assert(v.type == VALUE_STRING && v.length == n - 2);
	for (int64_t i = 0; i < n; i++)
		cr_assert(record[5 + i] >= 0x20);
	struct scratch s = {plain, plain + ROOM};
	if (v.form == VALUE_ESCAPED)
		cr_assert(json_decode_string(&v, &s) == 0);
	if (utf8)
		cr_assert(v.length == length && memcmp(v.bytes, bytes, length) == 0);
}

Test(json_text, any_bytes_there_and_back_are_one_string)
{
	struct json_plan plan;
	uint64_t seed = 5;
	cr_assert(json_plan_init(&plan, 4) == 0);
	cr_assert(json_plan_want(&plan, &(struct json_name){(const uint8_t *)"a", 1}, 1, 0) == 0);
	for (int i = 0; i < 100000; i++) {
		uint8_t bytes[200];
		size_t length = dice_below(&seed, sizeof bytes);
		bool utf8 = dice_below(&seed, 2);
		if (utf8)
			dice_fill(&seed, bytes, length, "abcdefgh/ \"\\\n\r\t\x01\x1f\x7f{}");
		else
			dice_fill(&seed, bytes, length,
				  "ab\"\\\n\x80\xbf\xc3\xa9\xe2\xed\xf0\x9f\xf4\xff");
		there_and_back(&plan, guarded_at_end(bytes, length), length, utf8);
	}
	json_plan_release(&plan);
}

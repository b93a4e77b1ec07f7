/* The parts that requests and answers are made of, without a network. */
#include "stages/http_call/http_answer.h"
#include "stages/http_call/json_items.h"
#include "stages/http_call/request_items.h"
#include "stages/http_call/request_key.h"
#include "tests/unit/stages/still_world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define SECOND UINT64_C(1000000000)

/* ---- answers ---- */

static enum http_verdict verdict(long status)
{
	const char *why = NULL;
	struct http_answer a = {.code = CURLE_OK, .status = status};
	enum http_verdict v = http_verdict_of(&a, &why);
	cr_expect(v <= HTTP_UNCHANGED || why, "%ld", status);
	return v;
}

Test(http_call, a_status_says_what_becomes_of_a_request)
{
	static const struct {
		long status;
		enum http_verdict verdict;
	} cases[] = {
	    {200, HTTP_DONE},    {204, HTTP_DONE},    {301, HTTP_REFUSED}, {304, HTTP_UNCHANGED},
	    {400, HTTP_REFUSED}, {401, HTTP_REFUSED}, {404, HTTP_REFUSED}, {408, HTTP_AGAIN},
	    {413, HTTP_SMALLER}, {418, HTTP_REFUSED}, {425, HTTP_AGAIN},   {429, HTTP_AGAIN},
	    {500, HTTP_AGAIN},   {502, HTTP_AGAIN},   {503, HTTP_AGAIN},   {599, HTTP_AGAIN}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		cr_expect_eq(verdict(cases[i].status), cases[i].verdict, "%ld", cases[i].status);
}

Test(http_call, what_was_cut_off_because_it_was_long_counts_by_its_status)
{
	const char *why;
	struct http_answer a = {.code = CURLE_WRITE_ERROR, .status = 200, .is_too_long = true};
	cr_expect_eq(http_verdict_of(&a, &why), HTTP_DONE);
	a.is_too_long = false;
	cr_expect_eq(http_verdict_of(&a, &why), HTTP_AGAIN, "it broke off by itself");
	a.code = CURLE_COULDNT_CONNECT;
	cr_expect_eq(http_verdict_of(&a, &why), HTTP_AGAIN);
	a.code = CURLE_UNSUPPORTED_PROTOCOL;
	cr_expect_eq(http_verdict_of(&a, &why), HTTP_REFUSED);
}

Test(http_call, retry_after_is_seconds_or_a_date)
{
	const int64_t now = INT64_C(784111777) * 1000000000; /* Sun, 06 Nov 1994 08:49:37 GMT */
	cr_expect_eq(http_retry_after("0", now), 0);
	cr_expect_eq(http_retry_after("120", now), 120 * SECOND);
	cr_expect_eq(http_retry_after("Sun, 06 Nov 1994 08:50:07 GMT", now), 30 * SECOND);
	cr_expect_eq(http_retry_after("Sunday, 06-Nov-94 08:50:07 GMT", now), 30 * SECOND);
	cr_expect_eq(http_retry_after("Sun, 06 Nov 1994 08:49:00 GMT", now), 0, "gone by");
	cr_expect_eq(http_retry_after("99999999999999999999999999", now), 86400 * SECOND, "a day");
	cr_expect_eq(http_retry_after("Sun, 06 Nov 2094 08:49:37 GMT", now), 86400 * SECOND,
		     "a day");
	cr_expect_eq(http_retry_after("", now), 0);
	cr_expect_eq(http_retry_after("-5", now), 0);
	cr_expect_eq(http_retry_after("1.5", now), 0);
	cr_expect_eq(http_retry_after("soon", now), 0);
}

/* ---- JSON ---- */

static void expect_items(const char *list, const char *joined)
{
	struct json_items walk = json_items_of((const uint8_t *)list, strlen(list));
	struct text_span item;
	char got[256] = "";
	while (json_items_next(&walk, &item))
		snprintf(got + strlen(got), sizeof got - strlen(got), "%.*s;", (int)item.length,
			 (const char *)item.bytes);
	cr_expect_str_eq(got, joined, "%s: %s", list, got);
}

Test(http_call, a_lists_elements_end_where_commas_stand_between_them)
{
	expect_items("[]", "");
	expect_items("[ ]", "");
	expect_items("[1]", "1;");
	expect_items("[ 1 , \"a,]\\\"b\" ,{\"c\":[1,2]},[],\ttrue ]",
		     "1;\"a,]\\\"b\";{\"c\":[1,2]};[];true;");
	expect_items("[\"\\\\\",2]", "\"\\\\\";2;");
}

/* ---- items ---- */

static void add(struct request_items *i, const char *text)
{
	size_t length = strlen(text);
	cr_assert_eq(request_items_reserve(i, length), 0);
	memcpy(i->bytes + i->length, text, length);
	request_items_add(i, (struct request_item){.length = (uint32_t)length});
}

static const char *current(const struct request_items *i)
{
	static char text[256];
	text[0] = '\0';
	for (size_t n = i->from; n < i->to; n++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%.*s",
			 (int)i->list[n].length, (const char *)request_item_bytes(i, n));
	return text;
}

static void add_all(struct request_items *i, const char *letters)
{
	for (; *letters; letters++)
		add(i, (char[]){*letters, '\0'});
	request_items_begin(i);
}

Test(http_call, what_is_too_large_goes_in_halves_until_it_fits)
{
	struct request_items i = {0};
	add_all(&i, "abcdefg");
	cr_expect_str_eq(current(&i), "abcdefg");
	cr_expect(request_items_halve(&i));
	cr_expect_str_eq(current(&i), "abc");
	cr_expect(request_items_halve(&i));
	cr_expect_str_eq(current(&i), "a");
	cr_expect_not(request_items_halve(&i), "one item is as small as it gets");
	char all[16] = "";
	do
		strncat(all, current(&i), sizeof all - strlen(all) - 1);
	while (request_items_next(&i));
	cr_expect_str_eq(all, "abcdefg");
	request_items_release(&i);
}

Test(http_call, those_that_go_again_keep_their_order_and_the_rest_follows)
{
	static const enum item_fate fates[] = {ITEM_STORED, ITEM_AGAIN, ITEM_REFUSED};
	struct request_items i = {0};
	add_all(&i, "abcdefg");
	cr_expect(request_items_halve(&i));
	request_items_keep(&i, fates);
	cr_expect_str_eq(current(&i), "b");
	cr_expect(request_items_next(&i));
	cr_expect_str_eq(current(&i), "def");
	cr_expect(request_items_next(&i));
	cr_expect_str_eq(current(&i), "g");
	cr_expect_not(request_items_next(&i));
	request_items_release(&i);
}

Test(http_call, the_last_item_can_be_taken_out_and_room_be_given_back)
{
	struct request_items i = {0};
	add(&i, "aa");
	add(&i, "bb");
	request_items_drop_last(&i);
	add(&i, "c");
	request_items_begin(&i);
	cr_expect_str_eq(current(&i), "aac");
	cr_expect_eq(request_items_bytes(&i), 3);
	request_items_clear(&i, 10);
	cr_expect_eq(i.room, 0, "it had more than that");
	request_items_release(&i);
}

/* ---- keys ---- */

static struct request_keys keys_of(const char *sink, uint64_t whose)
{
	return (struct request_keys){.sink = sink, .whose = whose, .is_known = true};
}

Test(http_call, a_key_is_the_same_for_the_same_request_and_for_no_other)
{
	char keys[7][REQUEST_KEY_MAX];
	const struct request_keys a = keys_of("a", 1), b = keys_of("b", 1), other = keys_of("a", 2);
	request_key(&a, 5, 0, (const uint8_t *)"xy", 2, keys[0]);
	request_key(&a, 5, 1, (const uint8_t *)"xy", 2, keys[1]);
	request_key(&a, 6, 0, (const uint8_t *)"xy", 2, keys[2]);
	request_key(&a, 5, 0, (const uint8_t *)"xz", 2, keys[3]);
	request_key(&b, 5, 0, (const uint8_t *)"xy", 2, keys[4]);
	request_key(&other, 5, 0, (const uint8_t *)"xy", 2, keys[5]);
	request_key(&a, 5, 0, (const uint8_t *)"xy", 2, keys[6]);
	cr_expect_str_eq(keys[0], keys[6]);
	for (int i = 0; i < 6; i++)
		for (int k = 0; k < i; k++)
			cr_expect_str_neq(keys[i], keys[k]);
}

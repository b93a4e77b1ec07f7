/* fuzz_http_answer.c - any bytes as what a server says: of a bulk request each item has a fate, and one that is to be sent again has a
 * reason; a list's elements lie in it, in order; Retry-After is a day at most.
 *
 *   byte 0: how many items the request had; byte 1: which server
 *
 * Layer: tests, libFuzzer. */
#include "stages/http_call/json_items.h"
#include "stages/http_call/request_form.h"
#include "tests/fuzz/fuzz_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

enum { INPUT_MAX = 1 << 16, DAY_S = 86400 };

static void judge(const struct request_form *form, uint8_t *answer, size_t length, size_t items)
{
	static struct request_options options;
	static struct stage stage;
	static struct request_writer w;
	enum item_fate fates[256] = {ITEM_STORED};
	struct request_judgement j = {.verdict = HTTP_DONE};
	const struct http_answer a = {.status = 200, .body = answer, .length = length};
	w = (struct request_writer){.form = form, .options = &options, .stage = &stage};
	assert(form->open(&w) == 0);
	form->judge(&w, &a, items, fates, &j);
	size_t again = 0, refused = 0;
	for (size_t i = 0; i < items; i++) {
		assert(fates[i] <= ITEM_REFUSED);
		again += fates[i] == ITEM_AGAIN;
		refused += fates[i] == ITEM_REFUSED;
	}
	assert(again == 0 || (j.verdict == HTTP_AGAIN && j.why));
	assert(refused == 0 || j.refused_why);
	assert(memchr(j.words, '\0', sizeof j.words));
	request_writer_close(&w);
}

static void walk(const uint8_t *bytes, size_t length)
{
	struct json_items i = json_items_of(bytes, length);
	struct text_span item;
	const uint8_t *at = bytes;
	while (json_items_next(&i, &item)) {
		assert(item.bytes >= at && item.bytes + item.length <= bytes + length);
		at = item.bytes + item.length;
	}
}

static void wait_for(const uint8_t *bytes, size_t length)
{
	char value[HTTP_TAG_MAX];
	size_t n = length < sizeof value ? length : sizeof value - 1;
	memcpy(value, bytes, n);
	value[n] = '\0';
	assert(http_retry_after(value, INT64_C(1767225600000000000)) <=
	       UINT64_C(1000000000) * DAY_S);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	if (length < 2 || length > INPUT_MAX)
		return 0;
	size_t items = bytes[0];
	const struct request_form *form = bytes[1] & 1 ? &form_splunk : &form_elasticsearch;
	length -= 2;
	uint8_t *copy = fuzzed_copy(bytes + 2, length);
	judge(form, copy, length, items);
	walk(copy, length);
	wait_for(copy, length);
	free(copy);
	return 0;
}

/* fuzz_secrets.c - any bytes, searched for every kind of secret: what is found lies in order and within; a kind that the sketch
 * rules out is not found by all together; without room nothing is written; and JSON stays JSON.
 *
 *	byte 0    bits: hash; keep      then the text
 *
 * Layer: tests, libFuzzer. */
#include "stages/json/json_scan.h"
#include "stages/secrets/redactor.h"
#include "stages/secrets/secret_sketch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

enum { INPUT_MAX = 1 << 14, GROWTH = 40, SPARE = 256 };

static struct redactor redactor;
static struct json_plan plan;

static void prepare(uint8_t how)
{
	struct regex_error error;
	static const char pattern[] = "pw=(\\w+)(;)?|\\bt(?:op|ip)\\b|(?=(seen))";
	if (!plan.nodes) {
		int r = secret_search_add_pattern(&redactor.search, pattern, sizeof pattern - 1,
						  &error);
		if (r < 0 || json_plan_init(&plan, JSON_DEPTH_MAX) < 0)
			abort();
		memset(redactor.search.kinds, true, sizeof redactor.search.kinds);
	}
	redactor.hashes = how & 1;
	redactor.keep = how >> 1 & 3;
	redactor.put = (const uint8_t *)"\"*\"";
	redactor.put_length = 3;
}

/* Each kind by itself. */
static bool find_each(const uint8_t *text, size_t length)
{
	struct secret_sketch sketch;
	bool any = false;
	secret_sketch(&sketch, text, length);
	for (int k = 0; k < SECRET_KINDS; k++) {
		struct secret_span s = {0, 0};
		size_t before = 0;
		while (secret_kinds[k].find(text, length, before, &s)) {
			assert(s.from >= before && s.from < s.to && s.to <= length);
			assert(secret_may_be(&sketch, &secret_kinds[k].needs));
			before = s.to;
			any = true;
		}
	}
	return any;
}

static void search(const uint8_t *text, size_t length)
{
	struct secret_found f;
	size_t before = 0;
	bool any = find_each(text, length);
	int r = secret_search_begin(&redactor.search, text, length);
	assert(r > 0 || (r == 0 && !any));
	while ((r = secret_search_next(&redactor.search, &f)) > 0) {
		assert(f.from >= before && f.from < f.to && f.to <= length);
		before = f.to;
	}
	assert(r == 0);
}

static void redact(const uint8_t *text, size_t length, size_t room)
{
	uint8_t *out = malloc(room), *way = malloc(room);
	struct json_mistake mistake;
	struct value none;
	assert(out && way);
	struct writer w = {out, out + room, false};
	struct scratch s = {way, way + room};
	bool json = json_scan(&plan, text, (uint32_t)length, &none, NULL, &mistake) == 0;
	int r = json ? redactor_json(&redactor, text, length, &s, &w)
		     : redactor_text(&redactor, text, length, &w);
	assert(r >= 0 || room < GROWTH * length + SPARE);
	assert(r == REDACTED_SOME || w.at == out);
	assert(s.at == way);
	if (r == REDACTED_SOME && json)
		assert(json_scan(&plan, out, (uint32_t)(w.at - out), &none, NULL, &mistake) == 0);
	free(out);
	free(way);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	if (length < 1 || length > INPUT_MAX)
		return 0;
	prepare(bytes[0]);
	/* What is read past the end is found. */
	uint8_t *text = malloc(length);
	assert(text);
	memcpy(text, bytes + 1, length - 1);
	uint8_t *exact = realloc(text, length > 1 ? length - 1 : 1);
	assert(exact);
	search(exact, length - 1);
	redact(exact, length - 1, GROWTH * length + SPARE);
	redact(exact, length - 1, length);
	free(exact);
	return 0;
}

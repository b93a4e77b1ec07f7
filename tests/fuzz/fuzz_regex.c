/* fuzz_regex.c - any text as a pattern, over any bytes: it compiles or says where it does not; what its groups matched lies
 * within the record; it matches with captures where it does without.
 *
 *   the pattern up to a NUL; then the record
 *
 * Layer: tests, libFuzzer. */
#include "stages/regex.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

enum { INPUT_MAX = 1024, SLOTS = 8 };

static void check_spans(const struct regex_span *spans, const uint8_t *record, size_t length)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		const struct regex_span *s = &spans[i];
		if (!s->bytes)
			continue;
		assert(s->bytes >= record && s->bytes <= record + length);
		assert(s->length <= (size_t)(record + length - s->bytes));
	}
}

static void search(const struct regex *r, const uint8_t *record, size_t length)
{
	struct regex_span spans[SLOTS] = {0}, again[SLOTS] = {0};
	int found = regex_capture(r, record, length, spans);
	assert(found == regex_matches(r, record, length));
	check_spans(spans, record, length);
	assert(found == regex_capture(r, record, length, again));
	assert(memcmp(spans, again, sizeof spans) == 0);
}

static void use(struct regex *r, const uint8_t *record, size_t length)
{
	for (unsigned i = 0; i < regex_name_count(r); i++) {
		struct regex_name n = regex_name(r, i);
		assert(n.length == strlen(n.name) && n.group > 0);
		int wanted = regex_want(r, n.name, n.length, i % SLOTS);
		assert(wanted == 0);
	}
	int prepared = regex_prepare(r);
	assert(prepared == 0);
	search(r, record, length);
	regex_release(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct regex_error error;
	struct regex r;
	const uint8_t *end = length > 0 ? memchr(bytes, 0, length) : NULL;
	if (!end || length > INPUT_MAX)
		return 0;
	size_t pattern = (size_t)(end - bytes), record = length - pattern - 1;
	/* What is read past the end of either is found. */
	char *text = malloc(pattern + 1);
	uint8_t *data = malloc(record + !record);
	assert(text && data);
	memcpy(text, bytes, pattern);
	memcpy(data, end + 1, record);
	for (unsigned syntax = 0; syntax < 4; syntax++) {
		int result = regex_compile(&r, text, pattern, syntax, &error);
		assert(result == 0 || result == -EINVAL);
		if (result == 0)
			use(&r, data, record);
		else
			assert(error.offset <= pattern && strlen(error.message) > 0);
	}
	free(text);
	free(data);
	return 0;
}

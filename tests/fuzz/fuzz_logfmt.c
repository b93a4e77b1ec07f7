/* fuzz_logfmt.c - any bytes as a record in logfmt: keys and values lie in it, in order, its escapes can be taken out, and the
 * pairs that were found, written again, are the same.
 *
 * Layer: tests, libFuzzer. */
#include "stages/json/json_text.h"
#include "stages/text/logfmt_scan.h"
#include "tests/fuzz/fuzz_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

enum { INPUT_MAX = 1 << 16 };

static void check_escapes(const struct logfmt_pair *pair)
{
	if (!pair->escaped)
		return;
	uint8_t *room = malloc(pair->value.length);
	assert(room);
	struct scratch s = {room, room + pair->value.length};
	struct value v = {.bytes = pair->value.bytes,
			  .length = pair->value.length,
			  .type = VALUE_STRING,
			  .form = VALUE_ESCAPED};
	assert(json_decode_string(&v, &s) == 0 && v.length < pair->value.length);
	free(room);
}

static bool wants_quotes(const struct logfmt_pair *pair)
{
	bool wants = pair->escaped || pair->value.length == 0;
	for (uint32_t i = 0; i < pair->value.length; i++)
		wants |= pair->value.bytes[i] <= ' ';
	return wants;
}

static void put_pair(struct fuzzed_text *t, const struct logfmt_pair *pair)
{
	const char *quote = wants_quotes(pair) ? "\"" : "";
	fuzzed_put(t, pair->key.bytes, pair->key.length);
	if (pair->value.bytes) {
		fuzzed_put_text(t, "=");
		fuzzed_put_text(t, quote);
		fuzzed_put(t, pair->value.bytes, pair->value.length);
		fuzzed_put_text(t, quote);
	}
	fuzzed_put_text(t, " ");
}

/* Both hold the same pairs. */
static void compare(const uint8_t *bytes, size_t length, const struct fuzzed_text *t)
{
	struct logfmt_scan one = logfmt_from(bytes, length), two = logfmt_from(t->bytes, t->length);
	struct logfmt_pair a, b;
	int r;
	do {
		r = logfmt_next(&one, &a);
		assert(r == logfmt_next(&two, &b));
		assert(r == 0 || (fuzzed_same(&a.key, &b.key) && fuzzed_same(&a.value, &b.value) &&
				  a.escaped == b.escaped));
	} while (r > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct logfmt_pair pair;
	int r;
	if (length > INPUT_MAX)
		return 0;
	uint8_t *copy = fuzzed_copy(bytes, length);
	const uint8_t *at = copy;
	struct fuzzed_text t = {.bytes = malloc(3 * length + 8), .room = 3 * length + 8};
	struct logfmt_scan s = logfmt_from(copy, length);
	assert(t.bytes);
	while ((r = logfmt_next(&s, &pair)) > 0) {
		assert(pair.key.length > 0);
		fuzzed_follows(&pair.key, &at, s.end);
		fuzzed_follows(&pair.value, &at, s.end);
		check_escapes(&pair);
		put_pair(&t, &pair);
	}
	assert(r < 0 ? s.why && *s.why : !s.why);
	if (r == 0)
		compare(copy, length, &t);
	free(t.bytes);
	free(copy);
	return 0;
}

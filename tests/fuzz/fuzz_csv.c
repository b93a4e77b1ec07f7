/* fuzz_csv.c - any bytes as a record of comma-separated values: fields lie in it, in order; what is right strictly is the same
 * leniently; and the fields that were found, written with quotes around each, are found again.
 *
 *   byte 0: the comma
 *
 * Layer: tests, libFuzzer. */
#include "stages/text/csv_scan.h"
#include "tests/fuzz/fuzz_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

enum { INPUT_MAX = 1 << 16 };

/* As it is meant; in plain, which has room for it. */
static struct text_span meaning(const struct csv_field *f, uint8_t *plain)
{
	if (!f->doubled)
		return f->text;
	size_t n = csv_undouble(plain, f->text);
	assert(n < f->text.length);
	return text_span(plain, plain + n);
}

static void put_quoted(struct fuzzed_text *t, const struct text_span *text, uint8_t comma)
{
	if (t->length > 0)
		fuzzed_put(t, &comma, 1);
	fuzzed_put_text(t, "\"");
	for (uint32_t i = 0; i < text->length; i++) {
		if (text->bytes[i] == '"')
			fuzzed_put_text(t, "\"");
		fuzzed_put(t, &text->bytes[i], 1);
	}
	fuzzed_put_text(t, "\"");
}

/* Both hold the same fields; the second one is right strictly. */
static void compare(struct csv_scan one, struct csv_scan two, uint8_t *plain, uint8_t *other)
{
	struct csv_field a, b;
	int r;
	do {
		r = csv_next(&one, &a);
		assert(r == csv_next(&two, &b));
		if (r > 0) {
			struct text_span x = meaning(&a, plain), y = meaning(&b, other);
			assert(fuzzed_same(&x, &y));
		}
	} while (r > 0);
}

static int write_again(struct csv_scan s, uint8_t *plain, struct fuzzed_text *t)
{
	struct csv_field f;
	const uint8_t *at = s.at;
	int r;
	while ((r = csv_next(&s, &f)) > 0) {
		fuzzed_follows(&f.text, &at, s.end);
		struct text_span text = meaning(&f, plain);
		put_quoted(t, &text, s.comma);
	}
	assert(r < 0 ? s.why && *s.why : !s.why);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	if (length < 1 || length > INPUT_MAX || strchr("\"\r\n", bytes[0]))
		return 0;
	const uint8_t comma = bytes[0];
	const size_t room = 4 * length + 8;
	uint8_t *copy = fuzzed_copy(bytes + 1, --length);
	uint8_t *plain = malloc(room), *other = malloc(room);
	struct fuzzed_text t = {.bytes = malloc(room), .room = room};
	assert(plain && other && t.bytes);
	int strict = write_again(csv_from(copy, length, comma, true), plain, &t);
	t.length = 0;
	int lenient = write_again(csv_from(copy, length, comma, false), plain, &t);
	assert(strict < 0 || lenient == 0);
	if (lenient == 0)
		compare(csv_from(copy, length, comma, false),
			csv_from(t.bytes, t.length, comma, true), plain, other);
	if (strict == 0)
		compare(csv_from(copy, length, comma, false), csv_from(copy, length, comma, true),
			plain, other);
	free(t.bytes);
	free(other);
	free(plain);
	free(copy);
	return 0;
}

/* fuzz_cri.c - any bytes as a line of a container's runtime: its parts lie in it, its message has no newline that was only the
 * line's end, and put together again it says the same.
 *
 * Layer: tests, libFuzzer. */
#include "stages/json/json_text.h"
#include "stages/text/cri_scan.h"
#include "tests/fuzz/fuzz_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

enum { INPUT_MAX = 1 << 16 };

static struct cri_json json;

static void check_inside(const struct value *v, const uint8_t *bytes, size_t length)
{
	assert(v->type == VALUE_STRING && v->bytes >= bytes && v->bytes <= bytes + length);
	assert(v->length <= (size_t)(bytes + length - v->bytes));
}

static void put_value(struct fuzzed_text *t, const struct value *v)
{
	fuzzed_put(t, v->bytes, v->length);
}

static void write_line(struct fuzzed_text *t, const struct cri_line *l)
{
	put_value(t, &l->time);
	fuzzed_put_text(t, " ");
	put_value(t, &l->stream);
	fuzzed_put_text(t, l->partial ? " P " : " F ");
	put_value(t, &l->message);
}

static void write_json(struct fuzzed_text *t, const struct cri_line *l)
{
	fuzzed_put_text(t, "{\"time\":\"");
	put_value(t, &l->time);
	fuzzed_put_text(t, "\",\"log\":\"");
	put_value(t, &l->message);
	fuzzed_put_text(t, l->partial ? "\",\"stream\":\"" : "\\n\",\"stream\":\"");
	put_value(t, &l->stream);
	fuzzed_put_text(t, "\"}");
}

static bool same(const struct value *a, const struct value *b)
{
	return a->length == b->length &&
	       (a->length == 0 || memcmp(a->bytes, b->bytes, a->length) == 0);
}

/* The escapes that are left are whole ones. */
static void check_escapes(const struct value *message)
{
	struct value v = *message;
	uint8_t *room = malloc(v.length + 1);
	assert(room);
	struct scratch s = {room, room + v.length};
	if (v.form == VALUE_ESCAPED)
		assert(json_decode_string(&v, &s) == 0);
	free(room);
}

static void check_again(const struct cri_line *l, bool is_json, size_t length)
{
	struct fuzzed_text t = {.bytes = malloc(length + 64), .room = length + 64};
	struct cri_line again;
	const char *why;
	assert(t.bytes);
	if (is_json)
		write_json(&t, l);
	else
		write_line(&t, l);
	int r = cri_scan(&json, t.bytes, (uint32_t)t.length, &again, &why);
	assert(r == 0 && same(&l->time, &again.time) && same(&l->stream, &again.stream));
	assert(same(&l->message, &again.message) && l->partial == again.partial);
	free(t.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct cri_line l;
	const char *why = NULL;
	if (length > INPUT_MAX || (!json.plan.nodes && cri_json_init(&json) < 0))
		return 0;
	uint8_t *copy = fuzzed_copy(bytes, length);
	if (cri_scan(&json, copy, (uint32_t)length, &l, &why) < 0) {
		assert(why && *why);
	} else {
		check_inside(&l.time, copy, length);
		check_inside(&l.stream, copy, length);
		check_inside(&l.message, copy, length);
		check_escapes(&l.message);
		check_again(&l, copy[0] == '{', length);
	}
	free(copy);
	return 0;
}

/* fuzz_batch_image.c - any bytes as a batch's image: none, or one that keeps to what stages/batch.h says of batches, whose bytes can
 * all be touched, and which comes back as it is when it is written and read once more.
 *
 * Layer: tests, libFuzzer. */
#include "stages/home.h"
#include "stages/segments/batch_image.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

enum { CAPACITY = 4096, COLUMNS = 5 };

static uint64_t now(struct env *e)
{
	(void)e;
	return 1000;
}

static const struct env_ops ops = {.now_ns = now, .boot = now};
static struct env env = {.ops = &ops};
static struct field list[COLUMNS] = {
    {.name = "", .known = FIELD_OBJECT},
    {.name = "", .known = FIELD_PLACES},
    {.name = "a", .length = 1},
    {.name = "", .known = FIELD_RECORD_TIME},
    {.name = "error", .length = 5, .known = FIELD_ERROR},
};
static const struct fields fields = {.list = list, .count = COLUMNS};
static struct home home;
static volatile uint8_t touched;

static void touch(const uint8_t *at, size_t length)
{
	for (size_t i = 0; i < length; i++)
		touched ^= at[i];
}

static bool has_bytes(const struct value *v)
{
	return v->form == VALUE_DIGITS || v->type == VALUE_STRING || v->type == VALUE_BYTES ||
	       v->type == VALUE_LIST || v->type == VALUE_MAP;
}

static void check(const struct batch *b)
{
	uint64_t end = 0, total = 0;
	for (uint32_t i = 0; i < b->count; i++) {
		assert(b->records[i].offset >= end);
		end = (uint64_t)b->records[i].offset + b->records[i].length;
		assert(end <= b->buffer->capacity);
		touch(b->bytes + b->records[i].offset, b->records[i].length);
		total += b->records[i].length;
	}
	assert(total == b->bytes_total);
	for (unsigned c = 0; c < COLUMNS; c++)
		for (uint32_t i = 0; batch_has_column(b, c) && i < b->count; i++) {
			const struct value *v = &batch_column_as_is(b, c)[b->rows[i]];
			assert(v->type < VALUE_TYPES && v->type != VALUE_ERROR);
			if (has_bytes(v))
				touch(v->bytes, v->length);
		}
}

static void check_same(const struct batch *x, const struct batch *y)
{
	assert(x->count == y->count && x->bytes_total == y->bytes_total);
	for (uint32_t i = 0; i < x->count; i++) {
		const struct record *r = &x->records[i], *s = &y->records[i];
		assert(r->length == s->length && x->place + r->offset == y->place + s->offset);
		assert(memcmp(x->bytes + r->offset, y->bytes + s->offset, r->length) == 0);
	}
	for (unsigned c = 0; c < COLUMNS; c++)
		for (uint32_t i = 0; batch_has_column(x, c) && i < x->count; i++) {
			const struct value *v = &batch_column_as_is(x, c)[x->rows[i]];
			const struct value *w = &batch_column_as_is(y, c)[y->rows[i]];
			assert(v->type == w->type && v->form == w->form && v->length == w->length);
			assert(!has_bytes(v) || memcmp(v->bytes, w->bytes, v->length) == 0);
		}
}

static void check_again(struct batch_image_reader *reader, const struct batch *b)
{
	size_t bound = batch_image_bound(&fields, b, 0, b->count);
	uint8_t *image = malloc(bound);
	struct batch *again;
	if (!image)
		abort();
	size_t length = batch_image_write(&fields, b, 0, b->count, 1, image);
	assert(length <= bound);
	int r = batch_image_read(reader, &home, image, length, &again);
	assert(r == 0);
	check_same(b, again);
	batch_free(&again);
	free(image);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct home_size size = {
	    .buffers = 16, .buffer_capacity = CAPACITY, .batches = 2, .columns = COLUMNS};
	struct batch_image_reader reader;
	struct batch *b;
	if (!home.mapping && home_init(&home, &size) < 0)
		abort();
	batch_image_reader_init(&reader, &env, &fields, "in");
	int r = batch_image_read(&reader, &home, bytes, length, &b);
	assert(r == 0 || r == -EBADMSG || r == -EMSGSIZE);
	if (r == 0) {
		check(b);
		check_again(&reader, b);
		batch_free(&b);
	}
	batch_image_reader_release(&reader);
	assert(home_is_whole(&home));
	return 0;
}

/* A batch written as bytes and read back is the same batch; what is no image becomes none. */
#include "stages/home.h"
#include "stages/segments/batch_image.h"
#include "tests/unit/stages/still_world.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CAPACITY = 4096, BUFFERS = 8, BATCHES = 3, COLUMNS = 6, IMAGE_ROOM = 1 << 20 };

static struct home from, to;
static struct still_world world;
static struct batch_image_reader reader;
static uint8_t image[IMAGE_ROOM];

static struct field list[COLUMNS] = {
    {.name = "", .length = 0, .known = FIELD_OBJECT},
    {.name = "", .length = 0, .known = FIELD_PLACES},
    {.name = "status", .length = 6},
    {.name = "path", .length = 4},
    {.name = "", .length = 0, .known = FIELD_RECORD_TIME},
    {.name = "error", .length = 5, .known = FIELD_ERROR},
};
static const struct fields fields = {.list = list, .count = COLUMNS};

/* The same in another topology: numbered anew, `error` spoken of by nobody, `status` by somebody else, too. */
static struct field other_list[COLUMNS] = {
    {.name = "other", .length = 5},
    {.name = "path", .length = 4},
    {.name = "", .length = 0, .known = FIELD_RECORD_TIME},
    {.name = "status", .length = 6},
    {.name = "", .length = 0, .known = FIELD_OBJECT},
    {.name = "", .length = 0, .known = FIELD_PLACES},
};
static const struct fields other_fields = {.list = other_list, .count = COLUMNS};

static void set_up(void)
{
	struct home_size size = {.buffers = BUFFERS,
				 .buffer_capacity = CAPACITY,
				 .batches = BATCHES,
				 .columns = COLUMNS};
	cr_assert_eq(home_init(&from, &size), 0);
	cr_assert_eq(home_init(&to, &size), 0);
	still_world_init(&world);
	batch_image_reader_init(&reader, &world.env, &fields, "in");
}

static void tear_down(void)
{
	batch_image_reader_release(&reader);
	cr_assert(home_is_whole(&from) && home_is_whole(&to), "each was freed, and none twice");
	home_release(&from);
	home_release(&to);
}

TestSuite(batch_image, .init = set_up, .fini = tear_down);

/* Text whose lines are the records, but for those that begin with '-'. */
static struct batch *make_batch(const char *text)
{
	struct buffer *buffer = home_take_buffer(&from);
	struct batch *b = batch_new(&from, buffer);
	const uint32_t before = 100;
	buffer_let_go(buffer);
	memcpy(buffer->bytes + before, text, strlen(text));
	b->delimiter = (struct delimiter){.bytes = "\n", .length = 1};
	b->source = "in";
	b->wall_ns = 1700000000000000000;
	b->place = 5000;
	b->has_place = true;
	for (const char *line = text; *line;) {
		const char *end = strchrnul(line, '\n');
		if (*line != '-') {
			b->records[b->count++] =
			    (struct record){.offset = before + (uint32_t)(line - text),
					    .length = (uint32_t)(end - line)};
			b->bytes_total += (uint64_t)(end - line);
			b->unterminated = !*end;
		}
		line = *end ? end + 1 : end;
	}
	return b;
}

static size_t write_part(const struct batch *b, uint32_t first, uint32_t count)
{
	size_t bound = batch_image_bound(&fields, b, first, count);
	cr_assert_leq(bound, IMAGE_ROOM);
	size_t length = batch_image_write(&fields, b, first, count, 1, image);
	cr_assert_leq(length, bound);
	return length;
}

static struct batch *read_back(size_t length)
{
	struct batch *b = NULL;
	cr_assert_eq(batch_image_read(&reader, &to, image, length, &b), 0);
	return b;
}

static struct batch *through(const struct batch *b)
{
	return read_back(write_part(b, 0, b->count));
}

static void assert_records(const struct batch *got, const struct batch *b, uint32_t first)
{
	for (uint32_t i = 0; i < got->count; i++) {
		const struct record *x = &got->records[i], *y = &b->records[first + i];
		cr_assert_eq(x->length, y->length);
		cr_assert_eq(memcmp(got->bytes + x->offset, b->bytes + y->offset, x->length), 0);
		cr_assert_eq(got->place + x->offset, b->place + y->offset, "of record %u", i);
	}
}

Test(batch_image, records_come_back_where_they_stood)
{
	static const char *const texts[] = {
	    "a\nbb\nccc\n", "a\n\n\nb", "-left out\na\n-b\n-c\nd\ne\n", "a", "", "\n", "a\n-b"};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct batch *b = make_batch(texts[i]), *got = through(b);
		cr_assert_eq(got->count, b->count, "%s", texts[i]);
		cr_assert_eq(got->bytes_total, b->bytes_total);
		cr_assert_eq(got->unterminated, b->unterminated && b->count > 0);
		cr_assert_eq(got->wall_ns, b->wall_ns);
		cr_assert_str_eq(got->source, "in");
		assert_records(got, b, 0);
		batch_free(&b);
		batch_free(&got);
	}
}

Test(batch_image, neighbours_stay_neighbours_with_their_delimiter_between)
{
	struct batch *b = make_batch("one\ntwo\n-gone\nthree\nfour\n"), *got = through(b);
	struct batch_run run = batch_run(got, 0);
	cr_assert_eq(run.count, 2);
	cr_assert(run.delimited);
	cr_assert_eq(memcmp(run.bytes, "one\ntwo\n", 8), 0);
	run = batch_run(got, 2);
	cr_assert_eq(memcmp(run.bytes, "three\nfour\n", 11), 0);
	batch_free(&b);
	batch_free(&got);
}

Test(batch_image, any_part_of_a_batch_can_be_written)
{
	struct batch *b = make_batch("one\ntwo\n-gone\nthree\nfour\nfive");
	for (uint32_t first = 0; first < b->count; first++)
		for (uint32_t count = 0; count <= b->count - first; count++) {
			struct batch *got = read_back(write_part(b, first, count));
			cr_assert_eq(got->count, count);
			bool is_open = count > 0 && first + count == b->count;
			cr_assert_eq(got->unterminated, is_open);
			assert_records(got, b, first);
			batch_free(&got);
		}
	batch_free(&b);
}

Test(batch_image, no_more_records_are_said_to_fit_than_there_is_room_for)
{
	struct batch *b = make_batch("one\ntwo\n-gone\nthree\nfour\nfive");
	size_t all = batch_image_bound(&fields, b, 1, b->count - 1);
	for (size_t most = 0; most <= all; most++) {
		size_t bound;
		uint32_t count = batch_image_fitting(&fields, b, 1, most, &bound);
		cr_assert_eq(bound, batch_image_bound(&fields, b, 1, count ? count : 1));
		cr_assert_eq(count > 0, bound <= most, "%zu", most);
		cr_assert(count < b->count - 1 || most == all);
	}
	batch_free(&b);
}

Test(batch_image, batch_tells_which_file_it_is_from)
{
	struct batch *b = make_batch("a\n");
	b->origin = file_origin_new("/var/log/x", NULL, 7, 9);
	struct batch *got = through(b), *again = through(b);
	cr_assert_str_eq(got->origin->path, "/var/log/x");
	cr_assert_eq(got->origin->device, 7);
	cr_assert_eq(got->origin->inode, 9);
	cr_assert_eq(got->origin, again->origin, "it is the same file");
	b->source = "another";
	batch_free(&again);
	again = through(b);
	cr_assert_str_eq(again->source, "another", "a source that may not be there any more");
	cr_assert_str_eq(again->origin->path, "/var/log/x");
	batch_free(&b);
	batch_free(&got);
	batch_free(&again);
}

Test(batch_image, source_is_told_where_there_is_no_file)
{
	struct batch *b = make_batch("a\n");
	b->source = "another";
	struct batch *got = through(b);
	cr_assert_str_eq(got->source, "another");
	b->source = NULL;
	batch_free(&got);
	got = through(b);
	cr_assert_null(got->source);
	cr_assert_null(got->origin);
	batch_free(&b);
	batch_free(&got);
}

/* ---- fields ---- */

enum { OBJECT, PLACES, STATUS, PATH, TIME, ERROR };

static const char two_objects[] = "{\"status\":200,\"path\":\"/a\\/b\"}\n-gone\n{\"status\":5.5}\n";

/* Rows in another order than the records, as after a filter. */
static struct batch *make_fields(void)
{
	struct batch *b = make_batch(two_objects);
	static const uint8_t beside[] = "what went wrong";
	const uint8_t *first = b->bytes + b->records[0].offset;
	const uint8_t *second = b->bytes + b->records[1].offset;
	b->row_count = 4;
	b->rows[0] = 3;
	b->rows[1] = 1;
	struct value *v = batch_column(b, OBJECT);
	v[3] = (struct value){.bytes = first, .length = b->records[0].length, .type = VALUE_MAP};
	v[1] = (struct value){.bytes = second, .length = b->records[1].length, .type = VALUE_MAP};
	v = batch_column(b, STATUS);
	v[3] = (struct value){
	    .bytes = first + 10, .length = 3, .type = VALUE_INT, .form = VALUE_DIGITS};
	v[1] = (struct value){.d = 5.5, .type = VALUE_DOUBLE};
	v = batch_column(b, PATH);
	v[3] = (struct value){
	    .bytes = first + 22, .length = 5, .type = VALUE_STRING, .form = VALUE_ESCAPED};
	v = batch_column(b, TIME);
	v[1] = (struct value){.i = -5, .type = VALUE_TIMESTAMP};
	v = batch_column(b, ERROR);
	v[3] = (struct value){.bytes = beside, .length = sizeof beside - 1, .type = VALUE_STRING};
	batch_column(b, PLACES)[3] =
	    (struct value){.bytes = first, .length = 1, .type = VALUE_BYTES};
	return b;
}

static const struct value *value_of(const struct batch *b, unsigned column, uint32_t record)
{
	return &batch_column_as_is(b, column)[b->rows[record]];
}

static void assert_text(const struct value *v, enum value_type type, enum value_form form,
			const char *text)
{
	cr_assert_eq(v->type, type);
	cr_assert_eq(v->form, form);
	cr_assert_eq(v->length, strlen(text));
	cr_assert_eq(memcmp(v->bytes, text, strlen(text)), 0, "%.*s", (int)v->length,
		     (const char *)v->bytes);
}

static void assert_fields(const struct batch *b, const int columns[COLUMNS])
{
	assert_text(value_of(b, (unsigned)columns[OBJECT], 1), VALUE_MAP, VALUE_PLAIN,
		    "{\"status\":5.5}");
	assert_text(value_of(b, (unsigned)columns[STATUS], 0), VALUE_INT, VALUE_DIGITS, "200");
	cr_assert_eq(value_of(b, (unsigned)columns[STATUS], 1)->d, 5.5);
	assert_text(value_of(b, (unsigned)columns[PATH], 0), VALUE_STRING, VALUE_ESCAPED, "/a\\/b");
	cr_assert_eq(value_of(b, (unsigned)columns[PATH], 1)->type, VALUE_MISSING);
	cr_assert_eq(value_of(b, (unsigned)columns[TIME], 1)->i, -5);
	cr_assert_not(batch_has_column(b, (unsigned)columns[PLACES]));
}

Test(batch_image, fields_come_back_each_with_its_type_and_form)
{
	static const int same[COLUMNS] = {OBJECT, PLACES, STATUS, PATH, TIME, ERROR};
	struct batch *b = make_fields(), *got = through(b);
	assert_fields(got, same);
	assert_text(value_of(got, ERROR, 0), VALUE_STRING, VALUE_PLAIN, "what went wrong");
	batch_free(&b);
	batch_free(&got);
}

Test(batch_image, fields_are_found_by_name_in_another_topology)
{
	static const int columns[COLUMNS] = {4, 5, 3, 1, 2, -1};
	struct batch *b = make_fields();
	reader.fields = &other_fields;
	struct batch *got = through(b);
	assert_fields(got, columns);
	cr_assert_not(batch_has_column(got, 0));
	reader.fields = NULL;
	batch_free(&got);
	got = through(b);
	assert_records(got, b, 0);
	batch_free(&b);
	batch_free(&got);
}

Test(batch_image, fields_with_bytes_of_their_own_take_more_buffers)
{
	enum { LONG = CAPACITY - 10 };
	static uint8_t longs[3][LONG];
	struct batch *b = make_batch("a\nb\nc\n");
	batch_give_rows(b);
	struct value *v = batch_column(b, PATH);
	for (unsigned i = 0; i < 3; i++) {
		memset(longs[i], 'a' + (int)i, LONG);
		v[i] = (struct value){.bytes = longs[i], .length = LONG, .type = VALUE_BYTES};
	}
	struct batch *got = through(b);
	for (unsigned i = 0; i < 3; i++) {
		cr_assert_eq(value_of(got, PATH, i)->length, LONG);
		cr_assert_eq(memcmp(value_of(got, PATH, i)->bytes, longs[i], LONG), 0);
	}
	size_t length = write_part(b, 0, b->count);
	struct batch *more = NULL;
	cr_assert_eq(batch_image_read(&reader, &to, image, length, &more), -EAGAIN,
		     "too few are free");
	batch_free(&got);
	cr_assert_eq(batch_image_read(&reader, &to, image, length, &more), 0);
	batch_free(&more);
	batch_free(&b);
}

Test(batch_image, records_that_no_buffer_can_hold_are_refused)
{
	struct home small;
	struct home_size size = {
	    .buffers = 2, .buffer_capacity = 8, .batches = 1, .columns = COLUMNS};
	struct batch *b = make_batch("123456789\n"), *got = NULL;
	cr_assert_eq(home_init(&small, &size), 0);
	size_t length = write_part(b, 0, 1);
	cr_assert_eq(batch_image_read(&reader, &small, image, length, &got), -EMSGSIZE);
	home_release(&small);
	batch_free(&b);
}

Test(batch_image, bytes_that_are_cut_short_are_no_image)
{
	struct batch *b = make_fields(), *got = NULL;
	size_t length = write_part(b, 0, b->count);
	for (size_t n = 0; n < length; n++)
		cr_assert_eq(batch_image_read(&reader, &to, image, n, &got), -EBADMSG, "%zu", n);
	batch_free(&b);
}

Test(batch_image, bytes_that_were_changed_do_no_harm)
{
	struct batch *b = make_fields();
	size_t length = write_part(b, 0, b->count);
	for (size_t n = 0; n < length; n++) {
		static const uint8_t changes[] = {1, 0x80, 0xff};
		for (size_t k = 0; k < sizeof changes; k++) {
			struct batch *got = NULL;
			image[n] ^= changes[k];
			int r = batch_image_read(&reader, &to, image, length, &got);
			cr_assert(r == 0 || r == -EBADMSG || r == -EMSGSIZE, "%d", r);
			if (r == 0)
				batch_free(&got);
			image[n] ^= changes[k];
		}
	}
	batch_free(&b);
}

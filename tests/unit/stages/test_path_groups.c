/* The records of a batch by the file that each belongs to. */
#include "stages/home.h"
#include "stages/path_groups.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum { RECORDS = 300 };

struct trial {
	struct fields fields;
	struct home home;
	struct stage stage;
	struct path_template template;
	struct path_groups groups;
	struct batch *batch;
	char order[RECORDS * 8]; /* "path:record ..." as they came */
};

static struct trial t; /* large */

static void begin(const char *path)
{
	const struct home_size size = {
	    .buffers = 1, .buffer_capacity = 4096, .batches = 1, .columns = 8};
	struct field_uses uses = {.fields = &t.fields, .object = -1};
	const char *why;
	size_t at;
	memset(&t, 0, sizeof t);
	cr_assert_eq(path_template_parse(&t.template, path, strlen(path), &why, &at), 0);
	cr_assert_eq(home_init(&t.home, &size), 0);
	fields_write_known(&uses, FIELD_RECORD_TIME);
	path_groups_declare(&t.template, &uses);
	t.stage.fields = &t.fields;
	cr_assert(path_groups_are_needed(&t.template, &t.stage));
	path_groups_init(&t.groups, &t.template, &t.stage);
	struct buffer *buffer = home_take_buffer(&t.home);
	t.batch = batch_new(&t.home, buffer);
	buffer_let_go(buffer);
	t.batch->delimiter = (struct delimiter){"\n", 1};
	t.batch->unterminated = true;
	batch_give_rows(t.batch);
}

static void end(void)
{
	batch_free(&t.batch);
	home_release(&t.home);
	fields_release(&t.fields);
}

/* Records are as long as their number; each value a letter. */
static void fill(const char *field, const char *letters)
{
	struct batch *b = t.batch;
	int column = fields_find(&t.fields, field, strlen(field));
	b->count = (uint32_t)strlen(letters);
	for (uint32_t i = 0; i < b->count; i++)
		b->records[i] = (struct record){0, i};
	batch_give_rows(b);
	for (uint32_t i = 0; i < b->count; i++) {
		b->rows[i] = (uint16_t)i;
		batch_column(b, (unsigned)column)[i] = (struct value){
		    .bytes = (const uint8_t *)&letters[i], .length = 1, .type = VALUE_STRING};
	}
}

static bool is_open(const void *open, const struct path_group *group)
{
	return strcmp(open, group->path) == 0;
}

static const char *order(const char *open)
{
	const struct path_group *group = NULL;
	char *to = t.order;
	path_groups_begin(&t.groups, t.batch);
	for (uint32_t i = 0; i < t.batch->count; i++) {
		if (!group || i == group->end)
			group = path_groups_next(&t.groups, t.batch, i, 0, is_open, open);
		cr_assert(group && group->end > i);
		to += sprintf(to, "%s:%u ", group->path, t.batch->records[i].length);
	}
	return t.order;
}

Test(path_groups, records_of_a_file_follow_each_other_and_keep_their_order)
{
	begin("{h}");
	fill("h", "abacbca");
	cr_expect_str_eq(order(""), "a:0 a:2 a:6 b:1 b:4 c:3 c:5 ");
	cr_expect_eq(t.batch->delimiter.length, 0, "neighbours are none any more");
	cr_expect_not(t.batch->unterminated);
	end();
}

Test(path_groups, the_file_that_is_open_goes_first)
{
	begin("{h}");
	fill("h", "abacbca");
	cr_expect_str_eq(order("c"), "c:3 c:5 a:0 a:2 a:6 b:1 b:4 ");
	end();
}

Test(path_groups, a_batch_of_one_file_stays_as_it_is)
{
	begin("{h}/{h}");
	fill("h", "aaa");
	cr_expect_str_eq(order("x"), "a/a:0 a/a:1 a/a:2 ");
	cr_expect_eq(t.batch->delimiter.length, 1);
	cr_expect(t.batch->unterminated);
	end();
}

Test(path_groups, more_files_than_are_sorted_at_a_time_are_sorted_all_the_same)
{
	char letters[RECORDS + 1], *at = letters;
	begin("{h}");
	for (unsigned turn = 0; turn < 2; turn++)
		for (int c = 1; c < 0x80; c++)
			*at++ = (char)c;
	*at = '\0';
	fill("h", letters);
	path_groups_begin(&t.groups, t.batch);
	uint32_t changes = 0, end_at = 0, seen = 0;
	bool is_seen[RECORDS] = {false};
	for (uint32_t i = 0; i < t.batch->count; i = end_at, changes++) {
		const struct path_group *group =
		    path_groups_next(&t.groups, t.batch, i, 0, is_open, "");
		cr_assert(group);
		end_at = group->end;
		cr_assert_eq(end_at - i, 2, "%s", group->path);
		cr_expect_eq(t.batch->records[i].length + 127, t.batch->records[i + 1].length);
		for (uint32_t k = i; k < end_at; k++, seen++)
			is_seen[t.batch->records[k].length] = true;
	}
	cr_expect_eq(changes, 127);
	cr_expect_eq(seen, 254);
	for (uint32_t i = 0; i < 254; i++)
		cr_expect(is_seen[i]);
	end();
}

Test(path_groups, the_time_that_a_record_says_counts_more_than_when_it_was_read)
{
	begin("{h}-%Y");
	fill("h", "aaa");
	int column = fields_find_known(&t.fields, FIELD_RECORD_TIME);
	batch_column(t.batch, (unsigned)column)[1] =
	    (struct value){.i = 1700000000000000000, .type = VALUE_TIMESTAMP};
	cr_expect_str_eq(order(""), "a-1970:0 a-1970:2 a-2023:1 ");
	end();
}

Test(path_groups, are_not_needed_where_nobody_says_a_time)
{
	static const struct fields none;
	const struct stage stage = {.fields = &none};
	struct path_template template;
	const char *why;
	size_t at;
	cr_assert_eq(path_template_parse(&template, "a-%Y", 4, &why, &at), 0);
	cr_expect_not(path_groups_are_needed(&template, &stage));
}

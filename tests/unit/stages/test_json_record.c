/* A record as JSON: what parsers found, with what was written since in its place. */
#include "stages/encode/json_record.h"
#include "stages/home.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* One record, its objects and the fields that were written. */
struct trial {
	struct field_uses uses;
	struct fields fields;
	struct home home;
	struct buffer *buffer;
	struct batch *batch;
	struct json_record json;
	struct stage stage;
	bool is_opened;
	char text[4096];
};

static void begin(struct trial *t, const char *body)
{
	const struct home_size size = {
	    .buffers = 1, .buffer_capacity = 4096, .batches = 1, .columns = 32};
	memset(t, 0, sizeof *t);
	t->uses = (struct field_uses){.fields = &t->fields, .object = -1};
	cr_assert_eq(home_init(&t->home, &size), 0);
	t->buffer = home_take_buffer(&t->home);
	memcpy(t->buffer->bytes, body, strlen(body));
	t->batch = batch_new(&t->home, t->buffer);
	t->batch->delimiter = (struct delimiter){"\n", 1};
	t->batch->records[0] = (struct record){0, (uint32_t)strlen(body)};
	t->batch->count = 1;
	batch_give_rows(t->batch);
}

/* A parser found the text, and names within it get the prefix; NULL: it found nothing. */
static void found(struct trial *t, const char *text, const char *prefix)
{
	int column = fields_write_object(&t->uses, prefix, strlen(prefix));
	if (!text)
		return;
	*batch_column(t->batch, (unsigned)column) = (struct value){
	    .bytes = (const uint8_t *)text, .length = (uint32_t)strlen(text), .type = VALUE_MAP};
}

static void found_body(struct trial *t)
{
	const struct record *r = &t->batch->records[0];
	int column = fields_write_object(&t->uses, "", 0);
	*batch_column(t->batch, (unsigned)column) = (struct value){
	    .bytes = t->batch->bytes + r->offset, .length = r->length, .type = VALUE_MAP};
}

static void written(struct trial *t, const char *name, struct value v)
{
	int column = fields_write(&t->uses, name, strlen(name));
	*batch_column(t->batch, (unsigned)column) = v;
}

static void failed(struct trial *t, const char *why)
{
	int column = fields_write_error(&t->uses);
	*batch_column(t->batch, (unsigned)column) = (struct value){
	    .bytes = (const uint8_t *)why, .length = (uint32_t)strlen(why), .type = VALUE_STRING};
}

static struct value text(const char *s)
{
	return (struct value){
	    .bytes = (const uint8_t *)s, .length = (uint32_t)strlen(s), .type = VALUE_STRING};
}

static struct value of_type(enum value_type type, const char *s)
{
	struct value v = text(s);
	v.type = (uint8_t)type;
	return v;
}

static struct value whole(int64_t i)
{
	return (struct value){.i = i, .type = VALUE_INT};
}

static const struct value removed;

static void open_trial(struct trial *t)
{
	t->stage = (struct stage){.fields = &t->fields, .written = &t->uses.writes};
	cr_assert_eq(json_record_open(&t->json, &t->stage), 0);
	json_record_begin(&t->json, t->batch);
	t->is_opened = true;
}

static const char *written_as(struct trial *t)
{
	struct writer w = {(uint8_t *)t->text, (uint8_t *)t->text + sizeof t->text - 1, false};
	if (!t->is_opened)
		open_trial(t);
	json_record_put(&t->json, t->batch, 0, &w);
	cr_assert_not(w.is_full);
	*w.at = 0;
	return t->text;
}

static void end(struct trial *t)
{
	json_record_close(&t->json);
	batch_free(&t->batch);
	buffer_let_go(t->buffer);
	home_release(&t->home);
	fields_release(&t->fields);
}

static void expect(struct trial *t, const char *expected)
{
	cr_expect_str_eq(written_as(t), expected, "got  %s\nnot  %s", t->text, expected);
	end(t);
}

Test(json_record, what_nobody_wrote_stands_as_it_was_read)
{
	struct trial t;
	begin(&t, " {\"a\" : 1,\"b\":[ 2 ]} ");
	found_body(&t);
	open_trial(&t);
	cr_expect(json_record_stands(&t.json, t.batch, 0));
	expect(&t, " {\"a\" : 1,\"b\":[ 2 ]} ");
}

Test(json_record, what_was_written_does_not_stand)
{
	struct trial t;
	begin(&t, "{\"a\":1}");
	found_body(&t);
	written(&t, "b", whole(2));
	open_trial(&t);
	cr_expect_not(json_record_stands(&t.json, t.batch, 0));
	expect(&t, "{\"a\":1,\"b\":2}");
}

Test(json_record, a_record_with_an_error_does_not_stand_and_one_that_has_a_field_of_that_name_does)
{
	struct trial t;
	begin(&t, "{\"a\":1}");
	found_body(&t);
	failed(&t, "not a string");
	open_trial(&t);
	cr_expect_not(json_record_stands(&t.json, t.batch, 0));
	expect(&t, "{\"a\":1,\"error\":\"not a string\"}");

	begin(&t, "{\"error\":\"mine\"}");
	found_body(&t);
	failed(&t, "");
	batch_column(t.batch, (unsigned)fields_find(&t.fields, "error", 5))[0] =
	    (struct value){.bytes = t.batch->bytes + 10, .length = 4, .type = VALUE_STRING};
	open_trial(&t);
	cr_expect(json_record_stands(&t.json, t.batch, 0));
	end(&t);
}

Test(json_record, a_body_of_several_lines_does_not_stand_and_becomes_one)
{
	struct trial t;
	begin(&t, "{\"a\":1,\r\n\"b\":2\n}");
	found_body(&t);
	open_trial(&t);
	cr_expect_not(json_record_stands(&t.json, t.batch, 0));
	expect(&t, "{\"a\":1,  \"b\":2 }");
}

Test(json_record, fields_are_replaced_where_they_stand)
{
	struct trial t;
	begin(&t, "{\"a\": 1, \"b\" :\"x\\n\", \"c\":[1,{\"a\":2}] }");
	found_body(&t);
	written(&t, "b", text("q\"uote"));
	written(&t, "c", of_type(VALUE_LIST, "[]"));
	expect(&t, "{\"a\": 1, \"b\":\"q\\\"uote\", \"c\":[] }");
}

Test(json_record, names_are_told_by_what_they_are_with_escapes_taken_out)
{
	struct trial t;
	begin(&t, "{\"\\u0061\":1}");
	found_body(&t);
	written(&t, "a", whole(2));
	expect(&t, "{\"a\":2}");
}

Test(json_record, removed_fields_take_their_commas_along)
{
	static const struct {
		const char *body, *expected;
	} cases[] = {
	    {"{\"a\":1,\"b\":2,\"c\":3}", "{\"c\":3}"},
	    {"{\"c\":3,\"a\":1,\"b\":2}", "{\"c\":3}"},
	    {"{\"a\":1,\"c\":3,\"b\":2}", "{\"c\":3}"},
	    {"{\"a\":1,\"b\":2}", "{}"},
	    {"{\"b\":1}", "{}"},
	    {"{ \"a\" : 1 , \"c\" : 3 , \"b\" : 2 }", "{  \"c\" : 3  }"},
	    {"{\"c\":3}", "{\"c\":3}"},
	    {"{}", "{}"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct trial t;
		begin(&t, cases[i].body);
		found_body(&t);
		written(&t, "a", removed);
		written(&t, "b", removed);
		expect(&t, cases[i].expected);
	}
}

Test(json_record, one_that_is_removed_and_stands_there_twice_is_gone)
{
	struct trial t;
	begin(&t, "{\"a\":1,\"b\":2,\"a\":{\"x\":3}}");
	found_body(&t);
	written(&t, "a", removed);
	expect(&t, "{\"b\":2}");
}

Test(json_record, one_that_is_written_and_stands_there_twice_is_there_once)
{
	struct trial t;
	begin(&t, "{\"a\":1,\"b\":2,\"a\":3}");
	found_body(&t);
	written(&t, "a", whole(4));
	expect(&t, "{\"a\":4,\"b\":2}");
}

Test(json_record, new_fields_follow_the_old_ones)
{
	struct trial t;
	begin(&t, "{ }");
	found_body(&t);
	written(&t, "x", whole(1));
	written(&t, "y", (struct value){.b = true, .type = VALUE_BOOL});
	expect(&t, "{ \"x\":1,\"y\":true}");
}

Test(json_record, fields_within_objects_are_written_where_they_belong)
{
	struct trial t;
	begin(&t, "{\"user\":{\"id\":7,\"key\":\"s\"},\"z\":0}");
	found_body(&t);
	written(&t, "user.name", text("ann"));
	written(&t, "user.key", removed);
	written(&t, "host.name", text("h"));
	written(&t, "host.port", removed);
	expect(&t, "{\"user\":{\"id\":7,\"name\":\"ann\"},\"z\":0,\"host\":{\"name\":\"h\"}}");
}

Test(json_record, an_object_takes_the_place_of_what_is_none_when_something_within_it_is_written)
{
	struct trial t;
	begin(&t, "{\"user\":5,\"b\":null}");
	found_body(&t);
	written(&t, "user.name", text("ann"));
	written(&t, "b.c", removed);
	expect(&t, "{\"user\":{\"name\":\"ann\"},\"b\":null}");
}

Test(json_record, without_an_object_what_was_written_is_all_there_is)
{
	struct trial t;
	begin(&t, "GET / 200");
	found(&t, NULL, "");
	written(&t, "verb", text("GET"));
	written(&t, "status",
		(struct value){.bytes = (const uint8_t *)"200",
			       .length = 3,
			       .type = VALUE_INT,
			       .form = VALUE_DIGITS});
	written(&t, "agent", removed);
	written(&t, "a.b", of_type(VALUE_MAP, "{\"c\":1}"));
	expect(&t, "{\"verb\":\"GET\",\"status\":200,\"a\":{\"b\":{\"c\":1}}}");
}

Test(json_record, of_a_record_in_which_nothing_was_found_the_body_is_written)
{
	struct trial t;
	begin(&t, "a \"b\" \xff\x01");
	found(&t, NULL, "");
	written(&t, "verb", removed);
	expect(&t, "{\"body\":\"a \\\"b\\\" \xef\xbf\xbd\\u0001\"}");
	begin(&t, "x");
	found(&t, NULL, "");
	failed(&t, "not an object");
	expect(&t, "{\"body\":\"x\",\"error\":\"not an object\"}");
}

Test(json_record, every_type_has_its_json)
{
	static const struct {
		struct value v;
		const char *expected;
	} cases[] = {
	    {{.type = VALUE_NULL}, "null"},
	    {{.b = false, .type = VALUE_BOOL}, "false"},
	    {{.i = INT64_MIN, .type = VALUE_INT}, "-9223372036854775808"},
	    {{.u = UINT64_MAX, .type = VALUE_UINT}, "18446744073709551615"},
	    {{.d = 0.1, .type = VALUE_DOUBLE}, "0.1"},
	    {{.d = 1.0 / 0.0, .type = VALUE_DOUBLE}, "null"},
	    {{.d = 0.0 / 0.0, .type = VALUE_DOUBLE}, "null"},
	    {{.bytes = (const uint8_t *)"1e400",
	      .length = 5,
	      .type = VALUE_DOUBLE,
	      .form = VALUE_DIGITS},
	     "1e400"},
	    {{.bytes = (const uint8_t *)"a\\u0001",
	      .length = 7,
	      .type = VALUE_STRING,
	      .form = VALUE_ESCAPED},
	     "\"a\\u0001\""},
	    {{.bytes = (const uint8_t *)"a\tb", .length = 3, .type = VALUE_STRING}, "\"a\\tb\""},
	    {{.bytes = (const uint8_t *)"\xfb\xff", .length = 2, .type = VALUE_BYTES}, "\"+/8=\""},
	    {{.bytes = (const uint8_t *)"f", .length = 1, .type = VALUE_BYTES}, "\"Zg==\""},
	    {{.bytes = (const uint8_t *)"foo", .length = 3, .type = VALUE_BYTES}, "\"Zm9v\""},
	    {{.i = 1500000000, .type = VALUE_TIMESTAMP}, "\"1970-01-01T00:00:01.5Z\""},
	    {{.i = 1500000000, .type = VALUE_DURATION}, "\"1.5s\""},
	    {{.bytes = (const uint8_t *)"[1,\n2]", .length = 6, .type = VALUE_LIST}, "[1, 2]"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct trial t;
		char expected[64];
		begin(&t, "");
		written(&t, "v", cases[i].v);
		snprintf(expected, sizeof expected, "{\"v\":%s}", cases[i].expected);
		expect(&t, expected);
	}
}

Test(json_record, of_several_objects_the_later_one_counts_and_each_name_comes_once)
{
	struct trial t;
	begin(&t, "");
	found(&t, "{\"a\":1,\"b\":2,\"b\":3}", "");
	found(&t, "{\"b\":4,\"c\":{\"d\":5}}", "");
	written(&t, "c.e", whole(6));
	expect(&t, "{\"a\":1,\"b\":4,\"c\":{\"d\":5,\"e\":6}}");
}

Test(json_record, a_name_is_the_same_wherever_its_prefix_ends_and_however_it_is_written)
{
	static const struct {
		const char *first, *prefix, *second, *expected;
	} cases[] = {
	    {"{\"p_b\":1,\"x\":0}", "p_", "{\"b\":2,\"c\":3}", "{\"x\":0,\"p_b\":2,\"p_c\":3}"},
	    {"{\"\\u0070_b\":1}", "p_", "{\"\\u0062\":2}", "{\"p_\\u0062\":2}"},
	    {"{\"p_\\n\":1}", "p_", "{\"\\u000a\":2,\"\":3}", "{\"p_\\u000a\":2,\"p_\":3}"},
	    {"{\"p_bb\":1}", "p_", "{\"b\":2}", "{\"p_bb\":1,\"p_b\":2}"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct trial t;
		begin(&t, cases[i].first);
		found_body(&t);
		found(&t, cases[i].second, cases[i].prefix);
		expect(&t, cases[i].expected);
	}
}

Test(json_record, names_get_the_prefix_of_their_parser)
{
	struct trial t;
	begin(&t, "");
	found(&t, "{\"a\":1,\"app\":{\"x\":1,\"y\":2}}", "");
	found(&t, "{\"y\":3,\"z\":4}", "app.");
	found(&t, "{\"a\":5,\"secret\":6}", "in\"_");
	written(&t, "in\"_secret", removed);
	written(&t, "app.z", whole(7));
	expect(&t, "{\"a\":1,\"app\":{\"x\":1,\"y\":3,\"z\":7},\"in\\\"_a\":5}");
}

/* What it had before may be just what was to go. */
Test(json_record, of_a_record_with_a_name_that_comes_too_often_only_what_was_written_is)
{
	struct trial t;
	char body[4096] = "{\"a\":0,\"secret\":1";
	for (int i = 1; i < 400; i++)
		strcat(body, ",\"a\":0");
	strcat(body, "}");
	begin(&t, body);
	found_body(&t);
	written(&t, "secret", removed);
	written(&t, "a", whole(1));
	expect(&t, "{\"a\":1,\"error\":\"more fields than there is room for\"}");
}

Test(json_record, where_there_is_no_room_it_says_so_and_writes_nothing_behind_the_end)
{
	struct trial t;
	uint8_t room[64];
	begin(&t, "{\"a\":1,\"b\":[1,2]}");
	found_body(&t);
	written(&t, "c", text("abc"));
	written(&t, "a", removed);
	open_trial(&t);
	size_t needed = strlen("{\"b\":[1,2],\"c\":\"abc\"}");
	for (size_t n = 0; n <= needed; n++) {
		memset(room, '#', sizeof room);
		struct writer w = {room, room + n, false};
		json_record_put(&t.json, t.batch, 0, &w);
		cr_expect_eq(w.is_full, n < needed, "%zu", n);
		cr_expect_eq(room[n], '#', "%zu", n);
	}
	end(&t);
}

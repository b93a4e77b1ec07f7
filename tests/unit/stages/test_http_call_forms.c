/* What becomes of records in each kind of request, what its answers mean, and which options do not go together. */
#include "stages/builtin.h"
#include "stages/http_call/request_lane.h"
#include "tests/unit/stages/option_trial.h"
#include "tests/unit/stages/transform_trial.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { BODY_ROOM = 1 << 16, ITEMS_MAX = 64 };

struct form_trial {
	struct transform_trial parsed;
	struct request_options options;
	struct request_writer writer;
	struct request_items items;
	struct stage stage;
	void *arena;
	char body[BODY_ROOM];
};

static struct form_trial t;

/* The records are JSON. */
static void begin(const char *yaml)
{
	memset(&t, 0, sizeof t);
	options_fill(request_table, &t.options, sizeof t.options, request_options_check, yaml,
		     &t.arena);
	struct field_uses uses = {.fields = &t.parsed.fields, .object = -1};
	request_writer_declare(&t.options, &uses);
	t.parsed.needed = uses.reads;
	transform_begin(&t.parsed, &parse_json_type, "{time: {field: at, format: unix}}",
			"own_time");
	t.stage = (struct stage){.id = "out",
				 .options = &t.options,
				 .env = &t.parsed.world.env,
				 .fields = &t.parsed.fields,
				 .counters = &t.parsed.counters};
	cr_assert_eq(request_writer_open(&t.writer, &t.stage, &t.options), 0);
}

static void put(const char *lines)
{
	transform_feed_text(&t.parsed, lines);
	request_writer_begin(&t.writer, t.parsed.batch);
	for (uint32_t i = 0; i < t.parsed.batch->count; i++)
		cr_assert_eq(request_writer_put(&t.writer, t.parsed.batch, i, &t.items), 0);
}

static const char *compose(void)
{
	cr_assert_lt(request_body_room(&t.writer, &t.items), sizeof t.body);
	size_t n = request_compose(&t.writer, &t.items, (uint8_t *)t.body,
				   request_body_room(&t.writer, &t.items));
	t.body[n] = '\0';
	return t.body;
}

static void end(void)
{
	request_items_release(&t.items);
	request_writer_close(&t.writer);
	transform_end(&t.parsed);
	option_fill_release(t.arena);
}

static void expect_body(const char *yaml, const char *lines, const char *body)
{
	begin(yaml);
	put(lines);
	request_items_begin(&t.items);
	cr_expect_str_eq(compose(), body, "%s: %s", yaml, t.body);
	end();
}

static const char two[] = "{\"a\":1,\"host\":\"w\\\"1\",\"at\":7}\n{\"a\":2,\"at\":6.5}\n";

Test(http_call_forms, ndjson_is_records_each_on_its_line)
{
	expect_body("{url: http://h/}", "{\"a\":1}\n{}\n", "{\"a\":1}\n{}\n");
}

Test(http_call_forms, json_is_one_array)
{
	expect_body("{url: http://h/, body: json}", "{\"a\":1}\n{}\n", "[{\"a\":1},{}]");
}

Test(http_call_forms, a_bulk_item_is_told_where_to_go_by_its_fields)
{
	expect_body(
	    "{url: http://h/, preset: elasticsearch_bulk, elasticsearch: {index: \"x-{host}\", id: "
	    "\"{a}\"}}",
	    two,
	    "{\"index\":{\"_index\":\"x-w\\\"1\",\"_id\":\"1\"}}\n{\"a\":1,\"host\":\"w\\\"1\","
	    "\"at\":7}\n"
	    "{\"index\":{\"_index\":\"x-\",\"_id\":\"2\"}}\n{\"a\":2,\"at\":6.5}\n");
}

/* Cut off behind the dash, all of a tenant's would be one document. */
Test(http_call_forms, an_id_that_is_too_long_is_no_other_ones)
{
	char line[4096], fields[3000];
	memset(fields, 'x', sizeof fields);
	snprintf(line, sizeof line, "{\"a\":1,\"host\":\"%.*s\"}\n", (int)sizeof fields, fields);
	begin("{url: http://h/, preset: elasticsearch_bulk, elasticsearch: {index: i, id: "
	      "\"{a}-{host}\"}}");
	transform_feed_text(&t.parsed, line);
	request_writer_begin(&t.writer, t.parsed.batch);
	cr_expect_eq(request_writer_put(&t.writer, t.parsed.batch, 0, &t.items), -ENAMETOOLONG);
	cr_expect_eq(t.items.count, 0);
	end();
}

Test(http_call_forms, lines_for_loki_are_by_their_labels_and_in_the_order_of_their_times)
{
	expect_body(
	    "{url: http://h/, preset: loki, loki: {labels: {job: s, host: \"{host}\"}}}",
	    "{\"host\":\"b\",\"at\":3}\n{\"host\":\"a\",\"at\":2}\n{\"host\":\"b\",\"at\":1}\n",
	    "{\"streams\":[{\"stream\":{\"job\":\"s\",\"host\":\"a\"},\"values\":[[\"2000000000\","
	    "\"{\\\"host\\\":"
	    "\\\"a\\\",\\\"at\\\":2}\"]]},{\"stream\":{\"job\":\"s\",\"host\":\"b\"},\"values\":[["
	    "\"1000000000\","
	    "\"{\\\"host\\\":\\\"b\\\",\\\"at\\\":1}\"],[\"3000000000\",\"{\\\"host\\\":\\\"b\\\","
	    "\\\"at\\\":3}\"]]}]}");
}

Test(http_call_forms, lines_for_loki_of_as_many_streams_as_lines_have_room)
{
	static const char first[] =
	    "{\"streams\":[{\"stream\":{\"host\":\"10\"},\"values\":[[\"1700000000000000000\",";
	begin("{url: http://h/, preset: loki, loki: {labels: {host: \"{host}\"}}, encoding: raw}");
	put("{\"host\":12,\"at\":1700000000}\n{\"host\":11,\"at\":1700000000}\n"
	    "{\"host\":10,\"at\":1700000000}\n{\"host\":13,\"at\":1700000000}\n"
	    "{\"host\":14,\"at\":1700000000}\n{\"host\":15,\"at\":1700000000}\n"
	    "{\"host\":16,\"at\":1700000000}\n{\"host\":17,\"at\":-1700000000}\n");
	request_items_begin(&t.items);
	cr_expect_eq(strncmp(compose(), first, sizeof first - 1), 0, "%s", t.body);
	end();
}

Test(http_call_forms, splunk_gets_each_record_in_an_envelope)
{
	expect_body("{url: http://h/, preset: splunk_hec, auth: {token: x}, splunk: {host: "
		    "\"{host}\", index: main}}",
		    two,
		    "{\"time\":7.000,\"index\":\"main\",\"host\":\"w\\\"1\",\"event\":{\"a\":1,"
		    "\"host\":\"w\\\"1\",\"at\":7}}"
		    "{\"time\":6.500,\"index\":\"main\",\"event\":{\"a\":2,\"at\":6.5}}");
}

Test(http_call_forms, what_is_no_json_is_a_string_to_splunk)
{
	expect_body("{url: http://h/, preset: splunk_hec, auth: {token: x}, encoding: raw}",
		    "{\"at\":1}\n", "{\"time\":1.000,\"event\":\"{\\\"at\\\":1}\"}");
}

/* Others may be waiting for the room that they take. */
Test(http_call_forms, a_request_that_is_taken_back_lets_its_batches_go)
{
	struct request_world w = {.stage = NULL};
	struct request_lane lane = {.world = &w};
	begin("{url: http://h/}");
	put("{\"a\":1}\n");
	lane.held[lane.held_count++] = batch_share(t.parsed.batch);
	request_lane_cancel(&lane);
	cr_expect_eq(lane.held_count, 0);
	cr_expect(refcount_is_only(&t.parsed.batch->shares));
	end();
}

static void expect_url(const char *yaml, const char *url)
{
	char *made = NULL;
	begin(yaml);
	cr_assert_eq(request_url(&t.options, &made), 0);
	cr_expect_str_eq(made, url, "%s", made);
	free(made);
	end();
}

Test(http_call_forms, the_url_of_a_preset_gets_the_path_that_it_lacks)
{
	expect_url("{url: http://h:1, preset: loki, loki: {labels: {a: b}}}",
		   "http://h:1/loki/api/v1/push");
	expect_url("{url: http://h/in, preset: loki, loki: {labels: {a: b}}}", "http://h/in");
	expect_url("{url: http://h/a/_bulk?x=1, preset: elasticsearch_bulk}",
		   "http://h/a/_bulk?x=1");
	expect_url("{url: http://h/, preset: clickhouse, clickhouse: {table: \"a`b c\"}}",
		   "http://h/?query=INSERT+INTO+%60a%5c%60b+c%60+FORMAT+JSONEachRow");
}

/* ---- answers ---- */

static struct request_judgement judge(const char *answer, size_t items, enum item_fate *fates)
{
	struct request_judgement j = {.verdict = HTTP_DONE};
	struct http_answer a = {
	    .status = 200, .body = (uint8_t *)(uintptr_t)answer, .length = strlen(answer)};
	for (size_t i = 0; i < items; i++)
		fates[i] = ITEM_STORED;
	t.writer.form->judge(&t.writer, &a, items, fates, &j);
	return j;
}

static void begin_bulk(void)
{
	begin("{url: http://h/, preset: elasticsearch_bulk, elasticsearch: {index: x}}");
}

Test(http_call_forms, of_a_bulk_request_each_item_is_answered_for_itself)
{
	enum item_fate f[5];
	begin_bulk();
	struct request_judgement j = judge("{\"took\":1,\"errors\":true,\"items\":[{\"index\":{"
					   "\"status\":201}},{\"index\":{\"status\":429,"
					   "\"error\":{\"type\":\"busy\",\"reason\":\"a, ]} \\\" "
					   "b\"}}},{\"create\":{\"status\":400,\"error\":{"
					   "\"type\":\"mapper_parsing_exception\",\"reason\":\"r\"}"
					   "}}, {\"create\":{\"status\":409}},"
					   "{\"index\":{\"status\":503}}]}",
					   5, f);
	cr_expect_eq(j.verdict, HTTP_AGAIN);
	static const enum item_fate right[] = {ITEM_STORED, ITEM_AGAIN, ITEM_REFUSED, ITEM_STORED,
					       ITEM_AGAIN};
	for (size_t i = 0; i < 5; i++)
		cr_expect_eq(f[i], right[i], "item %zu: %d", i, (int)f[i]);
	cr_expect_str_eq(j.refused_why, "mapper_parsing_exception");
	cr_expect(strstr(j.words, "busy"), "%s", j.words);
	end();
}

Test(http_call_forms, of_a_reason_its_beginning_is_told_however_long_it_is)
{
	enum item_fate f[1];
	char answer[1024], type[131] = {0};
	memset(type, 't', sizeof type - 1);
	snprintf(
	    answer, sizeof answer,
	    "{\"errors\":true,\"items\":[{\"index\":{\"status\":400,\"error\":{\"type\":\"%s\","
	    "\"reason\":\"r\"}}}]}",
	    type);
	begin_bulk();
	struct request_judgement j = judge(answer, 1, f);
	cr_expect_eq(f[0], ITEM_REFUSED);
	cr_expect_eq(strncmp(j.words, type, sizeof type - 1), 0, "%s", j.words);
	cr_expect(strstr(j.words, ": r"), "%s", j.words);
	end();
}

Test(http_call_forms, a_bulk_answer_without_errors_is_not_looked_into)
{
	enum item_fate f[2];
	begin_bulk();
	struct request_judgement j = judge("{\"errors\":false,\"items\":[{}]}", 2, f);
	cr_expect_eq(j.verdict, HTTP_DONE);
	end();
}

Test(http_call_forms, a_bulk_answer_that_says_less_or_more_than_was_asked_is_none)
{
	static const char *const answers[] = {
	    "",
	    "{}",
	    "[]",
	    "{\"errors\":1}",
	    "{\"errors\":true}",
	    "{\"errors\":true,\"items\":{}}",
	    "{\"errors\":true,\"items\":[]}",
	    "{\"errors\":true,\"items\":[{\"index\":{\"status\":201}}]}",
	    "{\"errors\":true,\"items\":[{\"index\":{\"status\":201}},{\"index\":{\"status\":201}},"
	    "{\"index\":{\"status\":201}}]}",
	    "{\"errors\":true,\"items\":[{\"index\":{\"status\":201}},7]}",
	    "{\"errors\":true,\"items\":[{\"index\":{\"status\":201}},{\"index\":{}}]}",
	    "{\"errors\":true,\"items\":[{\"index\":{\"status\":201}},{\"index\":{\"status\":null}}"
	    "]}",
	    "{\"errors\":true,\"items\":[{\"index\":{\"status\":201}},{\"index\":{\"status\":201}}"
	    "]",
	};
	enum item_fate f[2];
	begin_bulk();
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
		struct request_judgement j = judge(answers[i], 2, f);
		cr_expect_eq(j.verdict, HTTP_AGAIN, "%s", answers[i]);
		cr_expect_eq(f[0], ITEM_AGAIN, "%s", answers[i]);
		cr_expect_eq(f[1], ITEM_AGAIN, "%s", answers[i]);
		cr_expect_str_eq(j.why, "the answer cannot be understood", "%s", answers[i]);
	}
	end();
}

Test(http_call_forms, splunk_says_with_200_whether_it_went_well)
{
	enum item_fate f[1];
	begin("{url: http://h/, preset: splunk_hec, auth: {token: x}}");
	cr_expect_eq(judge("{\"text\":\"Success\",\"code\":0}", 1, f).verdict, HTTP_DONE);
	cr_expect_eq(judge("{\"text\":\"Server is busy\",\"code\":9}", 1, f).verdict, HTTP_AGAIN);
	cr_expect_eq(judge("{\"code\":", 1, f).verdict, HTTP_AGAIN);
	cr_expect_eq(judge("", 1, f).verdict, HTTP_AGAIN);
	end();
}

/* ---- options ---- */

static void expect_problem(const char *yaml, const char *part)
{
	const char *text;
	size_t count = options_problems(request_table, sizeof(struct request_options),
					request_options_check, yaml, &text);
	cr_expect_eq(count, 1, "%s: %zu problems, %s", yaml, count, text);
	cr_expect(strstr(text, part), "%s: %s", yaml, text);
}

Test(http_call_forms, options_that_do_not_go_together_are_told)
{
	expect_problem("{url: ftp://h/}", "no URL of a server");
	expect_problem("{url: h}", "no URL of a server");
	expect_problem("{url: \"http://u:p@h/\"}", "auth");
	expect_problem("{url: http://h/, auth: {token: a, user: b}}", "beside");
	expect_problem("{url: http://h/, auth: {password: a}}", "without `user`");
	expect_problem("{url: http://h/, headers: {\"a b\": c}}", "no name of a header");
	expect_problem("{url: http://h/, headers: {a: \"b\\r\\nc: d\"}}", "one line");
	expect_problem("{url: http://h/, headers: {idempotency-key: c}}", "by the program itself");
	expect_problem("{url: http://h/, preset: loki}", "needs labels");
	expect_problem("{url: http://h/, preset: loki, loki: {labels: {1a: b}}}",
		       "no name of a label");
	expect_problem("{url: http://h/, preset: clickhouse}", "table");
	expect_problem("{url: http://h/, preset: splunk_hec}", "token");
	expect_problem("{url: http://h/, preset: elasticsearch_bulk}", "index");
	expect_problem("{url: http://h/, preset: loki, loki: {labels: {a: b}}, body: json}",
		       "beside");
	expect_problem("{url: http://h/, clickhouse: {table: a}}", "clickhouse");
	expect_problem(
	    "{url: http://h/, preset: elasticsearch_bulk, elasticsearch: {index: \"{a\"}}",
	    "no end");
	expect_problem("{url: http://h/, pool: {min: 5, max: 2}}", "pool");
}

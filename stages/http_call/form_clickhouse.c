/* form_clickhouse.c - ClickHouse's HTTP interface: INSERT INTO ... FORMAT JSONEachRow, a record a row.
 *
 * That it went wrong after the answer had begun is in a header. */
#include "stages/http_call/request_form.h"

static void check(const struct request_options *o, struct place at, struct problems *problems)
{
	if (!o->clickhouse.table.bytes)
		problem_add(problems, at, "`preset: clickhouse` needs `clickhouse: {table: ...}`");
}

static void judge(struct request_writer *w, const struct http_answer *a, size_t items,
		  enum item_fate *fates, struct request_judgement *j)
{
	(void)w;
	if (a->exception[0] == '\0' || strcmp(a->exception, "0") == 0)
		return;
	request_items_again(fates, items);
	j->verdict = HTTP_AGAIN;
	j->why = "200, and an exception with it";
}

const struct request_form form_clickhouse = {
    .content_type = "application/x-ndjson",
    .scheme = "Bearer",
    .wants_json = true,
    .between = '\n',
    .after = '\n',
    .check = check,
    .put = request_put_record,
    .judge = judge,
};

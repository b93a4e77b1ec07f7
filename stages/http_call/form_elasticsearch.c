/* form_elasticsearch.c - Elasticsearch's and OpenSearch's _bulk: for each record a line that says where to, then the record; each is
 * answered for itself.
 *
 *   {"index":{"_index":"logs-2026.01.01","_id":"7"}}       {"errors":true,"items":[{"index":{"status":201}},{"index":{"status":429,
 *   {"msg":"a"}                                             "error":{"type":"...","reason":"..."}}}]}
 */
#include "stages/http_call/json_items.h"
#include "stages/http_call/request_form.h"
#include "stages/json/json_scan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const struct text *templates_of(const struct request_options *o, size_t n)
{
	const struct text *const list[] = {&o->elasticsearch.index, &o->elasticsearch.id};
	return n < sizeof list / sizeof *list ? list[n] : NULL;
}

static void check(const struct request_options *o, struct place at, struct problems *problems)
{
	if (!o->elasticsearch.index.bytes && o->url.bytes && !strstr(o->url.bytes, "/_bulk"))
		problem_add(
		    problems, at,
		    "`preset: elasticsearch_bulk` needs `elasticsearch: {index: ...}`, or an "
		    "index in the URL: https://host/INDEX/_bulk");
}

/* ---- a record ---- */

static void put(struct request_writer *w, const struct batch *b, uint32_t record, struct writer *to,
		struct request_item *item)
{
	static const char *const actions[] = {"{\"index\":{", "{\"create\":{"};
	const char *action = actions[w->options->elasticsearch.action];
	bool follows = false;
	(void)item;
	writer_put(to, action, strlen(action));
	request_put_member(w, 0, "_index", b, record, to, &follows);
	request_put_member(w, 1, "_id", b, record, to, &follows);
	writer_put(to, "}}\n", 3);
	writer_put(to, b->bytes + b->records[record].offset, b->records[record].length);
	writer_put_byte(to, '\n');
}

/* ---- an answer ---- */

enum { ERRORS, ITEMS, ANSWER_COLUMNS };
enum { STATUS, TYPE, REASON, PER_ACTION, ITEM_COLUMNS = 2 * PER_ACTION };

static int make_plan(struct json_plan *p, const char *const *paths, uint16_t columns)
{
	enum { DEPTH = 64 };
	int r = json_plan_init(p, DEPTH);
	for (uint16_t i = 0; r == 0 && i < columns; i++)
		r = json_plan_want_path(p, paths[i], strlen(paths[i]), i);
	return r;
}

static int open_plans(struct request_writer *w)
{
	static const char *const answer[ANSWER_COLUMNS] = {[ERRORS] = "errors", [ITEMS] = "items"};
	static const char *const item[ITEM_COLUMNS] = {
	    [STATUS] = "index.status",
	    [TYPE] = "index.error.type",
	    [REASON] = "index.error.reason",
	    [PER_ACTION + STATUS] = "create.status",
	    [PER_ACTION + TYPE] = "create.error.type",
	    [PER_ACTION + REASON] = "create.error.reason",
	};
	int r = make_plan(&w->plan, answer, ANSWER_COLUMNS);
	return r == 0 ? make_plan(&w->item_plan, item, ITEM_COLUMNS) : r;
}

/* 0: none that there is. */
static int64_t status_in(const struct value *v)
{
	char digits[8];
	if (v->length >= sizeof digits)
		return 0;
	memcpy(digits, v->bytes, v->length);
	digits[v->length] = '\0';
	return strtol(digits, NULL, 10);
}

static const char *why_refused(const struct value *type)
{
	static const char *const known[] = {
	    "mapper_parsing_exception",         "document_parsing_exception",
	    "strict_dynamic_mapping_exception", "illegal_argument_exception",
	    "index_not_found_exception",        "security_exception",
	    "cluster_block_exception",          "validation_exception",
	};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (type->type == VALUE_STRING && type->length == strlen(known[i]) &&
		    memcmp(type->bytes, known[i], type->length) == 0)
			return known[i];
	return "the server refuses the item";
}

static int shown_length(const struct value *v)
{
	if (v->type != VALUE_STRING)
		return 0;
	return v->length < REQUEST_REASON_MAX ? (int)v->length : REQUEST_REASON_MAX;
}

static void note_words(struct request_judgement *j, const struct value *type,
		       const struct value *reason)
{
	if (!j->words[0])
		snprintf(j->words, sizeof j->words, "%.*s: %.*s", shown_length(type),
			 (const char *)type->bytes, shown_length(reason),
			 (const char *)reason->bytes);
}

/* A document that is there already, under the id that it was to have, is there. */
static enum item_fate judge_item(const struct value *v, struct request_judgement *j)
{
	int64_t status = status_in(&v[STATUS]);
	bool is_stored = status >= 200 && status < 300;
	bool is_there = status == 409;
	if (is_stored || is_there)
		return ITEM_STORED;
	note_words(j, &v[TYPE], &v[REASON]);
	if (status == 429 || status >= 500)
		return ITEM_AGAIN;
	j->refused_why = why_refused(&v[TYPE]);
	return ITEM_REFUSED;
}

static bool judge_items(struct request_writer *w, const struct value *list, size_t items,
			enum item_fate *fates, struct request_judgement *j)
{
	struct json_items walk = json_items_of(list->bytes, list->length);
	struct text_span item;
	struct json_mistake mistake;
	struct value v[ITEM_COLUMNS];
	size_t n = 0, again = 0;
	for (; json_items_next(&walk, &item); n++) {
		if (n == items ||
		    json_scan(&w->item_plan, item.bytes, item.length, v, NULL, &mistake) < 0)
			return false;
		const struct value *of = v[STATUS].type != VALUE_MISSING ? v : v + PER_ACTION;
		if (of[STATUS].type != VALUE_INT)
			return false;
		fates[n] = judge_item(of, j);
		again += fates[n] == ITEM_AGAIN;
	}
	if (again > 0) {
		j->verdict = HTTP_AGAIN;
		j->why = "the server has refused some of the items for now";
	}
	return n == items;
}

static void judge(struct request_writer *w, const struct http_answer *a, size_t items,
		  enum item_fate *fates, struct request_judgement *j)
{
	struct value v[ANSWER_COLUMNS];
	struct json_mistake mistake;
	bool is_known = !a->is_too_long && a->length <= UINT32_MAX && a->length > 0 &&
			json_scan(&w->plan, a->body, (uint32_t)a->length, v, NULL, &mistake) == 0 &&
			v[ERRORS].type == VALUE_BOOL;
	if (is_known && !v[ERRORS].b)
		return;
	is_known =
	    is_known && v[ITEMS].type == VALUE_LIST && judge_items(w, &v[ITEMS], items, fates, j);
	if (is_known)
		return;
	/* Nobody knows what is stored: all of it goes again. */
	request_items_again(fates, items);
	*j = (struct request_judgement){.verdict = HTTP_AGAIN,
					.why = a->is_too_long
						   ? "the answer is longer than `max_answer`"
						   : "the answer cannot be understood"};
}

const struct request_form form_elasticsearch = {
    .path = "/_bulk",
    .content_type = "application/x-ndjson",
    .scheme = "ApiKey",
    .wants_json = true,
    .templates = templates_of,
    .check = check,
    .open = open_plans,
    .put = put,
    .judge = judge,
};

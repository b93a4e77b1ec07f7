/* form_splunk.c - Splunk's HTTP Event Collector: an envelope around each record, {"time":1767225600.123,"host":"web","event":...}.
 *
 * What is JSON is the event as it stands; anything else (`encoding` raw, logfmt, ...) is a string. */
#include "stages/encode/json_value.h"
#include "stages/http_call/request_form.h"
#include "stages/json/json_scan.h"
#include "stages/known.h"

#include <inttypes.h>
#include <stdio.h>

static const struct text *templates_of(const struct request_options *o, size_t n)
{
	const struct text *const list[] = {&o->splunk.index, &o->splunk.source,
					   &o->splunk.sourcetype, &o->splunk.host};
	return n < sizeof list / sizeof *list ? list[n] : NULL;
}

static void check(const struct request_options *o, struct place at, struct problems *problems)
{
	if (!o->http.auth.token.bytes && !o->http.auth.user.bytes)
		problem_add(problems, at, "`preset: splunk_hec` needs `auth: {token: ...}`");
}

static void put(struct request_writer *w, const struct batch *b, uint32_t record, struct writer *to,
		struct request_item *item)
{
	enum { MS = 1000000 };
	const uint8_t *body = b->bytes + b->records[record].offset;
	size_t length = b->records[record].length;
	int64_t ms = known_time(b, w->times, record) / MS;
	static const char *const names[] = {"index", "source", "sourcetype", "host"};
	char head[64];
	bool follows = true;
	(void)item;
	snprintf(head, sizeof head, "{\"time\":%s%" PRId64 ".%03d", ms < 0 ? "-" : "",
		 (ms < 0 ? -ms : ms) / 1000, (int)((ms < 0 ? -ms : ms) % 1000));
	writer_put(to, head, strlen(head));
	for (size_t n = 0; n < w->template_count; n++)
		request_put_member(w, n, names[n], b, record, to, &follows);
	writer_put(to, ",\"event\":", 9);
	if (request_encoding(w->options)->format == ENCODING_JSON)
		writer_put(to, body, length);
	else
		json_put_string(to, body, length);
	writer_put_byte(to, '}');
}

/* ---- an answer: {"text":"Success","code":0} ---- */

static int open_plan(struct request_writer *w)
{
	enum { DEPTH = 16 };
	int r = json_plan_init(&w->plan, DEPTH);
	return r == 0 ? json_plan_want_path(&w->plan, "code", 4, 0) : r;
}

static void judge(struct request_writer *w, const struct http_answer *a, size_t items,
		  enum item_fate *fates, struct request_judgement *j)
{
	struct value code;
	struct json_mistake mistake;
	bool is_known =
	    a->length > 0 && a->length <= UINT32_MAX &&
	    json_scan(&w->plan, a->body, (uint32_t)a->length, &code, NULL, &mistake) == 0;
	if (is_known && code.type == VALUE_INT && code.length == 1 && code.bytes[0] == '0')
		return;
	request_items_again(fates, items);
	j->verdict = HTTP_AGAIN;
	j->why = is_known ? "200, and a code that is not 0" : "the answer cannot be understood";
	snprintf(j->words, sizeof j->words, "%.*s",
		 a->length < sizeof j->words ? (int)a->length : 0,
		 a->length > 0 ? (const char *)a->body : "");
}

const struct request_form form_splunk = {
    .path = "/services/collector/event",
    .content_type = "application/json",
    .scheme = "Splunk",
    .wants_json = true,
    .uses_time = true,
    .templates = templates_of,
    .check = check,
    .open = open_plan,
    .put = put,
    .judge = judge,
};

/* form_loki.c - Grafana Loki's push: lines by the labels that they have, in the order of their times.
 *
 *   {"streams":[{"stream":{"host":"web"},"values":[["1767225600000000000","GET /"],...]},...]}
 *
 * An item is its labels, `"host":"web"`, and behind them its line as a JSON string. */
#include "stages/encode/json_value.h"
#include "stages/http_call/request_form.h"
#include "stages/known.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const struct text *templates_of(const struct request_options *o, size_t n)
{
	return n < o->loki.labels.count ? &o->loki.labels.items[n].value : NULL;
}

static bool is_label(const struct text *name)
{
	for (size_t i = 0; i < name->length; i++) {
		char c = name->bytes[i];
		bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
		if (!is_letter && !(i > 0 && c >= '0' && c <= '9'))
			return false;
	}
	return name->length > 0;
}

static void check(const struct request_options *o, struct place at, struct problems *problems)
{
	if (o->loki.labels.count == 0)
		problem_add(problems, at,
			    "`preset: loki` needs labels: `loki: {labels: {job: sluice, host: "
			    "\"{host}\"}}`");
	for (size_t i = 0; i < o->loki.labels.count; i++)
		if (!is_label(&o->loki.labels.items[i].name))
			problem_add(
			    problems, o->loki.labels.items[i].name.at,
			    "no name of a label: letters, digits and _ are, no digit first");
}

/* ---- a record ---- */

static void put(struct request_writer *w, const struct batch *b, uint32_t record, struct writer *to,
		struct request_item *item)
{
	const uint8_t *from = to->at;
	bool follows = false;
	for (size_t n = 0; n < w->template_count; n++)
		request_put_member(w, n, w->options->loki.labels.items[n].name.bytes, b, record, to,
				   &follows);
	item->head = (uint32_t)(to->at - from);
	item->time_ns = known_time(b, w->times, record);
	json_put_string(to, b->bytes + b->records[record].offset, b->records[record].length);
}

/* ---- the body ---- */

static int compare_heads(const struct request_item *a, const struct request_item *b,
			 const uint8_t *bytes)
{
	if (a->head != b->head)
		return a->head < b->head ? -1 : 1;
	return memcmp(bytes + a->offset, bytes + b->offset, a->head);
}

/* What was put first stays first among those of one moment. */
static int compare(const void *x, const void *y, void *bytes)
{
	const struct request_item *a = x, *b = y;
	int heads = compare_heads(a, b, bytes);
	if (heads != 0)
		return heads;
	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns ? -1 : 1;
	return a->offset < b->offset ? -1 : 1;
}

static void put_text(struct writer *to, const char *text)
{
	writer_put(to, text, strlen(text));
}

static void put_entry(struct writer *to, const struct request_items *i, size_t n)
{
	const struct request_item *item = &i->list[n];
	char time[32];
	snprintf(time, sizeof time, "[\"%" PRId64 "\",", item->time_ns);
	put_text(to, time);
	writer_put(to, i->bytes + item->offset + item->head, item->length - item->head);
	put_text(to, "]");
}

static void compose(struct request_items *i, struct writer *to)
{
	qsort_r(i->list + i->from, request_items_current(i), sizeof *i->list, compare, i->bytes);
	put_text(to, "{\"streams\":[");
	for (size_t n = i->from; n < i->to; n++) {
		const struct request_item *item = &i->list[n];
		bool begins = n == i->from || compare_heads(item - 1, item, i->bytes) != 0;
		if (begins && n > i->from)
			put_text(to, "]},");
		if (begins) {
			put_text(to, "{\"stream\":{");
			writer_put(to, request_item_bytes(i, n), item->head);
			put_text(to, "},\"values\":[");
		} else {
			put_text(to, ",");
		}
		put_entry(to, i, n);
	}
	put_text(to, "]}]}");
}

const struct request_form form_loki = {
    .path = "/loki/api/v1/push",
    .content_type = "application/json",
    .scheme = "Bearer",
    .uses_time = true,
    .templates = templates_of,
    .check = check,
    .put = put,
    .compose = compose,
};

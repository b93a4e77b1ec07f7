#include "stages/http_call/request_form.h"
#include "stages/encode/json_value.h"
#include "stages/known.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct text nothing = {.bytes = "", .length = 0};

const struct request_form *request_form_of(const struct request_options *o)
{
	static const struct request_form *const by_body[] = {&form_ndjson, &form_json, &form_lines};
	static const struct request_form *const by_preset[PRESETS] = {
	    [PRESET_ELASTICSEARCH] = &form_elasticsearch,
	    [PRESET_LOKI] = &form_loki,
	    [PRESET_CLICKHOUSE] = &form_clickhouse,
	    [PRESET_SPLUNK] = &form_splunk,
	};
	return by_preset[o->preset] ? by_preset[o->preset] : by_body[o->body];
}

/* ---- records, as they are ---- */

void request_put_record(struct request_writer *w, const struct batch *b, uint32_t record,
			struct writer *to, struct request_item *item)
{
	(void)w, (void)item;
	writer_put(to, b->bytes + b->records[record].offset, b->records[record].length);
}

const struct request_form form_ndjson = {
    .content_type = "application/x-ndjson",
    .scheme = "Bearer",
    .wants_json = true,
    .between = '\n',
    .after = '\n',
    .put = request_put_record,
};

const struct request_form form_json = {
    .content_type = "application/json",
    .scheme = "Bearer",
    .wants_json = true,
    .before = '[',
    .between = ',',
    .after = ']',
    .put = request_put_record,
};

const struct request_form form_lines = {
    .content_type = "text/plain; charset=utf-8",
    .scheme = "Bearer",
    .between = '\n',
    .after = '\n',
    .put = request_put_record,
};

/* ---- the writer ---- */

void request_writer_declare(const struct request_options *o, struct field_uses *uses)
{
	const struct request_form *form = request_form_of(o);
	const struct text *template;
	for (size_t n = 0; form->templates && (template = form->templates(o, n)) != NULL; n++)
		if (template->bytes)
			template_text_declare(template, uses);
	if (form->uses_time)
		fields_read_time_said(uses);
}

static size_t count_templates(const struct request_form *form, const struct request_options *o)
{
	size_t n = 0;
	while (form->templates && form->templates(o, n))
		n++;
	return n;
}

static int open_templates(struct request_writer *w)
{
	size_t count = count_templates(w->form, w->options);
	if (count == 0)
		return 0;
	w->templates = calloc(count, sizeof *w->templates);
	if (!w->templates)
		return -ENOMEM;
	int r = 0;
	for (; r == 0 && w->template_count < count; w->template_count++) {
		const struct text *template = w->form->templates(w->options, w->template_count);
		r = template_text_open(&w->templates[w->template_count],
				       template->bytes ? template : &nothing, &nothing, w->stage);
	}
	return r;
}

int request_writer_open(struct request_writer *w, struct stage *s, const struct request_options *o)
{
	w->form = request_form_of(o);
	w->options = o;
	w->stage = s;
	int r = open_templates(w);
	return r == 0 && w->form->open ? w->form->open(w) : r;
}

void request_writer_close(struct request_writer *w)
{
	for (size_t i = 0; i < w->template_count; i++)
		template_text_close(&w->templates[i]);
	free(w->templates);
	w->templates = NULL;
	w->template_count = 0;
	json_plan_release(&w->plan);
	json_plan_release(&w->item_plan);
}

void request_writer_begin(struct request_writer *w, struct batch *b)
{
	if (w->template_count == 0 && !w->form->uses_time)
		return;
	batch_give_rows(b);
	w->times = known_times(w->stage, b);
	for (size_t i = 0; i < w->template_count; i++)
		template_text_begin(&w->templates[i], w->stage, b);
}

void request_put_member(struct request_writer *w, size_t n, const char *name, const struct batch *b,
			uint32_t record, struct writer *to, bool *follows)
{
	uint8_t text[REQUEST_TEXT_MAX];
	struct writer made = {text, text + sizeof text, false};
	template_text_put(&w->templates[n], b, record, &made,
			  (struct scratch){w->scratch, w->scratch + sizeof w->scratch});
	w->is_too_long |= made.is_full;
	if (made.at == text)
		return;
	if (*follows)
		writer_put_byte(to, ',');
	*follows = true;
	writer_put_byte(to, '"');
	writer_put(to, name, strlen(name));
	writer_put(to, "\":", 2);
	json_put_string(to, text, (size_t)(made.at - text));
}

int request_writer_put(struct request_writer *w, const struct batch *b, uint32_t record,
		       struct request_items *items)
{
	enum { AROUND = 512, MOST = 1 << 30 };
	struct request_item item = {0};
	for (size_t room = b->records[record].length + AROUND; room < MOST; room *= 2) {
		if (request_items_reserve(items, room) < 0)
			return -ENOMEM;
		uint8_t *at = items->bytes + items->length;
		struct writer to = {at, at + room, false};
		w->is_too_long = false;
		w->form->put(w, b, record, &to, &item);
		if (w->is_too_long)
			return -ENAMETOOLONG;
		if (to.is_full)
			continue;
		item.length = (uint32_t)(to.at - at);
		request_items_add(items, item);
		return 0;
	}
	return -EMSGSIZE;
}

/* ---- the body ---- */

size_t request_body_room(const struct request_writer *w, const struct request_items *items)
{
	enum { FRAME = 64 };
	size_t each = w->form->compose ? REQUEST_AROUND_ITEM : 1;
	return FRAME + request_items_bytes(items) + each * request_items_current(items);
}

static void put_mark(struct writer *to, char mark)
{
	if (mark)
		writer_put_byte(to, (uint8_t)mark);
}

static void put_behind_each_other(const struct request_form *f, const struct request_items *i,
				  struct writer *to)
{
	put_mark(to, f->before);
	for (size_t n = i->from; n < i->to; n++) {
		if (n > i->from)
			put_mark(to, f->between);
		writer_put(to, request_item_bytes(i, n), i->list[n].length);
	}
	put_mark(to, f->after);
}

size_t request_compose(const struct request_writer *w, struct request_items *items, uint8_t *to,
		       size_t room)
{
	struct writer body = {to, to + room, false};
	if (w->form->compose)
		w->form->compose(items, &body);
	else
		put_behind_each_other(w->form, items, &body);
	assert(!body.is_full && "request_body_room() told how much it takes");
	return (size_t)(body.at - to);
}

/* ---- the URL ---- */

/* `a` and `b` in backquotes: whatever is in a name, it is one. */
static int quote_name(char *to, size_t room, const struct text *name)
{
	size_t at = 0;
	for (size_t i = 0; i < name->length; i++) {
		bool escapes = name->bytes[i] == '`' || name->bytes[i] == '\\';
		if (at + 2 + escapes > room)
			return -EINVAL;
		if (escapes)
			to[at++] = '\\';
		to[at++] = name->bytes[i];
	}
	to[at] = '\0';
	return 0;
}

static int add_insert(CURLU *url, const struct request_options *o)
{
	enum { NAME_MAX_BYTES = 512 };
	char table[NAME_MAX_BYTES], database[NAME_MAX_BYTES], *query;
	const struct text *d = &o->clickhouse.database;
	int r = quote_name(table, sizeof table, &o->clickhouse.table);
	if (r == 0 && d->bytes)
		r = quote_name(database, sizeof database, d);
	if (r < 0)
		return r;
	if (asprintf(&query, "query=INSERT INTO %s%s%s`%s` FORMAT JSONEachRow", d->bytes ? "`" : "",
		     d->bytes ? database : "", d->bytes ? "`." : "", table) < 0)
		return -ENOMEM;
	CURLUcode set =
	    curl_url_set(url, CURLUPART_QUERY, query, CURLU_URLENCODE | CURLU_APPENDQUERY);
	free(query);
	return set == CURLUE_OK ? 0 : -ENOMEM;
}

static int complete(CURLU *url, const struct request_options *o)
{
	const struct request_form *form = request_form_of(o);
	CURLUcode r = CURLUE_OK;
	if (form->path && !http_url_has(url, CURLUPART_PATH, "/"))
		r = curl_url_set(url, CURLUPART_PATH, form->path, 0);
	if (r == CURLUE_OK && o->preset == PRESET_ELASTICSEARCH &&
	    !http_url_has(url, CURLUPART_QUERY, NULL))
		r = curl_url_set(
		    url, CURLUPART_QUERY,
		    "filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason", 0);
	if (r != CURLUE_OK)
		return -ENOMEM;
	return o->preset == PRESET_CLICKHOUSE ? add_insert(url, o) : 0;
}

int request_url(const struct request_options *o, char **ret_url)
{
	char *made = NULL;
	CURLU *url = curl_url();
	if (!url)
		return -ENOMEM;
	int r = curl_url_set(url, CURLUPART_URL, o->url.bytes, 0) == CURLUE_OK ? complete(url, o)
									       : -EINVAL;
	if (r == 0 && curl_url_get(url, CURLUPART_URL, &made, 0) != CURLUE_OK)
		r = -ENOMEM;
	if (r == 0) {
		*ret_url = strdup(made);
		r = *ret_url ? 0 : -ENOMEM;
	}
	curl_free(made);
	curl_url_cleanup(url);
	return r;
}

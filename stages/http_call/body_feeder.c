#include "stages/http_call/body_feeder.h"
#include "stages/encode/json_value.h"
#include "stages/json/json_scan.h"
#include "stages/json/json_space.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH = 512 };
static const char opening[] = "{\"b\":", closing[] = "}";
enum { OPENING = sizeof opening - 1, CLOSING = sizeof closing - 1 };

int body_feeder_init(struct body_feeder *f, struct stage *s, const struct framing_options *o,
		     enum body_split split)
{
	*f =
	    (struct body_feeder){.stage = s, .split = split, .framing = framing_from_options(o, s)};
	framer_init(&f->framer);
	intake_init(&f->intake, s->home, &f->framing, INTAKE_READ);
	if (split != SPLIT_JSON)
		return 0;
	int r = json_plan_init(&f->plan, DEPTH);
	return r == 0 ? json_plan_want_path(&f->plan, "b", 1, 0) : r;
}

void body_feeder_release(struct body_feeder *f)
{
	body_feeder_forget(f);
	intake_release(&f->intake);
	json_plan_release(&f->plan);
}

size_t body_feeder_capacity(const struct framing_options *o, enum body_split split,
			    uint64_t body_max)
{
	size_t lines = framing_buffer_capacity(o, NULL);
	size_t whole = body_max + DELIMITER_MAX;
	return split != SPLIT_LINES && whole > lines ? whole : lines;
}

/* ---- JSON ---- */

/* Of `[1],"b":[2]` the scan is right, and it is no JSON. */
static bool is_all_there_is(const struct fetched_body *b, const uint8_t *copy,
			    const struct value *v)
{
	const uint8_t *from = copy, *to = copy + b->length;
	json_trim(&from, &to);
	return v->bytes == from && v->bytes + v->length == to;
}

/* As a member of an object, which is what the scanner takes. */
static int open_list(struct body_feeder *f)
{
	const struct fetched_body *b = &f->body;
	struct json_mistake mistake;
	struct value v;
	size_t length = b->length + OPENING + CLOSING;
	if (length > UINT32_MAX)
		return -EBADMSG;
	f->list = malloc(length);
	if (!f->list)
		return -ENOMEM;
	memcpy(f->list, opening, OPENING);
	memcpy(f->list + OPENING, b->bytes, b->length);
	memcpy(f->list + OPENING + b->length, closing, CLOSING);
	if (json_scan(&f->plan, f->list, (uint32_t)length, &v, NULL, &mistake) < 0)
		return -EBADMSG;
	if (v.type == VALUE_LIST)
		f->rest = json_items_of(v.bytes, v.length);
	else if (v.type == VALUE_MAP)
		f->element = (struct text_span){v.bytes, v.length};
	else
		return -EBADMSG;
	return is_all_there_is(b, f->list + OPENING, &v) ? 0 : -EBADMSG;
}

/* ---- a body ---- */

int body_feeder_begin(struct body_feeder *f, const struct fetched_body *body)
{
	f->body = *body;
	f->taken = 0;
	f->intake.path = body->shown;
	f->intake.offset = f->intake.place = 0;
	f->intake.offset_known = true;
	framer_init(&f->framer);
	if (f->split != SPLIT_JSON)
		return 0;
	int r = open_list(f);
	if (r < 0)
		body_feeder_forget(f);
	return r;
}

void body_feeder_forget(struct body_feeder *f)
{
	free(f->list);
	f->list = NULL;
	f->element.bytes = NULL;
	f->rest = (struct json_items){NULL, NULL};
	f->body.length = f->taken = 0;
	if (f->stage)
		intake_forget(&f->intake);
}

/* The next bytes to where lines are found. 0 or -EAGAIN. */
static int take_more(struct body_feeder *f)
{
	uint8_t *room;
	size_t length, left = f->body.length - f->taken;
	int r = intake_room(&f->intake, &room, &length);
	if (r < 0)
		return r;
	if (length > left)
		length = left;
	memcpy(room, f->body.bytes + f->taken, length);
	f->taken += length;
	intake_add(&f->intake, length, f->body.read_ns, f->body.wall_ns);
	return 0;
}

static int next_lines(struct body_feeder *f, struct batch **ret_batch)
{
	size_t consumed;
	for (;;) {
		bool ended = f->taken == f->body.length;
		int r = 0;
		if (intake_pending(&f->intake) > 0)
			r = intake_frame(&f->intake, &f->framer, ended, ret_batch, &consumed);
		if (r != 0 || ended)
			return r;
		r = take_more(f);
		if (r < 0)
			return r;
	}
}

static bool next_element(struct body_feeder *f)
{
	if (f->element.bytes)
		return true;
	if (f->split == SPLIT_JSON)
		return json_items_next(&f->rest, &f->element);
	if (f->taken == f->body.length)
		return false;
	f->taken = f->body.length;
	f->element = (struct text_span){f->body.bytes, (uint32_t)f->body.length};
	return true;
}

/* The delimiter behind it, too. False: there is no room. */
static bool put_element(struct body_feeder *f, struct batch *b, struct writer *w)
{
	uint8_t *from = w->at;
	if (f->split == SPLIT_JSON)
		json_put_checked(w, f->element.bytes, f->element.length);
	else
		writer_put(w, f->element.bytes, f->element.length);
	uint32_t length = (uint32_t)(w->at - from);
	writer_put_byte(w, '\n');
	if (w->is_full)
		return false;
	b->records[b->count++] = (struct record){(uint32_t)(from - b->bytes), length};
	b->bytes_total += length;
	f->element.bytes = NULL;
	return true;
}

static void fill(struct body_feeder *f, struct batch *b)
{
	struct stage_counters *c = f->stage->counters;
	struct writer w = {b->buffer->bytes, b->buffer->bytes + b->buffer->capacity, false};
	b->delimiter = (struct delimiter){.bytes = "\n", .length = 1};
	b->read_ns = f->body.read_ns;
	b->wall_ns = f->body.wall_ns;
	while (b->count < BATCH_RECORDS_MAX && next_element(f) && put_element(f, b, &w))
		;
	counter_add(&c->records_in, b->count);
	counter_add(&c->bytes_in, b->bytes_total);
}

static int next_elements(struct body_feeder *f, struct batch **ret_batch)
{
	if (!next_element(f))
		return 0;
	struct buffer *buffer = home_take_buffer(f->stage->home);
	if (!buffer)
		return -EAGAIN;
	struct batch *b = batch_new(f->stage->home, buffer);
	buffer_let_go(buffer);
	if (!b)
		return -EAGAIN;
	fill(f, b);
	assert(b->count > 0 && "a buffer holds the longest body");
	*ret_batch = b;
	return 1;
}

int body_feeder_next(struct body_feeder *f, struct batch **ret_batch)
{
	int r = f->split == SPLIT_LINES ? next_lines(f, ret_batch) : next_elements(f, ret_batch);
	if (r == 0)
		body_feeder_forget(f);
	return r;
}

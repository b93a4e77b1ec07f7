#include "stages/http_call/request_lane.h"
#include "stages/undelivered.h"

#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

const char *const request_figures[] = {
    [FIGURE_SPLIT] = "requests split",
    [FIGURE_ITEMS_AGAIN] = "items sent again",
    [FIGURE_CUT_OFF] = "answers cut off",
    [REQUEST_FIGURES] = NULL,
};

int request_lane_init(struct request_lane *l, struct request_world *w)
{
	l->world = w;
	l->transfer.owner = l;
	return http_transfer_prepare(&l->transfer, w->stage->env, &w->options->http, w->url,
				     request_form_of(w->options)->scheme);
}

static void let_batches_go(struct request_lane *l)
{
	while (l->held_count > 0)
		batch_free(&l->held[--l->held_count]);
}

void request_lane_release(struct request_lane *l)
{
	if (!l->world)
		return;
	request_lane_cancel(l);
	http_transfer_release(&l->transfer);
	request_items_release(&l->items);
	request_pack_release(&l->pack);
	free(l->body);
	free(l->fates);
	*l = (struct request_lane){.world = NULL};
}

size_t request_lane_footprint(const struct request_options *o)
{
	enum { FORMS = 2, GROWS = 2 }; /* items and body; what a buffer may be larger than needed */
	size_t each = sizeof(struct request_item) + sizeof(enum item_fate);
	size_t around = request_form_of(o)->compose ? REQUEST_AROUND_ITEM : 1;
	return sizeof(struct request_lane) + (GROWS + FORMS) * o->batch.bytes +
	       request_pack_footprint((enum request_compression)o->compression, o->batch.bytes) +
	       (GROWS * each + around) * o->batch.records + o->max_answer;
}

/* ---- filling ---- */

static void begin(struct request_lane *l)
{
	request_items_clear(&l->items, 2 * l->world->options->batch.bytes);
	l->state = LANE_FILLING;
	l->since_ns = env_now_ns(l->world->stage->env);
	l->read_ns = 0;
	l->part_of = 0;
}

/* The batch has a part in this request, which holds it where what cannot be stored is somebody else's to have. */
static void note_part(struct request_lane *l, struct batch *b)
{
	struct batch_tally *t = &l->world->tally;
	if (l->part_of == t->next)
		return;
	assert(l->held_count < REQUEST_HELD_MAX);
	if (undelivered_go_on(l->world->stage))
		l->held[l->held_count++] = batch_share(b);
	l->part_of = t->next;
	batch_tally_put_part(t, &l->parts);
	if (b->read_ns != 0 && (l->read_ns == 0 || b->read_ns < l->read_ns))
		l->read_ns = b->read_ns;
}

static bool is_full(const struct request_lane *l)
{
	const struct batch_limits *limits = &l->world->options->batch;
	return l->items.count >= limits->records || l->items.length >= limits->bytes ||
	       l->parts.next - l->parts.first >= BATCH_TALLY_MAX ||
	       l->held_count >= REQUEST_HELD_MAX;
}

int request_lane_put(struct request_lane *l, struct batch *b, uint32_t record)
{
	struct request_world *w = l->world;
	if (l->state == LANE_FREE)
		begin(l);
	int r = request_writer_put(&w->writer, b, record, &l->items);
	if (r < 0) {
		if (l->items.count == 0)
			l->state = LANE_FREE;
		return r;
	}
	if (l->items.length > w->options->batch.bytes && l->items.count > 1) {
		request_items_drop_last(&l->items);
		request_lane_seal(l);
		return 0;
	}
	note_part(l, b);
	struct request_item *item = &l->items.list[l->items.count - 1];
	item->batch = l->held_count > 0 ? (uint32_t)(l->held_count - 1) : 0;
	item->record = record;
	if (is_full(l))
		request_lane_seal(l);
	return 1;
}

static void begin_range(struct request_lane *l)
{
	l->again_why = NULL;
	call_init(&l->call, request_items_current(&l->items), request_items_bytes(&l->items));
	l->state = LANE_COMPOSING;
}

void request_lane_seal(struct request_lane *l)
{
	struct request_world *w = l->world;
	assert(l->state == LANE_FILLING && l->items.count > 0);
	l->number = w->sealed++;
	l->epoch = w->keys.epoch;
	l->in_epoch = w->keys.next++;
	request_items_begin(&l->items);
	begin_range(l);
}

/* ---- the body ---- */

static int make_room(struct request_lane *l, size_t room)
{
	size_t most = 2 * l->world->options->batch.bytes;
	if (room <= l->body_room && (l->body_room <= most || room > most))
		return 0;
	free(l->body);
	l->body = malloc(room);
	l->body_room = l->body ? room : 0;
	return l->body ? 0 : -ENOMEM;
}

static int no_memory(const struct request_lane *l)
{
	env_say(l->world->stage->env, SAY_ERROR, "no memory for a request", "records=%zu",
		request_items_current(&l->items));
	return -ENOMEM;
}

static int compose(struct request_lane *l)
{
	struct request_world *w = l->world;
	enum request_compression kind = (enum request_compression)w->options->compression;
	size_t room = request_body_room(&w->writer, &l->items);
	if (make_room(l, room) < 0)
		return no_memory(l);
	l->body_length = request_compose(&w->writer, &l->items, l->body, l->body_room);
	l->state = LANE_TRYING;
	if (kind == COMPRESSION_NONE)
		return STEP_MORE;
	l->state = LANE_PACKING;
	return request_pack_begin(&l->pack, w->stage->env, kind, l->body, l->body_length) < 0
		   ? no_memory(l)
		   : STEP_MORE;
}

static int pack(struct request_lane *l)
{
	int r = request_pack_step(&l->pack);
	if (r < 0)
		return no_memory(l);
	if (r != STEP_DONE)
		return r;
	l->state = LANE_TRYING;
	return STEP_MORE;
}

/* ---- what is given up ---- */

static int reserve_fates(struct request_lane *l)
{
	size_t items = request_items_current(&l->items);
	if (items > l->fate_room) {
		free(l->fates);
		l->fates = malloc(items * sizeof *l->fates);
		l->fate_room = l->fates ? items : 0;
	}
	if (!l->fates)
		return -ENOMEM;
	for (size_t i = 0; i < items; i++)
		l->fates[i] = ITEM_STORED;
	return 0;
}

/* What is refused of the current ones is handed on, then it goes on with those that go again, or behind them. */
static int give_up(struct request_lane *l, const char *why)
{
	l->refused_why = why;
	l->state = LANE_GIVING_UP;
	return STEP_MORE;
}

static int give_up_all(struct request_lane *l, const char *why)
{
	if (reserve_fates(l) < 0)
		return no_memory(l);
	for (size_t i = 0; i < request_items_current(&l->items); i++)
		l->fates[i] = ITEM_REFUSED;
	return give_up(l, why);
}

/* ---- on its way ---- */

static bool says_content_type(const struct http_options *o)
{
	for (size_t i = 0; i < o->headers.count; i++)
		if (strcasecmp(o->headers.items[i].name.bytes, "Content-Type") == 0)
			return true;
	return false;
}

static int make_headers(const struct request_lane *l, struct curl_slist **list)
{
	static const char *const encodings[] = {NULL, "Content-Encoding: gzip",
						"Content-Encoding: zstd"};
	const struct request_world *w = l->world;
	char key[REQUEST_KEY_MAX], line[REQUEST_KEY_MAX + 64];
	request_key(&w->keys, l->epoch, l->in_epoch, l->body, l->body_length, key);
	snprintf(line, sizeof line, "Idempotency-Key: %s", key);
	int r = http_header_append(list, line);
	snprintf(line, sizeof line, "Content-Type: %s", w->writer.form->content_type);
	if (r == 0 && !says_content_type(&w->options->http))
		r = http_header_append(list, line);
	const char *encoding = encodings[w->options->compression];
	return r == 0 && encoding ? http_header_append(list, encoding) : r;
}

static int send_off(struct request_lane *l)
{
	static const char *const methods[] = {"POST", "PUT", "PATCH"};
	struct request_world *w = l->world;
	bool is_packed = w->options->compression != COMPRESSION_NONE;
	struct http_request request = {
	    .method = methods[w->options->method],
	    .body = is_packed ? l->pack.bytes : l->body,
	    .length = is_packed ? l->pack.length : l->body_length,
	    .body_max = w->options->max_answer,
	};
	int r = make_headers(l, &request.headers);
	if (r == 0)
		r = http_transfer_begin(&l->transfer, &w->loop, &request);
	curl_slist_free_all(request.headers);
	if (r < 0)
		return no_memory(l);
	l->state = LANE_RUNNING;
	return STEP_MORE;
}

static int try(struct request_lane *l)
{
	struct request_world *w = l->world;
	bool is_its_turn = !w->is_ordered || l->number == w->settled;
	if (!is_its_turn || !w->keys.is_known)
		return STEP_WAIT;
	switch (calls_try(&w->calls, &l->call)) {
	case CALL_BEGIN:
		return send_off(l);
	case CALL_BREAKER_OPEN:
		calls_cancelled(&w->calls, &l->call);
		return give_up_all(l, "the circuit breaker is open");
	default:
		return STEP_WAIT;
	}
}

/* ---- how it ended ---- */

static void finish(struct request_lane *l)
{
	struct request_world *w = l->world;
	let_batches_go(l);
	batch_tally_stored(&w->tally, &l->parts, (size_t)(l->parts.next - l->parts.first));
	http_transfer_forget(&l->transfer);
	l->state = LANE_FREE;
	w->settled++;
}

/* What stands between `from` and `to` is answered. */
static int go_on(struct request_lane *l)
{
	if (request_items_next(&l->items))
		begin_range(l);
	else
		finish(l);
	return STEP_MORE;
}

/* What the server said is told with the first refusal of its kind. */
static void say_answer(struct request_lane *l, const char *why, const char *words, size_t length)
{
	enum { SHOWN = 200 };
	struct request_world *w = l->world;
	if (why && length > 0 && reasons_add(&w->told, why, 1))
		env_say(w->stage->env, SAY_WARN, "the server's own words", "reason=%s answer=%.*s",
			why, (int)(length < SHOWN ? length : SHOWN), words);
}

static int failed(struct request_lane *l, const char *why)
{
	struct request_world *w = l->world;
	struct call_failure failure = {.reason = why,
				       .retry_after_ns = l->transfer.answer.retry_after_ns};
	if (!calls_failed(&w->calls, &l->call, &failure))
		return give_up_all(l, why);
	l->state = LANE_TRYING;
	return STEP_MORE;
}

static int refused(struct request_lane *l, const char *why)
{
	struct request_world *w = l->world;
	const struct http_answer *a = &l->transfer.answer;
	say_answer(l, why, (const char *)a->body, a->length);
	struct call_failure failure = {.reason = why, .is_lasting = true};
	calls_failed(&w->calls, &l->call, &failure);
	return give_up_all(l, why);
}

static int too_large(struct request_lane *l, const char *why)
{
	struct request_world *w = l->world;
	if (!request_items_halve(&l->items))
		return refused(l, why);
	counter_add(&w->stage->counters->figures[FIGURE_SPLIT], 1);
	calls_cancelled(&w->calls, &l->call);
	begin_range(l);
	return STEP_MORE;
}

/* ---- what is in an answer ---- */

static int items_again(struct request_lane *l)
{
	struct request_world *w = l->world;
	const char *why = l->again_why;
	l->again_why = NULL;
	request_items_keep(&l->items, l->fates);
	size_t left = request_items_current(&l->items);
	counter_add(&w->stage->counters->figures[FIGURE_ITEMS_AGAIN], left);
	int r = failed(l, why);
	if (r >= 0 && l->state == LANE_TRYING)
		l->state = LANE_COMPOSING;
	return r;
}

static void count_stored(struct request_lane *l)
{
	struct stored *stored = &l->world->stored;
	for (size_t i = 0; i < request_items_current(&l->items); i++) {
		if (l->fates[i] != ITEM_STORED)
			continue;
		stored->records++;
		stored->bytes += l->items.list[l->items.from + i].length;
	}
	stored_note_read(stored, l->read_ns);
}

static size_t refused_items(const struct request_lane *l)
{
	size_t count = 0;
	for (size_t i = 0; i < request_items_current(&l->items); i++)
		count += l->fates[i] == ITEM_REFUSED;
	return count;
}

/* Nothing of it is refused any more. */
static int settled(struct request_lane *l)
{
	if (l->again_why)
		return items_again(l);
	return go_on(l);
}

static int took(struct request_lane *l)
{
	struct request_world *w = l->world;
	struct request_judgement j = {.verdict = HTTP_DONE};
	size_t all = request_items_current(&l->items);
	if (reserve_fates(l) < 0)
		return no_memory(l);
	if (w->writer.form->judge)
		w->writer.form->judge(&w->writer, &l->transfer.answer, all, l->fates, &j);
	count_stored(l);
	size_t refused = refused_items(l);
	say_answer(l, refused > 0 ? j.refused_why : j.why, j.words, strlen(j.words));
	l->again_why = j.verdict == HTTP_AGAIN ? j.why : NULL;
	if (!l->again_why)
		calls_succeeded(&w->calls, &l->call);
	return refused > 0 ? give_up(l, j.refused_why) : settled(l);
}

static int count_refused(struct request_lane *l)
{
	const struct undelivered u = {.reason = l->refused_why, .attempts = l->call.attempts};
	int r = undelivered_count(l->world->stage, refused_items(l), &u);
	return r < 0 ? r : settled(l);
}

/* Those of one batch, as that is what can be handed on in a step. */
static int hand_on(struct request_lane *l)
{
	struct request_world *w = l->world;
	uint64_t which[BATCH_RECORDS_MAX / 64] = {0};
	const struct undelivered u = {
	    .which = which, .reason = l->refused_why, .attempts = l->call.attempts};
	const struct request_item *items = l->items.list + l->items.from;
	size_t count = request_items_current(&l->items), first = 0;
	while (first < count && l->fates[first] != ITEM_REFUSED)
		first++;
	if (first == count)
		return settled(l);
	if (!inlet_may_hand_on(w->in))
		return STEP_WAIT;
	for (size_t i = first; i < count; i++) {
		if (l->fates[i] != ITEM_REFUSED || items[i].batch != items[first].batch)
			continue;
		undelivered_mark(which, items[i].record);
		l->fates[i] = ITEM_STORED;
	}
	int r = undelivered_settle(w->stage, w->in, l->held[items[first].batch], &u);
	return r < 0 ? r : STEP_MORE;
}

static int settle(struct request_lane *l)
{
	return undelivered_go_on(l->world->stage) ? hand_on(l) : count_refused(l);
}

int request_lane_answered(struct request_lane *l, CURLcode code)
{
	const char *why = NULL;
	http_transfer_end(&l->transfer, &l->world->loop, code);
	const struct http_answer *a = &l->transfer.answer;
	if (a->is_too_long)
		counter_add(&l->world->stage->counters->figures[FIGURE_CUT_OFF], 1);
	switch (http_verdict_of(a, &why)) {
	case HTTP_DONE:
		return took(l);
	case HTTP_AGAIN:
		return failed(l, why);
	case HTTP_SMALLER:
		return too_large(l, why);
	case HTTP_UNCHANGED:
		return refused(l, "304: not modified, to a request that changes something");
	default:
		return refused(l, why);
	}
}

/* ---- steps ---- */

static int watch_time(struct request_lane *l)
{
	struct request_world *w = l->world;
	if (!calls_overdue(&w->calls, &l->call))
		return STEP_WAIT;
	http_transfer_cancel(&l->transfer, &w->loop);
	return failed(l, "timeout");
}

static int wait_for_more(struct request_lane *l)
{
	struct env *env = l->world->stage->env;
	uint64_t until = l->since_ns + l->world->options->batch.interval_ns;
	if (env_now_ns(env) < until) {
		env_wake_at(env, until);
		return STEP_WAIT;
	}
	request_lane_seal(l);
	return STEP_MORE;
}

int request_lane_step(struct request_lane *l)
{
	switch (l->state) {
	case LANE_FILLING:
		return wait_for_more(l);
	case LANE_COMPOSING:
		return compose(l);
	case LANE_PACKING:
		return pack(l);
	case LANE_TRYING:
		return try(l);
	case LANE_RUNNING:
		return watch_time(l);
	case LANE_GIVING_UP:
		return settle(l);
	default:
		return STEP_WAIT;
	}
}

void request_lane_cancel(struct request_lane *l)
{
	http_transfer_cancel(&l->transfer, &l->world->loop);
	let_batches_go(l);
}

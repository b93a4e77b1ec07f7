/* http_sink.c - records to a server, many in a request, each request until it is answered.
 *
 *   batches -> [ filling ] [ waits its turn ] [ on its way ] -> answered: its batches are done, in the order they came
 *
 * One request is filled while others are on their way: one of them where order is kept, `max_in_flight` where `ordered: false` lets them
 * overtake each other. What a request is, and what becomes of it, is stages/http_call/request_lane.h.
 *
 * At an epoch's cut what was taken is sent, and answered, before anything more is taken: the numbers that requests bear in their keys
 * begin anew there, as they will after a crash. */
#include "stages/builtin.h"
#include "stages/http_call/request_lane.h"
#include "stages/undelivered.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LANES_BY_DEFAULT = 4, LANES_MAX = 64 };

struct http_sink {
	struct request_world world;
	struct request_lane *lanes;
	size_t lane_count;
	struct request_lane *filling; /* NULL: none is */
	struct batch *current;
	uint32_t cursor; /* its first record that is in no request yet */
};

static bool http_sink_tries_for_ever(const void *options)
{
	return call_options_try_for_ever(&((const struct request_options *)options)->calls);
}

static const struct stage_schema *http_sink_companion(const void *options, const void **ret_options)
{
	return encoding_companion(request_encoding(options), ret_options);
}

static void http_sink_fields(const void *options, struct field_uses *uses)
{
	request_writer_declare(options, uses);
}

/* On their way at a time. */
static size_t count_in_flight(const struct request_options *o, bool is_ordered)
{
	if (is_ordered)
		return 1;
	if (o->calls.max_in_flight == 0)
		return LANES_BY_DEFAULT;
	return o->calls.max_in_flight < LANES_MAX ? o->calls.max_in_flight : LANES_MAX;
}

static int open_lanes(struct http_sink *sink)
{
	const struct request_world *w = &sink->world;
	size_t count = 1 + count_in_flight(w->options, w->is_ordered);
	sink->lanes = calloc(count, sizeof *sink->lanes);
	if (!sink->lanes)
		return -ENOMEM;
	sink->lane_count = count;
	int r = 0;
	for (size_t i = 0; r == 0 && i < count; i++)
		r = request_lane_init(&sink->lanes[i], &sink->world);
	return r;
}

static int open_world(struct request_world *w, struct stage *s)
{
	const struct request_options *o = s->options;
	w->stage = s;
	w->options = o;
	w->is_ordered = s->ordered;
	calls_init(&w->calls, s, &o->calls);
	request_keys_init(&w->keys, s);
	int r = request_url(o, &w->url);
	if (r == 0)
		r = request_writer_open(&w->writer, s, o);
	return r == 0 ? curl_loop_init(&w->loop, s->env, &o->pool) : r;
}

static const char *why_not_opened(int error)
{
	return error == -ENOSYS   ? "this libcurl would block while it looks up names"
	       : error == -EINVAL ? "libcurl does not take what `tls`, `auth` or `url` say"
				  : strerror(-error);
}

static int http_sink_open(struct stage *s)
{
	struct http_sink *sink = calloc(1, sizeof *sink);
	s->state = sink;
	int r = sink ? open_world(&sink->world, s) : -ENOMEM;
	if (r == 0)
		r = open_lanes(sink);
	const struct request_options *o = s->options;
	if (r == 0 && s->ordered && o->calls.max_in_flight > 1)
		env_say(s->env, SAY_INFO, "one request at a time, as order is kept",
			"max_in_flight=%ju instead=%s", (uintmax_t)o->calls.max_in_flight,
			"ordered: false");
	if (r < 0)
		env_say(s->env, SAY_ERROR, "requests cannot be prepared", "error=%s",
			why_not_opened(r));
	return r;
}

static void http_sink_close(struct stage *s)
{
	struct http_sink *sink = s->state;
	if (!sink)
		return;
	for (size_t i = 0; i < sink->lane_count; i++)
		request_lane_release(&sink->lanes[i]);
	free(sink->lanes);
	request_writer_close(&sink->world.writer);
	curl_loop_release(&sink->world.loop);
	calls_release(&sink->world.calls);
	free(sink->world.url);
	batch_free(&sink->current);
	free(sink);
	s->state = NULL;
}

/* ---- records into requests ---- */

static struct request_lane *find_free(const struct http_sink *sink)
{
	for (size_t i = 0; i < sink->lane_count; i++)
		if (sink->lanes[i].state == LANE_FREE)
			return &sink->lanes[i];
	return NULL;
}

static bool has_room(const struct http_sink *sink)
{
	return sink->filling || find_free(sink);
}

/* As request_lane_put() returns. */
static int put_into_filling(struct http_sink *sink)
{
	if (!sink->filling)
		sink->filling = find_free(sink);
	int r = request_lane_put(sink->filling, sink->current, sink->cursor);
	if (sink->filling->state != LANE_FILLING)
		sink->filling = NULL;
	return r;
}

static int give_up_record(struct http_sink *sink, const char *why)
{
	struct request_world *w = &sink->world;
	uint64_t which[BATCH_RECORDS_MAX / 64] = {0};
	const struct undelivered u = {.which = which, .reason = why};
	if (!inlet_may_hand_on(w->in))
		return 0;
	undelivered_mark(which, sink->cursor);
	int r = undelivered_settle(w->stage, w->in, sink->current, &u);
	return r < 0 ? r : 1;
}

/* 1: the record at the cursor has been seen to; 0: there is no room; or -errno, which has been said. */
static int put_record(struct http_sink *sink)
{
	int r = 0;
	while (r == 0 && has_room(sink))
		r = put_into_filling(sink);
	if (r == -ENOMEM)
		env_say(sink->world.stage->env, SAY_ERROR, "no memory for a request", "error=%s",
			strerror(ENOMEM));
	if (r == -EMSGSIZE)
		r = give_up_record(sink, "longer than a request may be");
	if (r == -ENAMETOOLONG)
		r = give_up_record(sink, "an index, id or label made of its fields is too long");
	sink->cursor += r == 1;
	return r;
}

static bool take_batch(struct http_sink *sink, struct inlet *in)
{
	struct request_world *w = &sink->world;
	if (!in || !batch_tally_has_room(&w->tally) || !has_room(sink))
		return false;
	sink->current = inlet_take(in);
	if (!sink->current)
		return false;
	sink->cursor = 0;
	batch_tally_begin(&w->tally);
	request_writer_begin(&w->writer, sink->current);
	return true;
}

/* in: NULL: no more is to be taken. 0 or -errno. */
static int fill(struct http_sink *sink, struct inlet *in)
{
	while (sink->current || take_batch(sink, in)) {
		while (sink->cursor < sink->current->count) {
			int r = put_record(sink);
			if (r <= 0)
				return r;
		}
		batch_tally_end(&sink->world.tally);
		batch_free(&sink->current);
	}
	return 0;
}

/* ---- requests on their way ---- */

/* STEP_MORE if anything went on, STEP_WAIT, or -errno. */
static int answer_all(struct http_sink *sink)
{
	CURLcode code;
	CURL *easy;
	int result = curl_loop_step(&sink->world.loop);
	if (result < 0)
		env_say(sink->world.stage->env, SAY_ERROR, "connections cannot be watched",
			"error=%s", strerror(-result));
	while (result >= 0 && (easy = curl_loop_take(&sink->world.loop, &code)) != NULL) {
		struct request_lane *l = http_transfer_of(easy)->owner;
		result = request_lane_answered(l, code);
	}
	return result;
}

/* Those that are sealed, in that order: who came first is asked first. */
static size_t sort_lanes(struct http_sink *sink, struct request_lane **sorted)
{
	size_t count = 0;
	for (size_t i = 0; i < sink->lane_count; i++) {
		struct request_lane *l = &sink->lanes[i];
		if (l->state <= LANE_FILLING)
			continue;
		size_t at = count++;
		for (; at > 0 && sorted[at - 1]->number > l->number; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = l;
	}
	return count;
}

static int step_lanes(struct http_sink *sink)
{
	struct request_lane *sorted[LANES_MAX + 1];
	size_t count = sort_lanes(sink, sorted);
	int result = STEP_WAIT;
	for (size_t i = 0; result >= 0 && i < count; i++) {
		int r = request_lane_step(sorted[i]);
		if (r != STEP_WAIT)
			result = r;
	}
	return result;
}

static int step_filling(struct http_sink *sink)
{
	if (!sink->filling)
		return STEP_WAIT;
	if (!sink->current && inlet_has_enough(sink->world.in))
		request_lane_seal(sink->filling);
	int r = request_lane_step(sink->filling);
	if (sink->filling->state != LANE_FILLING)
		sink->filling = NULL;
	return r;
}

static void also(int *r, int next)
{
	if (next < 0 || *r == STEP_WAIT)
		*r = next;
}

/* Whatever is sealed goes on. */
static int carry_on(struct http_sink *sink, struct inlet *in)
{
	struct stage *s = sink->world.stage;
	int keys = request_keys_step(&sink->world.keys, s);
	if (keys < 0) {
		env_say(s->env, SAY_ERROR, "state directory cannot be looked at",
			"path=%s error=%s", s->state_dir, strerror(-keys));
		return keys;
	}
	int r = answer_all(sink);
	if (r >= 0)
		also(&r, step_lanes(sink));
	sink->world.stored.batches = batch_tally_take(&sink->world.tally);
	inlet_done(in, stored_count(&sink->world.stored, s->counters, env_now_ns(s->env)));
	return r;
}

static int http_sink_step(struct stage *s, struct inlet *in)
{
	struct http_sink *sink = s->state;
	sink->world.in = in;
	int r = fill(sink, in);
	if (r >= 0)
		r = step_filling(sink);
	if (r >= 0)
		also(&r, carry_on(sink, in));
	return r;
}

static bool all_is_answered(const struct http_sink *sink)
{
	for (size_t i = 0; i < sink->lane_count; i++)
		if (sink->lanes[i].state != LANE_FREE)
			return false;
	return !sink->current;
}

/* STEP_DONE once all that was taken is answered. */
static int drain(struct http_sink *sink, struct inlet *in)
{
	sink->world.in = in;
	int r = fill(sink, NULL);
	if (r < 0)
		return r;
	if (!sink->current && sink->filling) {
		request_lane_seal(sink->filling);
		sink->filling = NULL;
	}
	r = carry_on(sink, in);
	return r >= 0 && all_is_answered(sink) ? STEP_DONE : r;
}

static int http_sink_finish(struct stage *s, struct inlet *in)
{
	return drain(s->state, in);
}

static int http_sink_cut(struct stage *s, struct inlet *in, uint64_t epoch)
{
	struct http_sink *sink = s->state;
	int r = drain(sink, in);
	if (r == STEP_DONE)
		request_keys_cut(&sink->world.keys, epoch);
	return r;
}

static int http_sink_let_go(struct stage *s)
{
	struct http_sink *sink = s->state;
	bool is_busy = false;
	if (!sink)
		return STEP_DONE;
	for (size_t i = 0; i < sink->lane_count; i++) {
		request_lane_cancel(&sink->lanes[i]);
		is_busy |= sink->lanes[i].pack.op.busy;
	}
	batch_free(&sink->current);
	return is_busy || !curl_loop_is_quiet(&sink->world.loop) ? STEP_WAIT : STEP_DONE;
}

/* ---- what is told beforehand ---- */

static size_t http_sink_memory(const void *options)
{
	return sizeof(struct http_sink) +
	       (1 + count_in_flight(options, false)) * request_lane_footprint(options);
}

static size_t http_sink_descriptors(const void *options)
{
	return ((const struct request_options *)options)->pool.max;
}

static unsigned http_sink_helpers(const void *options)
{
	const struct request_options *o = options;
	return o->compression == COMPRESSION_NONE ? 0 : (unsigned)count_in_flight(o, false);
}

static const char *http_sink_guarantee(const void *options, bool stream, bool epochs)
{
	(void)options, (void)stream;
	if (epochs)
		return "sent until it is answered; after a crash what follows the last epoch is "
		       "sent "
		       "again, under the Idempotency-Key that it had if it makes the same request: "
		       "at least once, once at a server that honours the key";
	return "sent until it is answered, at least once; what a crash finds on its way is lost "
	       "unless its source reads it again";
}

const struct stage_type http_sink_type = {
    .schema = {.kind = STAGE_SINK,
	       .name = "http",
	       .summary = "sends records to a server over HTTP: plain, Elasticsearch, Loki, "
			  "ClickHouse, Splunk",
	       .options = request_table,
	       .options_size = sizeof(struct request_options),
	       .check = request_options_check,
	       .companion = http_sink_companion,
	       .tries_for_ever = http_sink_tries_for_ever,
	       .has_failures = true},
    .open = http_sink_open,
    .close = http_sink_close,
    .sink_step = http_sink_step,
    .sink_finish = http_sink_finish,
    .sink_let_go = http_sink_let_go,
    .sink_cut = http_sink_cut,
    .fields = http_sink_fields,
    .memory = http_sink_memory,
    .descriptors = http_sink_descriptors,
    .helpers = http_sink_helpers,
    .guarantee = http_sink_guarantee,
    .figures = request_figures,
};

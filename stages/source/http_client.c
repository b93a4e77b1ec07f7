/* http_client.c - asks servers again and again: each of `urls`, every so often.
 *
 *             its moment                  `max_in_flight`, policies            2xx              all handed on
 *   RESTING ---------------> ASKING ------------------------------> UNDER_WAY ------> FETCHED ---------------> RESTING
 *      ^                        ^                                     |   |
 *      |                        +--- again, as `retry` says ----------+   |
 *      +------------------------- 304, given up --------------------------+
 *
 * A body is taken whole before any of it goes on, so that one which breaks off is asked for again and leaves nothing behind. What a
 * server says of its version (ETag, Last-Modified) is noted when the body has been handed on, and part of each epoch: what has not
 * changed since is not fetched again, also after a restart.
 *
 * A moment that comes while the answer to the one before is still awaited is skipped. */
#include "stages/builtin.h"
#include "stages/field_names.h"
#include "stages/http_call/body_feeder.h"
#include "stages/http_call/http_answer.h"
#include "stages/http_call/page_versions.h"
#include "stages/policy/calls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AT_A_TIME = 16, URLS_MAX = 4096 };

struct http_client_options {
	struct text_list urls;
	uint64_t every;
	uint64_t split; /* enum body_split */
	uint64_t max_body;
	struct text url_field, status_field;
	struct framing_options framing;
	struct http_options http;
	struct call_options calls;
	struct pool_options pool;
};

#define AT(member) offsetof(struct http_client_options, member)

static const char *const splits[] = {"lines", "body", "json", NULL};

static const struct option http_client_table[] = {
    {"urls", OPTION_TEXTS, AT(urls), .required = true, .min = 1, .max = 8192,
     .doc = "What to ask for: https://host:port/path, or http://"},
    {"every", OPTION_DURATION, AT(every), .preset = "1m", .min = 1000000,
     .doc = "How often each of them is asked for"},
    {"split", OPTION_CHOICE, AT(split), .preset = "lines", .choices = splits,
     .doc = "What is a record: each line, the whole body, or each element of a JSON list"},
    {"max_body", OPTION_SIZE, AT(max_body), .preset = "4MiB", .min = 1024, .max = 1 << 30,
     .doc = "Longest body, after it was decompressed; a longer one is refused"},
    {"url_field", OPTION_TEXT, AT(url_field), .min = 1, .doc = "A field for the URL"},
    {"status_field", OPTION_TEXT, AT(status_field), .min = 1,
     .doc = "A field for the answer's status"},
    CALL_OPTION_ROWS(AT(calls)),
    POOL_ROWS(AT(pool)),
    HTTP_OPTION_ROWS(AT(http)),
    FRAMING_OPTION_ROWS(AT(framing)),
    {0},
};

enum { FIGURE_UNCHANGED, FIGURE_SKIPPED, FIGURE_TOO_LONG, FIGURE_NO_JSON, FIGURES };

static const char *const http_client_figures[] = {
    [FIGURE_UNCHANGED] = "bodies unchanged",
    [FIGURE_SKIPPED] = "moments skipped",
    [FIGURE_TOO_LONG] = "bodies too long",
    [FIGURE_NO_JSON] = "bodies no JSON",
    [FIGURES] = NULL,
};

enum target_state { RESTING, ASKING, UNDER_WAY, FETCHED };

struct target {
	const struct text *url;
	enum target_state state;
	bool was_asked;
	uint64_t due_ns, fetched_ns;
	struct call call;
	struct http_transfer transfer;
	struct page_version *version;
};

struct http_client {
	struct stage *stage;
	struct curl_loop loop;
	struct calls calls;
	struct body_feeder feeder;
	struct page_versions versions;
	struct target *targets;
	size_t count, first;           /* first: which one is asked first in the next step */
	struct target *feeding;        /* NULL: none is */
	int url_column, status_column; /* -1: not wanted */
};

/* ---- options ---- */

static void check_field(const struct text *name, struct problems *problems)
{
	if (name->bytes)
		field_names_check(name, 1, sizeof *name, problems);
}

static void http_client_check(const void *options, struct place at, struct problems *problems)
{
	const struct http_client_options *o = options;
	for (size_t i = 0; i < o->urls.count; i++)
		http_url_check(&o->urls.items[i], problems);
	if (o->urls.count > URLS_MAX)
		problem_add(problems, at, "more than %d `urls`", URLS_MAX);
	check_field(&o->url_field, problems);
	check_field(&o->status_field, problems);
	http_options_check(&o->http, at, problems);
	call_options_check(&o->calls, at, problems);
	http_pool_check(&o->pool, at, problems);
}

static void http_client_fields(const void *options, struct field_uses *uses)
{
	const struct http_client_options *o = options;
	if (o->url_field.bytes)
		fields_give(uses, o->url_field.bytes, o->url_field.length);
	if (o->status_field.bytes)
		fields_give(uses, o->status_field.bytes, o->status_field.length);
}

static size_t count_at_a_time(const struct http_client_options *o)
{
	size_t most = o->calls.max_in_flight > 0 ? o->calls.max_in_flight : AT_A_TIME;
	return most < o->urls.count ? most : o->urls.count;
}

/* ---- what is remembered ---- */

static int http_client_snapshot(struct stage *s, struct delta *d)
{
	return page_versions_snapshot(&((struct http_client *)s->state)->versions, d);
}

static int http_client_tell(const void *options, const struct delta *saved, struct teller *t)
{
	return page_versions_tell(&((const struct http_client_options *)options)->urls, saved, t);
}

/* ---- begin and end ---- */

static int column_of(const struct stage *s, const struct text *name)
{
	return name->bytes ? fields_find(s->fields, name->bytes, name->length) : -1;
}

static int open_targets(struct http_client *c, const struct http_client_options *o)
{
	int r = 0;
	c->targets = calloc(o->urls.count, sizeof *c->targets);
	if (!c->targets || page_versions_init(&c->versions, &o->urls) < 0)
		return -ENOMEM;
	for (; r == 0 && c->count < o->urls.count; c->count++) {
		struct target *t = &c->targets[c->count];
		t->url = &o->urls.items[c->count];
		t->version = &c->versions.list[c->count];
		t->due_ns = env_now_ns(c->stage->env);
		t->transfer.owner = t;
		r = http_transfer_prepare(&t->transfer, c->stage->env, &o->http, t->url->bytes,
					  "Bearer");
	}
	return r;
}

static int open_client(struct http_client *c, struct stage *s)
{
	const struct http_client_options *o = s->options;
	c->stage = s;
	c->url_column = column_of(s, &o->url_field);
	c->status_column = column_of(s, &o->status_field);
	calls_init(&c->calls, s, &o->calls);
	int r = body_feeder_init(&c->feeder, s, &o->framing, (enum body_split)o->split);
	if (r == 0)
		r = curl_loop_init(&c->loop, s->env, &o->pool);
	if (r == 0)
		r = open_targets(c, o);
	return r == 0 && s->saved ? page_versions_remember(&c->versions, s->saved) : r;
}

static const char *why_not_opened(int error)
{
	return error == -ENOSYS    ? "this libcurl would block while it looks up names"
	       : error == -EINVAL  ? "libcurl does not take what `tls`, `auth` or `urls` say"
	       : error == -EBADMSG ? "what is remembered of it is damaged"
				   : strerror(-error);
}

static int http_client_open(struct stage *s)
{
	struct http_client *c = calloc(1, sizeof *c);
	s->state = c;
	int r = c ? open_client(c, s) : -ENOMEM;
	if (r < 0)
		env_say(s->env, SAY_ERROR, "requests cannot be prepared", "error=%s",
			why_not_opened(r));
	return r;
}

static void http_client_close(struct stage *s)
{
	struct http_client *c = s->state;
	if (!c)
		return;
	for (size_t i = 0; i < c->count; i++) {
		http_transfer_cancel(&c->targets[i].transfer, &c->loop);
		http_transfer_release(&c->targets[i].transfer);
	}
	free(c->targets);
	page_versions_release(&c->versions);
	body_feeder_release(&c->feeder);
	curl_loop_release(&c->loop);
	calls_release(&c->calls);
	free(c);
	s->state = NULL;
}

/* ---- a request ---- */

static void rest(struct target *t)
{
	http_transfer_forget(&t->transfer);
	t->state = RESTING;
}

static int append_condition(struct curl_slist **list, const char *name, const char *value)
{
	enum { LINE_MAX_BYTES = HTTP_TAG_MAX + 32 };
	char line[LINE_MAX_BYTES];
	if (!*value)
		return 0;
	snprintf(line, sizeof line, "%s: %s", name, value);
	return http_header_append(list, line);
}

static int ask(struct http_client *c, struct target *t)
{
	const struct http_client_options *o = c->stage->options;
	struct http_request request = {.body_max = o->max_body, .unpacks = true};
	int r = append_condition(&request.headers, "If-None-Match", t->version->tag);
	if (r == 0)
		r = append_condition(&request.headers, "If-Modified-Since", t->version->modified);
	if (r == 0)
		r = http_transfer_begin(&t->transfer, &c->loop, &request);
	curl_slist_free_all(request.headers);
	t->state = UNDER_WAY;
	return r < 0 ? r : STEP_MORE;
}

static void failed(struct http_client *c, struct target *t, const char *why, bool is_lasting)
{
	const struct call_failure failure = {.reason = why,
					     .is_lasting = is_lasting,
					     .retry_after_ns = t->transfer.answer.retry_after_ns};
	rest(t);
	if (calls_failed(&c->calls, &t->call, &failure))
		t->state = ASKING;
}

static void unchanged(struct http_client *c, struct target *t)
{
	counter_add(&c->stage->counters->figures[FIGURE_UNCHANGED], 1);
	calls_succeeded(&c->calls, &t->call);
	rest(t);
}

static void fetched(struct http_client *c, struct target *t)
{
	if (t->transfer.answer.is_too_long) {
		counter_add(&c->stage->counters->figures[FIGURE_TOO_LONG], 1);
		failed(c, t, "the body is longer than `max_body`", true);
		return;
	}
	calls_succeeded(&c->calls, &t->call);
	t->fetched_ns = env_now_ns(c->stage->env);
	t->state = FETCHED;
}

static void answered(struct http_client *c, struct target *t, CURLcode code)
{
	const char *why = NULL;
	http_transfer_end(&t->transfer, &c->loop, code);
	switch (http_verdict_of(&t->transfer.answer, &why)) {
	case HTTP_DONE:
		fetched(c, t);
		break;
	case HTTP_UNCHANGED:
		unchanged(c, t);
		break;
	case HTTP_AGAIN:
		failed(c, t, why, false);
		break;
	default:
		failed(c, t, why, true);
		break;
	}
}

/* ---- a body ---- */

/* Whoever has waited longest. */
static struct target *find_fetched(struct http_client *c)
{
	struct target *found = NULL;
	for (size_t i = 0; i < c->count; i++) {
		struct target *t = &c->targets[i];
		if (t->state == FETCHED && (!found || t->fetched_ns < found->fetched_ns))
			found = t;
	}
	return found;
}

static void refuse_body(struct http_client *c, struct target *t)
{
	struct stage_counters *counters = c->stage->counters;
	counter_add(&counters->errors, 1);
	counter_add(&counters->figures[FIGURE_NO_JSON], 1);
	if (reasons_add(&counters->reasons, "no JSON list or object", 1))
		env_say(c->stage->env, SAY_WARN, "body is no JSON list or object, the first one",
			"url=%s bytes=%zu", text_shown(t->url, t->url->bytes),
			t->transfer.answer.length);
	rest(t);
}

/* 0, or -ENOMEM. */
static int begin_feeding(struct http_client *c)
{
	struct target *t = find_fetched(c);
	if (!t)
		return 0;
	const struct fetched_body body = {.bytes = t->transfer.answer.body,
					  .length = t->transfer.answer.length,
					  .read_ns = env_now_ns(c->stage->env),
					  .wall_ns = env_wall_ns(c->stage->env),
					  .shown = text_shown(t->url, t->url->bytes)};
	int r = body_feeder_begin(&c->feeder, &body);
	if (r == -EBADMSG)
		refuse_body(c, t);
	else if (r == 0)
		c->feeding = t;
	return r == -EBADMSG ? 0 : r;
}

static void set_column(struct batch *b, int column, struct value value)
{
	if (column < 0)
		return;
	struct value *values = batch_column_unset(b, (unsigned)column);
	for (uint32_t i = 0; i < b->count; i++)
		values[b->rows[i]] = value;
}

static void set_fields(const struct http_client *c, const struct target *t, struct batch *b)
{
	const char *url = text_shown(t->url, t->url->bytes);
	if (c->url_column < 0 && c->status_column < 0)
		return;
	batch_give_rows(b);
	set_column(b, c->url_column,
		   (struct value){.bytes = (const uint8_t *)url,
				  .length = (uint32_t)strlen(url),
				  .type = VALUE_STRING});
	set_column(b, c->status_column,
		   (struct value){.i = t->transfer.answer.status, .type = VALUE_INT});
}

/* STEP_MORE: a batch was handed on, or the body was the last of it; STEP_WAIT: there is none, or no buffer. */
static int feed(struct http_client *c, struct outlet *out)
{
	struct batch *b;
	if (!c->feeding) {
		int begun = begin_feeding(c);
		if (begun < 0 || !c->feeding)
			return begun;
	}
	int r = body_feeder_next(&c->feeder, &b);
	if (r == -EAGAIN)
		return STEP_WAIT;
	if (r == 0) {
		if (page_version_note(c->feeding->version, &c->feeding->transfer.answer))
			counter_add(&c->stage->counters->changes, 1);
		rest(c->feeding);
		c->feeding = NULL;
		return STEP_MORE;
	}
	set_fields(c, c->feeding, b);
	emit(out, &b);
	return STEP_MORE;
}

/* ---- moments ---- */

/* The next one that lies ahead; those that are gone by are not made up for. */
static void set_next(struct http_client *c, struct target *t, uint64_t now_ns)
{
	const struct http_client_options *o = c->stage->options;
	uint64_t gone = (now_ns - t->due_ns) / o->every;
	t->due_ns += (gone + 1) * o->every;
}

static void look_at_moment(struct http_client *c, struct target *t, uint64_t now_ns)
{
	struct stage *s = c->stage;
	if (s->stopping || (s->once && t->was_asked))
		return;
	if (now_ns < t->due_ns) {
		env_wake_at(s->env, t->due_ns);
		return;
	}
	set_next(c, t, now_ns);
	if (t->state != RESTING) {
		counter_add(&s->counters->figures[FIGURE_SKIPPED], 1);
	} else {
		t->state = ASKING;
		t->was_asked = true;
		call_init(&t->call, 1, 0);
	}
	if (!s->once)
		env_wake_at(s->env, t->due_ns);
}

static size_t count_busy(const struct http_client *c)
{
	size_t busy = 0;
	for (size_t i = 0; i < c->count; i++)
		busy += c->targets[i].state >= UNDER_WAY;
	return busy;
}

/* STEP_MORE: to be stepped again; STEP_WAIT; or -ENOMEM. */
static int step_target(struct http_client *c, struct target *t, uint64_t now_ns, bool has_room)
{
	look_at_moment(c, t, now_ns);
	if (t->state == ASKING && has_room && calls_try(&c->calls, &t->call) == CALL_BEGIN)
		return ask(c, t);
	if (t->state != UNDER_WAY || !calls_overdue(&c->calls, &t->call))
		return STEP_WAIT;
	http_transfer_cancel(&t->transfer, &c->loop);
	failed(c, t, "timeout", false);
	return STEP_MORE;
}

/* Each in turn is the first that is asked, so that none is left behind where few may be under way. As step_target() returns. */
static int step_targets(struct http_client *c)
{
	int result = STEP_WAIT;
	const uint64_t now_ns = env_now_ns(c->stage->env);
	const size_t first = c->first;
	size_t most = count_at_a_time(c->stage->options), busy = count_busy(c);
	for (size_t n = 0; n < c->count; n++) {
		struct target *t = &c->targets[(first + n) % c->count];
		bool was_busy = t->state >= UNDER_WAY;
		int r = step_target(c, t, now_ns, busy < most);
		if (r != STEP_WAIT)
			result = r;
		if (r < 0)
			return r;
		if (!was_busy && t->state >= UNDER_WAY) {
			busy++;
			c->first = (first + n + 1) % c->count;
		}
	}
	return result;
}

/* ---- steps ---- */

static int answer_all(struct http_client *c)
{
	CURLcode code;
	CURL *easy;
	int r = curl_loop_step(&c->loop);
	while (r >= 0 && (easy = curl_loop_take(&c->loop, &code)) != NULL)
		answered(c, http_transfer_of(easy)->owner, code);
	return r;
}

static void stop_asking(struct http_client *c)
{
	for (size_t i = 0; i < c->count; i++) {
		struct target *t = &c->targets[i];
		if (t->state != ASKING && t->state != UNDER_WAY)
			continue;
		http_transfer_cancel(&t->transfer, &c->loop);
		calls_cancelled(&c->calls, &t->call);
		rest(t);
	}
}

static bool is_over(const struct http_client *c)
{
	const struct stage *s = c->stage;
	for (size_t i = 0; i < c->count; i++)
		if (c->targets[i].state != RESTING ||
		    (s->once && !s->stopping && !c->targets[i].was_asked))
			return false;
	return (s->once || s->stopping) && curl_loop_is_quiet(&c->loop);
}

static int fail(struct stage *s, int error)
{
	env_say(s->env, SAY_ERROR, "nothing can be fetched any more", "error=%s", strerror(-error));
	return error;
}

static int http_client_step(struct stage *s, struct outlet *out)
{
	struct http_client *c = s->state;
	if (s->stopping)
		stop_asking(c);
	int r = answer_all(c);
	int asked = r < 0 ? r : step_targets(c);
	int fed = asked < 0 ? asked : feed(c, out);
	if (fed < 0)
		return fail(s, fed);
	if (fed == STEP_WAIT && is_over(c))
		return STEP_DONE;
	return r == STEP_MORE || asked == STEP_MORE || fed == STEP_MORE ? STEP_MORE : STEP_WAIT;
}

/* ---- what is told beforehand ---- */

static size_t http_client_memory(const void *options)
{
	enum {
		A_LITTLE = 16 * 1024,
		COPIES = 2
	}; /* what a buffer may be larger than needed, or a list within an object */
	const struct http_client_options *o = options;
	return o->urls.count * (sizeof(struct target) + sizeof(struct page_version) + A_LITTLE) +
	       (count_at_a_time(o) + COPIES) * o->max_body;
}

static size_t http_client_descriptors(const void *options)
{
	return ((const struct http_client_options *)options)->pool.max;
}

static size_t http_client_buffer_capacity(const void *options)
{
	const struct http_client_options *o = options;
	return body_feeder_capacity(&o->framing, (enum body_split)o->split, o->max_body);
}

static const char *http_client_restart(const void *options, bool remembers)
{
	(void)options;
	return remembers ? "what the last epoch has in it is fetched again only if the server says "
			   "that it "
			   "has changed; a body that was on its way is fetched again whole"
			 : "everything is fetched again";
}

const struct stage_type http_client_type = {
    .schema = {.kind = STAGE_SOURCE,
	       .name = "http_client",
	       .summary = "fetches URLs again and again",
	       .options = http_client_table,
	       .options_size = sizeof(struct http_client_options),
	       .check = http_client_check},
    .open = http_client_open,
    .close = http_client_close,
    .source_step = http_client_step,
    .snapshot = http_client_snapshot,
    .tell = http_client_tell,
    .fields = http_client_fields,
    .memory = http_client_memory,
    .descriptors = http_client_descriptors,
    .buffer_capacity = http_client_buffer_capacity,
    .restart = http_client_restart,
    .figures = http_client_figures,
    .reopens = true,
    .drains = true,
};

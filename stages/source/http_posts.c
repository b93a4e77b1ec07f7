#include "stages/source/http_posts.h"
#include "stages/journal.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	STATUS_OK = 200,
	STATUS_UNAVAILABLE = 503,
	STATUS_NOT_FOUND = 404,
	STATUS_WRONG_METHOD = 405,
	STATUS_LARGE = 413,
	STATUS_WRONG_CODING = 415,
	STATUS_BUSY = 429,
	PASS_OVER = 1 << 20, /* beside max_body: what is a little too long is heard to be */
	BUDGET = 8 << 20,    /* some ten milliseconds' worth of decompressing */
	RETRY_AFTER_S = 1,
	RETRY_AFTER_MAX_S = 3600,
	SECOND_NS = 1000000000,
};

enum http_figure {
	FIGURE_CONNECTIONS,
	FIGURE_REQUESTS,
	FIGURE_TURNED_AWAY,
	FIGURE_MADE_ROOM,
	FIGURE_TIMED_OUT,
	FIGURE_UNAUTHORIZED,
	FIGURE_BUSY,
	FIGURE_OVER_RATE,
	FIGURE_REFUSED,
	FIGURE_BROKEN_OFF,
	FIGURE_COUNT,
};
_Static_assert((int)FIGURE_COUNT == (int)HTTP_FIGURES, "where the journal's begin");

const char *const http_figures[] = {
    [FIGURE_CONNECTIONS] = "connections",
    [FIGURE_REQUESTS] = "requests",
    [FIGURE_TURNED_AWAY] = "connections turned away",
    [FIGURE_MADE_ROOM] = "idle connections closed for new ones",
    [FIGURE_TIMED_OUT] = "connections timed out",
    [FIGURE_UNAUTHORIZED] = "requests not authorized",
    [FIGURE_BUSY] = "requests told to come later",
    [FIGURE_OVER_RATE] = "requests over the rate limit",
    [FIGURE_REFUSED] = "requests refused",
    [FIGURE_BROKEN_OFF] = "requests broken off",
    JOURNAL_FIGURE_NAMES,
    NULL,
};

/* ---- beginning and ending ---- */

static uint64_t body_memory(const struct http_posts_options *o)
{
	uint64_t least = (uint64_t)http_body_blocks(o->max_body) * sizeof(struct body_block);
	uint64_t wanted = o->body_memory ? o->body_memory : 4 * o->max_body;
	return wanted > least ? wanted : least;
}

size_t http_posts_memory(const struct http_posts_options *o)
{
	return http_service_memory(&o->server) + http_decoders_memory() + body_memory(o) +
	       o->server.max_connections * sizeof(struct http_post);
}

void http_posts_check(const struct http_posts_options *o, struct problems *problems)
{
	http_service_check(&o->server, problems);
	if (o->path.length == 0 || o->path.bytes[0] != '/')
		problem_add(problems, o->path.at, "`path` has to begin with `/`");
}

static struct counter *figure(const struct stage *s, enum http_figure which)
{
	return &s->counters->figures[which];
}

static void begin(struct http_request *r);
static size_t take(struct http_request *r, const uint8_t *bytes, size_t length);
static void finish(struct http_request *r);
static void over(struct http_request *r, bool answered);

static const struct http_handler handler = {
    .begin = begin, .body = take, .whole = finish, .over = over};

int http_posts_init(struct http_posts *p, struct stage *s, const struct http_posts_options *o,
		    void (*came)(struct stage *s))
{
	p->came = came;
	p->stage = s;
	p->options = o;
	p->too_busy = figure(s, FIGURE_BUSY);
	p->over_rate = figure(s, FIGURE_OVER_RATE);
	rate_gate_init(&p->gate, &o->gate, s->env, NULL);
	p->refused = figure(s, FIGURE_REFUSED);
	p->broken_off = figure(s, FIGURE_BROKEN_OFF);
	chain_init(&p->waiting);
	chain_init(&p->stalled);
	chain_init(&p->whole);
	chain_init(&p->taken);
	p->server = (struct http_service){
	    .env = s->env,
	    .options = &o->server,
	    .handler = &handler,
	    .owner = p,
	    .id = s->id,
	    .pass_over = o->max_body + PASS_OVER,
	    .figures = {.connections = figure(s, FIGURE_CONNECTIONS),
			.turned_away = figure(s, FIGURE_TURNED_AWAY),
			.made_room = figure(s, FIGURE_MADE_ROOM),
			.timed_out = figure(s, FIGURE_TIMED_OUT),
			.unauthorized = figure(s, FIGURE_UNAUTHORIZED),
			.requests = figure(s, FIGURE_REQUESTS)},
	};
	int r = http_service_init(&p->server);
	return r < 0 ? r : body_room_init(&p->room, body_memory(o) / sizeof(struct body_block));
}

/* Of each in the chain, which it may leave meanwhile. */
static void each(struct http_posts *p, struct chain *head,
		 void (*see_to)(struct http_posts *p, struct http_post *post))
{
	for (struct chain *l = head->next, *next; l != head; l = next) {
		next = l->next;
		see_to(p, chain_owner(l, struct http_post, link));
	}
}

static void drop(struct http_post *post)
{
	http_body_drop(&post->body);
	chain_unlink(&post->link);
	if (post->request)
		post->request->owner = NULL;
	free(post);
}

static void drop_one(struct http_posts *p, struct http_post *post)
{
	(void)p;
	drop(post);
}

void http_posts_release(struct http_posts *p)
{
	http_service_release(&p->server);
	if (p->stage) {
		each(p, &p->whole, drop_one);
		each(p, &p->taken, drop_one);
	}
	http_decoders_release(&p->decoders);
	body_room_release(&p->room);
}

/* ---- headers ---- */

static bool is_method(const struct http_request *r, const char *method)
{
	return strcmp(r->method, method) == 0;
}

/* The word before parameters; in any case. */
static bool is_word(const char *header, const char *word)
{
	size_t length = strcspn(header, "; \t");
	return length == strlen(word) && strncasecmp(header, word, length) == 0;
}

static int coding_of(const char *header)
{
	static const struct {
		const char *name;
		enum http_coding coding;
	} known[] = {{"identity", HTTP_IDENTITY},
		     {"gzip", HTTP_GZIP},
		     {"x-gzip", HTTP_GZIP},
		     {"deflate", HTTP_DEFLATE},
		     {"zstd", HTTP_ZSTD}};
	if (!header || !*header)
		return HTTP_IDENTITY;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (is_word(header, known[i].name))
			return (int)known[i].coding;
	return -1;
}

static bool is_json(const struct http_posts *p, const struct http_request *r)
{
	const char *type = http_request_header(r, "Content-Type");
	if (p->options->body != HTTP_BODY_AUTO)
		return p->options->body == HTTP_BODY_JSON;
	return type && is_word(type, "application/json");
}

static void refuse(struct http_posts *p, struct http_request *r, unsigned status, const char *why,
		   const char *name, const char *value)
{
	counter_add(p->refused, 1);
	http_request_refuse(r, status, why, name, value);
}

static void answer_health(struct http_posts *p, struct http_request *r)
{
	if (is_method(r, "GET") || is_method(r, "HEAD"))
		http_request_answer(r, STATUS_OK, "{\"status\":\"ok\"}\n");
	else
		refuse(p, r, STATUS_WRONG_METHOD, "only GET here", "Allow", "GET, HEAD");
}

/* True when there is an answer already. */
static bool is_not_for_us(struct http_posts *p, struct http_request *r)
{
	bool ours = strcmp(r->path, p->options->path.bytes) == 0;
	if (!ours && strcmp(r->path, "/health") == 0)
		answer_health(p, r);
	else if (!ours)
		refuse(p, r, STATUS_NOT_FOUND, "there is nothing here", NULL, NULL);
	else if (!is_method(r, "POST") && !is_method(r, "PUT"))
		refuse(p, r, STATUS_WRONG_METHOD, "only POST and PUT here", "Allow", "POST, PUT");
	else if (r->length > p->options->max_body)
		refuse(p, r, STATUS_LARGE, "the body is larger than max_body", NULL, NULL);
	else if (coding_of(http_request_header(r, "Content-Encoding")) < 0)
		refuse(p, r, STATUS_WRONG_CODING, "a content encoding that is not known here",
		       "Accept-Encoding", "gzip, zstd, deflate");
	return http_request_is_answered(r);
}

/* ---- room for it ---- */

static const char *why_busy(const struct http_posts *p)
{
	return p->is_held_up             ? "the pipeline is full"
	       : body_room_has(&p->room) ? "as many compressed bodies come as may at a time"
					 : "body_memory is used up";
}

static void tell_busy(struct http_posts *p)
{
	if (!p->said_busy)
		env_say(p->stage->env, SAY_WARN, "requests are told to come later",
			"stage=%s because=%s", p->stage->id, why_busy(p));
	p->said_busy = true;
}

static void refuse_stopping(struct http_request *r)
{
	http_request_retry_later(r, STATUS_UNAVAILABLE, "being stopped, come again later",
				 RETRY_AFTER_S);
}

/* The first, at last. */
static void send_away(struct http_posts *p, struct http_post *post)
{
	struct http_request *r = post->request;
	chain_unlink(&post->link);
	r->owner = NULL;
	free(post);
	if (p->stage->stopping) {
		refuse_stopping(r);
		return;
	}
	counter_add(p->too_busy, 1);
	tell_busy(p);
	http_request_retry_later(r, STATUS_BUSY, "too much to do, come again later", RETRY_AFTER_S);
}

/* True when its body may come. */
static bool start(struct http_posts *p, struct http_post *post)
{
	const struct http_request *r = post->request;
	if (p->is_held_up || !body_room_has(&p->room))
		return false;
	if (http_body_begin(&post->body, &p->room, &p->decoders, post->coding, post->is_json,
			    p->options->max_body, r->length_known ? r->length : UINT64_MAX) < 0)
		return false;
	post->state = HTTP_POST_COMING;
	chain_unlink(&post->link);
	return true;
}

/* What has come is charged when it is known, so that what is under way is taken, and who comes then waits the longer. */
static bool is_over_rate(struct http_posts *p, struct http_request *r)
{
	uint64_t wait_ns = rate_gate_opens_in_ns(&p->gate, p->stage->env);
	if (wait_ns == 0)
		return false;
	uint64_t seconds = (wait_ns - 1) / SECOND_NS + 1;
	counter_add(p->over_rate, 1);
	http_request_retry_later(r, STATUS_BUSY, "more than rate_limit allows, come again later",
				 seconds < RETRY_AFTER_MAX_S ? (unsigned)seconds
							     : RETRY_AFTER_MAX_S);
	return true;
}

static void begin(struct http_request *r)
{
	struct http_posts *p = r->server->owner;
	if (r->owner || is_not_for_us(p, r) || is_over_rate(p, r))
		return;
	if (r->server->state == HTTP_STOPPING) {
		refuse_stopping(r);
		return;
	}
	struct http_post *post = calloc(1, sizeof *post);
	if (!post) {
		http_request_retry_later(r, STATUS_UNAVAILABLE, "out of memory", RETRY_AFTER_S);
		return;
	}
	*post = (struct http_post){
	    .posts = p,
	    .request = r,
	    .state = HTTP_POST_WAITING,
	    .is_json = is_json(p, r),
	    .coding = (enum http_coding)coding_of(http_request_header(r, "Content-Encoding")),
	    .since_ns = env_now_ns(p->stage->env)};
	chain_init(&post->link);
	r->owner = post;
	if (!start(p, post)) {
		chain_append(&p->waiting, &post->link);
		http_request_pause(r);
	}
}

/* ---- the body ---- */

static void stall(struct http_posts *p, struct http_post *post)
{
	chain_append(&p->stalled, &post->link);
	http_request_pause(post->request);
}

static void refuse_body(struct http_posts *p, struct http_post *post)
{
	struct http_request *r = post->request;
	struct http_body body = post->body;
	drop(post);
	refuse(p, r, body.status, body.why, NULL, NULL);
}

static size_t take(struct http_request *r, const uint8_t *bytes, size_t length)
{
	struct http_posts *p = r->server->owner;
	struct http_post *post = r->owner;
	size_t taken;
	switch (http_body_take(&post->body, bytes, length, &p->budget, &taken)) {
	case HTTP_FED:
		break;
	case HTTP_FED_WAITS:
		stall(p, post);
		break;
	case HTTP_FED_REFUSED:
		refuse_body(p, post);
		break;
	}
	return taken;
}

/* Its answer comes when it has been handed on, or later. */
static void finish(struct http_request *r)
{
	struct http_posts *p = r->server->owner;
	struct http_post *post = r->owner;
	switch (http_body_finish(&post->body, &p->budget)) {
	case HTTP_FED:
		post->state = HTTP_POST_WHOLE;
		chain_append(&p->whole, &post->link);
		p->came(p->stage);
		if (!http_request_is_answered(r))
			http_request_pause(r);
		break;
	case HTTP_FED_WAITS:
		stall(p, post);
		break;
	case HTTP_FED_REFUSED:
		refuse_body(p, post);
		break;
	}
}

static void over(struct http_request *r, bool answered)
{
	struct http_posts *p = r->server->owner;
	struct http_post *post = r->owner;
	if (!answered)
		counter_add(p->broken_off, 1);
	if (!post)
		return;
	r->owner = NULL;
	post->request = NULL;
	if (post->state == HTTP_POST_WAITING) {
		chain_unlink(&post->link);
		free(post);
	} else if (!post->is_being_taken) {
		drop(post);
	}
}

/* ---- steps ---- */

static void let_in(struct http_posts *p, struct http_post *post)
{
	uint64_t until = post->since_ns + p->options->busy_timeout;
	if (start(p, post)) {
		p->said_busy = false;
		http_request_go_on(post->request);
	} else if (env_now_ns(p->stage->env) >= until) {
		send_away(p, post);
	} else {
		env_wake_at(p->stage->env, until);
	}
}

static void let_go_on(struct http_posts *p, struct http_post *post)
{
	const struct body *b = &post->body.body;
	bool has_space = b->last && BODY_BLOCK - b->last->length >= BODY_LEAST_MAX;
	if (!has_space && !body_may_grow(&p->room, b))
		return;
	chain_unlink(&post->link);
	http_request_go_on(post->request);
}

int http_posts_step(struct http_posts *p, bool held_up)
{
	p->is_held_up = held_up && chain_first(&p->whole);
	p->budget = BUDGET;
	each(p, &p->waiting, let_in);
	each(p, &p->stalled, let_go_on);
	int r = http_service_step(&p->server);
	bool spent = p->budget == 0 && chain_first(&p->stalled);
	return r >= 0 && spent ? STEP_MORE : r;
}

struct http_post *http_posts_whole(const struct http_posts *p)
{
	struct chain *first = chain_first(&p->whole);
	return first ? chain_owner(first, struct http_post, link) : NULL;
}

static void answer(struct http_post *post, unsigned status)
{
	char text[64];
	snprintf(text, sizeof text, "{\"records\":%" PRIu64 "}\n", post->records);
	struct http_request *r = post->request;
	drop(post);
	if (r)
		http_request_answer(r, status, text);
}

void http_post_taken(struct http_post *post, uint64_t number)
{
	assert(post->state == HTTP_POST_WHOLE && !post->body.body.first);
	struct http_posts *p = post->posts;
	rate_gate_charge(&p->gate, p->stage->env, post->records, post->body.decoded);
	post->state = HTTP_POST_TAKEN;
	post->number = number;
	chain_append(&p->taken, &post->link);
}

void http_posts_answer(struct http_posts *p, uint64_t number, unsigned status)
{
	for (struct chain *l = p->taken.next, *next; l != &p->taken; l = next) {
		struct http_post *post = chain_owner(l, struct http_post, link);
		next = l->next;
		if (post->number > number)
			return;
		answer(post, status);
	}
}

void http_posts_stop(struct http_posts *p)
{
	if (p->server.state != HTTP_SERVING)
		return;
	each(p, &p->waiting, send_away);
	http_service_stop(&p->server);
}

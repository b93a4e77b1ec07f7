/* http_source.c - takes records that are sent to it by HTTP.
 *
 *	POST /  ->  http_posts: bodies, until they are whole  ->  intake: framed in a batch's buffer  ->  journal  ->  below
 *	        <-  202 when all of it has been taken                                            (ack: received)
 *	        <-  200 when it is on disk, or in the outputs and committed                      (ack: journal, committed)
 *
 * While there is no room below it serves on (source_attend): what was sent waits, and who comes is told to come later.
 * Small bodies follow one another in the same buffer, each in a batch of its own, as each is counted. */
#include "stages/builtin.h"
#include "stages/framing_options.h"
#include "stages/intake.h"
#include "stages/journal.h"
#include "stages/cel/cel_utf8.h"
#include "stages/policy/call_options.h"
#include "stages/source/http_posts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	HTTP_FIELDS_MAX = 16,
	HTTP_TEXT_MAX = 4096, /* of a field */
	AT_ONCE = 32,         /* batches */
	STATUS_STORED = 200,
	STATUS_RECEIVED = 202,
};

static const char *const http_body_kinds[] = {"auto", "lines", "ndjson", "json", NULL};

struct http_source_options {
	struct http_posts_options posts;
	struct framing_options framing;
	struct text_list fields;
	struct journal_options journal;
};

#define AT(member) offsetof(struct http_source_options, member)

static const struct option http_source_table[] = {
    HTTP_SERVICE_OPTION_ROWS(AT(posts.server)),
    {"path", OPTION_TEXT, AT(posts.path), .preset = "/",
     .doc = "Path that records are sent to; `GET /health` is answered as well"},
    {"body", OPTION_CHOICE, AT(posts.body), .preset = "auto", .choices = http_body_kinds,
     .doc = "What bodies are: a record on each line; or JSON, where each value is a record, or "
	    "each in an "
	    "array; auto: JSON if the Content-Type is application/json, else lines"},
    {"max_body", OPTION_SIZE, AT(posts.max_body), .preset = "8MiB", .min = 1, .max = 1 << 30,
     .doc = "Longest body, decompressed; more is refused with 413"},
    {"body_memory", OPTION_SIZE, AT(posts.body_memory), .preset = "auto", .word = "auto", .min = 1,
     .max = UINT64_C(1) << 40,
     .doc = "Memory for bodies that are coming in; auto: four times `max_body`"},
    {"busy_timeout", OPTION_DURATION, AT(posts.busy_timeout), .preset = "1s", .max = 3600000000000,
     .doc = "How long a request waits, while the pipeline is full, before it is told to come later "
	    "with 429"},
    RATE_GATE_OPTION_ROWS(
	AT(posts.gate),
	"How much may come a second; once more has come, requests are told when to come again, "
	"with 429"),
    JOURNAL_OPTION_ROWS(AT(journal)),
    {"fields", OPTION_TEXTS, AT(fields), .min = 1, .max = 64,
     .doc = "What of the request each record gets as a field: `peer`, `path`, and headers as "
	    "`header_user_agent`"},
    FRAMING_OPTION_ROWS(AT(framing)),
    {0},
};

#undef AT

struct request_field {
	unsigned column;
	const char *name;
	char header[64]; /* "": it is not a header's */
};

struct http_source {
	struct http_posts posts;
	struct framing lines, values; /* of lines; of what was JSON */
	struct framer framer;
	struct intake intake;
	bool handing_on; /* the first that is whole */
	uint32_t offset; /* in its first block */
	bool held_up;    /* the last step could hand nothing on */
	unsigned status; /* of answers */
	struct journal journal;
	struct request_field fields[HTTP_FIELDS_MAX];
	size_t field_count;
	struct value values_of[HTTP_FIELDS_MAX];
	struct buffer *texts; /* what they point into; NULL: none is needed so far */
	size_t texts_used;
};

static const struct http_source_options *options_of(const struct stage *s)
{
	return s->options;
}

/* ---- checks ---- */

static bool is_text(const struct text *t, const char *word)
{
	return t->length == strlen(word) && memcmp(t->bytes, word, t->length) == 0;
}

static bool is_header(const struct text *t)
{
	static const char prefix[] = "header_";
	return t->length > sizeof prefix - 1 && memcmp(t->bytes, prefix, sizeof prefix - 1) == 0;
}

static void http_source_check(const void *options, struct place at, struct problems *problems)
{
	const struct http_source_options *o = options;
	http_posts_check(&o->posts, problems);
	journal_check(&o->journal, framing_buffer_capacity(&o->framing, NULL), at, problems);
	for (size_t i = 0; i < o->fields.count; i++) {
		const struct text *t = &o->fields.items[i];
		if (!is_text(t, "peer") && !is_text(t, "path") && !is_header(t))
			problem_add(
			    problems, t->at,
			    "`fields` knows `peer`, `path`, and headers as `header_user_agent`");
	}
	if (o->fields.count > HTTP_FIELDS_MAX)
		problem_add(problems, o->fields.items[HTTP_FIELDS_MAX].at,
			    "`fields` has more than %d", HTTP_FIELDS_MAX);
}

static void http_source_fields(const void *options, struct field_uses *uses)
{
	const struct http_source_options *o = options;
	for (size_t i = 0; i < o->fields.count; i++)
		fields_give(uses, o->fields.items[i].bytes, o->fields.items[i].length);
}

static void one_came(struct stage *s);

/* ---- opening ---- */

static void name_header(char header[static 64], const struct text *t)
{
	if (!is_header(t))
		return;
	size_t length = t->length - strlen("header_");
	snprintf(header, 64, "%.*s", (int)length, t->bytes + strlen("header_"));
	for (size_t i = 0; i < length; i++)
		if (header[i] == '_')
			header[i] = '-';
}

/* Those that somebody reads. */
static void open_fields(struct stage *s, struct http_source *h)
{
	const struct text_list *l = &options_of(s)->fields;
	for (size_t i = 0; i < l->count; i++) {
		const struct text *t = &l->items[i];
		int column = fields_find(s->fields, t->bytes, t->length);
		if (column < 0 || !(s->needs_all || column_set_has(s->needed, (unsigned)column)))
			continue;
		struct request_field *f = &h->fields[h->field_count++];
		*f = (struct request_field){.column = (unsigned)column, .name = t->bytes};
		name_header(f->header, t);
	}
}

/* What it says: it is stored, or will be; or it has been taken, no more. */
static unsigned choose_status(const struct journal_options *o)
{
	bool received = o->ack == ACK_RECEIVED || (o->ack == ACK_AUTO && !o->given);
	return received ? STATUS_RECEIVED : STATUS_STORED;
}

static int http_source_open(struct stage *s)
{
	const struct http_source_options *o = options_of(s);
	struct http_source *h = s->state = calloc(1, sizeof *h);
	int r = h ? http_posts_init(&h->posts, s, &o->posts, one_came) : -ENOMEM;
	if (r < 0) {
		env_say(s->env, SAY_ERROR, "out of memory", "stage=%s", s->id);
		return r;
	}
	h->lines = h->values = framing_from_options(&o->framing, s);
	h->values.delimiter = (struct delimiter){.bytes = "\n", .length = 1};
	h->status = choose_status(&o->journal);
	intake_init(&h->intake, s->home, &h->lines, INTAKE_READ);
	h->intake.path = o->posts.path.bytes;
	open_fields(s, h);
	return journal_open(&h->journal, s, &o->journal, HTTP_FIGURES);
}

static void http_source_close(struct stage *s)
{
	struct http_source *h = s->state;
	if (!h)
		return;
	http_posts_release(&h->posts);
	journal_close(&h->journal);
	intake_release(&h->intake);
	if (h->texts)
		buffer_let_go(h->texts);
	free(h);
	s->state = NULL;
}

/* ---- fields ---- */

static const char *text_of(const struct request_field *f, const struct http_request *r)
{
	return *f->header                     ? http_request_header(r, f->header)
	       : strcmp(f->name, "peer") == 0 ? r->peer
					      : r->path;
}

/* Room for all of a request's, in a buffer that its batches hold. False: the home has none. */
static bool make_text_room(struct stage *s, struct http_source *h)
{
	size_t most = h->field_count * HTTP_TEXT_MAX;
	if (h->texts && h->texts->capacity - h->texts_used >= most)
		return true;
	struct buffer *fresh = home_take_buffer(s->home);
	if (!fresh)
		return false;
	if (h->texts)
		buffer_let_go(h->texts);
	h->texts = fresh;
	h->texts_used = 0;
	return true;
}

static struct value keep_text(struct http_source *h, const char *text)
{
	size_t length = text ? strnlen(text, HTTP_TEXT_MAX) : 0;
	uint8_t *to = h->texts->bytes + h->texts_used;
	if (!text)
		return (struct value){.type = VALUE_MISSING};
	memcpy(to, text, length);
	h->texts_used += length;
	bool is_utf8 = cel_utf8_valid(to, length);
	return (struct value){
	    .bytes = to, .length = (uint32_t)length, .type = is_utf8 ? VALUE_STRING : VALUE_BYTES};
}

static bool keep_fields(struct stage *s, struct http_source *h, const struct http_request *r)
{
	if (h->field_count == 0)
		return true;
	if (!make_text_room(s, h))
		return false;
	for (size_t i = 0; i < h->field_count; i++)
		h->values_of[i] = keep_text(h, text_of(&h->fields[i], r));
	return true;
}

static void give_fields(const struct http_source *h, struct batch *b)
{
	if (h->field_count == 0)
		return;
	buffer_hold(h->texts);
	b->held[b->held_count++] = h->texts;
	batch_give_rows(b);
	for (size_t i = 0; i < h->field_count; i++) {
		struct value *column = batch_column(b, h->fields[i].column);
		for (uint32_t k = 0; k < b->count; k++)
			column[b->rows[k]] = h->values_of[i];
	}
}

/* ---- handing on ---- */

static bool begin_handing_on(struct stage *s, struct http_source *h, struct http_post *post)
{
	if (!keep_fields(s, h, post->request))
		return false;
	framer_init(&h->framer);
	h->intake.rules = post->is_json ? &h->values : &h->lines;
	h->offset = 0;
	h->handing_on = post->is_being_taken = true;
	return true;
}

/* As much of its body as one read would bring. False: there is no buffer. */
static bool fill(struct stage *s, struct http_source *h, struct http_post *post)
{
	uint8_t *to;
	size_t room, filled = 0;
	if (intake_room(&h->intake, &to, &room) < 0)
		return false;
	struct body *body = &post->body.body;
	while (body->first && filled < room) {
		size_t n = body->first->length - h->offset;
		n = n < room - filled ? n : room - filled;
		memcpy(to + filled, body->first->bytes + h->offset, n);
		filled += n;
		h->offset += (uint32_t)n;
		if (h->offset < body->first->length)
			break;
		body_pop(&h->posts.room, body);
		h->offset = 0;
	}
	intake_add(&h->intake, filled, env_now_ns(s->env), env_wall_ns(s->env));
	return true;
}

/* The next batch of it is taken over by the journal, or by what stands for it. STEP_MORE: one was, or all of it. */
static int bring_in(struct stage *s, struct http_source *h)
{
	struct http_post *post = http_posts_whole(&h->posts);
	if (!post || !journal_has_room(&h->journal) ||
	    (!h->handing_on && !begin_handing_on(s, h, post)))
		return STEP_WAIT;
	for (;;) {
		struct batch *b;
		size_t consumed;
		bool ended = !post->body.body.first;
		int r = intake_frame(&h->intake, &h->framer, ended, &b, &consumed);
		if (r == -EAGAIN)
			return STEP_WAIT;
		if (r > 0) {
			give_fields(h, b);
			post->records += b->count;
			journal_put(&h->journal, &b);
			return STEP_MORE;
		}
		if (ended)
			break;
		if (!fill(s, h, post))
			return STEP_WAIT;
	}
	h->handing_on = false;
	http_post_taken(post, h->journal.received);
	return STEP_MORE;
}

/* ---- steps ---- */

static void answer(struct http_source *h)
{
	http_posts_answer(&h->posts, journal_answerable(&h->journal), h->status);
}

/* Several, as the journal syncs them together. */
static int bring_in_some(struct stage *s, struct http_source *h)
{
	int r = STEP_MORE, i = 0;
	for (; i < AT_ONCE && r == STEP_MORE; i++)
		r = bring_in(s, h);
	return i > 1 ? STEP_MORE : r;
}

/* Most can be taken, and many be answered, before the connection has to wait for that. */
static void one_came(struct stage *s)
{
	struct http_source *h = s->state;
	bring_in_some(s, h);
	answer(h);
}

static int serve(struct stage *s, struct http_source *h)
{
	if (s->stopping && h->posts.server.state == HTTP_CLOSED)
		return STEP_WAIT;
	int r = http_posts_step(&h->posts, h->held_up);
	if (r >= 0 && s->stopping)
		http_posts_stop(&h->posts);
	return r;
}

/* out: NULL while there is no room below. */
static int step(struct stage *s, struct http_source *h, struct outlet *out)
{
	int served = serve(s, h);
	if (served < 0)
		return served;
	int brought = bring_in_some(s, h);
	h->held_up = brought == STEP_WAIT;
	int carried = out ? journal_step(&h->journal, out) : journal_attend(&h->journal);
	if (carried < 0)
		return carried;
	answer(h);
	bool more = served == STEP_MORE || brought == STEP_MORE || carried == STEP_MORE ||
		    h->posts.server.is_due;
	return more ? STEP_MORE : STEP_WAIT;
}

static bool is_through(const struct http_source *h)
{
	const struct http_posts *p = &h->posts;
	if (!journal_is_idle(&h->journal))
		return false;
	if (p->server.state == HTTP_CLOSED)
		return true;
	if (p->server.state != HTTP_STOPPING || http_posts_whole(p))
		return false;
	return chain_first(&p->taken) || http_service_is_quiet(&p->server);
}

static int http_source_step(struct stage *s, struct outlet *out)
{
	struct http_source *h = s->state;
	int r = step(s, h, out);
	return r >= 0 && s->stopping && is_through(h) ? STEP_DONE : r;
}

static int http_source_attend(struct stage *s)
{
	return step(s, s->state, NULL);
}

static int http_source_snapshot(struct stage *s, struct delta *d)
{
	struct http_source *h = s->state;
	return journal_snapshot(&h->journal, d);
}

static void http_source_committed(struct stage *s, uint64_t epoch)
{
	struct http_source *h = s->state;
	(void)epoch;
	journal_note_committed(&h->journal);
	answer(h);
}

/* The answers to what the last epoch has committed go out. */
static int http_source_settle(struct stage *s)
{
	struct http_source *h = s->state;
	if (h->posts.server.state == HTTP_CLOSED)
		return STEP_DONE;
	int r = http_posts_step(&h->posts, false);
	return r < 0 || http_service_is_quiet(&h->posts.server) ? STEP_DONE : r;
}

/* ---- what is known of it ---- */

static const char *http_source_needs_epochs(const void *options)
{
	const struct http_source_options *o = options;
	return journal_needs_epochs(&o->journal);
}

static int http_source_tell(const void *options, const struct delta *saved, struct teller *t)
{
	(void)options;
	return journal_tell(saved, t);
}

static size_t http_source_buffer_capacity(const void *options)
{
	const struct http_source_options *o = options;
	return framing_buffer_capacity(&o->framing, NULL);
}

/* One has the fields of requests. */
static size_t http_source_more_buffers(const void *options)
{
	const struct http_source_options *o = options;
	bool has_fields = o->fields.count > 0;
	return journal_buffers(&o->journal, http_source_buffer_capacity(o), has_fields) +
	       (has_fields ? 1 : 0);
}

static size_t http_source_memory(const void *options)
{
	const struct http_source_options *o = options;
	return sizeof(struct http_source) + http_posts_memory(&o->posts) +
	       journal_memory(&o->journal, http_source_buffer_capacity(options));
}

static size_t http_source_descriptors(const void *options)
{
	const struct http_source_options *o = options;
	return o->posts.server.max_connections + 1;
}

static const char *http_source_restart(const void *options, bool remembers)
{
	const struct http_source_options *o = options;
	const char *by_journal = journal_restart(&o->journal, remembers);
	if (by_journal)
		return by_journal;
	return o->journal.ack == ACK_COMMITTED
		   ? "what was answered is stored; a request that was not answered has to be sent "
		     "again"
		   : "what was answered and is on its way at a crash is lost";
}

const struct stage_type http_source_type = {
    .schema = {.kind = STAGE_SOURCE,
	       .name = "http",
	       .summary = "takes records that are sent by HTTP: lines, NDJSON or JSON",
	       .options = http_source_table,
	       .options_size = sizeof(struct http_source_options),
	       .check = http_source_check},
    .open = http_source_open,
    .close = http_source_close,
    .source_step = http_source_step,
    .source_attend = http_source_attend,
    .snapshot = http_source_snapshot,
    .committed = http_source_committed,
    .settle = http_source_settle,
    .needs_epochs = http_source_needs_epochs,
    .tell = http_source_tell,
    .drains = true,
    .memory = http_source_memory,
    .descriptors = http_source_descriptors,
    .buffer_capacity = http_source_buffer_capacity,
    .more_buffers = http_source_more_buffers,
    .fields = http_source_fields,
    .restart = http_source_restart,
    .figures = http_figures,
};

/* parse_cri.c - finds what a container has written in the lines of its runtime, and joins lines that the runtime has cut.
 *
 *	2016-10-06T00:17:09.66Z stdout P one, ...     held
 *	2016-10-06T00:17:09.67Z stdout F two          2016-10-06T00:17:09.66Z stdout F one, ...two
 *
 * A joined record is as if its line had not been cut: it stands in the place of the last part, with the time of the first, and
 * in a buffer of its own, into which the others of its batch are copied. What does not fit into `max_bytes` with what is held,
 * what waits longer than `timeout`, and what is held at the end of the input goes on as the part that it is. */
#include "stages/builtin.h"
#include "stages/delta.h"
#include "stages/known.h"
#include "stages/parser.h"
#include "stages/sift.h"
#include "stages/text/cri_scan.h"
#include "stages/text/held_lines.h"
#include "stages/time/syslog_time.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

struct parse_cri_options {
	struct text prefix;
	uint64_t max_bytes;
	uint64_t timeout_ns;
};

static const struct option parse_cri_table[] = {
    {"prefix", OPTION_TEXT, offsetof(struct parse_cri_options, prefix),
     .doc = "What the names of the fields that are found begin with"},
    {"max_bytes", OPTION_SIZE, offsetof(struct parse_cri_options, max_bytes), .preset = "1MiB",
     .min = 1024, .max = 64 << 20,
     .doc = "How much is held of lines whose end has not come, all together; a line for which "
	    "there is no "
	    "room goes on in parts"},
    {"timeout", OPTION_DURATION, offsetof(struct parse_cri_options, timeout_ns), .preset = "10s",
     .min = 1, .word = "off",
     .doc = "How long the beginning of a line is held when nothing more of it comes"},
    {0},
};

enum part { TIMESTAMP, STREAM, MESSAGE, PARTS };

static const char *const part_names[PARTS] = {"timestamp", "stream", "message"};

/* What a joined or held line is written with, besides its text, is less. */
enum { HEAD_MAX = 256 };

struct parse_cri {
	struct parser parser;
	struct parser_options common;
	struct cri_json json;
	bool has_json;
	int slots[PARTS]; /* of the parser; -1: nobody wants it */
	struct syslog_time time;
	struct held_lines held;
	bool changed; /* what is held, since the last snapshot */
};

/* A batch on its way. */
struct joining {
	struct stage *stage;
	struct parse_cri *p;
	struct batch *batch;
	struct sift sift;
	struct buffer *
	    made; /* what joined records stand in, and from then on all; NULL: none is joined yet */
	size_t at;     /* in it */
	bool possible; /* there is a buffer, and it holds all that may come */
	uint64_t now_ns;
};

static struct parser_options common_of(const struct parse_cri_options *o)
{
	static const char body[] = "body";
	return (struct parser_options){.field = {.bytes = body, .length = sizeof body - 1},
				       .prefix = o->prefix};
}

static void parse_cri_fields(const void *options, struct field_uses *uses)
{
	const struct parser_options common = common_of(options);
	parser_declare(&common, uses);
	for (unsigned i = 0; i < PARTS; i++)
		parser_declare_field(&common, uses, part_names[i], strlen(part_names[i]));
	parser_declare_time(&common, uses);
}

/* A batch, and all that was held before it. */
static size_t joined_capacity(const struct parse_cri_options *o, size_t capacity)
{
	return capacity + o->max_bytes + HELD_LINES_MAX * HEAD_MAX +
	       BATCH_RECORDS_MAX * DELIMITER_MAX;
}

static unsigned parse_cri_scratch(const void *options, size_t capacity, bool needs_all,
				  size_t *ret_capacity)
{
	(void)needs_all;
	*ret_capacity = joined_capacity(options, capacity);
	return 1;
}

static size_t parse_cri_memory(const void *options)
{
	const struct parse_cri_options *o = options;
	return sizeof(struct parse_cri) + o->max_bytes;
}

/* ---- opening ---- */

static const char held_name[] = "held";

static int restore(struct stage *s, struct parse_cri *p)
{
	struct packed rest = delta_changes(s->saved);
	struct change c;
	int r = 0;
	while (r == 0 && delta_next(&rest, &c))
		if (!c.removal && c.key_length == sizeof held_name - 1)
			r = held_lines_unpack(&p->held, c.value, c.value_length);
	if (r == -E2BIG)
		env_say(s->env, SAY_ERROR, "held lines do not fit", "action=%s",
			"give `max_bytes` as much as before, at least for one run");
	for (unsigned i = 0; i < p->held.count; i++)
		p->held.lines[i].since_ns = env_now_ns(s->env);
	return r;
}

static int prepare(struct stage *s, struct parse_cri *p)
{
	const struct parse_cri_options *o = s->options;
	p->common = common_of(o);
	int r = parser_open(&p->parser, s, &p->common);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < PARTS; i++)
		p->slots[i] = parser_slot(&p->parser, part_names[i], strlen(part_names[i]));
	r = syslog_time_open(&p->time, s->env, "UTC", 3);
	if (r < 0)
		return r;
	r = cri_json_init(&p->json);
	p->has_json = r == 0;
	if (r == 0)
		r = held_lines_init(&p->held, (uint32_t)o->max_bytes);
	return r == 0 && s->saved ? restore(s, p) : r;
}

static int parse_cri_open(struct stage *s)
{
	struct parse_cri *p = s->state = calloc(1, sizeof *p);
	int r = p ? prepare(s, p) : -ENOMEM;
	if (r < 0)
		env_say(s->env, SAY_ERROR, "parser not prepared", "error=%s", strerror(-r));
	return r;
}

static void parse_cri_close(struct stage *s)
{
	struct parse_cri *p = s->state;
	if (!p)
		return;
	held_lines_release(&p->held);
	syslog_time_close(&p->time);
	if (p->has_json)
		cri_json_release(&p->json);
	parser_close(&p->parser);
	free(p);
	s->state = NULL;
}

/* ---- fields ---- */

static void fill(struct parse_cri *p, enum part part, uint32_t row, const struct value *v)
{
	if (p->slots[part] >= 0)
		p->parser.slots[p->slots[part]].values[row] = *v;
}

static void begin_fields(struct parse_cri *p, struct batch *b)
{
	batch_give_rows(b);
	for (unsigned i = 0; i < p->parser.slot_count; i++)
		p->parser.slots[i].values = batch_column(b, p->parser.slots[i].column);
	int times = p->parser.time_column;
	p->parser.times = times >= 0 ? batch_column(b, (unsigned)times) : NULL;
}

/* Of the first part of a line that was joined. */
static void fill_time(struct parse_cri *p, const struct value *said, uint32_t row)
{
	struct text_span text = {said->bytes, said->length};
	struct syslog_stamp stamp;
	struct value v = {.type = VALUE_TIMESTAMP};
	if (p->parser.times && syslog_stamp_iso(text.bytes, text.length, &stamp) > 0 &&
	    syslog_time_read(&p->time, text, &stamp, 0, &v.i) == 0)
		p->parser.times[row] = v;
}

static void fill_all(struct parse_cri *p, uint32_t row, const struct cri_line *l)
{
	fill(p, TIMESTAMP, row, &l->time);
	fill(p, STREAM, row, &l->stream);
	fill(p, MESSAGE, row, &l->message);
	fill_time(p, &l->time, row);
}

/* ---- one buffer for all ---- */

static uint8_t *put(struct joining *j, const void *bytes, size_t length)
{
	uint8_t *to = j->made->bytes + j->at;
	assert(length <= j->made->capacity - j->at);
	if (length)
		memcpy(to, bytes, length);
	j->at += length;
	return to;
}

/* The record that was kept last stands in the new buffer, from there to where it ends now. */
static void end_record(struct joining *j, struct record *r, size_t from)
{
	*r = (struct record){(uint32_t)from, (uint32_t)(j->at - from)};
	put(j, j->batch->delimiter.bytes, j->batch->delimiter.length);
}

static void copy_record(struct joining *j, struct record *r)
{
	size_t from = j->at;
	put(j, j->batch->bytes + r->offset, r->length);
	end_record(j, r, from);
}

/* From here on every record that is kept is written there. */
static void begin_buffer(struct joining *j)
{
	if (j->made)
		return;
	j->made = home_take_buffer(j->stage->home);
	assert(j->made && "a worker takes input only when there are buffers for it");
	for (uint32_t i = 0; i < j->sift.kept; i++)
		copy_record(j, &j->batch->records[i]);
}

/* The record at hand stays as it is. Its number. */
static uint32_t keep(struct joining *j)
{
	sift_next(&j->sift, true);
	if (j->made)
		copy_record(j, &j->batch->records[j->sift.kept - 1]);
	return j->sift.kept - 1;
}

/* A batch never gets longer than this with all that is held. */
static bool has_room(const struct joining *j)
{
	const struct batch *b = j->batch;
	const struct home *h = j->stage->home;
	uint64_t most = b->bytes_total + (uint64_t)b->count * b->delimiter.length +
			j->p->held.length + HELD_LINES_MAX * HEAD_MAX;
	return most <= h->buffer_capacity && b->held_count < BATCH_HELD_MAX;
}

/* ---- joining ---- */

/* Which lines go together: those of one file's stream; of one source's where there are no files. By its name, as a runtime goes on
 * in the next file of that name when it was rotated. */
static uint64_t origin_of(const struct batch *b)
{
	const char *source = b->source ? b->source : "";
	XXH64_hash_t of_source = XXH3_64bits(source, strlen(source));
	return b->origin ? XXH3_64bits_withSeed(b->origin->path, b->origin->length, of_source)
			 : of_source;
}

static struct held_key key_of(const struct joining *j, const struct cri_line *l, bool is_json)
{
	return (struct held_key){.origin = origin_of(j->batch),
				 .is_error = l->stream.bytes[3] == 'e',
				 .is_json = is_json};
}

/* A part of the record at hand for which something else is written, or nothing and something before it. */
struct edit {
	const uint8_t *at;
	uint32_t length; /* that goes */
	const uint8_t *bytes;
	uint32_t bytes_length; /* that comes */
	const uint8_t *written;
};

/* The record with both edits, the first of which stands before the second. */
static void write_edited(struct joining *j, const struct record *r, struct edit *first,
			 struct edit *second)
{
	const uint8_t *from = j->batch->bytes + r->offset, *end = from + r->length;
	struct edit *edits[] = {first, second};
	for (unsigned i = 0; i < 2; i++) {
		put(j, from, (size_t)(edits[i]->at - from));
		edits[i]->written = put(j, edits[i]->bytes, edits[i]->bytes_length);
		from = edits[i]->at + edits[i]->length;
	}
	put(j, from, (size_t)(end - from));
}

/* The record at hand, with what is held of its line before its message. What is held is held no more. */
static void join(struct joining *j, unsigned held, const struct cri_line *l)
{
	struct parse_cri *p = j->p;
	const struct held_line *line = &p->held.lines[held];
	struct cri_line joined = *l;
	const struct record record = j->batch->records[j->sift.passed];
	struct edit time = {l->time.bytes, l->time.length, line->time, line->time_length, NULL};
	struct edit text = {l->message.bytes, 0, p->held.bytes + line->from, line->length, NULL};
	bool time_first = time.at < text.at;
	begin_buffer(j);
	size_t from = j->at;
	write_edited(j, &record, time_first ? &time : &text, time_first ? &text : &time);
	sift_next(&j->sift, true);
	struct record *r = &j->batch->records[j->sift.kept - 1];
	end_record(j, r, from);
	j->sift.bytes = j->sift.bytes - record.length + r->length;
	joined.time.bytes = time.written;
	joined.time.length = time.bytes_length;
	joined.message.bytes = text.written;
	joined.message.length += text.bytes_length;
	joined.message.form = line->key.is_json ? VALUE_ESCAPED : VALUE_PLAIN;
	fill_all(p, j->batch->rows[j->sift.kept - 1], &joined);
	held_lines_drop(&p->held, held);
	p->changed = true;
}

static void hold(struct joining *j, int held, const struct held_key *key, const struct cri_line *l)
{
	struct held_lines *h = &j->p->held;
	if (held < 0) {
		struct held_line *added = held_lines_add(h, key);
		memcpy(added->time, l->time.bytes, l->time.length);
		added->time_length = (uint8_t)l->time.length;
		held = (int)h->count - 1;
	}
	struct held_line *line = &h->lines[held];
	line->since_ns = j->now_ns;
	line->source = j->batch->source;
	line->delimiter = j->batch->delimiter;
	held_lines_append(h, (unsigned)held, l->message.bytes, l->message.length);
	sift_next(&j->sift, false);
	j->p->changed = true;
}

static void take_line(struct joining *j, const struct cri_line *l, bool is_json)
{
	struct parse_cri *p = j->p;
	const struct held_key key = key_of(j, l, is_json);
	int held = held_lines_find(&p->held, &key);
	bool holds = l->partial && j->possible;
	if (holds && held_lines_fit(&p->held, held, l->message.length)) {
		hold(j, held, &key, l);
		return;
	}
	if (l->partial)
		counter_add(&j->stage->counters->lost[LOSS_LONG_LINE_SPLIT], 1);
	if (held >= 0 && j->possible) {
		join(j, (unsigned)held, l);
		return;
	}
	if (held >= 0)
		p->held.lines[held].is_due = true;
	fill_all(p, j->batch->rows[keep(j)], l);
}

static void take_record(struct joining *j, struct failures *failures)
{
	const struct batch *b = j->batch;
	const struct record *r = &b->records[j->sift.passed];
	const uint8_t *bytes = b->bytes + r->offset;
	struct cri_line line;
	const char *why;
	if (cri_scan(&j->p->json, bytes, r->length, &line, &why) == 0)
		take_line(j, &line, bytes[0] == '{');
	else
		failures_add(failures, keep(j), why);
}

static void end_buffer(struct joining *j)
{
	if (!j->made)
		return;
	bool held = batch_rebase(j->batch, j->made);
	assert(held);
	(void)held;
	buffer_let_go(j->made);
}

static int parse_cri_apply(struct stage *s, struct batch *b, struct outlet *out)
{
	struct failures failures;
	struct joining j = {.stage = s, .p = s->state, .batch = b, .now_ns = env_now_ns(s->env)};
	begin_fields(j.p, b);
	known_keep_offsets(s, b);
	failures_begin(&failures, s, b);
	j.possible = has_room(&j);
	sift_begin(&j.sift, b);
	while (j.sift.passed < b->count)
		take_record(&j, &failures);
	sift_end(&j.sift);
	end_buffer(&j);
	int r = failures_settle(&failures, &b, out);
	if (b)
		emit(out, &b);
	return r;
}

/* ---- what is held too long ---- */

static void write_part(struct joining *j, const struct held_line *l, struct cri_line *ret)
{
	const char *stream = l->key.is_error ? "stderr" : "stdout";
	const uint8_t *text = j->p->held.bytes + l->from;
	const uint8_t *at[PARTS];
	if (l->key.is_json) {
		put(j, "{\"log\":\"", 8);
		at[MESSAGE] = put(j, text, l->length);
		put(j, "\",\"stream\":\"", 12);
		at[STREAM] = put(j, stream, 6);
		put(j, "\",\"time\":\"", 10);
		at[TIMESTAMP] = put(j, l->time, l->time_length);
		put(j, "\"}", 2);
	} else {
		at[TIMESTAMP] = put(j, l->time, l->time_length);
		put(j, " ", 1);
		at[STREAM] = put(j, stream, 6);
		put(j, " P ", 3);
		at[MESSAGE] = put(j, text, l->length);
	}
	*ret = (struct cri_line){
	    .time = {.bytes = at[TIMESTAMP], .length = l->time_length, .type = VALUE_STRING},
	    .stream = {.bytes = at[STREAM], .length = 6, .type = VALUE_STRING},
	    .message = {.bytes = at[MESSAGE],
			.length = l->length,
			.type = VALUE_STRING,
			.form = l->key.is_json ? VALUE_ESCAPED : VALUE_PLAIN},
	};
}

/* A batch of one record. */
static void hand_on(struct stage *s, unsigned held, struct outlet *out)
{
	struct parse_cri *p = s->state;
	const struct held_line *l = &p->held.lines[held];
	struct joining j = {.stage = s, .p = p, .made = home_take_buffer(s->home)};
	struct cri_line line;
	assert(j.made && "a worker has what is due handed on only when there are buffers for it");
	struct batch *b = j.batch = batch_new(s->home, j.made);
	assert(b && "and batches");
	buffer_let_go(j.made);
	b->source = l->source;
	b->delimiter = l->delimiter;
	b->read_ns = env_now_ns(s->env);
	b->wall_ns = env_wall_ns(s->env);
	write_part(&j, l, &line);
	end_record(&j, &b->records[0], 0);
	b->count = 1;
	b->bytes_total = b->records[0].length;
	begin_fields(p, b);
	fill_all(p, b->rows[0], &line);
	counter_add(&s->counters->lost[LOSS_LONG_LINE_SPLIT], 1);
	counter_add(&s->counters->changes, 1);
	held_lines_drop(&p->held, held);
	p->changed = true;
	emit(out, &b);
}

/* When the line is held no longer. */
static uint64_t due_ns(const struct parse_cri_options *o, const struct held_line *l)
{
	bool never = o->timeout_ns == 0 || l->since_ns > UINT64_MAX - o->timeout_ns;
	if (l->is_due)
		return 0;
	return never ? UINT64_MAX : l->since_ns + o->timeout_ns;
}

static int parse_cri_due(struct stage *s, struct outlet *out)
{
	struct parse_cri *p = s->state;
	uint64_t next = UINT64_MAX, now = p->held.count > 0 ? env_now_ns(s->env) : 0;
	for (unsigned i = 0; i < p->held.count; i++) {
		uint64_t due = due_ns(s->options, &p->held.lines[i]);
		if (s->ending || due <= now) {
			hand_on(s, i, out);
			return STEP_MORE;
		}
		next = due < next ? due : next;
	}
	if (next != UINT64_MAX)
		env_wake_at(s->env, next);
	return 0;
}

static int parse_cri_snapshot(struct stage *s, struct delta *d)
{
	struct parse_cri *p = s->state;
	struct packer packer = {.bytes = NULL};
	if (!p->changed)
		return 0;
	held_lines_pack(&p->held, &packer);
	int r = packer.error;
	if (r == 0)
		r = p->held.count > 0
			? delta_put(d, held_name, sizeof held_name - 1, packer.bytes, packer.length)
			: delta_remove(d, held_name, sizeof held_name - 1);
	packer_release(&packer);
	p->changed = r < 0;
	return r;
}

const struct stage_type parse_cri_type = {
    .schema = {.kind = STAGE_TRANSFORM,
	       .name = "parse_cri",
	       .summary = "finds what containers have written in logs of their runtime, and joins "
			  "parts of lines",
	       .options = parse_cri_table,
	       .options_size = sizeof(struct parse_cri_options),
	       .has_failures = true,
	       .workers_max = 1},
    .open = parse_cri_open,
    .close = parse_cri_close,
    .transform_apply = parse_cri_apply,
    .transform_due = parse_cri_due,
    .snapshot = parse_cri_snapshot,
    .fields = parse_cri_fields,
    .scratch = parse_cri_scratch,
    .memory = parse_cri_memory,
    .splits = true,
    .light = true,
};

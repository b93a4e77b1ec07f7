/* redact.c - finds secrets in records and masks or hashes them.
 *
 *	body      the record's own bytes, which are written anew, so that whoever writes it as it was read writes no secret
 *	a field   its value, and those of what lies within it; and the body, where somebody writes out whatever a record has, as
 *	          of one without fields, or that cannot be taken apart, that is its body
 *
 * Nothing gets through that was not searched: a record of which a pattern gave up, or for which there is no room, is a failure,
 * and with `on_error: pass` what could not be searched is masked as a whole. Only who asks for `dead_letter` gets it as it was.
 *
 * What a parser above has found in the body is the body as it was. So it is refused, when the topology is loaded, that anything
 * of it is read below a stage that redacts the body, unless that redacts it too (redact_leak.h). */
#include "stages/builtin.h"
#include "stages/failures.h"
#include "stages/known.h"
#include "stages/field_names.h"
#include "stages/transform/redact_body.h"
#include "stages/transform/redact_leak.h"
#include "stages/transform/redact_options.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	GROWTH_MASK = 3, /* how much longer all of a batch may get */
	GROWTH_HASH = 6,
	ROOM_SPARE = 4096,
};

static const char *const figures[] = {"email", "card", "ipv4", "ipv6",     "bearer", "jwt",
				      "aws",   "iban", "uuid", "patterns", NULL};
_Static_assert(sizeof figures / sizeof *figures == SECRET_KINDS + 2, "one each, patterns, NULL");
_Static_assert((int)SECRET_KINDS < (int)FIGURES_MAX, "all can be counted");

/* A column in which to look. */
struct redact_field {
	unsigned column;
	bool is_body;         /* its own only where the record has a field of that name */
	bool is_told;         /* not there for the body's sake alone */
	struct value *values; /* of the batch at hand; NULL: nobody filled it */
};

struct redact {
	struct redact_texts texts;
	struct redact_field *fields;
	size_t field_count;
	bool redacts_body;
	bool said; /* that a record failed */
	struct failures failures;
	const uint8_t *mask; /* where the batch at hand has it; NULL: there was no room */
	struct redact_body body;
};

/* ---- the topology ---- */

/* The body is no field, and stays none. */
static void redact_fields(const void *options, struct field_uses *uses)
{
	const struct redact_options *o = options;
	for (size_t i = 0; i < o->fields.count; i++) {
		const struct text *name = &o->fields.items[i];
		if (redact_is_body(name))
			continue;
		fields_read(uses, name->bytes, name->length);
		fields_write(uses, name->bytes, name->length);
	}
	failures_declare(uses);
}

/* ---- memory ---- */

static size_t grown(const struct redact_options *o, size_t capacity)
{
	size_t masks = (size_t)BATCH_RECORDS_MAX * (o->mask.length + DELIMITER_MAX);
	size_t times = o->with == WITH_HASH ? GROWTH_HASH : GROWTH_MASK;
	size_t bytes = times * capacity + masks + ROOM_SPARE;
	return bytes < UINT32_MAX ? bytes : UINT32_MAX;
}

/* One for bodies; one for values, and for what is made on the way, so twice as large. */
static unsigned redact_scratch(const void *options, size_t capacity, bool needs_all,
			       size_t *ret_capacity)
{
	(void)needs_all;
	*ret_capacity = grown(options, 2 * capacity);
	return 2;
}

static size_t redact_memory(const void *options)
{
	const struct redact_options *o = options;
	return sizeof(struct redact) +
	       o->patterns.count * (sizeof(struct secret_pattern) + REGEX_STACK_BYTES);
}

/* ---- open, close ---- */

/* All that there is of what it was told; and the line, where it is written anew. */
static int open_fields(struct redact *x, const struct stage *s)
{
	const struct redact_options *o = s->options;
	const struct fields *fields = s->fields;
	x->redacts_body = redact_find_body(o) || s->needs_all;
	x->fields = calloc(fields->count + 1, sizeof *x->fields);
	if (!x->fields)
		return -ENOMEM;
	for (unsigned c = 0; c < fields->count; c++) {
		bool is_told = field_is_among(&fields->list[c], &o->fields);
		bool line = fields->list[c].known == FIELD_BODY;
		if (is_told || (line && x->redacts_body))
			x->fields[x->field_count++] =
			    (struct redact_field){.column = c, .is_body = line, .is_told = is_told};
	}
	return 0;
}

static int open_search(struct secret_search *search, const struct redact_options *o)
{
	struct regex_error error;
	int r = 0;
	for (size_t i = 0; i < o->sets.count; i++)
		search->kinds[secret_kind_find(o->sets.items[i].bytes, o->sets.items[i].length)] =
		    true;
	for (size_t i = 0; i < o->patterns.count && r == 0; i++)
		r = secret_search_add_pattern(search, o->patterns.items[i].bytes,
					      o->patterns.items[i].length, &error);
	return r;
}

static int open_texts(struct redact_texts *t, const struct redact_options *o)
{
	const struct text *put = o->with == WITH_HASH ? &o->prefix : &o->mask;
	struct redactor *r = &t->redactor;
	r->hashes = o->with == WITH_HASH;
	r->put = (const uint8_t *)put->bytes;
	r->put_length = put->length;
	r->keep = (unsigned)o->keep;
	if (r->hashes) {
		bool is_key = redact_read_key(&o->key, r->key);
		assert(is_key && "it was checked");
		(void)is_key;
	}
	int result = json_plan_init(&t->plan, JSON_DEPTH_MAX);
	t->planned = result == 0;
	return result < 0 ? result : open_search(&r->search, o);
}

static int redact_open(struct stage *s)
{
	struct redact *x = s->state = calloc(1, sizeof *x);
	int r = x ? open_fields(x, s) : -ENOMEM;
	if (r == 0)
		r = open_texts(&x->texts, s->options);
	/* all compiled when the topology was checked, so it can only be memory */
	if (r < 0)
		env_say(s->env, SAY_ERROR, "redact not prepared", "error=%s", strerror(-r));
	return r;
}

static void redact_close(struct stage *s)
{
	struct redact *x = s->state;
	if (!x)
		return;
	if (x->texts.planned)
		json_plan_release(&x->texts.plan);
	redactor_release(&x->texts.redactor);
	free(x->fields);
	free(x);
	s->state = NULL;
}

/* ---- a batch ---- */

static void begin_field(struct redact_field *f, struct batch *b)
{
	f->values = batch_has_column(b, f->column) ? batch_column(b, f->column) : NULL;
}

/* Of what is known of the batch for good the mask has to be a part. */
static void begin(struct redact *x, struct stage *s, struct batch *b)
{
	const struct text *mask = &((const struct redact_options *)s->options)->mask;
	batch_make_room(b, s->home);
	uint8_t *to = scratch_take(&b->room, mask->length);
	x->mask = to && mask->length > 0 ? memcpy(to, mask->bytes, mask->length) : to;
	for (size_t i = 0; i < x->field_count; i++)
		begin_field(&x->fields[i], b);
	if (x->redacts_body)
		redact_body_begin(&x->body, b, s->home, mask->length);
}

/* The line, told as a field: it becomes what the line becomes. */
static bool is_line(const struct batch *b, uint32_t record, const struct value *v)
{
	const struct record r = b->records[record];
	return v->type == VALUE_STRING && v->form == VALUE_PLAIN && v->length == r.length &&
	       v->bytes == b->bytes + r.offset;
}

static void mask_value(const struct redact *x, const struct stage *s, struct value *v)
{
	const struct text *mask = &((const struct redact_options *)s->options)->mask;
	*v = (struct value){.type = VALUE_MISSING};
	if (x->mask)
		*v = (struct value){
		    .bytes = x->mask, .length = (uint32_t)mask->length, .type = VALUE_STRING};
}

static const char *redact_columns(struct redact *x, struct stage *s, struct batch *b,
				  uint32_t record)
{
	const char *first = NULL;
	for (size_t i = 0; i < x->field_count; i++) {
		const struct redact_field *f = &x->fields[i];
		struct value *v = f->values ? &f->values[b->rows[record]] : NULL;
		if (!v || !f->is_told || (f->is_body && is_line(b, record, v)))
			continue;
		const char *why = redact_value(&x->texts, v, &b->room);
		if (why && s->on_error == ON_ERROR_PASS)
			mask_value(x, s, v);
		first = first ? first : why;
	}
	return first;
}

static void redact_batch(struct redact *x, struct stage *s, struct batch *b)
{
	const struct text *mask = &((const struct redact_options *)s->options)->mask;
	for (uint32_t i = 0; i < b->count; i++) {
		const char *why = NULL, *other;
		if (x->redacts_body)
			why = redact_body_next(&x->body, b, i, &x->texts, &b->room,
					       (const uint8_t *)mask->bytes);
		other = redact_columns(x, s, b, i);
		if (why || other)
			failures_add(&x->failures, i, why ? why : other);
	}
}

/* The line is what it was when somebody asked for it as a field; who asks next gets what it is now. */
static void forget_lines(struct redact *x, const struct batch *b)
{
	for (size_t i = 0; i < x->field_count; i++) {
		const struct redact_field *f = &x->fields[i];
		for (uint32_t n = 0; f->is_body && f->values && n < b->count; n++)
			if (is_line(b, n, &f->values[b->rows[n]]))
				f->values[b->rows[n]].type = VALUE_MISSING;
	}
}

static void count(struct redact *x, struct stage *s)
{
	struct redactor *r = &x->texts.redactor;
	for (size_t i = 0; i <= SECRET_KINDS; i++) {
		if (r->counts[i] > 0)
			counter_add(&s->counters->figures[i], r->counts[i]);
		r->counts[i] = 0;
	}
}

static void say_failure(struct redact *x, struct stage *s)
{
	if (x->failures.count > 0 && !x->said)
		env_say(s->env, SAY_WARN, "record not searched through", "reason=%s",
			x->failures.first);
	x->said |= x->failures.count > 0;
}

static int redact_apply(struct stage *s, struct batch *b, struct outlet *out)
{
	struct redact *x = s->state;
	int r = 0;
	if (b->count > 0) {
		batch_give_rows(b);
		if (x->redacts_body)
			known_keep_offsets(s, b);
		failures_begin(&x->failures, s, b);
		begin(x, s, b);
		redact_batch(x, s, b);
		count(x, s);
		say_failure(x, s);
		r = failures_settle(&x->failures, &b, out);
		if (b && x->redacts_body) {
			forget_lines(x, b);
			redact_body_end(&x->body, b);
		} else if (x->redacts_body) {
			redact_body_drop(&x->body);
		}
	}
	if (b)
		emit(out, &b);
	return r;
}

const struct stage_type redact_type = {
    .schema = {.kind = STAGE_TRANSFORM,
	       .name = "redact",
	       .summary = "masks or hashes secrets: addresses, cards, tokens, what patterns find",
	       .options = redact_table,
	       .options_size = sizeof(struct redact_options),
	       .check = redact_check,
	       .has_failures = true,
	       .workers_max = 64},
    .open = redact_open,
    .close = redact_close,
    .transform_apply = redact_apply,
    .fields = redact_fields,
    .check_fields = redact_check_fields,
    .scratch = redact_scratch,
    .memory = redact_memory,
    .figures = figures,
    .light = true,
    .stateless = true,
};

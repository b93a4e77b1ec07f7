/* sample.c - keeps one record in so many.
 *
 * Which ones is said by a hash, of what `key` gives or of the record itself, and by nothing else: not by what came before, by how
 * many workers there are or when it was started. So the same input always leaves the same records, after a crash too, what two
 * samples with the same key keep fits together, and records with the same key are kept or dropped together; equal records, too,
 * without one. Of N different keys about N / rate are kept, not just as many.
 *
 * Keys are compared as CEL does: 7 and 7.0 are the same, "7" is another. Lists and maps count as they are written. */
#include "stages/builtin.h"
#include "stages/expression.h"
#include "stages/failures.h"
#include "stages/json/json_number.h"
#include "stages/json/json_text.h"
#include "stages/sift.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

struct sample_options {
	uint64_t rate;
	struct text key;
	struct text exclude;
};

static const struct option sample_table[] = {
    {"rate", OPTION_COUNT, offsetof(struct sample_options, rate), .required = true, .min = 1,
     .doc = "Keep one record in so many, chosen by a hash: the same input always leaves the same "
	    "records"},
    {"key", OPTION_TEXT, offsetof(struct sample_options, key), .min = 1,
     .doc = "A CEL expression, such as a field; records for which it gives the same are kept or "
	    "dropped together. "
	    "Without it: the record itself"},
    {"exclude", OPTION_TEXT, offsetof(struct sample_options, exclude), .min = 1,
     .doc = "Keep all records for which this CEL expression is true"},
    {0},
};

struct sample {
	struct expression key, exclude;
	bool has_key, has_exclude;
};

/* ---- the topology ---- */

static void sample_check(const void *options, struct place at, struct problems *problems)
{
	const struct sample_options *o = options;
	(void)at;
	if (o->key.bytes)
		expression_check(&o->key, CEL_DYN, "key", problems);
	if (o->exclude.bytes)
		expression_check(&o->exclude, VALUE_BOOL, "exclude", problems);
}

static void sample_fields(const void *options, struct field_uses *uses)
{
	const struct sample_options *o = options;
	if (o->key.bytes)
		expression_declare(&o->key, uses);
	if (o->exclude.bytes)
		expression_declare(&o->exclude, uses);
	failures_declare(uses);
}

static unsigned sample_scratch(const void *options, size_t capacity, bool needs_all,
			       size_t *ret_capacity)
{
	const struct sample_options *o = options;
	(void)needs_all;
	*ret_capacity = capacity;
	return o->key.bytes || o->exclude.bytes ? 1 : 0;
}

/* ---- open, close ---- */

static int open_one(struct expression *e, const struct text *text, const struct stage *s,
		    bool *ret_has)
{
	if (!text->bytes)
		return 0;
	*ret_has = true;
	return expression_open(e, text, s->fields);
}

static int sample_open(struct stage *s)
{
	const struct sample_options *o = s->options;
	struct sample *sample = s->state = calloc(1, sizeof *sample);
	int r = sample ? open_one(&sample->key, &o->key, s, &sample->has_key) : -ENOMEM;
	if (r == 0)
		r = open_one(&sample->exclude, &o->exclude, s, &sample->has_exclude);
	/* all compiled when the topology was checked, so it can only be memory */
	if (r < 0)
		env_say(s->env, SAY_ERROR, "sample not prepared", "error=%s", strerror(-r));
	return r;
}

static void sample_close(struct stage *s)
{
	struct sample *sample = s->state;
	if (sample && sample->has_key)
		expression_close(&sample->key);
	if (sample && sample->has_exclude)
		expression_close(&sample->exclude);
	free(sample);
	s->state = NULL;
}

/* ---- choosing ---- */

static uint64_t hash_of(unsigned type, const void *bytes, size_t length)
{
	return XXH64(bytes, length, type);
}

static uint64_t hash_of_whole(int64_t i)
{
	return hash_of(VALUE_INT, &i, sizeof i);
}

/* A whole number is the same whatever its type. */
static uint64_t hash_of_number(const struct value *number)
{
	struct value v = *number;
	if (v.form == VALUE_DIGITS && json_decode_number(&v) < 0)
		return hash_of(VALUE_DOUBLE, v.bytes, v.length); /* too large for any of them */
	if (v.type == VALUE_INT)
		return hash_of_whole(v.i);
	if (v.type == VALUE_UINT && v.u <= INT64_MAX)
		return hash_of_whole((int64_t)v.u);
	if (v.type == VALUE_UINT)
		v.d = (double)v.u;
	static const double two_to_63 = 9223372036854775808.0;
	if (v.d >= -two_to_63 && v.d < two_to_63 && v.d == (double)(int64_t)v.d)
		return hash_of_whole((int64_t)v.d);
	return hash_of(VALUE_DOUBLE, &v.d, sizeof v.d);
}

/* NULL, or why the key will not do. */
static const char *hash_key(struct value *v, struct scratch *room, uint64_t *ret_hash)
{
	if (v->type == VALUE_ERROR)
		return v->why;
	if (v->type == VALUE_STRING && v->form == VALUE_ESCAPED && json_decode_string(v, room) < 0)
		return "out of room";
	if (v->type == VALUE_INT || v->type == VALUE_UINT || v->type == VALUE_DOUBLE)
		*ret_hash = hash_of_number(v);
	else if (v->type == VALUE_NULL)
		*ret_hash = hash_of(v->type, "", 0);
	else if (v->type == VALUE_BOOL)
		*ret_hash = hash_of(v->type, v->b ? "t" : "f", 1);
	else if (v->type == VALUE_TIMESTAMP || v->type == VALUE_DURATION)
		*ret_hash = hash_of(v->type, &v->i, sizeof v->i);
	else
		*ret_hash = hash_of(v->type, v->bytes, v->length);
	return NULL;
}

static const char *hash_record(const struct sample *sample, struct batch *b, uint32_t record,
			       uint64_t *ret_hash)
{
	const struct record *r = &b->records[record];
	struct value key;
	if (!sample->has_key) {
		*ret_hash = hash_of(VALUE_STRING, b->bytes + r->offset, r->length);
		return NULL;
	}
	uint8_t *mark = b->room.at;
	expression_eval(&sample->key, b, record, &key);
	const char *why = hash_key(&key, &b->room, ret_hash);
	b->room.at = mark;
	return why;
}

/* NULL, or why it cannot be told: then it stays, to be seen to as `on_error` says. */
static const char *choose(const struct sample *sample, uint64_t rate, struct batch *b,
			  uint32_t record, bool *ret_keep)
{
	struct value excluded = {.type = VALUE_BOOL};
	uint64_t hash = 0;
	*ret_keep = true;
	if (sample->has_exclude)
		expression_eval(&sample->exclude, b, record, &excluded);
	if (excluded.type != VALUE_BOOL)
		return excluded.type == VALUE_ERROR ? excluded.why : "not a bool";
	if (excluded.b)
		return NULL;
	const char *why = hash_record(sample, b, record, &hash);
	*ret_keep = why || hash % rate == 0;
	return why;
}

static void begin_batch(struct sample *sample, struct stage *s, struct batch *b)
{
	batch_give_rows(b);
	if (sample->has_key || sample->has_exclude)
		batch_make_room(b, s->home);
	if (sample->has_key)
		expression_begin(&sample->key, s, b);
	if (sample->has_exclude)
		expression_begin(&sample->exclude, s, b);
}

static void sample_batch(const struct sample *sample, uint64_t rate, struct batch *b,
			 struct failures *failures)
{
	struct sift sift;
	sift_begin(&sift, b);
	while (sift.passed < b->count) {
		bool stays;
		const char *why = choose(sample, rate, b, sift.passed, &stays);
		sift_next(&sift, stays);
		if (why)
			failures_add(failures, sift.kept - 1, why);
	}
	sift_end(&sift);
}

static int sample_apply(struct stage *s, struct batch *b, struct outlet *out)
{
	const struct sample_options *o = s->options;
	struct failures failures;
	int r = 0;
	if (b->count > 0) {
		begin_batch(s->state, s, b);
		failures_begin(&failures, s, b);
		sample_batch(s->state, o->rate, b, &failures);
		r = failures_settle(&failures, &b, out);
	}
	if (b)
		emit(out, &b);
	return r;
}

const struct stage_type sample_type = {
    .schema = {.kind = STAGE_TRANSFORM,
	       .name = "sample",
	       .summary = "keeps one record in so many, the same ones each time",
	       .options = sample_table,
	       .options_size = sizeof(struct sample_options),
	       .check = sample_check,
	       .has_failures = true,
	       .workers_max = 64},
    .open = sample_open,
    .close = sample_close,
    .transform_apply = sample_apply,
    .fields = sample_fields,
    .scratch = sample_scratch,
    .light = true,
    .stateless = true,
};

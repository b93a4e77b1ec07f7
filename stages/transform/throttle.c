/* throttle.c - lets so many records a second through, of all or of each key.
 *
 *	key: [host]      host=a ──► [####  ] a token bucket for each (token_bucket.h), `max_keys` of them; the one that was used
 *	                 host=b ──► [######] longest ago is forgotten for a new one, which begins full
 *
 *   drop:  a record that finds its bucket empty is gone, and counted
 *   wait:  it waits until there is a token, and all that comes behind it waits too: nothing is taken in meanwhile. It goes on some
 *          ten milliseconds' worth at a time.
 *
 * Keys are known by 128 bits of a hash with a secret of the run. After a start every bucket is full. */
#include "stages/batch_list.h"
#include "stages/builtin.h"
#include "stages/chain.h"
#include "stages/hash_index.h"
#include "stages/json/json_text.h"
#include "stages/known.h"
#include "stages/sift.h"
#include "stages/token_bucket.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { KEYS_MAX = 1 << 20, KEY_FIELDS_MAX = 16, PARTS_A_SECOND = 100 };

enum when_exceeded { EXCEEDED_DROP, EXCEEDED_WAIT };

static const char *const when_exceeded_choices[] = {"drop", "wait", NULL};

struct throttle_options {
	uint64_t rate, burst, max_keys;
	uint64_t when_exceeded; /* enum when_exceeded */
	struct text_list key;
};

static const struct option throttle_table[] = {
    {"rate", OPTION_RATE, offsetof(struct throttle_options, rate), .required = true, .min = 1,
     .max = TOKEN_RATE_MAX, .doc = "How many records go through, on average"},
    {"burst", OPTION_COUNT, offsetof(struct throttle_options, burst), .preset = "auto",
     .word = "auto", .min = 1, .max = TOKEN_RATE_MAX,
     .doc = "How many may go through at once, after a while without any; auto: what `rate` gives "
	    "in a second"},
    {"key", OPTION_TEXTS, offsetof(struct throttle_options, key), .min = 1,
     .doc = "Fields by whose values records are told apart: `rate` is for each of these; records "
	    "without them are one more"},
    {"when_exceeded", OPTION_CHOICE, offsetof(struct throttle_options, when_exceeded),
     .preset = "drop", .choices = when_exceeded_choices,
     .doc = "What becomes of a record that is too much: it is dropped and counted, or it waits, "
	    "and all behind it"},
    {"max_keys", OPTION_COUNT, offsetof(struct throttle_options, max_keys), .preset = "10000",
     .min = 1, .max = KEYS_MAX,
     .doc = "How many keys are known at a time; for one more the one that was used longest ago is "
	    "forgotten"},
    {0},
};

struct key_hash {
	uint64_t low, high;
};

struct key_bucket {
	struct hash_node by_hash;
	struct chain by_use;
	uint64_t high; /* of its hash; by_hash has the rest */
	struct token_bucket tokens;
};

struct throttle {
	struct token_rate rate;
	struct token_bucket all; /* without keys */
	uint64_t secret;
	unsigned columns[KEY_FIELDS_MAX];
	size_t column_count;
	const struct value *values[KEY_FIELDS_MAX]; /* of the batch at hand, by row */
	struct hash_index by_hash;
	struct chain by_use; /* the first was used longest ago */
	struct key_bucket *buckets;
	size_t bucket_count;
	struct batch_list waiting;
};

static const struct throttle_options *options_of(const struct stage *s)
{
	return s->options;
}

static void throttle_check(const void *options, struct place at, struct problems *problems)
{
	const struct throttle_options *o = options;
	(void)at;
	if (o->key.count > KEY_FIELDS_MAX)
		problem_add(problems, o->key.items[KEY_FIELDS_MAX].at,
			    "`key` has more than %d fields", KEY_FIELDS_MAX);
}

static void throttle_fields(const void *options, struct field_uses *uses)
{
	const struct throttle_options *o = options;
	for (size_t i = 0; i < o->key.count; i++)
		fields_read_named(uses, &o->key.items[i]);
}

/* For keys that are written with escapes. */
static unsigned throttle_scratch(const void *options, size_t capacity, bool needs_all,
				 size_t *ret_capacity)
{
	const struct throttle_options *o = options;
	(void)needs_all;
	*ret_capacity = capacity;
	return o->key.count > 0 ? 1 : 0;
}

static size_t throttle_memory(const void *options)
{
	const struct throttle_options *o = options;
	size_t each = sizeof(struct key_bucket) + 4 * sizeof(struct hash_node *);
	return sizeof(struct throttle) + (o->key.count > 0 ? o->max_keys * each : 0);
}

static int open_keys(struct throttle *t, const struct stage *s)
{
	const struct throttle_options *o = options_of(s);
	for (size_t i = 0; i < o->key.count; i++) {
		const struct text *name = &o->key.items[i];
		int column = fields_find(s->fields, name->bytes, name->length);
		assert(column >= 0 && "it was declared");
		t->columns[t->column_count++] = (unsigned)column;
	}
	if (t->column_count == 0)
		return 0;
	t->buckets = calloc(o->max_keys, sizeof *t->buckets);
	return t->buckets ? hash_index_init(&t->by_hash) : -ENOMEM;
}

static int throttle_open(struct stage *s)
{
	const struct throttle_options *o = options_of(s);
	struct throttle *t = s->state = calloc(1, sizeof *t);
	int r = t ? 0 : -ENOMEM;
	if (t) {
		chain_init(&t->by_use);
		t->rate = (struct token_rate){o->rate, o->burst ? o->burst : o->rate};
		t->secret = env_random(s->env);
		token_bucket_init(&t->all, &t->rate, env_now_ns(s->env));
		r = open_keys(t, s);
	}
	if (r < 0)
		env_say(s->env, SAY_ERROR, "out of memory", "stage=%s", s->id);
	return r;
}

static void throttle_close(struct stage *s)
{
	struct throttle *t = s->state;
	if (!t)
		return;
	batch_list_drop(&t->waiting);
	if (t->by_hash.buckets)
		hash_index_release(&t->by_hash);
	free(t->buckets);
	free(t);
	s->state = NULL;
}

/* ---- keys ---- */

static struct key_hash hash_of(const struct throttle *t, const void *bytes, size_t length,
			       uint64_t beside)
{
	XXH128_hash_t h = XXH3_128bits_withSeed(bytes, length, t->secret ^ beside);
	return (struct key_hash){h.low64, h.high64};
}

/* The same for a number whether it is written out or not. */
static struct key_hash hash_whole_number(const struct throttle *t, const struct value *v)
{
	char text[32];
	int length = v->type == VALUE_INT ? snprintf(text, sizeof text, "%" PRId64, v->i)
					  : snprintf(text, sizeof text, "%" PRIu64, v->u);
	return hash_of(t, text, (size_t)length, VALUE_INT);
}

static struct key_hash hash_value(const struct throttle *t, struct batch *b, struct value v)
{
	enum value_type type = v.type == VALUE_UINT ? VALUE_INT : (enum value_type)v.type;
	if (v.type == VALUE_STRING && v.form == VALUE_ESCAPED)
		json_decode_string(&v, &b->room);
	if (v.form == VALUE_DIGITS)
		return hash_of(t, v.bytes, v.length, type);
	switch (v.type) {
	case VALUE_INT:
	case VALUE_UINT:
		return hash_whole_number(t, &v);
	case VALUE_STRING:
	case VALUE_BYTES:
	case VALUE_LIST:
	case VALUE_MAP:
		return hash_of(t, v.bytes, v.length, type);
	case VALUE_BOOL:
		return hash_of(t, &v.b, sizeof v.b, type);
	case VALUE_DOUBLE:
	case VALUE_TIMESTAMP:
	case VALUE_DURATION:
		return hash_of(t, &v.i, sizeof v.i, type);
	default: /* it has none */
		return hash_of(t, "", 0, type);
	}
}

/* What is decoded on the way is needed no longer than that. */
static struct key_hash key_of(const struct throttle *t, struct batch *b, uint32_t record)
{
	struct key_hash parts[KEY_FIELDS_MAX];
	const struct scratch room = b->room;
	for (size_t i = 0; i < t->column_count; i++)
		parts[i] = hash_value(t, b, t->values[i][b->rows[record]]);
	b->room = room;
	return hash_of(t, parts, t->column_count * sizeof *parts, VALUE_TYPES);
}

static struct key_bucket *find_bucket(const struct throttle *t, struct key_hash key)
{
	struct hash_node *n = hash_index_first(&t->by_hash, key.low);
	for (; n; n = hash_index_next(n)) {
		struct key_bucket *k = chain_owner(n, struct key_bucket, by_hash);
		if (k->high == key.high)
			return k;
	}
	return NULL;
}

/* A free one, or the one that was used longest ago. */
static struct key_bucket *spare_bucket(struct throttle *t, uint64_t max_keys)
{
	if (t->bucket_count < max_keys) {
		struct key_bucket *k = &t->buckets[t->bucket_count++];
		chain_init(&k->by_use);
		return k;
	}
	struct key_bucket *k = chain_owner(chain_first(&t->by_use), struct key_bucket, by_use);
	hash_index_remove(&t->by_hash, &k->by_hash);
	return k;
}

static struct key_bucket *bucket_of_key(struct stage *s, struct key_hash key, uint64_t now_ns)
{
	struct throttle *t = s->state;
	struct key_bucket *k = find_bucket(t, key);
	if (!k) {
		k = spare_bucket(t, options_of(s)->max_keys);
		k->high = key.high;
		token_bucket_init(&k->tokens, &t->rate, now_ns);
		hash_index_add(&t->by_hash, &k->by_hash, key.low);
	}
	chain_append(&t->by_use, &k->by_use);
	return k;
}

static struct token_bucket *bucket_of(struct stage *s, struct batch *b, uint32_t record,
				      uint64_t now_ns)
{
	struct throttle *t = s->state;
	if (t->column_count == 0)
		return &t->all;
	return &bucket_of_key(s, key_of(t, b, record), now_ns)->tokens;
}

static void begin_batch(struct stage *s, struct batch *b)
{
	struct throttle *t = s->state;
	if (t->column_count == 0)
		return;
	batch_give_rows(b);
	batch_make_room(b, s->home); /* what has escapes and none is known by how it is written */
	for (size_t i = 0; i < t->column_count; i++)
		t->values[i] = known_values(s, b, t->columns[i]);
}

/* ---- drop ---- */

static void drop_excess(struct stage *s, struct batch *b)
{
	struct throttle *t = s->state;
	uint64_t now = env_now_ns(s->env), before = b->count;
	struct sift sift;
	sift_begin(&sift, b);
	while (sift.passed < b->count) {
		struct token_bucket *bucket = bucket_of(s, b, sift.passed, now);
		sift_next(&sift, token_bucket_take(bucket, &t->rate, now));
	}
	sift_end(&sift);
	counter_add(&s->counters->lost[LOSS_THROTTLED], before - b->count);
}

/* ---- wait ---- */

/* How many records from the front may go now. *ret_bucket is that of the next. */
static uint32_t count_free(struct stage *s, struct batch *b, struct token_bucket **ret_bucket)
{
	struct throttle *t = s->state;
	uint64_t now = env_now_ns(s->env);
	for (uint32_t i = 0; i < b->count; i++) {
		*ret_bucket = bucket_of(s, b, i, now);
		if (!token_bucket_take(*ret_bucket, &t->rate, now))
			return i;
	}
	return b->count;
}

/* Until there is as much as makes a part worth its while. */
static int wait_for(struct stage *s, struct token_bucket *bucket, uint32_t records)
{
	struct throttle *t = s->state;
	uint64_t part = t->rate.per_second / PARTS_A_SECOND;
	part = part < 1 ? 1 : part > records ? records : part;
	uint64_t now = env_now_ns(s->env);
	env_wake_at(s->env, token_bucket_ready_ns(bucket, &t->rate, now, part));
	return STEP_HOLD;
}

/* True for the records before that one, or else for it and those behind it. */
static void keep_part(struct batch *b, uint32_t count, bool front)
{
	struct sift sift;
	sift_begin(&sift, b);
	while (sift.passed < b->count)
		sift_next(&sift, (sift.passed < count) == front);
	sift_end(&sift);
}

static int throttle_more(struct stage *s, struct outlet *out)
{
	struct throttle *t = s->state;
	struct batch *b = t->waiting.first;
	struct token_bucket *bucket = &t->all;
	if (!b)
		return 0;
	begin_batch(s, b);
	uint32_t count = count_free(s, b, &bucket);
	if (count == 0)
		return wait_for(s, bucket, b->count);
	if (count == b->count) {
		b = batch_list_take(&t->waiting);
		emit(out, &b);
		return t->waiting.first ? STEP_MORE : 0;
	}
	struct batch *part = batch_clone(s->home, b);
	assert(part && "the plan counts one for whoever splits");
	keep_part(part, count, true);
	keep_part(b, count, false);
	emit(out, &part);
	return STEP_MORE;
}

static int throttle_apply(struct stage *s, struct batch *b, struct outlet *out)
{
	struct throttle *t = s->state;
	if (b->count == 0) {
		batch_free(&b);
		return t->waiting.first ? STEP_MORE : 0;
	}
	if (options_of(s)->when_exceeded == EXCEEDED_WAIT) {
		bool waits = t->waiting.first;
		batch_list_add(&t->waiting, b);
		return waits ? STEP_MORE : throttle_more(s, out);
	}
	begin_batch(s, b);
	drop_excess(s, b);
	emit(out, &b);
	return 0;
}

const struct stage_type throttle_type = {
    .schema =
	{
	    .kind = STAGE_TRANSFORM,
	    .name = "throttle",
	    .summary = "lets so many records a second through, of all or of each key",
	    .options = throttle_table,
	    .options_size = sizeof(struct throttle_options),
	    .check = throttle_check,
	    .workers_max = 1,
	},
    .open = throttle_open,
    .close = throttle_close,
    .transform_apply = throttle_apply,
    .transform_more = throttle_more,
    .memory = throttle_memory,
    .fields = throttle_fields,
    .scratch = throttle_scratch,
    .splits = true,
    .light = true,
};

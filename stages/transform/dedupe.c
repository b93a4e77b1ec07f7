/* dedupe.c - drops records whose key was seen lately (seen_keys.h).
 *
 *   key [id]   window {records: 3, time: 5m}
 *   10:00 id=1   kept      10:04 id=1   dropped, which does not keep it any longer      10:05 id=1   kept: it was 5m ago
 *
 * A record's time is what it says, or when it was read; never later than that, so that one with a wrong date does not make all
 * keys old. What time it is follows from the records alone: it is the latest of these times. It is remembered with the keys, so
 * after a crash whatever has a time of its own is dropped or kept as it would have been without; what has none is as old as if
 * reading it had been held up for that long. */
#include "stages/builtin.h"
#include "stages/failures.h"
#include "stages/field_names.h"
#include "stages/key_part.h"
#include "stages/known.h"
#include "stages/seen_keys.h"
#include "stages/sift.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

struct dedupe_options {
	struct text_list key;
	struct {
		uint64_t records, time_ns;
	} window;
};

#define AT(member) offsetof(struct dedupe_options, member)
#define WITHIN(member) (AT(window.member) - AT(window))

static const struct option window_table[] = {
    {"records", OPTION_COUNT, WITHIN(records), .preset = "100000", .min = 1, .max = SEEN_KEYS_MAX,
     .doc = "How many different keys are remembered; those first seen longest ago are forgotten "
	    "first"},
    {"time", OPTION_DURATION, WITHIN(time_ns), .preset = "unlimited", .word = "unlimited",
     .doc = "For how long a key is remembered after it was first seen, by the time that records "
	    "say, or else when "
	    "they were read"},
    {0},
};

static const struct option dedupe_table[] = {
    {"key", OPTION_TEXTS, AT(key), .min = 1,
     .doc = "The fields that are compared; a record that lacks one can't be. Without it: the whole "
	    "record"},
    {"window", OPTION_GROUP, AT(window), .group = window_table,
     .doc = "What is remembered of the records that came before; a repeat does not extend it"},
    {0},
};

struct dedupe {
	struct seen_keys seen;
	bool opened;
	bool said;                   /* that keys were forgotten early */
	unsigned *columns;           /* of the key */
	const struct value **values; /* of the key, of the batch at hand, by row */
	XXH3_state_t *hash;
};

/* ---- the topology ---- */

static void dedupe_check(const void *options, struct place at, struct problems *problems)
{
	const struct text_list *key = &((const struct dedupe_options *)options)->key;
	(void)at;
	field_names_check(key->items, key->count, sizeof *key->items, problems);
}

static void dedupe_fields(const void *options, struct field_uses *uses)
{
	const struct dedupe_options *o = options;
	for (size_t i = 0; i < o->key.count; i++)
		fields_read_named(uses, &o->key.items[i]);
	if (o->window.time_ns > 0)
		fields_read_known(uses, FIELD_RECORD_TIME);
	failures_declare(uses);
}

/* For strings of keys that have to be decoded, one record's at a time. */
static unsigned dedupe_scratch(const void *options, size_t capacity, bool needs_all,
			       size_t *ret_capacity)
{
	(void)needs_all;
	*ret_capacity = capacity;
	return ((const struct dedupe_options *)options)->key.count > 0 ? 1 : 0;
}

static size_t dedupe_memory(const void *options)
{
	return seen_keys_memory(((const struct dedupe_options *)options)->window.records);
}

/* ---- open, close ---- */

static int open_key(struct dedupe *d, const struct text_list *key, const struct fields *fields)
{
	d->hash = XXH3_createState();
	d->columns = calloc(key->count + 1, sizeof *d->columns);
	d->values = calloc(key->count + 1, sizeof *d->values);
	if (!d->hash || !d->columns || !d->values)
		return -ENOMEM;
	for (size_t i = 0; i < key->count; i++) {
		int column = fields_find(fields, key->items[i].bytes, key->items[i].length);
		assert(column >= 0 && "it was declared");
		d->columns[i] = (unsigned)column;
	}
	return 0;
}

static int dedupe_open(struct stage *s)
{
	const struct dedupe_options *o = s->options;
	struct dedupe *d = s->state = calloc(1, sizeof *d);
	int r = d ? open_key(d, &o->key, s->fields) : -ENOMEM;
	if (r == 0) {
		d->opened = true;
		r = seen_keys_init(&d->seen, o->window.records, o->window.time_ns);
	}
	if (r == 0 && s->saved)
		r = seen_keys_load(&d->seen, s->saved);
	if (r < 0)
		env_say(s->env, SAY_ERROR, "dedupe not prepared", "error=%s", strerror(-r));
	return r;
}

static void dedupe_close(struct stage *s)
{
	struct dedupe *d = s->state;
	if (!d)
		return;
	if (d->opened)
		seen_keys_release(&d->seen);
	XXH3_freeState(d->hash);
	free(d->columns);
	free(d->values);
	free(d);
	s->state = NULL;
}

/* ---- keys ---- */

static struct seen_hash halves(XXH128_hash_t h)
{
	return (struct seen_hash){.low = h.low64, .high = h.high64};
}

/* Tag and length before the bytes, so that no two lists of parts read alike. NULL, or why it can't be. */
static const char *hash_field(struct dedupe *d, const struct value *v, struct scratch *room)
{
	struct key_part part;
	if (v->type == VALUE_MISSING)
		return "no such field";
	const char *why = key_part_of(&part, v, room);
	if (why)
		return why;
	uint64_t head[2] = {part.tag, part.length};
	XXH3_128bits_update(d->hash, head, sizeof head);
	XXH3_128bits_update(d->hash, part.bytes, part.length);
	return NULL;
}

static const char *hash_fields(struct dedupe *d, size_t count, struct batch *b, uint32_t record,
			       struct seen_hash *ret_hash)
{
	uint8_t *mark = b->room.at;
	const char *why = NULL;
	XXH3_128bits_reset(d->hash);
	for (size_t i = 0; i < count && !why; i++) {
		why = hash_field(d, &d->values[i][b->rows[record]], &b->room);
		b->room.at = mark;
	}
	*ret_hash = halves(XXH3_128bits_digest(d->hash));
	return why;
}

static const char *hash_record(struct dedupe *d, size_t count, struct batch *b, uint32_t record,
			       struct seen_hash *ret_hash)
{
	const struct record *r = &b->records[record];
	if (count > 0)
		return hash_fields(d, count, b, record, ret_hash);
	*ret_hash = halves(XXH3_128bits(b->bytes + r->offset, r->length));
	return NULL;
}

/* ---- a batch ---- */

static void begin_batch(struct dedupe *d, struct stage *s, struct batch *b)
{
	const struct dedupe_options *o = s->options;
	batch_give_rows(b);
	if (o->key.count > 0)
		batch_make_room(b, s->home);
	for (size_t i = 0; i < o->key.count; i++)
		d->values[i] = known_values(s, b, d->columns[i]);
}

static int64_t time_of(const struct batch *b, const struct value *times, uint32_t record)
{
	int64_t said = known_time(b, times, record);
	return said < b->wall_ns ? said : b->wall_ns;
}

static void dedupe_batch(struct dedupe *d, struct stage *s, struct batch *b,
			 struct failures *failures)
{
	size_t count = ((const struct dedupe_options *)s->options)->key.count;
	const struct value *times = d->seen.window_ns > 0 ? known_times(s, b) : NULL;
	struct sift sift;
	sift_begin(&sift, b);
	while (sift.passed < b->count) {
		struct seen_hash hash;
		const char *why = hash_record(d, count, b, sift.passed, &hash);
		bool is_repeat =
		    !why && seen_keys_add(&d->seen, hash, time_of(b, times, sift.passed));
		sift_next(&sift, !is_repeat);
		if (why)
			failures_add(failures, sift.kept - 1, why);
	}
	sift_end(&sift);
}

static void say_if_short(struct dedupe *d, struct stage *s)
{
	if (d->said || d->seen.pushed_out == 0)
		return;
	d->said = true;
	env_say(s->env, SAY_WARN, "more keys within `window.time` than `window.records`",
		"records=%ju action=%s", (uintmax_t)d->seen.capacity,
		"the oldest are forgotten early");
}

static int dedupe_apply(struct stage *s, struct batch *b, struct outlet *out)
{
	struct dedupe *d = s->state;
	struct failures failures;
	int r = 0;
	if (b->count > 0) {
		begin_batch(d, s, b);
		failures_begin(&failures, s, b);
		dedupe_batch(d, s, b, &failures);
		r = failures_settle(&failures, &b, out);
		say_if_short(d, s);
	}
	if (b)
		emit(out, &b);
	return r;
}

/* ---- epochs ---- */

static int dedupe_snapshot(struct stage *s, struct delta *delta)
{
	return seen_keys_snapshot(&((struct dedupe *)s->state)->seen, delta);
}

static int dedupe_tell(const void *options, const struct delta *saved, struct teller *t)
{
	uint64_t count;
	int64_t now_ns;
	(void)options;
	int r = seen_keys_told(saved, &count, &now_ns);
	if (r < 0 || now_ns == INT64_MIN)
		return r;
	teller_thing(t, "state", "keys");
	teller_number(t, "count", count);
	teller_moment(t, "latest", now_ns);
	return 0;
}

const struct stage_type dedupe_type = {
    .schema = {.kind = STAGE_TRANSFORM,
	       .name = "dedupe",
	       .summary = "drops records whose key was seen lately",
	       .options = dedupe_table,
	       .options_size = sizeof(struct dedupe_options),
	       .check = dedupe_check,
	       .has_failures = true},
    .open = dedupe_open,
    .close = dedupe_close,
    .transform_apply = dedupe_apply,
    .snapshot = dedupe_snapshot,
    .tell = dedupe_tell,
    .memory = dedupe_memory,
    .fields = dedupe_fields,
    .scratch = dedupe_scratch,
    .light = true,
};

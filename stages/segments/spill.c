#include "stages/segments/spill.h"
#include "stages/delta.h"
#include "stages/segments/batch_image.h"
#include "stages/segments/segment_log.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES = 64 + PATH_MAX, KEPT_BACK = 8 };

struct mark {
	uint64_t first, end, records, salt;
	int64_t oldest_ns; /* since 1970: when the first one was read; 0: there is none */
};

struct spill {
	struct segment_log log;
	struct batch_image_reader reader;
	uint64_t handed_to, records; /* records: unread */
	struct segment_entry entry;  /* got from the log, and not yet made a batch of */
	bool has_entry;
	struct mark saved, noted;
	int64_t oldest_ns;
	uint64_t damages_told;
};

static const char mark_key[] = "log";

/* ---- sizes ---- */

/* Text that stages have made for fields comes on top of the records: of any one record, no more than a buffer. */
static size_t payload_max(const struct fields *fields, size_t capacity)
{
	return batch_image_plain_max(fields, capacity, NAMES) + capacity;
}

size_t spill_memory(const struct fields *fields, size_t capacity)
{
	return sizeof(struct spill) + segment_log_memory(payload_max(fields, capacity));
}

uint64_t spill_max_size_min(const struct fields *fields, size_t capacity)
{
	uint64_t least = segment_log_max_bytes_min(payload_max(fields, capacity));
	return least + least / (KEPT_BACK - 1) + 1;
}

size_t spill_buffers(const struct fields *fields, size_t capacity)
{
	return 2 + 2 * payload_max(fields, capacity) / capacity;
}

/* ---- opening ---- */

static struct spill *spill_of(const struct stage *s)
{
	return s->state;
}

static int read_mark(const struct delta *saved, struct mark *m)
{
	struct packed rest = delta_changes(saved);
	struct change c;
	while (delta_next(&rest, &c)) {
		struct packed value = packed_from(c.value, c.value_length);
		m->first = packed_u64(&value);
		m->end = packed_u64(&value);
		m->records = packed_u64(&value);
		m->oldest_ns = (int64_t)packed_u64(&value);
		m->salt = packed_u64(&value);
		if (!packed_is_whole(&value) || m->first > m->end)
			return -EBADMSG;
	}
	return rest.broken ? -EBADMSG : 0;
}

uint64_t spill_saved_records(const struct delta *saved)
{
	struct mark m = {.first = 0};
	return read_mark(saved, &m) == 0 ? m.records : 0;
}

static void show(struct stage *s)
{
	const struct spill *p = spill_of(s);
	struct counter *f = s->counters->figures;
	counter_set(&f[SPILL_BYTES], p->log.bytes);
	counter_set(&f[SPILL_RECORDS], p->records);
	counter_set(&f[SPILL_OLDEST],
		    p->records > 0 && p->oldest_ns > 0 ? (uint64_t)(p->oldest_ns / 1000000000) : 0);
}

static int open_log(struct stage *s, struct spill *p)
{
	const struct spill_options *o = s->options;
	const struct segment_log_options options = {
	    .state_dir = s->state_dir,
	    .name = s->id,
	    .max_bytes = o->max_size,
	    .payload_max = payload_max(s->fields, s->home->buffer_capacity),
	    .from = p->saved.first,
	    .known_end = p->saved.end,
	    .salt = p->saved.salt,
	    .cuts = true,
	};
	return segment_log_init(&p->log, s->env, s->counters, &options);
}

static int spill_open(struct stage *s)
{
	if (!s->state_dir)
		return 0;
	struct spill *p = calloc(1, sizeof *p);
	s->state = p;
	if (!p)
		return -ENOMEM;
	int r = s->saved ? read_mark(s->saved, &p->saved) : 0;
	if (r < 0) {
		env_say(s->env, SAY_ERROR, "what is remembered of a spill cannot be understood",
			"error=%s", strerror(-r));
		return r;
	}
	p->handed_to = p->saved.first;
	p->records = p->saved.records;
	p->noted = p->saved;
	p->oldest_ns = p->saved.oldest_ns;
	batch_image_reader_init(&p->reader, s->env, s->fields, NULL);
	if (p->records > 0)
		env_say(s->env, SAY_INFO, "goes on with what is on disk", "records=%ju",
			(uintmax_t)p->records);
	return open_log(s, p);
}

static void spill_close(struct stage *s)
{
	struct spill *p = spill_of(s);
	if (!p)
		return;
	if (p->log.env)
		segment_log_release(&p->log);
	batch_image_reader_release(&p->reader);
	free(p);
	s->state = NULL;
}

int spill_step(struct stage *s)
{
	return segment_log_step(&spill_of(s)->log);
}

bool spill_is_open(const struct stage *s)
{
	return segment_log_is_open(&spill_of(s)->log);
}

/* ---- putting ---- */

uint64_t spill_end(const struct stage *s)
{
	return spill_of(s)->log.end;
}

bool spill_is_full(const struct stage *s)
{
	const struct spill *p = spill_of(s);
	const struct spill_options *o = s->options;
	return p->log.bytes + segment_log_max_bytes_min(p->log.options.payload_max) / 4 >
	       o->max_size - o->max_size / KEPT_BACK;
}

void spill_count_from(struct stage *s, uint64_t position)
{
	segment_log_count_from(&spill_of(s)->log, position);
}

bool spill_may_exceed(const struct stage *s)
{
	const struct spill_options *o = s->options;
	return spill_of(s)->log.bytes / 2 < o->max_size;
}

static void lose_record(struct stage *s)
{
	counter_add(&s->counters->figures[SPILL_LOST], 1);
	env_say(s->env, SAY_WARN, "a record with its fields is too large to be kept on disk",
		"ignoring=it");
}

static void note_put(struct stage *s, const struct batch *b, uint32_t count)
{
	struct spill *p = spill_of(s);
	if (p->records == 0)
		p->oldest_ns = b->wall_ns;
	p->records += count;
	counter_add(&s->counters->figures[SPILL_WRITTEN], count);
	counter_add(&s->counters->changes, 1);
}

int spill_put(struct stage *s, const struct batch *b, uint32_t *cursor)
{
	struct spill *p = spill_of(s);
	while (*cursor < b->count) {
		size_t length;
		uint32_t count =
		    batch_image_fitting(s->fields, b, *cursor, p->log.options.payload_max, &length);
		if (count == 0) {
			lose_record(s);
			++*cursor;
			continue;
		}
		uint8_t *at = segment_log_reserve(&p->log, length);
		if (!at)
			return STEP_WAIT;
		length = batch_image_write(s->fields, b, *cursor, count, env_boot(s->env), at);
		segment_log_put(&p->log, length);
		*cursor += count;
		note_put(s, b, count);
	}
	show(s);
	return STEP_DONE;
}

/* ---- getting ---- */

bool spill_has_unread(const struct stage *s)
{
	const struct spill *p = spill_of(s);
	return p->handed_to < p->log.end;
}

uint64_t spill_handed_to(const struct stage *s)
{
	return spill_of(s)->handed_to;
}

uint64_t spill_unread_records(const struct stage *s)
{
	return spill_of(s)->records;
}

void spill_pass_over(struct stage *s)
{
	struct spill *p = spill_of(s);
	p->handed_to = p->log.end;
	p->records = 0;
	segment_log_skip(&p->log, p->log.end);
	show(s);
}

/* What the log has found to be damaged was said by it. Nothing of it will come. */
static void note_damage(struct stage *s, struct spill *p)
{
	if (p->log.damages == p->damages_told)
		return;
	counter_add(&s->counters->figures[SPILL_LOST], p->log.damages - p->damages_told);
	p->damages_told = p->log.damages;
}

/* All that will ever come of it has come, be some of it damaged. */
static void note_drained(struct stage *s, struct spill *p)
{
	if (p->has_entry || !segment_log_is_drained(&p->log) || p->log.written < p->log.end)
		return;
	p->handed_to = p->log.end;
	p->records = 0;
	show(s);
}

/* The next entry that the reader has not had. 1; 0: not at the moment; or -errno. */
static int next_entry(struct stage *s, struct spill *p)
{
	int r = 1;
	while (r == 1 && !p->has_entry) {
		r = segment_log_next(&p->log, &p->entry);
		if (r == 1)
			p->has_entry = p->entry.end > p->handed_to;
	}
	note_damage(s, p);
	if (r == 0)
		note_drained(s, p);
	return r;
}

static void note_got(struct stage *s, struct spill *p, const struct batch *b)
{
	p->has_entry = false;
	p->handed_to = p->entry.end;
	p->records -= b && p->records > b->count ? b->count : p->records;
	if (!spill_has_unread(s))
		p->records = 0;
	p->oldest_ns = b ? b->wall_ns : p->oldest_ns;
	counter_add(&s->counters->figures[SPILL_READ], b ? b->count : 0);
	counter_add(&s->counters->changes, 1);
	show(s);
}

static void lose_entry(struct stage *s, struct spill *p)
{
	counter_add(&s->counters->figures[SPILL_LOST], 1);
	counter_add(&s->counters->errors, 1);
	env_say(s->env, SAY_WARN, "what was kept on disk is no batch, ignoring it",
		"path=%s position=%ju bytes=%zu", p->log.path, (uintmax_t)p->entry.position,
		p->entry.length);
	note_got(s, p, NULL);
}

static int say_too_large(struct stage *s, const struct spill *p)
{
	env_say(s->env, SAY_ERROR, "what was kept on disk is larger than any buffer",
		"path=%s position=%ju cure=%s", p->log.path, (uintmax_t)p->entry.position,
		"give the sources' options the values back that they had");
	return -EMSGSIZE;
}

int spill_get(struct stage *s, struct home *h, struct batch **ret_b, uint64_t *ret_position)
{
	struct spill *p = spill_of(s);
	for (;;) {
		int r = next_entry(s, p);
		if (r <= 0)
			return r;
		r = batch_image_read(&p->reader, h, p->entry.bytes, p->entry.length, ret_b);
		if (r == -EAGAIN || r == -ENOMEM)
			return r;
		if (r == -EMSGSIZE)
			return say_too_large(s, p);
		if (r == -EBADMSG) {
			lose_entry(s, p);
			continue;
		}
		*ret_position = p->entry.position;
		note_got(s, p, *ret_b);
		return 1;
	}
}

/* ---- epochs ---- */

void spill_sync(struct stage *s)
{
	segment_log_sync(&spill_of(s)->log);
}

bool spill_is_durable(const struct stage *s, uint64_t end)
{
	return spill_of(s)->log.durable >= end;
}

void spill_note(struct stage *s, uint64_t first, uint64_t end, uint64_t records)
{
	struct spill *p = spill_of(s);
	assert(first <= end && end <= p->log.durable);
	p->noted = (struct mark){.first = first,
				 .end = end,
				 .records = first < end ? records : 0,
				 .salt = p->log.salt,
				 .oldest_ns = first < end ? p->oldest_ns : 0};
}

static bool is_same(const struct mark *a, const struct mark *b)
{
	return a->first == b->first && a->end == b->end && a->records == b->records;
}

static int spill_snapshot(struct stage *s, struct delta *d)
{
	struct spill *p = spill_of(s);
	if (!p || is_same(&p->noted, &p->saved))
		return 0;
	const struct mark *m = &p->noted;
	uint8_t bytes[5 * sizeof(uint64_t)];
	struct packer value = {.bytes = bytes, .capacity = sizeof bytes};
	packer_u64(&value, m->first);
	packer_u64(&value, m->end);
	packer_u64(&value, m->records);
	packer_u64(&value, (uint64_t)m->oldest_ns);
	packer_u64(&value, m->salt);
	int r = delta_put(d, mark_key, sizeof mark_key - 1, value.bytes, value.length);
	if (r == 0)
		p->saved = p->noted;
	return r;
}

static void spill_committed(struct stage *s, uint64_t epoch)
{
	struct spill *p = spill_of(s);
	(void)epoch;
	if (p && segment_log_is_open(&p->log))
		segment_log_trim(&p->log, p->saved.first);
	if (p)
		show(s);
}

static int spill_tell(const void *options, const struct delta *saved, struct teller *t)
{
	struct mark m = {.first = 0};
	(void)options;
	int r = read_mark(saved, &m);
	if (r < 0)
		return r;
	teller_thing(t, "state", "on disk");
	teller_number(t, "records", m.records);
	teller_number(t, "bytes", m.end - m.first);
	if (m.oldest_ns > 0)
		teller_moment(t, "oldest", m.oldest_ns);
	return 0;
}

/* ---- the type ---- */

/* Where nothing is remembered, as when a topology's tests are tried, it is as if it were not there. */
static int pass_on(struct stage *s, struct batch *b, struct outlet *out)
{
	(void)s;
	emit(out, &b);
	return 0;
}

static const char *spill_needs_epochs(const void *options)
{
	(void)options;
	return "when_full: spill";
}

static const char *const figures[] = {
    [SPILL_BYTES] = "bytes on disk",
    [SPILL_RECORDS] = "records on disk",
    [SPILL_OLDEST] = "oldest on disk, seconds since 1970",
    [SPILL_WRITTEN] = "records written to disk",
    [SPILL_READ] = "records read back",
    [SPILL_LOST] = "lost on disk: places that are damaged, records that are too large",
    NULL,
};

static const struct option spill_table[] = {
    {"max_size", OPTION_SIZE, offsetof(struct spill_options, max_size), .doc = "On disk"}, {0}};

const struct stage_type spill_type = {
    .schema = {.kind = STAGE_TRANSFORM,
	       .name = "spill",
	       .summary = "keeps on disk what the stage behind it has no room for",
	       .options = spill_table,
	       .options_size = sizeof(struct spill_options)},
    .open = spill_open,
    .close = spill_close,
    .transform_apply = pass_on,
    .snapshot = spill_snapshot,
    .committed = spill_committed,
    .tell = spill_tell,
    .needs_epochs = spill_needs_epochs,
    .figures = figures,
    .spills = true,
};

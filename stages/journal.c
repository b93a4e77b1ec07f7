#include "stages/journal.h"
#include "stages/delta.h"
#include "stages/home.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* So many batches may be put before they are appended: one sync is for them all, and what waits for a full journal is bounded. When
 * it catches up, each of them keeps a buffer from what is read until the journal has room, which it may not have before that
 * has gone on. */
enum { AHEAD = 64, AHEAD_CATCHING_UP = 1 };

const char *const journal_ack_choices[] = {"auto", "received", "journal", "committed", NULL};

const struct option journal_table[] = {
    {"max_size", OPTION_SIZE, offsetof(struct journal_size, max_size), .preset = "1GiB",
     .min = 64 << 10,
     .doc = "How much it may hold on disk; when that is not enough, senders wait until an epoch "
	    "is committed"},
    {0},
};

static const char key[] = "journal";
enum { BESIDE_MAX = 128 * 1024, ITEMS_MIN = 4096 };

/* ---- what the topology says ---- */

static enum journal_ack ack_of(const struct journal_options *o)
{
	if (o->ack == ACK_AUTO)
		return o->given ? ACK_JOURNAL : ACK_RECEIVED;
	return (enum journal_ack)o->ack;
}

const char *journal_needs_epochs(const struct journal_options *o)
{
	return o->given ? "journal" : o->ack == ACK_COMMITTED ? "ack: committed" : NULL;
}

const char *journal_restart(const struct journal_options *o, bool remembers)
{
	if (!o->given || !remembers)
		return NULL;
	return ack_of(o) == ACK_RECEIVED
		   ? "goes on with what its journal holds; what was not on disk yet is lost"
		   : "goes on with what its journal holds: nothing that was answered is lost";
}

/* With some room for fields; a batch that takes more is appended in parts. */
static size_t payload_max(size_t capacity)
{
	size_t beside = capacity < BESIDE_MAX ? capacity : BESIDE_MAX;
	return batch_image_plain_max(NULL, capacity, PATH_MAX) + beside;
}

void journal_check(const struct journal_options *o, size_t capacity, struct place at,
		   struct problems *problems)
{
	uint64_t least = segment_log_max_bytes_min(payload_max(capacity));
	if (o->ack == ACK_JOURNAL && !o->given)
		problem_add(
		    problems, at,
		    "`ack: journal` needs a journal; `journal: {max_size: 1GiB}` makes one");
	if (o->given && o->journal.max_size < least)
		problem_add(problems, at,
			    "`journal.max_size` is too small for records of that length; it takes "
			    "%ju bytes at least",
			    (uintmax_t)least);
}

/* One more batch below while one stays for what comes, and those that text beside records takes when it is read. */
size_t journal_buffers(const struct journal_options *o, size_t capacity, bool has_fields)
{
	return !o->given ? 0 : 1 + (has_fields ? 1 + 2 * payload_max(capacity) / capacity : 0);
}

size_t journal_memory(const struct journal_options *o, size_t capacity)
{
	return o->given ? segment_log_memory(payload_max(capacity)) : 0;
}

int journal_name(const char *type, const char *stage, char *out, size_t room)
{
	int n = snprintf(out, room, "journal-%s.%s", type, stage);
	return n < 0 || (size_t)n >= room ? -ENAMETOOLONG : 0;
}

bool journal_stage(const char *name, char *out, size_t room)
{
	static const char before[] = "journal-";
	size_t length = strlen(name), fixed = sizeof before - 1;
	if (strncmp(name, before, fixed) != 0 || length <= fixed || length - fixed >= room)
		return false;
	memcpy(out, name + fixed, length - fixed + 1);
	char *dot = strchr(out, '.');
	if (dot)
		*dot = ':';
	return dot;
}

/* ---- what is remembered ---- */

/* A put of `journal`: position, end, the salt of the log. */
int journal_recall(const struct delta *saved, struct journal_remembered *ret)
{
	struct packed rest = saved ? delta_changes(saved) : packed_from("", 0);
	struct change change;
	int r = -ENOENT;
	while (r != -EBADMSG && delta_next(&rest, &change)) {
		if (change.removal || change.key_length != sizeof key - 1 ||
		    memcmp(change.key, key, sizeof key - 1) != 0)
			continue;
		struct packed value = packed_from(change.value, change.value_length);
		ret->position = packed_varint(&value);
		ret->end = packed_varint(&value);
		ret->salt = packed_u64(&value);
		r = packed_is_whole(&value) && ret->position <= ret->end ? 0 : -EBADMSG;
	}
	return rest.broken ? -EBADMSG : r;
}

int journal_tell(const struct delta *saved, struct teller *t)
{
	struct journal_remembered m;
	int r = journal_recall(saved, &m);
	if (r == 0) {
		teller_thing(t, "journal", "records received");
		teller_number(t, "position", m.position);
		teller_number(t, "on_disk", m.end);
	}
	return r == -ENOENT ? 0 : r;
}

int journal_snapshot(struct journal *j, struct delta *d)
{
	uint8_t bytes[2 * VARINT_BYTES_MAX + sizeof j->log.salt];
	struct packer p = {.bytes = bytes, .capacity = sizeof bytes};
	j->noted_number = j->gone;
	if (j->leaves) {
		j->leaves = false;
		return delta_remove(d, key, sizeof key - 1);
	}
	if (!j->log_begun || !segment_log_is_open(&j->log) ||
	    (j->noted_position == j->position && j->noted_end == j->log.durable))
		return 0;
	packer_varint(&p, j->position);
	packer_varint(&p, j->log.durable);
	packer_u64(&p, j->log.salt);
	int r = delta_put(d, key, sizeof key - 1, p.bytes, p.length);
	if (r == 0) {
		j->noted_position = j->position;
		j->noted_end = j->log.durable;
	}
	return r;
}

void journal_note_committed(struct journal *j)
{
	j->committed = j->noted_number;
	if (j->log_begun && segment_log_is_open(&j->log))
		segment_log_trim(&j->log, j->noted_position);
}

/* ---- opening and closing ---- */

static int begin_log(struct journal *j, const struct journal_remembered *r)
{
	struct stage *s = j->stage;
	struct segment_log_options options = {.state_dir = s->state_dir,
					      .name = j->name,
					      .max_bytes = j->options->journal.max_size,
					      .payload_max = payload_max(s->home->buffer_capacity),
					      .from = r->position,
					      .known_end = r->end,
					      .salt = r->salt,
					      .only_durable = true};
	uint64_t least = segment_log_max_bytes_min(options.payload_max);
	if (options.max_bytes < least) {
		env_say(s->env, SAY_ERROR, "journal is too small for its records",
			"stage=%s max_size=%ju least=%ju", s->id, (uintmax_t)options.max_bytes,
			(uintmax_t)least);
		return -EINVAL;
	}
	int error = segment_log_init(&j->log, s->env, s->counters, &options);
	j->log_begun = true;
	j->position = j->noted_position = r->position;
	j->noted_end = r->end;
	j->catches_up = true;
	return error;
}

static void say_left(struct journal *j)
{
	env_say(j->stage->env, SAY_WARN, "there was a journal, which is read no more",
		"stage=%s directory=%s/%s cure=%s", j->stage->id, j->stage->state_dir, j->name,
		"give the stage its journal back to go on with what that holds");
	j->leaves = true;
	counter_add(&j->stage->counters->changes, 1);
}

int journal_open(struct journal *j, struct stage *s, const struct journal_options *o,
		 unsigned figure)
{
	struct journal_remembered r = {.position = 0};
	*j = (struct journal){.stage = s, .options = o, .figure = figure};
	j->room = s->home->batch_count > ITEMS_MIN ? s->home->batch_count : ITEMS_MIN;
	j->items = calloc(j->room, sizeof *j->items);
	batch_image_reader_init(&j->reader, s->env, s->fields, s->id);
	int known = j->items ? journal_recall(s->saved, &r) : -ENOMEM;
	int error = known == -ENOENT ? 0 : known;
	if (error == 0)
		error = journal_name(s->type->schema.name, s->id, j->name, sizeof j->name);
	if (error == 0 && o->given && s->state_dir)
		error = begin_log(j, &r);
	else if (known == 0 && error == 0 && s->state_dir)
		say_left(j);
	if (error < 0)
		env_say(s->env, SAY_ERROR, "journal cannot be opened", "stage=%s error=%s", s->id,
			strerror(-error));
	return error;
}

static struct journal_item *item_of(const struct journal *j, uint64_t number)
{
	return &j->items[number % j->room];
}

void journal_close(struct journal *j)
{
	if (!j->stage)
		return;
	for (uint64_t n = j->gone + 1; j->items && n <= j->received; n++)
		batch_free(&item_of(j, n)->batch);
	if (j->log_begun)
		segment_log_release(&j->log);
	batch_image_reader_release(&j->reader);
	free(j->items);
	*j = (struct journal){.stage = NULL};
}

/* ---- catching up ---- */

/* There is something for an epoch to say. */
static void note_changed(struct journal *j)
{
	counter_add(&j->stage->counters->changes, 1);
	if (ack_of(j->options) == ACK_COMMITTED)
		counter_add(&j->stage->counters->awaited, 1);
}

static void note_lost(struct journal *j)
{
	struct counter *figures = j->stage->counters->figures;
	counter_add(&figures[j->figure + JOURNAL_LOST], j->log.damaged_bytes - j->told_lost);
	j->told_lost = j->log.damaged_bytes;
}

/* Of those that wait to be answered when they are committed, these are handed on. */
static void note_handed_on(struct journal *j)
{
	j->position = j->entry.end;
	while (j->gone < j->durable && item_of(j, j->gone + 1)->end <= j->position)
		j->gone++;
	note_changed(j);
}

/* What is put needs a buffer and a batch, too, and gives them back as soon as it is on disk: with these the journal goes on filling
 * while those that read stand still. */
static bool may_take(const struct journal *j)
{
	size_t for_new = j->appended == j->received ? 1 : 0;
	return home_offers(j->stage->home, 1 + for_new, 1 + for_new);
}

static int replay_entry(struct journal *j, struct outlet *out)
{
	struct batch *b;
	struct stage *s = j->stage;
	if (!may_take(j))
		return STEP_WAIT;
	int r = batch_image_read(&j->reader, s->home, j->entry.bytes, j->entry.length, &b);
	if (r == -EAGAIN)
		return STEP_WAIT;
	j->has_entry = false;
	if (r == -EBADMSG) {
		env_say(s->env, SAY_WARN, "journal holds what is no batch, passed over",
			"stage=%s position=%ju bytes=%zu", s->id, (uintmax_t)j->entry.position,
			j->entry.length);
		counter_add(&s->counters->figures[j->figure + JOURNAL_LOST], j->entry.length);
	} else if (r < 0) {
		env_say(s->env, SAY_ERROR, "records in the journal cannot be read",
			"stage=%s error=%s", s->id, strerror(-r));
		return r;
	} else {
		counter_add(&s->counters->figures[j->figure + JOURNAL_REPLAYED], b->count);
		emit(out, &b);
	}
	note_handed_on(j);
	return STEP_MORE;
}

/* Nothing that is on disk is left to be handed on, not even a part of a batch. */
static bool has_caught_up(const struct journal *j)
{
	if (!segment_log_is_drained(&j->log))
		return false;
	const struct journal_item *next = item_of(j, j->durable + 1);
	return j->durable == j->received || next->records == 0 || next->from >= j->log.durable;
}

static void go_live(struct journal *j)
{
	j->catches_up = false;
	j->gone = j->durable;
	j->position = j->log.durable;
	segment_log_end_reading(&j->log);
}

static int catch_up(struct journal *j, struct outlet *out)
{
	if (!segment_log_is_open(&j->log))
		return STEP_WAIT;
	if (j->has_entry)
		return replay_entry(j, out);
	if (has_caught_up(j)) {
		note_lost(j);
		go_live(j);
		return STEP_MORE;
	}
	int r = segment_log_next(&j->log, &j->entry);
	note_lost(j);
	if (r < 0)
		return r;
	j->has_entry = r > 0;
	return j->has_entry ? STEP_MORE : STEP_WAIT;
}

/* ---- new batches ---- */

bool journal_has_room(const struct journal *j)
{
	bool is_open = !j->log_begun || segment_log_is_open(&j->log);
	uint64_t not_appended = j->received - j->appended, kept = j->received - j->gone;
	unsigned ahead = j->catches_up ? AHEAD_CATCHING_UP : AHEAD;
	return is_open && !j->failed && not_appended < ahead && kept < j->room;
}

uint64_t journal_put(struct journal *j, struct batch **b)
{
	assert(journal_has_room(j));
	*item_of(j, ++j->received) = (struct journal_item){.batch = *b};
	*b = NULL;
	if (!j->log_begun)
		j->appended = j->durable = j->received;
	return j->received;
}

static void note_fullness(struct journal *j, size_t length)
{
	bool is_full = segment_log_is_full(&j->log, length);
	if (is_full == j->is_full)
		return;
	j->is_full = is_full;
	env_say(j->stage->env, is_full ? SAY_WARN : SAY_INFO,
		is_full ? "journal full, waiting for an epoch" : "journal has room again",
		"stage=%s bytes=%ju max_size=%ju", j->stage->id, (uintmax_t)j->log.bytes,
		(uintmax_t)j->log.options.max_bytes);
	if (is_full)
		counter_add(&j->stage->counters->awaited, 1);
}

/* As many of its records as an entry holds. 0: there is no room at the moment. */
static int append_part(struct journal *j, struct journal_item *item)
{
	const struct batch *b = item->batch;
	const struct fields *fields = j->stage->fields;
	const size_t most = j->log.options.payload_max;
	size_t bound;
	uint32_t count = batch_image_fitting(fields, b, item->records, most, &bound);
	if (bound > most) {
		env_say(j->stage->env, SAY_ERROR, "record is too large for the journal",
			"stage=%s bytes=%zu most=%zu", j->stage->id, bound, most);
		return -EMSGSIZE;
	}
	note_fullness(j, bound);
	uint8_t *bytes = segment_log_reserve(&j->log, bound);
	if (!bytes)
		return 0;
	if (item->records == 0)
		item->from = j->log.end;
	size_t length =
	    batch_image_write(fields, b, item->records, count, env_boot(j->stage->env), bytes);
	item->end = segment_log_put(&j->log, length);
	item->records += count;
	return 1;
}

static int append(struct journal *j)
{
	while (j->appended < j->received) {
		struct journal_item *item = item_of(j, j->appended + 1);
		int r = append_part(j, item);
		if (r <= 0)
			return r;
		j->appended += item->records == item->batch->count;
		segment_log_sync(&j->log);
	}
	return 0;
}

static void note_durable(struct journal *j)
{
	while (j->durable < j->appended && item_of(j, j->durable + 1)->end <= j->log.durable)
		j->durable++;
}

/* They are read from the disk. */
static void let_go(struct journal *j)
{
	for (; j->let_go < j->durable; j->let_go++)
		batch_free(&item_of(j, j->let_go + 1)->batch);
	if (ack_of(j->options) != ACK_COMMITTED)
		j->gone = j->durable;
}

static int hand_on(struct journal *j, struct outlet *out)
{
	if (j->gone == j->durable)
		return STEP_WAIT;
	struct journal_item *item = item_of(j, ++j->gone);
	if (j->log_begun)
		j->position = item->end;
	j->let_go = j->gone;
	emit(out, &item->batch);
	note_changed(j);
	return STEP_MORE;
}

static int carry_on(struct journal *j)
{
	if (!j->log_begun)
		return STEP_WAIT;
	int r = segment_log_step(&j->log);
	if (r < 0 || !segment_log_is_open(&j->log))
		return r;
	int appended = append(j);
	note_durable(j);
	if (j->catches_up)
		let_go(j);
	return appended < 0 ? appended : r;
}

/* Whoever reads is behind by all the batches there are. Not while the journal is full: what it has not got keeps its buffers, which
 * those that are on disk may be in, too; these go on from memory then. */
static void fall_behind(struct journal *j)
{
	bool is_short = home_is_short(j->stage->home);
	if (!j->log_begun || j->catches_up || j->gone == j->durable || j->appended < j->received ||
	    !is_short)
		return;
	j->catches_up = true;
	segment_log_read_from(&j->log, j->position);
	env_say(j->stage->env, SAY_DEBUG, "journal is read from disk, as readers are behind",
		"stage=%s position=%ju", j->stage->id, (uintmax_t)j->position);
	let_go(j);
}

static int end_step(struct journal *j, int r)
{
	if (r < 0)
		j->failed = r;
	return r;
}

int journal_attend(struct journal *j)
{
	int r = j->failed ? j->failed : carry_on(j);
	if (r >= 0)
		fall_behind(j);
	return end_step(j, r);
}

int journal_step(struct journal *j, struct outlet *out)
{
	int r = j->failed ? j->failed : carry_on(j), emitted = STEP_WAIT;
	if (r < 0)
		return end_step(j, r);
	if (!j->stage->stopping)
		fall_behind(j);
	if (!j->catches_up)
		emitted = hand_on(j, out);
	else if (!j->stage->stopping || j->appended < j->received)
		emitted = catch_up(j, out); /* with what is handed on comes the room for the rest */
	return end_step(j, emitted != STEP_WAIT ? emitted : r);
}

bool journal_is_idle(const struct journal *j)
{
	bool is_through = j->catches_up ? j->stage->stopping && j->durable == j->received
					: j->gone == j->received;
	return is_through && !(j->log_begun && segment_log_is_busy(&j->log));
}

uint64_t journal_answerable(const struct journal *j)
{
	switch (ack_of(j->options)) {
	case ACK_JOURNAL:
		return j->durable;
	case ACK_COMMITTED:
		return j->committed;
	default:
		return j->received;
	}
}

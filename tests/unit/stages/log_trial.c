#include "tests/unit/stages/log_trial.h"

#include <criterion/criterion.h>
#include <string.h>

void log_trial_set_up(struct log_trial *t, uint64_t seed)
{
	memset(t, 0, sizeof *t);
	segment_world_init(&t->world, seed);
	t->options = (struct segment_log_options){.state_dir = "/state",
						  .name = "journal-test",
						  .max_bytes = MAX_BYTES,
						  .payload_max = PAYLOAD_MAX,
						  .only_durable = true};
}

void log_trial_tear_down(struct log_trial *t)
{
	segment_world_release(&t->world);
}

void log_trial_begin(struct log_trial *t)
{
	segment_world_begin(&t->world);
	t->options.from = t->committed;
	t->options.known_end = t->committed_end;
	cr_assert_eq(segment_log_init(&t->log, &t->world.env, &t->world.counters, &t->options), 0);
	t->read = t->committed_count;
}

void log_trial_end(struct log_trial *t)
{
	for (unsigned i = 0; segment_log_is_busy(&t->log); i++) {
		cr_assert_lt(i, TURNS_MAX);
		segment_world_go_on(&t->world);
	}
	segment_log_release(&t->log);
	segment_world_end(&t->world);
}

void log_trial_stop(struct log_trial *t, bool killed)
{
	segment_world_stop(&t->world, killed);
	segment_log_release(&t->log);
	segment_world_end(&t->world);
}

size_t log_trial_length(uint64_t number)
{
	return number % 7 == 0 ? 8 + number * 997 % (PAYLOAD_MAX - 7) : 8 + number * 31 % 300;
}

static void fill(uint8_t *bytes, uint64_t number)
{
	memcpy(bytes, &number, sizeof number);
	for (size_t i = sizeof number; i < log_trial_length(number); i++)
		bytes[i] = (uint8_t)(number * 13 + i);
}

bool log_trial_put_next(struct log_trial *t)
{
	uint8_t *bytes = segment_log_reserve(&t->log, log_trial_length(t->put));
	if (!bytes)
		return false;
	fill(bytes, t->put);
	t->ends[t->put] = segment_log_put(&t->log, log_trial_length(t->put));
	t->put++;
	return true;
}

void log_trial_note_durable(struct log_trial *t)
{
	while (t->durable_count < t->put && t->ends[t->durable_count] <= t->log.durable)
		t->durable_count++;
}

void log_trial_expect(const struct log_trial *t, const struct segment_entry *e)
{
	uint8_t expected[PAYLOAD_MAX];
	cr_assert_lt(t->read, t->put);
	fill(expected, t->read);
	cr_assert_eq(e->length, log_trial_length(t->read), "entry %ju", (uintmax_t)t->read);
	cr_assert_eq(memcmp(e->bytes, expected, e->length), 0, "entry %ju", (uintmax_t)t->read);
	cr_assert_eq(e->end, t->ends[t->read]);
}

bool log_trial_read_next(struct log_trial *t)
{
	struct segment_entry e;
	int r = segment_log_next(&t->log, &e);
	cr_assert_geq(r, 0);
	if (r == 0)
		return false;
	log_trial_expect(t, &e);
	t->read++;
	return true;
}

void log_trial_commit(struct log_trial *t)
{
	t->committed = t->log.read;
	t->committed_count = t->read;
	t->committed_end = t->log.durable;
	segment_log_trim(&t->log, t->committed);
}

void log_trial_open(struct log_trial *t)
{
	for (unsigned i = 0; !segment_log_is_open(&t->log); i++) {
		cr_assert_lt(i, TURNS_MAX);
		cr_assert_geq(segment_log_step(&t->log), 0);
		segment_world_go_on(&t->world);
	}
}

void log_trial_read_all(struct log_trial *t)
{
	for (unsigned i = 0; !segment_log_is_drained(&t->log); i++) {
		cr_assert_lt(i, TURNS_MAX);
		if (log_trial_read_next(t))
			continue;
		cr_assert_geq(segment_log_step(&t->log), 0);
		segment_world_go_on(&t->world);
	}
}

void log_trial_sync_all(struct log_trial *t)
{
	segment_log_sync(&t->log);
	for (unsigned i = 0; t->log.durable < t->log.end; i++) {
		cr_assert_lt(i, TURNS_MAX);
		cr_assert_geq(segment_log_step(&t->log), 0);
		segment_world_go_on(&t->world);
	}
	log_trial_note_durable(t);
}

void log_trial_put_all(struct log_trial *t, uint64_t count)
{
	for (unsigned i = 0; t->put < count; i++) {
		cr_assert_lt(i, TURNS_MAX);
		log_trial_put_next(t);
		segment_log_step(&t->log);
		segment_world_go_on(&t->world);
	}
	log_trial_sync_all(t);
}

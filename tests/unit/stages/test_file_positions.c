#include "stages/source/file_positions.h"
#include "stages/source/file_recognition.h"
#include "daemon/epoch_map.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KEEP_NS INT64_C(1000)

struct world {
	struct file_set set;
	struct file_positions positions;
	struct counter changes;
	struct epoch_map map; /* what was said, applied */
};

static void begin_positions(struct world *w)
{
	cr_assert_eq(file_set_init(&w->set), 0);
	cr_assert_eq(file_positions_init(&w->positions, &w->changes, KEEP_NS), 0);
	w->set.positions = &w->positions;
}

static void begin(struct world *w)
{
	memset(w, 0, sizeof *w);
	cr_assert_eq(epoch_map_init(&w->map), 0);
	begin_positions(w);
}

static void end_positions(struct world *w)
{
	struct chain *c;
	while ((c = chain_first(&w->set.all)))
		file_set_remove(&w->set, chain_owner(c, struct tracked_file, all));
	file_set_release(&w->set);
	file_positions_release(&w->positions);
}

static void end(struct world *w)
{
	end_positions(w);
	epoch_map_release(&w->map);
}

static size_t count(const struct world *w)
{
	const struct epoch_stage *s = epoch_map_stage(&w->map, "s");
	return s ? s->count : 0;
}

/* How many changes it was. */
static size_t snapshot(struct world *w, int64_t wall_ns)
{
	struct delta d = {.count = 0};
	cr_assert_eq(file_positions_snapshot(&w->positions, &d, wall_ns), 0);
	size_t n = d.count;
	cr_assert_eq(epoch_map_prepare(&w->map, "s", 1, delta_changes(&d)), 0);
	epoch_map_apply(&w->map);
	delta_release(&d);
	return n;
}

static struct delta saved(const struct world *w)
{
	struct delta d = {.count = 0};
	const struct epoch_stage *s = epoch_map_stage(&w->map, "s");
	for (const struct epoch_entry *e = s ? s->first : NULL; e; e = e->next)
		cr_assert_eq(delta_put(&d, epoch_entry_key(e), e->key_length, epoch_entry_value(e),
				       e->value_length),
			     0);
	return d;
}

/* Another run. */
static void restart(struct world *w)
{
	end_positions(w);
	begin_positions(w);
	struct delta d = saved(w);
	cr_assert_eq(file_positions_load(&w->positions, &d), 0);
	delta_release(&d);
}

static struct io_status status(uint64_t inode, int64_t birth_ns)
{
	return (struct io_status){.device = 7, .inode = inode, .birth_ns = birth_ns};
}

static struct tracked_file *add(struct world *w, const char *path, uint64_t inode)
{
	struct io_status st = status(inode, (int64_t)inode * 10);
	struct tracked_file *f = file_set_add(&w->set, path, &st);
	cr_assert_not_null(f);
	cr_assert_eq(recognition_attach(&w->positions, f, &st), 0);
	return f;
}

static void hand_on(struct world *w, struct tracked_file *f, const char *text)
{
	size_t n = strlen(text);
	cr_assert_eq(file_head_note(&f->position->head, f->place.at, (const uint8_t *)text, n), 0);
	f->place.at += n;
	file_tail_note(&f->position->tail, f->place.at, (const uint8_t *)text, n);
	file_positions_changed(&w->positions, f->position);
}

Test(file_positions, what_was_said_is_what_is_found_in_the_next_run)
{
	struct world w;
	begin(&w);
	struct tracked_file *f = add(&w, "/var/log/a", 5);
	hand_on(&w, f, "one line\n");
	f->place.form = FILE_PLAIN;
	f->place.framer.in_split = true;
	struct tracked_file *g = add(&w, "/var/log/b.gz", 6);
	hand_on(&w, g, "another\n");
	g->place.form = FILE_PACKED;
	g->place.packing = PACKED_GZIP;
	g->place.skip = 77;
	g->place.framer.skipping = true;
	file_positions_finished(&w.positions, g->position);
	cr_expect_eq(snapshot(&w, 100), 2);
	restart(&w);
	cr_expect(file_positions_has_path(&w.positions, "/var/log/a"));
	cr_expect_not(file_positions_has_path(&w.positions, "/var/log/b"));
	f = add(&w, "/var/log/renamed", 5);
	cr_expect_eq(f->place.at, 9);
	cr_expect_eq(f->end, 9);
	cr_expect_eq(f->place.form, FILE_PLAIN);
	cr_expect(f->place.framer.in_split && !f->place.framer.skipping);
	cr_expect(f->position->doubted);
	cr_expect_not(f->position->finished);
	cr_expect_eq(file_head_compare(&f->position->head, (const uint8_t *)"one line\n"), 1);
	cr_expect(file_tail_compare(&f->position->tail, (const uint8_t *)"one line\n"));
	g = add(&w, "/var/log/b.gz", 6);
	cr_expect_eq(g->place.skip, 77);
	cr_expect(g->place.form == FILE_PACKED && g->place.packing == PACKED_GZIP);
	cr_expect(g->place.framer.skipping && g->position->finished);
	cr_expect_eq(snapshot(&w, 200), 1, "its new name alone");
	end(&w);
}

Test(file_positions, file_born_at_another_time_is_another)
{
	struct world w;
	begin(&w);
	hand_on(&w, add(&w, "a", 5), "one\n");
	snapshot(&w, 1);
	restart(&w);
	struct io_status other = status(5, 51), unknown = status(5, 0), same = status(5, 50);
	cr_expect_null(recognition_find(&w.positions, &other, "a"));
	cr_expect_not_null(recognition_find(&w.positions, &same, "a"));
	cr_expect_not_null(recognition_find(&w.positions, &unknown, "a"));
	same.device = 8;
	cr_expect_null(recognition_find(&w.positions, &same, "b"));
	end(&w);
}

Test(file_positions, file_whose_device_has_another_number_is_the_same_where_all_else_is)
{
	struct world w;
	begin(&w);
	hand_on(&w, add(&w, "a", 5), "one\n");
	snapshot(&w, 1);
	for (uint64_t device = 8; device < 11; device++) {
		restart(&w);
		struct io_status st = status(5, 50);
		st.device = device;
		struct tracked_file *f = file_set_add(&w.set, "a", &st);
		cr_assert_eq(recognition_attach(&w.positions, f, &st), 0);
		cr_expect_eq(f->place.at, 4);
		cr_expect_eq(file_head_compare(&f->position->head, (const uint8_t *)"one\n"), 1);
		cr_expect(f->position->doubted);
		cr_expect_eq(snapshot(&w, 2), 2);
		cr_expect_eq(count(&w), 1);
	}
	end(&w);
}

/* Found under another name, on a device of another number. */
static struct tracked_file *find_elsewhere(struct world *w, int64_t birth_ns)
{
	struct io_status st = status(5, birth_ns);
	st.device = 8;
	struct tracked_file *f = file_set_add(&w->set, "b", &st);
	cr_assert_eq(recognition_attach(&w->positions, f, &st), 0);
	cr_expect_eq(f->place.at, 0, "its old place has not been looked at yet");
	recognition_begin_search(&w->positions, &w->set);
	return f;
}

static void read_one(struct world *w, int64_t birth_ns)
{
	struct io_status st = status(5, birth_ns);
	struct tracked_file *f = file_set_add(&w->set, "a", &st);
	cr_assert_eq(recognition_attach(&w->positions, f, &st), 0);
	hand_on(w, f, "one\n");
	snapshot(w, 1);
	restart(w);
}

Test(file_positions, file_on_a_device_of_another_number_and_renamed_is_known_by_its_birth)
{
	struct world w;
	begin(&w);
	read_one(&w, 50);
	const struct tracked_file *f = find_elsewhere(&w, 50);
	cr_expect_eq(f->place.at, 4);
	cr_expect(f->position->doubted);
	snapshot(&w, 2);
	cr_expect_eq(count(&w), 1);
	end(&w);
}

Test(file_positions, file_on_a_device_of_another_number_is_known_by_its_samples_without_a_birth)
{
	struct world w;
	begin(&w);
	read_one(&w, 0);
	const struct tracked_file *f = find_elsewhere(&w, 0);
	cr_expect_eq(f->place.at, 4);
	cr_expect(f->position->doubted);
	end(&w);
}

Test(file_positions, file_without_a_birth_is_another_where_the_device_of_the_first_is_there)
{
	struct world w;
	begin(&w);
	read_one(&w, 0);
	add(&w, "c", 6); /* on the first device */
	const struct tracked_file *f = find_elsewhere(&w, 0);
	cr_expect_eq(f->place.at, 0);
	end(&w);
}

Test(file_positions, file_that_is_where_it_was_stays_itself_beside_its_copy_elsewhere)
{
	struct world w;
	begin(&w);
	read_one(&w, 50);
	cr_expect_eq(add(&w, "a", 5)->place.at, 4);
	const struct tracked_file *f = find_elsewhere(&w, 50);
	cr_expect_eq(f->place.at, 0);
	end(&w);
}

Test(file_positions,
     inode_taken_again_where_birth_is_not_told_takes_the_place_of_the_one_that_is_over)
{
	struct world w;
	begin(&w);
	struct io_status st = status(5, 0);
	struct tracked_file *f = file_set_add(&w.set, "a", &st);
	cr_assert_eq(recognition_attach(&w.positions, f, &st), 0);
	hand_on(&w, f, "one\n");
	snapshot(&w, 1);
	file_positions_forget(&w.positions, f->position);
	file_set_remove(&w.set, f);
	f = file_set_add(&w.set, "b", &st);
	cr_assert_eq(recognition_attach(&w.positions, f, &st), 0);
	cr_expect_eq(f->place.at, 0);
	cr_expect_eq(snapshot(&w, 2), 1);
	cr_expect_eq(count(&w), 1);
	restart(&w);
	cr_expect(file_positions_has_path(&w.positions, "b"));
	end(&w);
}

Test(file_positions, forgotten_before_it_was_ever_said_it_is_not_said)
{
	struct world w;
	begin(&w);
	struct tracked_file *f = add(&w, "a", 5);
	file_positions_forget(&w.positions, f->position);
	cr_expect_null(f->position);
	cr_expect_eq(snapshot(&w, 1), 0);
	end(&w);
}

Test(file_positions, parked_one_is_forgotten_when_it_has_been_kept_long_enough)
{
	struct world w;
	begin(&w);
	struct tracked_file *f = add(&w, "a", 5);
	file_positions_park(&w.positions, f, strdup("a"), 100);
	snapshot(&w, 100 + 2 * KEEP_NS);
	cr_expect_eq(count(&w), 1, "not before all that is there has been found");
	cr_assert_eq(file_positions_settle(&w.positions), 0);
	snapshot(&w, 100 + KEEP_NS - 1);
	cr_expect_eq(count(&w), 1);
	snapshot(&w, 100 + KEEP_NS);
	cr_expect_eq(count(&w), 0);
	end(&w);
}

Test(file_positions, missing_is_news_once_and_its_time_counts_from_then)
{
	struct world w;
	begin(&w);
	hand_on(&w, add(&w, "unfinished", 5), "one\n");
	struct tracked_file *f = add(&w, "finished", 6);
	file_positions_finished(&w.positions, f->position);
	snapshot(&w, 1);
	for (int run = 0; run < 2; run++) {
		restart(&w);
		cr_assert_eq(file_positions_lose(&w.positions), 0);
		size_t said = 0;
		struct chain *c;
		while ((c = chain_first(&w.positions.lost)))
			said += file_positions_missing(&w.positions,
						       chain_owner(c, struct file_position, parked),
						       1000000 + run);
		cr_expect_eq(said, run == 0);
		cr_assert_eq(file_positions_settle(&w.positions), 0);
		cr_expect_eq(snapshot(&w, 1000000 + run), run == 0 ? 2 : 0);
	}
	cr_expect_eq(count(&w), 2);
	snapshot(&w, 1000000 + KEEP_NS);
	cr_expect_eq(count(&w), 0);
	end(&w);
}

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

Test(file_positions, fifty_thousand_files_are_said_once_and_then_cost_nothing)
{
	enum { FILES = 50000 };
	struct world w;
	char path[64];
	begin(&w);
	struct tracked_file **files = calloc(FILES, sizeof(struct tracked_file *));
	for (uint64_t i = 0; i < FILES; i++) {
		snprintf(path, sizeof path, "/var/log/app/%ju.log", (uintmax_t)i);
		files[i] = add(&w, path, i + 1);
		hand_on(&w, files[i], "one\n");
	}
	cr_expect_eq(snapshot(&w, 1), FILES);
	double before = seconds();
	for (int i = 0; i < 1000; i++)
		cr_assert_eq(snapshot(&w, 2), 0);
	double quiet = seconds() - before;
	cr_expect_lt(quiet, 0.1, "%f s", quiet);
	hand_on(&w, files[777], "two\n");
	cr_expect_eq(snapshot(&w, 3), 1);
	free(files);
	before = seconds();
	restart(&w);
	for (uint64_t i = 0; i < FILES; i++) {
		snprintf(path, sizeof path, "/var/log/app/%ju.log", (uintmax_t)i);
		cr_assert_eq(add(&w, path, i + 1)->place.at, i == 777 ? 8 : 4);
	}
	double again = seconds() - before;
	cr_expect_lt(again, 2.0, "%f s", again);
	cr_expect_eq(snapshot(&w, 4), 0);
	end(&w);
}

Test(file_positions, those_that_were_noted_before_offsets_were_are_read)
{
	struct world w;
	begin(&w);
	hand_on(&w, add(&w, "/var/log/a", 5), "one\n");
	snapshot(&w, 1);
	const struct epoch_entry *e = epoch_map_stage(&w.map, "s")->first;
	struct delta d = {.count = 0};
	size_t length = e->value_length - 1; /* without the last number, a 0 */
	uint8_t *value = malloc(length);
	memcpy(value, epoch_entry_value(e), length);
	value[0] = 2;
	delta_put(&d, epoch_entry_key(e), e->key_length, value, length);
	end_positions(&w);
	begin_positions(&w);
	cr_assert_eq(file_positions_load(&w.positions, &d), 0);
	cr_expect_eq(add(&w, "/var/log/a", 5)->place.at, 4);
	delta_release(&d);
	free(value);
	end(&w);
}

/* Whatever the bytes: taken or refused, and nothing is read that is not there. */
Test(file_positions, damaged_values_are_refused_or_harmless)
{
	struct world w;
	begin(&w);
	hand_on(&w, add(&w, "/var/log/a", 5), "one\n");
	snapshot(&w, 1);
	const struct epoch_entry *e = epoch_map_stage(&w.map, "s")->first;
	size_t n = e->value_length;
	for (size_t length = 0; length <= n; length++)
		for (size_t bit = 0; bit < 8 * length; bit++) {
			struct delta d = {.count = 0};
			uint8_t *exact = malloc(length);
			memcpy(exact, epoch_entry_value(e), length);
			if (length == n)
				exact[bit / 8] ^= (uint8_t)(1 << bit % 8);
			delta_put(&d, epoch_entry_key(e), e->key_length, exact, length);
			end_positions(&w);
			begin_positions(&w);
			int r = file_positions_load(&w.positions, &d);
			cr_assert(r == -EBADMSG || (r == 0 && length == n));
			delta_release(&d);
			free(exact);
			if (length < n)
				break;
		}
	end(&w);
}

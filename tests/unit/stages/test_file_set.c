#include "stages/source/file_positions.h"
#include "stages/source/file_set.h"

#include <criterion/criterion.h>
#include <string.h>

static struct tracked_file *add(struct file_set *s, const char *path, ino_t inode)
{
	struct io_status st = {.device = 1, .inode = inode};
	struct tracked_file *f = file_set_add(s, path, &st);
	cr_assert_not_null(f);
	return f;
}

Test(file_set, name_that_passes_to_another_file_leaves_the_first_adrift)
{
	struct file_set s;
	cr_assert_eq(file_set_init(&s), 0);
	struct tracked_file *a = add(&s, "a", 10), *b = add(&s, "b", 11);
	cr_assert_eq(file_set_rename(&s, b, "a", true), 0);
	cr_expect_eq(file_set_by_path(&s, "a"), b);
	cr_expect_null(file_set_by_path(&s, "b"));
	cr_expect_eq(file_set_by_id(&s, 1, 10), a);
	cr_expect_not(a->named);
	cr_expect_eq(chain_first(&s.adrift), &a->adrift);
	cr_assert_eq(file_set_rename(&s, a, "c", true), 0);
	cr_expect(a->named);
	cr_expect_null(chain_first(&s.adrift));
	cr_expect_eq(file_set_by_path(&s, "c"), a);
	file_set_remove(&s, a);
	file_set_remove(&s, b);
	file_set_release(&s);
}

Test(file_set, turns_are_taken_in_the_order_in_which_files_became_ready)
{
	struct file_set s;
	cr_assert_eq(file_set_init(&s), 0);
	struct tracked_file *a = add(&s, "a", 1), *b = add(&s, "b", 2);
	file_set_ready(&s, b);
	file_set_ready(&s, a);
	file_set_ready(&s, b);
	cr_expect_eq(file_set_take_ready(&s), b);
	file_set_ready(&s, b);
	cr_expect(b->again, "it is having its turn");
	file_set_rest(&s, b);
	cr_expect_eq(file_set_take_ready(&s), a);
	file_set_rest(&s, a);
	cr_expect_null(file_set_take_ready(&s));
	a->stuck = true;
	file_set_ready(&s, a);
	cr_expect_null(file_set_take_ready(&s), "a stuck file has no turn");
	file_set_remove(&s, a);
	file_set_remove(&s, b);
	file_set_release(&s);
}

Test(file_set, most_idle_is_the_open_named_file_that_has_rested_longest)
{
	struct file_set s;
	cr_assert_eq(file_set_init(&s), 0);
	struct tracked_file *files[3];
	const char *const paths[] = {"a", "b", "c"};
	for (int i = 0; i < 3; i++) {
		files[i] = add(&s, paths[i], (ino_t)i);
		file_set_ready(&s, files[i]);
		cr_assert_eq(file_set_take_ready(&s), files[i]);
		file_set_opened(&s, files[i], 100 + i);
		file_set_rest(&s, files[i]);
	}
	cr_expect_eq(s.open_count, 3);
	file_set_unname(&s, files[0]);
	cr_expect_eq(file_set_most_idle(&s), files[1], "a nameless one could not be opened again");
	file_set_ready(&s, files[1]);
	cr_expect_eq(file_set_most_idle(&s), files[2]);
	cr_expect_eq(file_set_closed(&s, files[2]), 102);
	cr_expect_null(file_set_most_idle(&s));
	file_set_closed(&s, files[0]);
	file_set_closed(&s, files[1]);
	cr_expect_eq(s.open_count, 0);
	for (int i = 0; i < 3; i++)
		file_set_remove(&s, files[i]);
	file_set_release(&s);
}

Test(file_set, without_a_birth_what_was_read_before_comes_first_then_the_oldest_by_modification)
{
	struct file_set s;
	cr_assert_eq(file_set_init(&s), 0);
	struct file_position known = {.is_new = false}, met = {.is_new = true};
	static const char *const order[] = {"a.2", "a.1", "a", "b"};
	for (int i = 3; i >= 0; i--) {
		struct io_status st = {
		    .device = 1, .inode = (uint64_t)(i + 1), .modified_ns = i == 3 ? 12 : 10 + i};
		struct tracked_file *f = file_set_add(&s, order[i], &st);
		cr_assert_not_null(f);
		f->position = i == 0 ? &known : &met;
		f->modified_ns += i == 0 ? 100 : 0; /* it was written to after it was renamed */
	}
	cr_assert_eq(file_set_ready_in_order(&s, FILES_BY_AGE), 0);
	for (int i = 0; i < 4; i++) {
		struct tracked_file *f = file_set_take_ready(&s);
		cr_expect_str_eq(f->path, order[i]);
		f->position = NULL;
		file_set_remove(&s, f);
	}
	file_set_release(&s);
}

Test(file_set, all_become_ready_in_the_order_of_their_paths)
{
	struct file_set s;
	cr_assert_eq(file_set_init(&s), 0);
	add(&s, "b", 1);
	add(&s, "a/z", 2);
	add(&s, "a", 3);
	cr_assert_eq(file_set_ready_in_order(&s, FILES_BY_PATH), 0);
	static const char *const order[] = {"a", "a/z", "b"};
	for (int i = 0; i < 3; i++) {
		struct tracked_file *f = file_set_take_ready(&s);
		cr_expect_str_eq(f->path, order[i]);
		file_set_remove(&s, f);
	}
	file_set_release(&s);
}

Test(file_set, file_that_is_removed_is_no_longer_the_one_that_moved)
{
	struct file_set s;
	cr_assert_eq(file_set_init(&s), 0);
	struct tracked_file *f = add(&s, "a", 1);
	s.moved = f;
	file_set_remove(&s, f);
	cr_expect_null(s.moved);
	file_set_release(&s);
}

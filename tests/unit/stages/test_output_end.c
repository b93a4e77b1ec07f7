/* What is known of files that an output has left. */
#include "stages/output_end.h"

#include <criterion/criterion.h>

static struct output_ends ends; /* large */

Test(output_end, what_was_noted_last_of_a_file_is_known)
{
	output_ends_note(&ends, (struct output_end){.inode = 7, .length = 1});
	output_ends_note(&ends, (struct output_end){.inode = 8, .length = 2});
	output_ends_note(&ends, (struct output_end){.inode = 7, .length = 3});
	cr_assert_eq(output_ends_find(&ends, 7)->length, 3);
	cr_assert_eq(output_ends_find(&ends, 8)->length, 2);
	cr_assert_null(output_ends_find(&ends, 9));
}

Test(output_end, of_too_many_files_those_noted_first_are_forgotten)
{
	for (uint64_t i = 1; i <= OUTPUT_ENDS_MAX + 10; i++)
		output_ends_note(&ends, (struct output_end){.inode = i, .length = i});
	cr_assert_null(output_ends_find(&ends, 10));
	cr_assert_eq(output_ends_find(&ends, 11)->length, 11);
	cr_assert_eq(output_ends_find(&ends, OUTPUT_ENDS_MAX + 10)->length, OUTPUT_ENDS_MAX + 10);
}

/* Which batches are stored, and in which order, when their parts are stored in any. */
#include "stages/batch_tally.h"

#include <criterion/criterion.h>

static struct batch_tally t; /* large */
static struct part_queue web, db;

static void put(bool in_web, bool in_db)
{
	batch_tally_begin(&t);
	if (in_web)
		batch_tally_put_part(&t, &web);
	if (in_db)
		batch_tally_put_part(&t, &db);
	batch_tally_end(&t);
}

Test(batch_tally, batch_is_stored_when_all_of_its_parts_are)
{
	put(true, true);
	batch_tally_stored(&t, &web, 1);
	cr_assert_eq(batch_tally_take(&t), 0);
	batch_tally_stored(&t, &db, 1);
	cr_assert_eq(batch_tally_take(&t), 1);
	cr_assert_eq(batch_tally_take(&t), 0, "each is told once");
}

Test(batch_tally, batch_that_is_still_being_put_is_not_stored)
{
	batch_tally_begin(&t);
	batch_tally_put_part(&t, &web);
	batch_tally_stored(&t, &web, 1);
	cr_assert_eq(batch_tally_take(&t), 0);
	batch_tally_end(&t);
	cr_assert_eq(batch_tally_take(&t), 1);
}

Test(batch_tally, batch_waits_for_those_before_it)
{
	put(true, false);
	put(false, true);
	put(false, false);
	batch_tally_stored(&t, &db, 1);
	cr_assert_eq(batch_tally_take(&t), 0);
	batch_tally_stored(&t, &web, 1);
	cr_assert_eq(batch_tally_take(&t), 3);
}

Test(batch_tally, takes_as_many_as_it_says_again_and_again)
{
	for (int turn = 0; turn < 3; turn++) {
		for (int i = 0; i < BATCH_TALLY_MAX; i++) {
			cr_assert(batch_tally_has_room(&t));
			put(true, i % 2);
		}
		cr_assert_not(batch_tally_has_room(&t));
		batch_tally_stored(&t, &web, BATCH_TALLY_MAX);
		cr_assert_eq(batch_tally_take(&t), 1, "the first has no other part");
		batch_tally_stored(&t, &db, BATCH_TALLY_MAX / 2);
		cr_assert_eq(batch_tally_take(&t), BATCH_TALLY_MAX - 1);
	}
}

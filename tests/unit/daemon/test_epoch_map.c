#include "daemon/epoch_map.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int prepare(struct epoch_map *m, const char *id, const struct delta *d)
{
	return epoch_map_prepare(m, id, strlen(id), delta_changes(d));
}

static void put(struct epoch_map *m, const char *id, const char *key, const char *value)
{
	struct delta d = {.count = 0};
	cr_assert_eq(delta_put(&d, key, strlen(key), value, strlen(value)), 0);
	cr_assert_eq(prepare(m, id, &d), 0);
	delta_release(&d);
}

static void forget(struct epoch_map *m, const char *id, const char *key)
{
	struct delta d = {.count = 0};
	cr_assert_eq(delta_remove(&d, key, strlen(key)), 0);
	cr_assert_eq(prepare(m, id, &d), 0);
	delta_release(&d);
}

static void assert_value(const struct epoch_map *m, const char *id, const char *key,
			 const char *value)
{
	const struct epoch_entry *e = epoch_map_find(m, id, key, strlen(key));
	cr_assert_eq(e == NULL, value == NULL, "%s %s", id, key);
	if (!e)
		return;
	cr_assert_eq(e->value_length, strlen(value), "%s %s", id, key);
	cr_assert_eq(memcmp(epoch_entry_value(e), value, e->value_length), 0, "%s %s", id, key);
}

Test(epoch_map, each_stage_has_its_own_keys)
{
	struct epoch_map m;
	cr_assert_eq(epoch_map_init(&m), 0);
	put(&m, "one", "key", "1");
	put(&m, "two", "key", "2");
	epoch_map_apply(&m);
	assert_value(&m, "one", "key", "1");
	assert_value(&m, "two", "key", "2");
	assert_value(&m, "three", "key", NULL);
	assert_value(&m, "one", "other", NULL);
	cr_assert_eq(m.count, 2);
	epoch_map_release(&m);
}

Test(epoch_map, nothing_holds_before_it_is_applied)
{
	struct epoch_map m;
	cr_assert_eq(epoch_map_init(&m), 0);
	put(&m, "s", "a", "old");
	epoch_map_apply(&m);
	put(&m, "s", "a", "new");
	put(&m, "s", "b", "more");
	assert_value(&m, "s", "a", "old");
	assert_value(&m, "s", "b", NULL);
	epoch_map_discard(&m);
	epoch_map_apply(&m);
	assert_value(&m, "s", "a", "old");
	assert_value(&m, "s", "b", NULL);
	epoch_map_release(&m);
}

Test(epoch_map, later_change_of_a_key_wins)
{
	struct epoch_map m;
	cr_assert_eq(epoch_map_init(&m), 0);
	put(&m, "s", "a", "1");
	put(&m, "s", "a", "2");
	forget(&m, "s", "b");
	put(&m, "s", "b", "3");
	put(&m, "s", "c", "4");
	forget(&m, "s", "c");
	epoch_map_apply(&m);
	assert_value(&m, "s", "a", "2");
	assert_value(&m, "s", "b", "3");
	assert_value(&m, "s", "c", NULL);
	cr_assert_eq(m.count, 2);
	epoch_map_release(&m);
}

Test(epoch_map, broken_delta_leaves_nothing_of_its_epoch)
{
	struct epoch_map m;
	cr_assert_eq(epoch_map_init(&m), 0);
	put(&m, "s", "a", "1");
	struct delta d = {.count = 0};
	cr_assert_eq(delta_put(&d, "b", 1, "2", 1), 0);
	cr_assert_eq(delta_put(&d, "c", 1, "3", 1), 0);
	struct packed cut = packed_from(d.packer.bytes, d.packer.length - 1);
	cr_assert_eq(epoch_map_prepare(&m, "s", 1, cut), -EBADMSG);
	epoch_map_apply(&m);
	cr_assert_eq(m.count, 0);
	delta_release(&d);
	epoch_map_release(&m);
}

Test(epoch_map, entries_of_a_stage_stand_in_the_order_of_their_last_change)
{
	struct epoch_map m;
	cr_assert_eq(epoch_map_init(&m), 0);
	put(&m, "s", "a", "1");
	put(&m, "other", "x", "1");
	put(&m, "s", "b", "2");
	put(&m, "s", "c", "3");
	put(&m, "s", "a", "4");
	forget(&m, "s", "b");
	epoch_map_apply(&m);
	char keys[8] = "";
	for (const struct epoch_entry *e = epoch_map_stage(&m, "s")->first; e; e = e->next)
		strncat(keys, (const char *)epoch_entry_key(e), e->key_length);
	cr_assert_str_eq(keys, "ca");
	cr_assert_eq(epoch_map_stage(&m, "s")->count, 2);
	cr_assert_null(epoch_map_stage(&m, "none"));
	epoch_map_release(&m);
}

Test(epoch_map, keys_and_values_may_be_empty)
{
	struct epoch_map m;
	cr_assert_eq(epoch_map_init(&m), 0);
	put(&m, "s", "", "");
	epoch_map_apply(&m);
	assert_value(&m, "s", "", "");
	forget(&m, "s", "");
	epoch_map_apply(&m);
	cr_assert_eq(m.count, 0);
	cr_assert_eq(m.bytes, 0);
	epoch_map_release(&m);
}

enum { MANY = 300000, LIVE = 1000 };

/* Against an array: random puts and removals over few keys, among very many that stay. */
Test(epoch_map, hundreds_of_thousands_of_entries_hold_what_was_put_last)
{
	struct epoch_map m;
	struct delta d = {.count = 0};
	cr_assert_eq(epoch_map_init(&m), 0);
	for (int i = 0; i < MANY; i++)
		cr_assert_eq(delta_put(&d, &i, sizeof i, &i, sizeof i), 0);
	cr_assert_eq(prepare(&m, "s", &d), 0);
	epoch_map_apply(&m);
	cr_assert_eq(m.count, MANY);

	static int model[LIVE];
	for (int i = 0; i < LIVE; i++)
		model[i] = i;
	uint64_t state = 1;
	for (int round = 1; round <= 200; round++) {
		delta_clear(&d);
		for (int n = 0; n < 100; n++) {
			state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
			int key = (int)(state >> 33) % LIVE;
			model[key] = state >> 63 ? round : -1;
			if (model[key] < 0)
				cr_assert_eq(delta_remove(&d, &key, sizeof key), 0);
			else
				cr_assert_eq(delta_put(&d, &key, sizeof key, &round, sizeof round),
					     0);
		}
		cr_assert_eq(prepare(&m, "s", &d), 0);
		epoch_map_apply(&m);
	}
	size_t live = 0;
	for (int key = 0; key < LIVE; key++) {
		const struct epoch_entry *e = epoch_map_find(&m, "s", &key, sizeof key);
		cr_assert_eq(e != NULL, model[key] >= 0);
		live += e != NULL;
		if (e)
			cr_assert_eq(memcmp(epoch_entry_value(e), &model[key], sizeof key), 0);
	}
	cr_assert_eq(m.count, MANY - LIVE + live);
	cr_assert_eq(epoch_map_stage(&m, "s")->packed_bytes,
		     m.count * delta_put_length(sizeof(int), sizeof(int)));
	delta_release(&d);
	epoch_map_release(&m);
}

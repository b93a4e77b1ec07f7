#include "stages/chain.h"
#include "stages/hash_index.h"

#include <criterion/criterion.h>

struct thing {
	struct hash_node node;
	int number;
};

static struct thing *find(const struct hash_index *h, uint64_t hash, int number)
{
	for (struct hash_node *n = hash_index_first(h, hash); n; n = hash_index_next(n)) {
		struct thing *t = chain_owner(n, struct thing, node);
		if (t->number == number)
			return t;
	}
	return NULL;
}

Test(hash_index, finds_what_was_added_through_growth_and_collisions_and_not_what_was_removed)
{
	static struct thing things[5000];
	struct hash_index h;
	cr_assert_eq(hash_index_init(&h), 0);
	for (int i = 0; i < 5000; i++) {
		things[i].number = i;
		hash_index_add(&h, &things[i].node, (uint64_t)(i % 1000)); /* five of each hash */
	}
	cr_expect_eq(h.count, 5000);
	for (int i = 0; i < 5000; i += 2)
		hash_index_remove(&h, &things[i].node);
	hash_index_remove(&h, &things[0].node);
	cr_expect_eq(h.count, 2500);
	for (int i = 0; i < 5000; i++)
		cr_expect_eq(find(&h, (uint64_t)(i % 1000), i), i % 2 ? &things[i] : NULL);
	cr_expect_null(hash_index_first(&h, 1000));
	hash_index_release(&h);
	cr_expect_null(hash_index_first(&h, 1));
}

Test(hash_index, hash_depends_on_every_byte)
{
	uint8_t bytes[16] = {0};
	uint64_t before = hash_bytes(bytes, sizeof bytes);
	for (size_t i = 0; i < sizeof bytes; i++) {
		bytes[i] = 1;
		cr_expect_neq(hash_bytes(bytes, sizeof bytes), before);
		bytes[i] = 0;
	}
	cr_expect_neq(hash_bytes(bytes, 15), before);
}

struct link_owner {
	int number;
	struct chain link;
};

Test(chain, keeps_order_and_unlinking_twice_does_no_harm)
{
	struct chain head;
	struct link_owner a = {.number = 1}, b = {.number = 2};
	chain_init(&head);
	chain_init(&a.link);
	chain_init(&b.link);
	cr_expect_null(chain_first(&head));
	chain_append(&head, &a.link);
	chain_append(&head, &b.link);
	cr_expect_eq(chain_owner(chain_first(&head), struct link_owner, link)->number, 1);
	chain_append(&head, &a.link);
	cr_expect_eq(chain_owner(chain_first(&head), struct link_owner, link)->number, 2);
	chain_unlink(&b.link);
	chain_unlink(&b.link);
	cr_expect_not(chain_is_linked(&b.link));
	cr_expect_eq(chain_first(&head), &a.link);
	chain_unlink(&a.link);
	cr_expect_null(chain_first(&head));
}

#include "stages/source/body_room.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

enum { EACH = BODY_BLOCK - BODY_LEAST_MAX };

/* Fills it as far as there are blocks; how many it then has. */
static size_t grow(struct body_room *r, struct body *b, size_t blocks)
{
	size_t room;
	for (size_t i = 0; i < blocks && body_space(r, b, BODY_LEAST_MAX, &room); i++)
		body_add(b, room);
	return b->blocks;
}

Test(body_room, bytes_come_out_as_they_were_put_in)
{
	struct body_room r;
	struct body b;
	size_t room, put = 0, got = 0;
	cr_assert_eq(body_room_init(&r, 8), 0);
	body_begin(&r, &b, 3 * EACH);
	while (put < 3 * EACH) {
		uint8_t *to = body_space(&r, &b, 1 + put % BODY_LEAST_MAX, &room);
		cr_assert(to && room >= 1 + put % BODY_LEAST_MAX);
		size_t n = 1 + put % 37;
		n = n < room ? n : room;
		for (size_t i = 0; i < n; i++)
			to[i] = (uint8_t)((put + i) * 7);
		body_add(&b, n);
		put += n;
	}
	cr_expect_eq(b.length, put);
	body_end(&b);
	for (; b.first; body_pop(&r, &b))
		for (uint32_t i = 0; i < b.first->length; i++)
			cr_assert_eq(b.first->bytes[i], (uint8_t)(got++ * 7));
	cr_expect_eq(got, put);
	cr_expect_eq(r.free_count, 8);
	body_room_release(&r);
}

Test(body_room, behind_the_last_byte_of_a_body_there_is_room_left)
{
	for (uint64_t most = 3 * EACH - 70; most < 3 * EACH + 70; most++) {
		struct body_room r;
		struct body b;
		size_t room;
		cr_assert_eq(body_room_init(&r, body_room_blocks(most)), 0);
		body_begin(&r, &b, most);
		for (uint64_t left = most; left > 0;) {
			cr_assert(body_space(&r, &b, BODY_LEAST_MAX, &room));
			size_t n = room - (BODY_LEAST_MAX - 1);
			n = n < left ? n : (size_t)left;
			body_add(&b, n);
			left -= n;
		}
		cr_expect(body_space(&r, &b, BODY_LEAST_MAX, &room), "%ju", (uintmax_t)most);
		body_drop(&r, &b);
		body_room_release(&r);
	}
}

Test(body_room, a_body_gets_no_more_than_it_may_have)
{
	struct body_room r;
	struct body b;
	cr_assert_eq(body_room_init(&r, 8), 0);
	body_begin(&r, &b, 1);
	cr_expect_eq(grow(&r, &b, 100), body_room_blocks(1));
	cr_expect_not(body_may_grow(&r, &b));
	body_drop(&r, &b);
	cr_expect_eq(r.free_count, 8);
	body_room_release(&r);
}

Test(body_room, the_oldest_can_always_be_finished)
{
	struct body_room r;
	struct body a, b, c;
	size_t most = body_room_blocks(EACH * 4);
	cr_assert_eq(body_room_init(&r, most + 2), 0);
	body_begin(&r, &a, EACH * 4);
	body_begin(&r, &b, EACH * 4);
	cr_expect_eq(grow(&r, &b, 100), 2, "what the oldest does not need");
	cr_expect_not(body_may_grow(&r, &b));
	cr_expect_not(body_room_has(&r));
	body_begin(&r, &c, EACH);
	cr_expect_eq(grow(&r, &c, 1), 0);
	cr_expect_eq(grow(&r, &a, 100), most);
	body_end(&a);
	cr_expect_not(body_may_grow(&r, &b), "there is none as long as that one is not handed on");
	while (a.first)
		body_pop(&r, &a);
	cr_expect_eq(grow(&r, &c, 100), 2, "b is the oldest now, and needs four more");
	cr_expect_eq(grow(&r, &b, 100), most);
	body_drop(&r, &b);
	cr_expect_eq(grow(&r, &c, 100), body_room_blocks(EACH));
	body_drop(&r, &c);
	cr_expect(body_room_has(&r));
	body_room_release(&r);
}

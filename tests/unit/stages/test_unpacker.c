#include "stages/source/unpacker.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum { PLAIN = 20000 };

struct packed {
	uint8_t bytes[1 << 16];
	size_t length;
	uint8_t plain[PLAIN];
};

/* Frames of odd lengths, some of them tiny, some empty. */
static void pack(struct packed *p)
{
	for (size_t i = 0; i < PLAIN; i++)
		p->plain[i] = (uint8_t)(i * 2654435761u >> 13);
	for (size_t at = 0, k = 0; at < PLAIN; k++) {
		size_t n = (size_t)rand() % (k % 5 == 0 ? 4000 : 40);
		n = n < PLAIN - at ? n : PLAIN - at;
		p->length += ZSTD_compress(p->bytes + p->length, sizeof p->bytes - p->length,
					   p->plain + at, n, 3);
		at += n;
	}
}

/* Reads until `stop` plain bytes were handed on in all, in pieces of which a part stays behind, as lines do. */
static size_t read_some(struct unpacker *u, struct tracked_file *f, const struct packed *p,
			size_t handed_on, size_t stop)
{
	cr_assert_eq(unpacker_take(u, f), 0);
	size_t made = handed_on;
	while (handed_on < stop) {
		uint8_t out[700], *to;
		size_t n = 0;
		enum unpacked result = unpacker_fill(u, out, 1 + (size_t)rand() % sizeof out, &n);
		cr_assert_neq(result, UNPACKED_DAMAGED);
		if (result == UNPACKED_WANTS) {
			uint64_t at = decoder_wants(u->decoder);
			size_t room = decoder_room(u->decoder, &to);
			size_t left = p->length - at;
			room = room < left ? room : left;
			room = room < 100 ? room : 100;
			cr_assert_gt(room, 0);
			memcpy(to, p->bytes + at, room);
			decoder_add(u->decoder, room);
		}
		if (result != UNPACKED_BYTES)
			continue;
		cr_assert_eq(memcmp(out, p->plain + made, n), 0);
		made += n;
		size_t consumed =
		    made == PLAIN ? made - handed_on : (size_t)rand() % (made - handed_on + 1);
		unpacker_consumed(u, consumed);
		handed_on += consumed;
	}
	return handed_on;
}

Test(unpacker, file_taken_up_again_after_another_goes_on_where_it_was)
{
	static struct packed p;
	struct tracked_file f = {.fd = -1}, other = {.fd = -1};
	for (unsigned seed = 0; seed < 200; seed++) {
		srand(seed);
		p.length = 0;
		pack(&p);
		struct unpacker u = {.file = NULL};
		f.place.at = f.place.skip = 0;
		size_t done = 0;
		uint64_t before = 0;
		while (done < PLAIN) {
			size_t stop = done + 1 + (size_t)rand() % 5000;
			done = read_some(&u, &f, &p, done, stop < PLAIN ? stop : PLAIN);
			cr_assert_geq(f.place.at, before);
			before = f.place.at;
			other.place.at = other.place.skip = 0;
			cr_assert_eq(unpacker_take(&u, &other), 0);
		}
		cr_assert_eq(done, PLAIN);
		unpacker_release(&u);
	}
}

Test(unpacker, place_to_begin_again_moves_on_with_the_frames)
{
	static struct packed p;
	struct tracked_file f = {.fd = -1};
	struct unpacker u = {.file = NULL};
	srand(7);
	pack(&p);
	size_t done = read_some(&u, &f, &p, 0, PLAIN * 3 / 4);
	cr_assert_lt(done, PLAIN + 1);
	cr_expect_gt(f.place.at, p.length / 2);
	cr_expect_lt(f.place.skip, 6000);
	unpacker_release(&u);
}

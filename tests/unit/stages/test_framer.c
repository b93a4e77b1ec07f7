#include "stages/framer.h"
#include "stages/home.h"
#include "stages/intake.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- a naive reference: the whole input in memory, byte by byte ---- */

struct expected {
	size_t at, length;
	bool cut; /* what follows is not the delimiter */
};

struct reference {
	struct expected *list;
	size_t count;
	uint64_t lost[LOSS_COUNT];
};

static bool delimiter_at(const struct framing *r, const uint8_t *in, size_t n, size_t i)
{
	return n - i >= r->delimiter.length &&
	       memcmp(in + i, r->delimiter.bytes, r->delimiter.length) == 0;
}

static void expect(struct reference *ref, size_t at, size_t length, bool cut)
{
	ref->list[ref->count++] = (struct expected){at, length, cut};
}

static void reference_line(struct reference *ref, const struct framing *r, size_t at, size_t length,
			   bool delimited)
{
	if (length <= r->max_line) {
		expect(ref, at, length, !delimited);
		return;
	}
	switch (r->on_long_line) {
	case LONG_LINE_TRUNCATE:
		ref->lost[LOSS_LONG_LINE_TRUNCATED]++;
		expect(ref, at, r->max_line, true);
		break;
	case LONG_LINE_DROP:
		ref->lost[LOSS_LONG_LINE_DROPPED]++;
		break;
	case LONG_LINE_SPLIT:
		ref->lost[LOSS_LONG_LINE_SPLIT]++;
		for (; length > r->max_line; at += r->max_line, length -= r->max_line)
			expect(ref, at, r->max_line, true);
		expect(ref, at, length, !delimited);
	}
}

static struct reference reference_of(const struct framing *r, const uint8_t *in, size_t n)
{
	struct reference ref = {.list = calloc(n + 1, sizeof *ref.list)};
	size_t line = 0, i = 0;
	while (i < n) {
		if (!delimiter_at(r, in, n, i)) {
			i++;
			continue;
		}
		reference_line(&ref, r, line, i - line, true);
		i += r->delimiter.length;
		line = i;
	}
	if (line < n)
		reference_line(&ref, r, line, n - line, false);
	return ref;
}

/* ---- the framer behind an intake, fed in pieces ---- */

struct run {
	struct framing framing;
	struct stage_counters counters;
	struct home home;
	struct intake intake;
	struct framer framer;
	const uint8_t *in;
	struct reference ref;
	size_t seen;     /* records compared */
	size_t consumed; /* bytes */
	struct batch *held[4];
	unsigned rounds;
};

/* Runs are copied out as a sink does it, and must be the records with their delimiters. */
static void check_runs(const struct batch *b)
{
	size_t d = b->delimiter.length;
	for (uint32_t i = 0; i < b->count;) {
		struct batch_run run = batch_run(b, i);
		const uint8_t *at = run.bytes;
		for (uint32_t k = 0; k < run.count; k++) {
			const struct record *rec = &b->records[i + k];
			cr_assert_eq(at, b->bytes + rec->offset);
			at += rec->length;
			if (k + 1 < run.count || run.delimited) {
				cr_assert_eq(memcmp(at, b->delimiter.bytes, d), 0);
				at += d;
			}
		}
		i += run.count;
	}
}

static void check_batch(struct run *r, const struct batch *b)
{
	cr_assert(b->count > 0 && b->count <= BATCH_RECORDS_MAX);
	uint64_t total = 0;
	for (uint32_t i = 0; i < b->count; i++) {
		cr_assert_lt(r->seen, r->ref.count);
		const struct expected *e = &r->ref.list[r->seen++];
		const struct record *rec = &b->records[i];
		cr_assert_eq(rec->length, e->length);
		cr_assert_eq(memcmp(b->bytes + rec->offset, r->in + e->at, e->length), 0);
		cr_assert_eq(e->cut, i + 1 == b->count && b->unterminated);
		total += rec->length;
	}
	cr_assert_eq(b->bytes_total, total);
	check_runs(b);
}

/* Batches are kept for a while and looked at again: what was handed on must not change. */
static void keep(struct run *r, struct batch *b)
{
	struct batch **slot = &r->held[r->rounds++ % 4];
	if (*slot)
		check_runs(*slot);
	batch_free(slot);
	*slot = b;
}

static void drop_kept(struct run *r)
{
	for (int i = 0; i < 4; i++)
		batch_free(&r->held[i]);
}

static void frame_all(struct run *r, bool ended)
{
	for (;;) {
		struct batch *b = NULL;
		size_t consumed;
		int result = intake_frame(&r->intake, &r->framer, ended, &b, &consumed);
		r->consumed += consumed;
		if (result == -EAGAIN) {
			drop_kept(r);
			continue;
		}
		if (result == 0)
			break;
		check_batch(r, b);
		keep(r, b);
	}
	cr_assert_leq(intake_pending(&r->intake),
		      r->framing.max_line + r->framing.delimiter.length - 1);
}

static void feed(struct run *r, const uint8_t *in, size_t n, size_t piece_max)
{
	for (size_t at = 0; at < n;) {
		uint8_t *to;
		size_t room;
		if (intake_room(&r->intake, &to, &room) == -EAGAIN) {
			drop_kept(r);
			cr_assert_eq(intake_room(&r->intake, &to, &room), 0);
		}
		size_t piece = 1 + (size_t)rand() % piece_max;
		piece = piece < room ? piece : room;
		piece = piece < n - at ? piece : n - at;
		memcpy(to, in + at, piece);
		intake_add(&r->intake, piece, 1, 2);
		at += piece;
		frame_all(r, false);
	}
	frame_all(r, true);
}

static void run_once(const struct framing *framing, const uint8_t *in, size_t n, size_t piece_max,
		     size_t read_size)
{
	struct run r = {.framing = *framing, .in = in};
	r.framing.counters = &r.counters;
	r.ref = reference_of(framing, in, n);
	cr_assert_eq(home_init(&r.home, &(struct home_size){.buffers = 3,
							    .buffer_capacity = intake_capacity(
								framing->max_line, read_size),
							    .batches = 4}),
		     0);
	intake_init(&r.intake, &r.home, &r.framing, read_size);
	framer_init(&r.framer);
	feed(&r, in, n, piece_max);
	drop_kept(&r);
	cr_assert_eq(r.seen, r.ref.count);
	cr_assert_eq(r.consumed, n);
	cr_assert_eq(counter_get(&r.counters.bytes_in), n);
	cr_assert_eq(counter_get(&r.counters.records_in),
		     r.ref.count + r.ref.lost[LOSS_LONG_LINE_DROPPED]);
	for (int i = 0; i < LOSS_COUNT; i++)
		cr_assert_eq(counter_get(&r.counters.lost[i]), r.ref.lost[i]);
	intake_release(&r.intake);
	home_release(&r.home);
	free(r.ref.list);
}

/* Few different bytes, so that delimiters, halves of them, and runs of them are common. */
static void fill(uint8_t *in, size_t n, const struct delimiter *d)
{
	static const uint8_t others[] = {0, 0xFF, '\r', 'a', 'b'};
	unsigned one_in = 2 + (unsigned)rand() % 40;
	for (size_t i = 0; i < n; i++)
		in[i] = (unsigned)rand() % one_in == 0 ? d->bytes[(unsigned)rand() % d->length]
						       : others[(unsigned)rand() % sizeof others];
}

static const struct delimiter delimiters[] = {
    {{'\n'}, 1},     {{'\0'}, 1},          {{'\r', '\n'}, 2},
    {{'a', 'a'}, 2}, {{'a', 'b', 'a'}, 3}, {{0xFF, 0, 0xFF, 0, 'a', 'b', 'a', 'b'}, 8},
};

Test(framer, random_input_in_random_pieces_frames_as_the_reference_does)
{
	static uint8_t in[6000];
	srand(1);
	for (int round = 0; round < 3000; round++) {
		struct framing f = {.delimiter = delimiters[(unsigned)rand() % 6],
				    .max_line = 1 + (size_t)rand() % (round % 2 ? 10 : 300),
				    .on_long_line = (enum long_line)(rand() % 3)};
		size_t n = (size_t)rand() % sizeof in;
		fill(in, n, &f.delimiter);
		run_once(&f, in, n, round % 3 ? 1 + (size_t)rand() % 500 : 1,
			 16 + (size_t)rand() % 5000);
	}
}

static void check_text(const char *text, size_t max_line, enum long_line policy)
{
	struct framing f = {.delimiter = {{'\n'}, 1}, .max_line = max_line, .on_long_line = policy};
	for (size_t piece = 1; piece < 20; piece++)
		run_once(&f, (const uint8_t *)text, strlen(text), piece, 64);
}

Test(framer, lines_at_and_around_the_longest_allowed_length_hold)
{
	for (int policy = 0; policy < 3; policy++) {
		check_text("", 4, (enum long_line)policy);
		check_text("\n", 4, (enum long_line)policy);
		check_text("abcd\n", 4, (enum long_line)policy);
		check_text("abcde\n", 4, (enum long_line)policy);
		check_text("abcd", 4, (enum long_line)policy);
		check_text("abcde", 4, (enum long_line)policy);
		check_text("abcdefgh\n", 4, (enum long_line)policy);
		check_text("abcdefgh", 4, (enum long_line)policy);
		check_text("abcdefghi\nx\n\n\nabcdefghi\nabcdefghi", 4, (enum long_line)policy);
	}
}

Test(framer, more_lines_than_a_batch_holds_come_in_several_batches)
{
	size_t n = 3 * BATCH_RECORDS_MAX + 7;
	uint8_t *in = malloc(n);
	memset(in, '\n', n);
	struct framing f = {.delimiter = {{'\n'}, 1}, .max_line = 100};
	run_once(&f, in, n, n, INTAKE_READ);
	free(in);
}

Test(framer, line_far_longer_than_any_buffer_is_cut_in_bounded_memory)
{
	size_t n = 3 << 20;
	uint8_t *in = malloc(n);
	memset(in, 'x', n);
	in[n - 3] = '\n';
	for (int policy = 0; policy < 3; policy++) {
		struct framing f = {.delimiter = {{'\n'}, 1},
				    .max_line = 1000,
				    .on_long_line = (enum long_line)policy};
		run_once(&f, in, n, 5000, 4096);
	}
	free(in);
}

Test(framer, bytes_that_stayed_are_not_searched_again)
{
	struct stage_counters counters = {0};
	struct framing f = {.delimiter = {{'\n'}, 1}, .max_line = 1000, .counters = &counters};
	struct batch *b = calloc(1, sizeof *b);
	struct framer framer;
	framer_init(&framer);
	uint8_t bytes[] = "abcdef\n";
	b->bytes = bytes;
	cr_expect_eq(framer_fill(&framer, &f, b, 0, 6, false, NULL), 0);
	cr_expect_eq(framer.searched, 6);
	cr_expect(framer_is_starved(&framer, &f, 6));
	cr_expect_not(framer_is_starved(&framer, &f, 7));
	cr_expect_eq(framer_fill(&framer, &f, b, 0, 7, false, NULL), 7);
	cr_expect_eq(b->count, 1);
	cr_expect_eq(b->records[0].length, 6);
	free(b);
}

/* Frames part after part, after each of which the input ends, and notes the records, each with a comma behind it. */
static void check_parts(const char *const parts[], size_t max_line, enum long_line policy,
			const struct delimiter *d, const char *expected)
{
	struct stage_counters counters = {0};
	struct framing f = {
	    .delimiter = *d, .max_line = max_line, .on_long_line = policy, .counters = &counters};
	struct framer framer;
	char got[256] = "", *to = got;
	framer_init(&framer);
	for (; *parts; parts++) {
		size_t from = 0, n = strlen(*parts);
		while (from < n) {
			struct batch *b = calloc(1, sizeof *b);
			b->bytes = (uint8_t *)(uintptr_t)*parts;
			from = framer_fill(&framer, &f, b, from, n, true, NULL);
			for (uint32_t i = 0; i < b->count; i++)
				to += sprintf(to, "%.*s,", (int)b->records[i].length,
					      (const char *)b->bytes + b->records[i].offset);
			free(b);
		}
	}
	cr_expect_str_eq(got, expected);
}

#define PARTS(...) ((const char *const[]){__VA_ARGS__, NULL})

Test(framer, line_cut_off_by_the_end_of_the_input_goes_on_with_what_comes_after_it)
{
	const struct delimiter *lf = &delimiters[0], *crlf = &delimiters[2];
	check_parts(PARTS("one\ntw", "o\nthree\n"), 9, 0, lf, "one,tw,o,three,");
	check_parts(PARTS("one", "\ntwo\n"), 9, 0, lf, "one,two,");
	check_parts(PARTS("one", "\n\ntwo\n"), 9, 0, lf, "one,,two,");
	check_parts(PARTS("one\n", "\ntwo\n"), 9, 0, lf, "one,,two,");
	check_parts(PARTS("one", "", "\ntwo"), 9, 0, lf, "one,two,");
	check_parts(PARTS("one", "\r\ntwo\r\n"), 9, 0, crlf, "one,two,");
}

Test(framer, rest_of_a_long_line_is_left_out_though_the_input_ended_within_it)
{
	const struct delimiter *lf = &delimiters[0];
	check_parts(PARTS("abcdefg", "hij\nk\n"), 4, LONG_LINE_TRUNCATE, lf, "abcd,k,");
	check_parts(PARTS("abcdefg", "hij", "\nk\n"), 4, LONG_LINE_DROP, lf, "k,");
	check_parts(PARTS("abcdefg", "hij\nk\n"), 4, LONG_LINE_SPLIT, lf, "abcd,efg,hij,k,");
	check_parts(PARTS("abcdefgh", "\nk\n"), 4, LONG_LINE_SPLIT, lf, "abcd,efgh,k,");
}

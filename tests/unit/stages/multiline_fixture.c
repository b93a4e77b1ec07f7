#include "tests/unit/stages/multiline_fixture.h"
#include "stages/intake.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct stage_counters counters;
static void *arena;

/* ---- the options ---- */

const struct multiline_options *multiline_from(const char *yaml)
{
	static struct multiline_options options;
	struct problems problems;
	char braced[1024];
	snprintf(braced, sizeof braced, "{%s}", yaml);
	multiline_forget();
	problems_init(&problems);
	cr_assert_eq(
	    option_fill(multiline_table, &options, sizeof options, braced, &problems, &arena), 0,
	    "%s", yaml);
	multiline_check(&options, (struct place){0}, &problems);
	cr_assert_eq(problems.count, 0, "%s", yaml);
	problems_release(&problems);
	return &options;
}

void multiline_forget(void)
{
	option_fill_release(arena);
	arena = NULL;
}

/* ---- records ---- */

static void say(struct env *e, enum say_level level, const char *event, const char *format,
		va_list args)
{
	(void)e, (void)level, (void)event, (void)format, (void)args;
}

struct shown {
	FILE *to;
	const struct framing *framing;
	struct home home;
	struct intake intake;
	struct framer framer;
};

static void show(struct shown *s, struct batch *b)
{
	uint64_t total = 0;
	cr_assert_leq(b->count, BATCH_RECORDS_MAX);
	for (uint32_t i = 0; i < b->count; i++) {
		const struct record *r = &b->records[i];
		for (uint32_t k = 0; k < r->length; k++) {
			char c = (char)b->bytes[r->offset + k];
			fputc(c == '\n' ? '|' : c, s->to);
		}
		fputc('\n', s->to);
		total += r->length;
		if (i > 0)
			cr_assert_geq(r->offset,
				      b->records[i - 1].offset + b->records[i - 1].length);
	}
	cr_assert_eq(b->bytes_total, total);
	batch_free(&b);
}

static void show_all(struct shown *s, bool ended)
{
	struct batch *b;
	size_t consumed;
	while (intake_frame(&s->intake, &s->framer, ended, &b, &consumed) > 0)
		show(s, b);
}

static void read_in_pieces(struct shown *s, const char *input, size_t length, size_t piece)
{
	for (size_t at = 0; at < length;) {
		uint8_t *to;
		size_t room, n = piece < length - at ? piece : length - at;
		cr_assert_eq(intake_room(&s->intake, &to, &room), 0);
		n = n < room ? n : room;
		memcpy(to, input + at, n);
		intake_add(&s->intake, n, 1, 2);
		at += n;
		show_all(s, false);
	}
	show_all(s, true);
}

char *multiline_records(const struct framing *framing, const char *input, size_t length,
			size_t piece)
{
	enum { READ = 4096 };
	char *text;
	size_t text_length;
	struct shown s = {.framing = framing};
	size_t stays = framing->max_line + DELIMITER_MAX +
		       multiline_record_max(framing->multiline->options, framing->max_line);
	struct home_size size = {
	    .buffers = 2, .buffer_capacity = intake_capacity(stays, READ), .batches = 2};
	s.to = open_memstream(&text, &text_length);
	cr_assert_not_null(s.to);
	cr_assert_eq(home_init(&s.home, &size), 0);
	intake_init(&s.intake, &s.home, framing, READ);
	framer_init(&s.framer);
	read_in_pieces(&s, input, length, piece);
	cr_assert_eq(intake_pending(&s.intake), 0);
	intake_release(&s.intake);
	home_release(&s.home);
	fclose(s.to);
	return text;
}

void multiline_expect(const char *yaml, const char *lines, const char *records)
{
	static const struct env_ops ops = {.say = say};
	struct env env = {.ops = &ops};
	struct multiline m;
	struct framing framing = {
	    .delimiter = {{'\n'}, 1}, .max_line = 1000, .counters = &counters, .multiline = &m};
	const struct multiline_options *o = multiline_from(yaml);
	size_t length = strlen(lines);
	cr_assert_eq(multiline_init(&m, o, &env, &counters), 0);
	for (size_t piece = 1; piece <= length; piece += piece < 80 ? 1 : 37) {
		counters = (struct stage_counters){0};
		char *got = multiline_records(&framing, lines, length, piece);
		cr_assert_str_eq(got, records, "%s, by %zu bytes, got:\n%swanted:\n%s", yaml, piece,
				 got, records);
		free(got);
	}
	multiline_release(&m);
}

uint64_t multiline_cuts(void)
{
	return counter_get(&counters.lost[LOSS_MULTILINE_CUT]);
}

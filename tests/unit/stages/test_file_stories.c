/* Files are written, rotated, truncated and deleted, and the file source is ended and started again, as a seed will have it:
 * every line comes once, and those of a file in order. Only what nobody could know is left out: truncated before it was
 * read, or renamed to where no pattern leads before it was ever seen. */
#include "tests/unit/stages/file_source_fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WRITERS = 3, GENERATIONS_MAX = 400, SEEDS = 8, ACTIONS = 120 };

struct writer {
	char name[16];
	enum { WRITES_PLAIN, WRITES_ZSTD, WRITES_GZIP } form;
	unsigned
	    generation; /* whose lines are written now: one for each file, and each time it is truncated */
	bool partial; /* a line has been begun */
	bool known;   /* remembered since it was created */
};

struct story {
	struct fixture *x;
	struct writer writers[WRITERS];
	unsigned written[GENERATIONS_MAX]; /* lines */
	unsigned generations;
	unsigned renamed;
	bool matches; /* a pattern matches the names of what is rotated, too */
	bool running;
};

static unsigned chance(unsigned below)
{
	return (unsigned)rand() % below;
}

static void write_lines(struct story *s, struct writer *w)
{
	char text[800], *to = text;
	unsigned n = 1 + chance(6);
	if (w->partial)
		to = stpcpy(to, "rest\n");
	w->partial = false;
	for (unsigned i = 0; i < n; i++)
		to += sprintf(to, "%u:%u:%.*s\n", w->generation, s->written[w->generation]++,
			      (int)chance(90),
			      "the quick brown fox jumps over the lazy dog and "
			      "then over all of the others that lie around there");
	if (w->form == WRITES_PLAIN && chance(4) == 0) {
		sprintf(to, "%u:%u:begun, ", w->generation, s->written[w->generation]++);
		w->partial = true;
	}
	if (w->form == WRITES_PLAIN)
		append(s->x, w->name, text);
	else if (w->form == WRITES_ZSTD)
		append_frame(s->x, w->name, text);
	else
		append_member(s->x, w->name, text);
}

static void end_line(struct story *s, struct writer *w)
{
	if (w->partial)
		append(s->x, w->name, "rest\n");
	w->partial = false;
}

static void begin_generation(struct story *s, struct writer *w)
{
	w->generation = s->generations++;
	cr_assert_lt(s->generations, GENERATIONS_MAX);
}

static bool exists(struct story *s, const char *name)
{
	struct text path = in_directory(s->x, name);
	bool is_there = access(path.bytes, F_OK) == 0;
	free((char *)(uintptr_t)path.bytes);
	return is_there;
}

static void settle_down(struct story *s)
{
	if (!s->running)
		start(s->x, false);
	s->running = true;
	read_all(s->x);
	remember(s->x);
	for (int i = 0; i < WRITERS; i++)
		s->writers[i].known = exists(s, s->writers[i].name);
}

/* What no pattern would find afterwards must be known by then. */
static void rotate(struct story *s, struct writer *w)
{
	char to[64];
	if (!exists(s, w->name) || (!s->matches && !w->known))
		return;
	end_line(s, w);
	snprintf(to, sizeof to, "%s.%u", w->name, s->renamed++);
	move_file(s->x, w->name, to);
	begin_generation(s, w);
	w->known = false;
	if (chance(3))
		write_lines(s, w);
}

/* What it held must have been read, or it would be lost; it may have grown past that when it is looked at again. */
static void truncate_file(struct story *s, struct writer *w)
{
	if (!exists(s, w->name))
		return;
	end_line(s, w);
	settle_down(s);
	if (chance(2)) {
		stop(s->x);
		s->running = false;
	}
	put(s->x, w->name, "", 0, O_TRUNC);
	begin_generation(s, w);
	for (unsigned n = chance(20); n > 0; n--)
		write_lines(s, w);
}

static void delete_read(struct story *s, struct writer *w)
{
	if (!exists(s, w->name))
		return;
	end_line(s, w);
	settle_down(s);
	delete_file(s->x, w->name);
	begin_generation(s, w);
	w->known = false;
	write_lines(s, w);
}

static void run_a_little(struct story *s)
{
	if (!s->running)
		start(s->x, false);
	s->running = true;
	for (unsigned n = chance(60); n > 0; n--)
		cr_assert_geq(step(s->x), 0);
}

static void crash_story(struct story *s)
{
	if (!s->running)
		return;
	stop(s->x);
	s->running = false;
	s->x->got_length = s->x->committed_length;
}

static void act(struct story *s)
{
	struct writer *w = &s->writers[chance(WRITERS)];
	switch (chance(14)) {
	case 0:
		rotate(s, w);
		break;
	case 1:
		truncate_file(s, w);
		break;
	case 2:
		delete_read(s, w);
		break;
	case 3:
		crash_story(s);
		break;
	case 4:
		settle_down(s);
		break;
	case 5:
		s->x->skew_ns += (uint64_t)chance(100) * 1000000000;
		break;
	case 6:
		if (s->running)
			remember(s->x);
		break;
	case 7:
	case 8:
	case 9:
		run_a_little(s);
		break;
	default:
		write_lines(s, w);
	}
}

/* Each line once, and those of one file in order. */
static void check_story(const struct story *s, unsigned seed)
{
	unsigned seen[GENERATIONS_MAX] = {0}, generation, number;
	s->x->got[s->x->got_length] = '\0';
	for (char *at = s->x->got; *at; at = strchr(at, '\n') + 1) {
		int fields = sscanf(at, "%u:%u:", &generation, &number);
		cr_assert_eq(fields, 2, "seed %u: %.60s", seed, at);
		cr_assert_eq(number, seen[generation], "seed %u: %u instead of %u: %.60s", seed,
			     number, seen[generation], at);
		seen[generation]++;
	}
	for (unsigned g = 0; g < s->generations; g++)
		cr_assert_eq(seen[g], s->written[g], "seed %u: %u of %u lines of %u", seed, seen[g],
			     s->written[g], g);
}

static void tell_story(unsigned seed)
{
	struct story s = {.matches = seed % 2};
	static const char *const names[] = {"a.log", "b.log", "c.log"};
	srand(seed);
	s.x = set_up_remembering(s.matches ? "*.log*" : "*.log", NULL);
	for (unsigned i = 0; i < WRITERS; i++) {
		strcpy(s.writers[i].name, names[i]);
		s.writers[i].form = i;
		begin_generation(&s, &s.writers[i]);
	}
	for (int i = 0; i < ACTIONS; i++)
		act(&s);
	for (int i = 0; i < WRITERS; i++)
		end_line(&s, &s.writers[i]);
	settle_down(&s);
	check_story(&s, seed);
	end(s.x);
}

Test(file_stories, whatever_happens_each_line_comes_once)
{
	for (unsigned seed = 0; seed < SEEDS; seed++)
		tell_story(seed);
}

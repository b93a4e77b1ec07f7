#include "tests/sim/sim_sweep.h"
#include "tests/sim/sim_inode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPERATIONS_MAX = 20000 };

static size_t choices(const struct sim_kind *kind)
{
	int error;
	enum sim_lasting lasting;
	size_t n = 0;
	while (sim_strike_choice(kind, n, &error, &lasting))
		n++;
	return n;
}

static bool count_operations(bool once, struct sim_kind *kinds, size_t *ret_count)
{
	struct sim_course c = {.once = once, .strike = {.kinds = kinds, .room = OPERATIONS_MAX}};
	if (!sim_course_run(&c)) {
		c.told = true;
		c.strike = (struct sim_strike){.at = 0};
		sim_course_run(&c);
		return false;
	}
	*ret_count = c.operations;
	return c.operations <= OPERATIONS_MAX;
}

bool sim_sweep_init(struct sim_sweep *s)
{
	size_t once_count = 0;
	*s = (struct sim_sweep){.kinds = sim_alloc(2 * OPERATIONS_MAX * sizeof *s->kinds)};
	if (!count_operations(false, s->kinds, &s->follow_count) ||
	    !count_operations(true, s->kinds + s->follow_count, &once_count))
		return false;
	s->count = s->follow_count + once_count;
	for (size_t i = 0; i < s->count; i++)
		s->cases += choices(&s->kinds[i]);
	return true;
}

void sim_sweep_release(struct sim_sweep *s)
{
	free(s->kinds);
}

static void describe(const struct sim_sweep *s, size_t number, const struct sim_course *c,
		     const struct sim_kind *kind)
{
	const char *error = strerrorname_np(-c->strike.error);
	fprintf(stderr, "case %zu of %zu: %s, operation %ju: %s of %s fails %s (%s)\n", number,
		s->cases, c->once ? "to the end" : "following", (uintmax_t)c->strike.at,
		sim_code_name(kind->code), sim_place_name(kind->place),
		sim_lasting_name(c->strike.lasting), error ? error : "-");
}

bool sim_sweep_case(const struct sim_sweep *s, size_t number, bool told)
{
	size_t i = 0, left = number;
	while (i < s->count && left >= choices(&s->kinds[i]))
		left -= choices(&s->kinds[i++]);
	if (i == s->count)
		return false;
	bool once = i >= s->follow_count;
	struct sim_course c = {.once = once, .told = told};
	c.strike.at = 1 + i - (once ? s->follow_count : 0);
	sim_strike_choice(&s->kinds[i], left, &c.strike.error, &c.strike.lasting);
	if (sim_course_run(&c) && c.strike.struck > 0)
		return true;
	describe(s, number, &c, &s->kinds[i]);
	return false;
}

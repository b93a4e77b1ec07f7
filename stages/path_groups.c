#include "stages/path_groups.h"
#include "stages/known.h"

#include <assert.h>
#include <string.h>
#include <xxhash.h>

enum { LATER = UINT16_MAX }; /* in no group of those at hand */

void path_groups_declare(const struct path_template *t, struct field_uses *uses)
{
	for (size_t i = 0; i < t->field_count; i++)
		fields_read(uses, t->fields[i].name, t->fields[i].length);
	if (t->has_time)
		fields_read_time_said(uses);
}

bool path_groups_are_needed(const struct path_template *t, const struct stage *s)
{
	return t->field_count > 0 ||
	       (t->has_time && fields_find_known(s->fields, FIELD_RECORD_TIME) >= 0);
}

void path_groups_init(struct path_groups *g, const struct path_template *t, const struct stage *s)
{
	g->template = t;
	g->stage = s;
	for (size_t i = 0; i < t->field_count; i++) {
		int column = fields_find(s->fields, t->fields[i].name, t->fields[i].length);
		assert(column >= 0 && "it was declared");
		g->columns[i] = (unsigned)column;
	}
}

void path_groups_begin(struct path_groups *g, struct batch *b)
{
	batch_give_rows(b);
	g->times_said = known_times(g->stage, b);
	for (size_t i = 0; i < g->template->field_count; i++)
		g->values[i] = known_values(g->stage, b, g->columns[i]);
	g->sorted_to = 0;
	g->count = 0;
}

/* To g->made; false: it is too long. */
static bool make_path(struct path_groups *g, const struct batch *b, uint32_t record,
		      int64_t wall_ns)
{
	const struct value *said = g->times_said ? &g->times_said[b->rows[record]] : NULL;
	int64_t ns = said && said->type == VALUE_TIMESTAMP ? said->i : wall_ns;
	for (size_t i = 0; i < g->template->field_count; i++)
		path_name_of(&g->names[i], &g->values[i][b->rows[record]],
			     (struct scratch){g->scratch, g->scratch + sizeof g->scratch});
	return path_template_fill(g->template, ns, g->names, g->made, sizeof g->made) == 0;
}

/* The group of g->made; LATER: there are too many. */
static uint16_t find_group(struct path_groups *g)
{
	uint64_t hash = XXH3_64bits(g->made, strlen(g->made));
	uint16_t i = 0;
	while (i < g->count &&
	       (g->groups[i].hash != hash || strcmp(g->groups[i].path, g->made) != 0))
		i++;
	if (i == PATH_GROUPS_MAX)
		return LATER;
	if (i == g->count) {
		g->groups[g->count++] = (struct path_group){.hash = hash};
		memccpy(g->groups[i].path, g->made, '\0', sizeof g->groups[i].path);
	}
	return i;
}

static uint32_t place(struct path_groups *g, uint32_t at, bool are_open)
{
	for (uint32_t i = 0; i < g->count; i++) {
		if (g->groups[i].is_open != are_open)
			continue;
		g->groups[i].end = at;
		at += g->groups[i].count;
	}
	return at;
}

/* Each group's `end` is where it begins, until its records are moved there. What comes later begins behind them all. */
static uint32_t place_groups(struct path_groups *g, uint32_t first, path_is_open *is_open,
			     const void *owner)
{
	for (uint32_t i = 0; i < g->count; i++)
		g->groups[i].is_open = is_open(owner, &g->groups[i]);
	return place(g, place(g, first, true), false);
}

static void move_records(struct path_groups *g, struct batch *b, uint32_t first)
{
	uint32_t later = g->sorted_to;
	for (uint32_t i = first; i < b->count; i++) {
		uint16_t group = g->group_of[i];
		uint32_t to = group == LATER ? later++ : g->groups[group].end++;
		g->records[to] = b->records[i];
		g->rows[to] = b->rows[i];
	}
	memcpy(b->records + first, g->records + first, (b->count - first) * sizeof *b->records);
	memcpy(b->rows + first, g->rows + first, (b->count - first) * sizeof *b->rows);
}

/* Neighbours are none any more, and the last one may not be the last: each record gets a delimiter of its own. Only once, as
 * those that were put before may be read by others by now. */
static void forget_neighbours(struct batch *b)
{
	if (b->delimiter.length == 0)
		return;
	b->delimiter.length = 0;
	b->unterminated = false;
}

static bool sort(struct path_groups *g, struct batch *b, uint32_t first, int64_t wall_ns,
		 path_is_open *is_open, const void *owner)
{
	g->count = 0;
	for (uint32_t i = first; i < b->count; i++) {
		if (!make_path(g, b, i, wall_ns))
			return false;
		g->group_of[i] = find_group(g);
		if (g->group_of[i] != LATER)
			g->groups[g->group_of[i]].count++;
	}
	g->sorted_to = place_groups(g, first, is_open, owner);
	if (g->count == 1 && g->sorted_to == b->count)
		g->groups[0].end = b->count; /* they stand as they are */
	else {
		move_records(g, b, first);
		forget_neighbours(b);
	}
	return true;
}

const struct path_group *path_groups_next(struct path_groups *g, struct batch *b, uint32_t first,
					  int64_t wall_ns, path_is_open *is_open, const void *owner)
{
	assert(first < b->count);
	if (first == g->sorted_to && !sort(g, b, first, wall_ns, is_open, owner))
		return NULL;
	for (uint32_t i = 0; i < g->count; i++) {
		const struct path_group *group = &g->groups[i];
		if (first < group->end && first >= group->end - group->count)
			return group;
	}
	assert(false && "each record is in a group");
	return NULL;
}

#include "tests/sim/sim_changes.h"
#include "tests/sim/sim_held.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OWN UINT64_C(0x7c0de5ca1ab1e)

static void add_place(struct sim_changes *c, const struct shape_stage *sink, char letter)
{
	struct sim_spot *p = &c->places[c->place_count++];
	*p = (struct sim_spot){.zstd = sink->zstd, .dated = sink->dated};
	memcpy(p->name, sink->place, sizeof p->name);
	p->name[0] = letter;
}

/* Its own, and another one. */
static void add_places(struct sim_changes *c, const struct shape_stage *sink)
{
	char path[32];
	add_place(c, sink, 'o');
	add_place(c, sink, 'm');
	snprintf(path, sizeof path, "/out/%s", c->places[c->place_count - 1].name);
	sim_fs_mount(c->input->fs, path, false, true);
}

void sim_changes_init(struct sim_changes *c, uint64_t seed, struct shape *shape,
		      const struct sim_input *input, struct sim_story *story)
{
	*c = (struct sim_changes){
	    .random = {.state = seed ^ OWN}, .shape = shape, .input = input, .story = story};
	c->on = shape->epoch_ms > 0 && sim_chance(&c->random, 400);
	for (size_t i = 0; i < shape->count && c->on; i++)
		if (shape_writes_files(&shape->stages[i]))
			add_places(c, &shape->stages[i]);
}

void sim_changes_release(struct sim_changes *c)
{
	sim_past_release(&c->past);
}

/* ---- places ---- */

static bool is_taken(const struct sim_changes *c, const struct sim_spot *p)
{
	for (size_t i = 0; i < c->shape->count; i++) {
		const struct shape_stage *n = &c->shape->stages[i];
		if (shape_writes_files(n) && !n->absent && strcmp(n->place, p->name) == 0)
			return true;
	}
	return false;
}

static bool take_free_place(struct sim_changes *c, struct shape_stage *sink)
{
	size_t first = sim_below(&c->random, c->place_count);
	for (size_t i = 0; i < c->place_count; i++) {
		const struct sim_spot *p = &c->places[(first + i) % c->place_count];
		if (p->zstd != sink->zstd || is_taken(c, p))
			continue;
		memcpy(sink->place, p->name, sizeof sink->place);
		sink->dated = p->dated;
		return true;
	}
	return false;
}

/* ---- what is done ---- */

static bool rename_it(struct sim_changes *c, struct shape_stage *sink)
{
	(void)c;
	sink->id[0] = sink->id[0] == 'o' ? 'n' : 'o';
	return !sink->absent;
}

static bool move(struct sim_changes *c, struct shape_stage *sink)
{
	return !sink->absent && take_free_place(c, sink);
}

static bool exchange(struct sim_changes *c, struct shape_stage *sink)
{
	struct shape_stage *other = &c->shape->stages[sim_below(&c->random, c->shape->count)];
	bool can = other != sink && shape_writes_files(other) && other->zstd == sink->zstd;
	if (!can || other->absent || sink->absent)
		return false;
	struct shape_stage kept = *other;
	memcpy(other->place, sink->place, sizeof other->place);
	memcpy(sink->place, kept.place, sizeof sink->place);
	other->dated = sink->dated;
	sink->dated = kept.dated;
	return true;
}

static bool remove_it(struct sim_changes *c, struct shape_stage *sink)
{
	if (sink->absent)
		return false;
	sink->absent = true;
	if (!shape_is_whole(c->shape)) {
		sink->absent = false;
		return false;
	}
	sim_past_note_absence(&c->past, (size_t)(sink - c->shape->stages));
	return true;
}

static bool bring_in(struct sim_changes *c, struct shape_stage *sink)
{
	if (!sink->absent || !take_free_place(c, sink))
		return false;
	sink->absent = false;
	sim_past_note_return(&c->past, (size_t)(sink - c->shape->stages), c->input);
	return true;
}

static const struct {
	const char *name;
	bool (*make)(struct sim_changes *c, struct shape_stage *sink);
} changes[] = {{"renames", rename_it},
	       {"moves", move},
	       {"exchanges the path of", exchange},
	       {"removes", remove_it},
	       {"brings in", bring_in}};
enum { CHANGES = sizeof changes / sizeof *changes };

static bool make_one(struct sim_changes *c)
{
	struct shape_stage *n = &c->shape->stages[sim_below(&c->random, c->shape->count)];
	size_t what = sim_below(&c->random, CHANGES);
	char before[8];
	memcpy(before, n->id, sizeof before);
	if (!shape_writes_files(n) || !changes[what].make(c, n))
		return false;
	sim_story_add(c->story, "world      %s sink %s: now %s at %s", changes[what].name, before,
		      n->id, n->place);
	return true;
}

bool sim_changes_make(struct sim_changes *c)
{
	bool any = false;
	if (!c->on || !c->ran || !sim_chance(&c->random, 600))
		return false;
	for (uint64_t tries = sim_between(&c->random, 1, 12); tries > 0; tries--)
		any |= make_one(c);
	return any;
}

/* ---- whose is what ---- */

bool sim_changes_settle(struct sim_changes *c, struct sim_model *m)
{
	bool good = true;
	for (size_t i = 0; i < c->shape->count && good; i++) {
		const struct shape_stage *n = &c->shape->stages[i];
		bool stays = !n->absent && strcmp(c->ran_at[i], n->place) == 0;
		if (!shape_writes_files(n) || stays)
			continue;
		good = !c->ran_at[i][0] || sim_held_claim(m, i, c->ran_at[i]);
		memcpy(c->ran_at[i], n->absent ? "\0\0\0\0\0\0\0" : n->place, sizeof c->ran_at[i]);
	}
	c->ran = true;
	return good;
}

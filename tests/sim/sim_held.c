#include "tests/sim/sim_held.h"
#include "stages/hash_index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_file(struct sim_model *m, const struct sim_file *f, struct sim_bytes *to)
{
	const char *wrong = sim_file_read(f, to);
	if (wrong)
		snprintf(m->why, sizeof m->why, "%s is no whole zstd file: %s", f->path, wrong);
	return !wrong;
}

size_t sim_held_claims(const struct sim_model *m)
{
	return m->past ? m->past->claim_count : 0;
}

/* How much of that file is known to be somebody's. */
static size_t claimed(const struct sim_model *m, uint64_t birth)
{
	size_t length = 0;
	for (size_t i = 0; i < sim_held_claims(m); i++)
		if (m->past->claims[i].birth == birth)
			length = m->past->claims[i].to;
	return length;
}

/* In files of which a part is another sink's one may find any length. */
static bool is_too_large(struct sim_model *m, const struct shape_stage *sink,
			 const struct sim_file *f)
{
	const uint8_t *end = f->length ? memchr(f->bytes, '\n', f->length) : NULL;
	if (sink->zstd || sink->rotate_size == 0 || sim_held_claims(m) > 0 ||
	    f->length <= sink->rotate_size || (end && end + 1 == f->bytes + f->length))
		return false;
	snprintf(m->why, sizeof m->why, "%s has %zu bytes and may have %ju", f->path, f->length,
		 (uintmax_t)sink->rotate_size);
	return true;
}

/* What it has written where it is. */
static bool gather(struct sim_model *m, const struct shape_stage *sink, struct sim_bytes *to)
{
	char path[32];
	size_t count;
	snprintf(path, sizeof path, "/out/%s", sink->place);
	struct sim_file *files = sim_fs_files(m->fs, path, &count);
	bool good = true, strict = m->demand != SIM_NO_MORE;
	for (size_t i = 0; i < count && good; i++) {
		struct sim_bytes held = {.length = 0};
		size_t others = claimed(m, files[i].birth);
		if (strict)
			good = !is_too_large(m, sink, &files[i]);
		good = good && (read_file(m, &files[i], &held) || !strict);
		if (held.length > others)
			sim_bytes_append(to, held.at + others, held.length - others);
		free(held.at);
	}
	free(files);
	return good;
}

/* ---- what was written before the topology changed ---- */

void sim_past_release(struct sim_past *p)
{
	free(p->claims);
	for (size_t i = 0; i < SHAPE_STAGES_MAX; i++)
		free(p->absences[i].written);
}

void sim_past_note_absence(struct sim_past *p, size_t sink)
{
	p->absences[sink].times++;
}

void sim_past_note_return(struct sim_past *p, size_t sink, const struct sim_input *input)
{
	struct sim_absence *a = &p->absences[sink];
	free(a->written);
	a->written = sim_alloc((input->count + 1) * sizeof *a->written);
	a->streams = input->count;
	for (size_t i = 0; i < input->count; i++)
		a->written[i] = input->streams[i].length;
}

static void add_claim(struct sim_past *p, struct sim_claim claim)
{
	if (p->claim_count == p->claim_room) {
		p->claim_room = p->claim_room ? p->claim_room * 2 : 16;
		p->claims = reallocarray(p->claims, p->claim_room, sizeof *p->claims);
		if (!p->claims)
			abort();
	}
	p->claims[p->claim_count++] = claim;
}

bool sim_held_claim(struct sim_model *m, size_t sink, const char *place)
{
	char path[32];
	size_t count;
	snprintf(path, sizeof path, "/out/%s", place);
	struct sim_file *files = sim_fs_files(m->fs, path, &count);
	bool good = true;
	for (size_t i = 0; i < count && good; i++) {
		struct sim_bytes held = {.length = 0};
		struct sim_claim c = {
		    .birth = files[i].birth, .sink = sink, .from = claimed(m, files[i].birth)};
		good = read_file(m, &files[i], &held);
		c.to = held.length;
		if (good && c.to > c.from) {
			c.hash = hash_bytes(held.at + c.from, c.to - c.from);
			add_claim(m->past, c);
		}
		free(held.at);
	}
	free(files);
	return good;
}

static bool stays(struct sim_model *m, const struct sim_claim *c, const struct sim_bytes *held)
{
	if (c->to <= held->length && hash_bytes(held->at + c->from, c->to - c->from) == c->hash)
		return true;
	snprintf(m->why, sizeof m->why,
		 "sink %s: what it wrote where it was before did not stay: %zu to %zu of %zu",
		 m->shape->stages[c->sink].id, c->from, c->to, held->length);
	return false;
}

static bool gather_claim(struct sim_model *m, const struct sim_claim *c, struct sim_bytes *to)
{
	size_t count, i = 0;
	struct sim_bytes held = {.length = 0};
	struct sim_file *files = sim_fs_files(m->fs, "/out", &count);
	while (i < count && files[i].birth != c->birth)
		i++;
	bool good = (i == count || read_file(m, &files[i], &held)) && stays(m, c, &held);
	if (good)
		sim_bytes_append(to, held.at + c->from, c->to - c->from);
	free(held.at);
	free(files);
	return good || m->demand == SIM_NO_MORE;
}

static bool gather_past(struct sim_model *m, size_t sink, struct sim_bytes *to)
{
	bool good = true;
	for (size_t i = 0; i < sim_held_claims(m) && good; i++)
		if (m->past->claims[i].sink == sink)
			good = gather_claim(m, &m->past->claims[i], to);
	return good;
}

bool sim_held_gather(struct sim_model *m, size_t sink, struct sim_bytes *to)
{
	const struct shape_stage *n = &m->shape->stages[sink];
	return gather_past(m, sink, to) && (n->absent || gather(m, n, to));
}

static bool is_somebodys(const struct sim_model *m, const char *path)
{
	char place[32];
	for (size_t i = 0; i < m->shape->count; i++) {
		const struct shape_stage *n = &m->shape->stages[i];
		int length = snprintf(place, sizeof place, "/out/%s/", n->place);
		if (shape_writes_files(n) && !n->absent &&
		    strncmp(place, path, (size_t)length) == 0)
			return true;
	}
	return false;
}

static bool is_left_alone(struct sim_model *m, const struct sim_file *f)
{
	struct sim_bytes held = {.length = 0};
	size_t known = claimed(m, f->birth), length = 0;
	bool good = read_file(m, f, &held);
	length = held.length;
	free(held.at);
	if (good && length != known)
		snprintf(m->why, sizeof m->why,
			 "%s, where no sink writes, has %zu bytes and had %zu", f->path, length,
			 known);
	return good && length == known;
}

bool sim_held_elsewhere_is_known(struct sim_model *m)
{
	size_t count;
	struct sim_file *files = sim_fs_files(m->fs, "/out", &count);
	bool good = true;
	for (size_t i = 0; i < count && good; i++)
		good = is_somebodys(m, files[i].path) || is_left_alone(m, &files[i]);
	free(files);
	return good || m->demand == SIM_NO_MORE;
}

#include "tests/sim/sim_input.h"
#include "tests/sim/sim_inode.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_ROOM = 4096, PIECE_MIN = 16, LATE_NS = 2000000000, GAP_NS = 1500000000 };
#define SILENT_NS                                                                                  \
	UINT64_C(                                                                                  \
	    6000000000) /* well below SHAPE_REMOVE_AFTER_MS, however clocks are set meanwhile */

void sim_input_init(struct sim_input *in, const struct shape *shape, struct sim_fs *fs,
		    struct sim_story *story, struct sim_random random, bool once)
{
	*in = (struct sim_input){
	    .shape = shape, .fs = fs, .story = story, .random = random, .once = once};
	in->long_lines = sim_chance(&in->random, 500) ? 0 : 40;
}

void sim_input_release(struct sim_input *in)
{
	for (size_t i = 0; i < in->count; i++) {
		free(in->streams[i].text);
		free(in->streams[i].unfinished);
	}
	free(in->streams);
}

/* ---- lines ---- */

/* A body that makes every piece of a split line long enough to be unlike any other. */
static size_t body_length(struct sim_input *in, const struct shape_stage *source, size_t head)
{
	size_t length = sim_between(&in->random, PIECE_MIN, 36);
	if (sim_chance(&in->random, in->long_lines))
		length += sim_below(&in->random, 3 * source->max_line);
	size_t tail = (head + length) % source->max_line;
	if (head + length > source->max_line && tail > 0 && tail < PIECE_MIN)
		length += PIECE_MIN - tail;
	return length;
}

static char *make_line(struct sim_input *in, const struct sim_stream *s)
{
	static const char *const colours[] = {"red", "blue", "green", "grey"};
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	char line[LINE_ROOM];
	size_t n = (size_t)snprintf(line, sizeof line, "%zu:%u %s ", (size_t)(s - in->streams),
				    s->lines, colours[sim_below(&in->random, 4)]);
	size_t end = n + body_length(in, &in->shape->stages[s->source], n);
	assert(end + 2 < sizeof line);
	while (n < end)
		line[n++] = letters[sim_below(&in->random, sizeof letters - 1)];
	line[n++] = '\n';
	line[n] = '\0';
	return sim_strdup(line);
}

/* ---- writing ---- */

static void put(struct sim_input *in, struct sim_stream *s, const char *bytes, size_t length)
{
	ssize_t n = sim_fs_write(in->fs, s->fd, bytes, length, s->offset);
	assert(n == (ssize_t)length);
	(void)n;
	if (s->length + length > s->room) {
		s->room = (s->length + length) * 2;
		s->text = realloc(s->text, s->room);
		if (!s->text)
			abort();
	}
	memcpy(s->text + s->length, bytes, length);
	s->written_ns = in->now_ns;
	s->length += length;
	s->offset += length;
	if (bytes[length - 1] == '\n')
		s->whole = s->length;
}

static bool would_reach(const struct sim_stream *s, size_t length)
{
	return s->below > 0 && s->offset + length >= s->below;
}

/* Writes a line, or what was left of the last one; maybe leaves the end of it for later. */
static void write_line(struct sim_input *in, struct sim_stream *s, unsigned torn)
{
	char *line = s->unfinished ? s->unfinished : make_line(in, s);
	size_t length = strlen(line), part = length;
	if (sim_chance(&in->random, torn) && length > 1)
		part = sim_between(&in->random, 1, length - 1);
	if (would_reach(s, part)) { /* not now */
		if (!s->unfinished)
			s->lines++;
		s->unfinished = line;
		return;
	}
	if (!s->unfinished)
		s->lines++;
	put(in, s, line, part);
	s->unfinished = part < length ? sim_strdup(line + part) : NULL;
	free(line);
}

static void write_lines(struct sim_input *in, struct sim_stream *s, size_t most)
{
	size_t n = sim_between(&in->random, 1, most);
	for (size_t i = 0; i < n; i++)
		write_line(in, s, 0);
	if (sim_chance(&in->random, 200))
		write_line(in, s, 1000);
}

/* ---- files ---- */

static struct sim_stream *add_stream(struct sim_input *in, size_t source, const char *path)
{
	in->streams = reallocarray(in->streams, in->count + 1, sizeof *in->streams);
	if (!in->streams)
		abort();
	struct sim_stream *s = &in->streams[in->count++];
	*s = (struct sim_stream){.source = source, .fd = -1, .named = true};
	memcpy(s->path, path, strlen(path) + 1);
	return s;
}

static struct sim_stream *create(struct sim_input *in, size_t source, const char *path)
{
	char copy[64];
	snprintf(copy, sizeof copy, "%s", path);
	struct sim_stream *s = add_stream(in, source, copy);
	s->fd = sim_fs_open(in->fs, AT_FDCWD, copy, O_WRONLY | O_CREAT | O_EXCL, 0);
	assert(s->fd >= 0);
	sim_story_add(in->story, "writer     creates %s, stream %zu", copy, in->count - 1);
	return s;
}

static void leave(struct sim_input *in, struct sim_stream *s)
{
	if (s->fd >= 0)
		sim_fs_close(in->fs, s->fd);
	s->fd = -1;
}

void sim_input_begin(struct sim_input *in)
{
	for (size_t source = 0; source < in->shape->sources; source++) {
		const struct shape_stage *n = &in->shape->stages[source];
		char path[64];
		snprintf(path, sizeof path, "/in/%s", n->id);
		sim_fs_mkdir(in->fs, AT_FDCWD, path);
		for (unsigned i = 0; i < n->files; i++) {
			snprintf(path, sizeof path, "/in/%s/%u.log", n->id, i);
			struct sim_stream *s = create(in, source, path);
			if (sim_chance(&in->random, 900))
				write_lines(in, s, in->once ? 60 : 12);
		}
	}
}

/* ---- what has been read ---- */

static uint64_t written(const struct sim_input *in, size_t source)
{
	uint64_t bytes = 0;
	for (size_t i = 0; i < in->count; i++)
		if (in->streams[i].source == source)
			bytes += in->streams[i].whole;
	return bytes;
}

static uint64_t read_from(const struct pipeline *p, const struct shape *shape, size_t source)
{
	const struct topology *t = p->plan->topology;
	for (size_t i = 0; i < t->stage_count; i++)
		if (strcmp(t->stages[i].id.bytes, shape->stages[source].id) == 0)
			return counter_get(&p->counters[i].bytes_in);
	abort();
}

static uint64_t truncations_of(const struct pipeline *p, const struct shape *shape, size_t source)
{
	const struct topology *t = p->plan->topology;
	for (size_t i = 0; i < t->stage_count; i++)
		if (strcmp(t->stages[i].id.bytes, shape->stages[source].id) == 0)
			return counter_get(&p->counters[i].truncations);
	abort();
}

static bool is_read_up(const struct sim_input *in, const struct pipeline *p, size_t source)
{
	for (size_t i = 0; i < in->count; i++)
		if (in->streams[i].source == source && in->streams[i].whole < in->streams[i].length)
			return false;
	return read_from(p, in->shape, source) == written(in, source);
}

uint64_t sim_input_bytes_read(const struct sim_input *in, const struct pipeline *p)
{
	uint64_t bytes = 0;
	for (size_t i = 0; i < in->shape->sources; i++)
		bytes += read_from(p, in->shape, i);
	return bytes;
}

bool sim_input_is_read(const struct sim_input *in, const struct pipeline *p)
{
	for (size_t i = 0; i < in->shape->sources; i++)
		if (read_from(p, in->shape, i) != written(in, i))
			return false;
	return true;
}

/* ---- what happens to files ---- */

static void rotate(struct sim_input *in, struct sim_stream *s, uint64_t now_ns)
{
	char to[64];
	snprintf(to, sizeof to, "%.40s.%u", s->path, ++in->renames);
	sim_story_add(in->story, "writer     renames %s to %s", s->path, to);
	int r = sim_fs_rename(in->fs, AT_FDCWD, s->path, to, false);
	assert(r == 0);
	(void)r;
	s->named = in->shape->stages[s->source].all_names;
	s->wants_successor = true;
	s->leaves_ns = now_ns + sim_below(&in->random, LATE_NS);
	s->successor_ns =
	    now_ns + (sim_chance(&in->random, 500) ? sim_below(&in->random, GAP_NS) : 0);
}

static void delete_file(struct sim_input *in, struct sim_stream *s, uint64_t now_ns)
{
	sim_story_add(in->story, "writer     deletes %s", s->path);
	leave(in, s);
	sim_fs_unlink(in->fs, AT_FDCWD, s->path);
	s->named = false;
	s->wants_successor = true;
	s->successor_ns = now_ns + sim_below(&in->random, GAP_NS);
}

/* The same file from now on is another stream. */
static struct sim_stream *truncate_file(struct sim_input *in, struct sim_stream *s)
{
	size_t at = (size_t)(s - in->streams);
	sim_story_add(in->story, "writer     truncates %s, which is now stream %zu", s->path,
		      in->count);
	char path[64];
	memcpy(path, s->path, sizeof path);
	struct sim_stream *next = add_stream(in, s->source, path);
	s = &in->streams[at];
	next->fd = s->fd;
	next->known = true;
	s->fd = -1;
	s->named = false;
	sim_fs_truncate(in->fs, next->fd, 0);
	return next;
}

static void truncate_and_stay_small(struct sim_input *in, struct sim_stream *s,
				    const struct pipeline *p)
{
	size_t below = s->offset;
	uint64_t noticed = truncations_of(p, in->shape, s->source) + 1;
	struct sim_stream *next = truncate_file(in, s);
	next->below = below;
	next->noticed = noticed;
}

static void follow_up(struct sim_input *in, struct sim_stream *s, uint64_t now_ns)
{
	if (s->fd >= 0 && s->leaves_ns > 0 && now_ns >= s->leaves_ns && !s->unfinished)
		leave(in, s);
	if (s->wants_successor && now_ns >= s->successor_ns) {
		s->wants_successor = false;
		create(in, s->source, s->path);
	}
}

static bool is_between(const struct sim_stream *s)
{
	return s->fd >= 0 && s->leaves_ns == 0 && s->length > 0 && !s->unfinished && s->below == 0;
}

static bool truncation_pends(const struct sim_input *in, size_t source)
{
	for (size_t i = 0; i < in->count; i++)
		if (in->streams[i].source == source && in->streams[i].below > 0)
			return true;
	return false;
}

static void follow_up_all(struct sim_input *in, const struct pipeline *p, uint64_t now_ns)
{
	for (size_t i = 0; i < in->count; i++) {
		struct sim_stream *s = &in->streams[i];
		if (s->below > 0 && truncations_of(p, in->shape, s->source) >= s->noticed)
			s->below = 0;
		follow_up(in, s, now_ns);
	}
}

/* Nobody stops in the middle of a line for so long in a file that has been renamed. */
static void leave_all(struct sim_input *in)
{
	for (size_t i = 0; i < in->count; i++) {
		struct sim_stream *s = &in->streams[i];
		if (s->fd < 0 || s->leaves_ns == 0)
			continue;
		if (s->unfinished)
			write_line(in, s, 0);
		leave(in, s);
	}
}

static bool may_be_removed(const struct sim_input *in, const struct sim_stream *s)
{
	return in->shape->stages[s->source].remove_after_ms > 0;
}

/* Those who were silent for long leave their files. Within a line nobody does, nor is a file removed. */
static void leave_silent(struct sim_input *in, bool begins_anew)
{
	for (size_t i = 0; i < in->count; i++) {
		struct sim_stream *s = &in->streams[i];
		if (s->fd < 0 || !may_be_removed(in, s))
			continue;
		if (s->written_ns == 0)
			s->written_ns = in->now_ns;
		if (in->now_ns - s->written_ns < SILENT_NS || s->unfinished)
			continue;
		size_t source = s->source;
		char path[64];
		snprintf(path, sizeof path, "/in/%s/new-%u.log", in->shape->stages[source].id,
			 ++in->renames);
		leave(in, s);
		s->wants_successor = false;
		if (begins_anew && !in->shape->stages[source].literal)
			create(in, source, path)->written_ns = in->now_ns;
	}
}

static bool may_be_renamed(const struct sim_input *in, const struct sim_stream *s)
{
	return s->known || in->shape->stages[s->source].all_names;
}

void sim_input_act(struct sim_input *in, const struct pipeline *p, uint64_t now_ns)
{
	in->now_ns = now_ns;
	leave_silent(in, true);
	follow_up_all(in, p, now_ns);
	struct sim_stream *s = &in->streams[sim_below(&in->random, in->count)];
	if (s->fd < 0)
		return;
	uint64_t what = sim_below(&in->random, 10);
	if (in->careful && what > 7) {
		in->wants_quiet = true;
		leave_all(in);
		return;
	}
	bool safe = what > 6 && is_between(s) && !truncation_pends(in, s->source) &&
		    (in->careful ? may_be_renamed(in, s) : is_read_up(in, p, s->source));
	if (safe && what == 7)
		rotate(in, s, now_ns);
	else if (safe && what == 8)
		truncate_and_stay_small(in, s, p);
	else if (safe && what == 9)
		delete_file(in, s, now_ns);
	else
		write_lines(in, s, 10);
}

void sim_input_destroy(struct sim_input *in, uint64_t now_ns)
{
	struct sim_stream *s = &in->streams[sim_below(&in->random, in->count)];
	in->wants_quiet = false;
	for (size_t i = 0; i < in->count; i++)
		in->streams[i].known = true;
	if (!is_between(s) || s->whole < s->length || may_be_removed(in, s))
		return;
	if (sim_chance(&in->random, 300))
		delete_file(in, s, now_ns);
	else
		truncate_file(in, s);
}

bool sim_input_finish(struct sim_input *in, const struct pipeline *p, uint64_t now_ns)
{
	bool all = true;
	in->now_ns = now_ns;
	leave_silent(in, false);
	follow_up_all(in, p, now_ns);
	for (size_t i = 0; i < in->count; i++) {
		struct sim_stream *s = &in->streams[i];
		s->wants_successor = false;
		while (s->unfinished && s->fd >= 0 && !would_reach(s, strlen(s->unfinished)))
			write_line(in, s, 0);
		all &= !s->unfinished || s->fd < 0;
	}
	return all;
}

void sim_input_restarted(struct sim_input *in)
{
	for (size_t i = 0; i < in->count; i++)
		in->streams[i].below = 0;
}

void sim_input_reopen(struct sim_input *in)
{
	for (size_t i = 0; i < in->count; i++) {
		struct sim_stream *s = &in->streams[i];
		bool goes_on = s->fd >= 0 && s->leaves_ns == 0;
		s->fd = goes_on ? sim_fs_open(in->fs, AT_FDCWD, s->path, O_WRONLY, 0) : -1;
		if (s->fd < 0)
			s->fd = -1; /* it has been removed */
	}
}

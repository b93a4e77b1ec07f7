#include "tests/sim/sim_model.h"
#include "stages/hash_index.h"
#include "tests/sim/sim_inode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

struct expected {
	const uint8_t *bytes;
	size_t length;
	size_t stream, number; /* its place in the stream */
	bool alike;    /* there is another of the same bytes: it cannot be told whose it is */
	bool optional; /* of a line without an end: it may have come or not */
	unsigned wanted, got; /* in the sink being checked */
};

struct records {
	struct expected *all;
	size_t count, room;
	size_t *table; /* index + 1, by hash */
	size_t mask;
	size_t *reached; /* by stream: how many were seen in some sink */
};

/* ---- records ---- */

static void add(struct records *r, size_t stream, size_t number, const char *bytes, size_t length,
		bool optional)
{
	if (r->count == r->room) {
		r->room = r->room ? r->room * 2 : 512;
		r->all = reallocarray(r->all, r->room, sizeof *r->all);
		if (!r->all)
			abort();
	}
	r->all[r->count++] = (struct expected){.bytes = (const uint8_t *)bytes,
					       .length = length,
					       .stream = stream,
					       .number = number,
					       .optional = optional};
}

/* One line, cut as its source cuts long ones. Returns how many records it makes. */
static size_t add_line(struct records *r, const struct shape_stage *source, size_t stream,
		       size_t number, const char *line, size_t length, bool optional)
{
	size_t most = source->max_line, n = 0;
	if (length > most && source->on_long_line == LONG_LINE_DROP)
		return 0;
	if (length > most && source->on_long_line == LONG_LINE_TRUNCATE)
		length = most;
	for (; length > 0; n++) {
		size_t piece = length < most ? length : most;
		add(r, stream, number + n, line, piece, optional);
		line += piece;
		length -= piece;
	}
	return n;
}

static void add_stream(struct records *r, const struct sim_model *m, size_t stream)
{
	const struct sim_stream *s = &m->input->streams[stream];
	const struct shape_stage *source = &m->shape->stages[s->source];
	size_t number = 0;
	for (size_t at = 0; at < s->length;) {
		const char *line = s->text + at;
		const char *end = memchr(line, '\n', s->length - at);
		size_t length = end ? (size_t)(end - line) : s->length - at;
		number += add_line(r, source, stream, number, line, length, !end && !m->once);
		at += length + 1;
	}
}

static struct expected *find(struct records *r, const uint8_t *bytes, size_t length)
{
	for (size_t h = hash_bytes(bytes, length) & r->mask; r->table[h]; h = (h + 1) & r->mask) {
		struct expected *e = &r->all[r->table[h] - 1];
		if (e->length == length && memcmp(e->bytes, bytes, length) == 0)
			return e;
	}
	return NULL;
}

static void index_all(struct records *r)
{
	size_t room = 64;
	while (room < r->count * 2)
		room *= 2;
	r->table = sim_alloc(room * sizeof *r->table);
	r->mask = room - 1;
	for (size_t i = 0; i < r->count; i++) {
		struct expected *e = &r->all[i], *other = find(r, e->bytes, e->length);
		if (other) {
			other->alike = e->alike = true;
			continue;
		}
		size_t h = hash_bytes(e->bytes, e->length) & r->mask;
		while (r->table[h])
			h = (h + 1) & r->mask;
		r->table[h] = i + 1;
	}
}

/* ---- what a sink holds ---- */

static void append(struct sim_bytes *to, const void *bytes, size_t length)
{
	sim_bytes_put(to, to->length, bytes, length);
}

static bool decode(struct sim_model *m, const struct sim_file *f, struct sim_bytes *to)
{
	ZSTD_DStream *d = ZSTD_createDStream();
	ZSTD_inBuffer in = {.src = f->bytes, .size = f->length};
	size_t left = 0;
	while (in.pos < in.size) {
		uint8_t piece[4096];
		ZSTD_outBuffer out = {.dst = piece, .size = sizeof piece};
		left = ZSTD_decompressStream(d, &out, &in);
		if (ZSTD_isError(left))
			break;
		append(to, piece, out.pos);
		while (left > 0 && in.pos == in.size && out.pos == out.size) {
			out.pos = 0;
			left = ZSTD_decompressStream(d, &out, &in);
			append(to, piece, ZSTD_isError(left) ? 0 : out.pos);
		}
	}
	ZSTD_freeDStream(d);
	if (left != 0)
		snprintf(m->why, sizeof m->why, "%s is no whole zstd file: %s", f->path,
			 ZSTD_isError(left) ? ZSTD_getErrorName(left) : "it ends within a frame");
	return left == 0;
}

static bool read_file(struct sim_model *m, const struct sim_file *f, struct sim_bytes *to)
{
	if (strstr(f->path, ".zst"))
		return decode(m, f, to);
	append(to, f->bytes, f->length);
	return true;
}

static size_t claim_count(const struct sim_model *m)
{
	return m->past ? m->past->claim_count : 0;
}

/* How much of that file is known to be somebody's. */
static size_t claimed(const struct sim_model *m, uint64_t birth)
{
	size_t length = 0;
	for (size_t i = 0; i < claim_count(m); i++)
		if (m->past->claims[i].birth == birth)
			length = m->past->claims[i].to;
	return length;
}

/* In files of which a part is another sink's one may find any length. */
static bool is_too_large(struct sim_model *m, const struct shape_stage *sink,
			 const struct sim_file *f)
{
	const uint8_t *end = f->length ? memchr(f->bytes, '\n', f->length) : NULL;
	if (sink->zstd || sink->rotate_size == 0 || claim_count(m) > 0 ||
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
			append(to, held.at + others, held.length - others);
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

bool sim_model_claim(struct sim_model *m, size_t sink, const char *place)
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
		append(to, held.at + c->from, c->to - c->from);
	free(held.at);
	free(files);
	return good || m->demand == SIM_NO_MORE;
}

static bool gather_past(struct sim_model *m, size_t sink, struct sim_bytes *to)
{
	bool good = true;
	for (size_t i = 0; i < claim_count(m) && good; i++)
		if (m->past->claims[i].sink == sink)
			good = gather_claim(m, &m->past->claims[i], to);
	return good;
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

/* Nothing but what is known comes to where no sink writes. */
static bool others_are_left_alone(struct sim_model *m)
{
	size_t count;
	struct sim_file *files = sim_fs_files(m->fs, "/out", &count);
	bool good = true;
	for (size_t i = 0; i < count && good; i++)
		good = is_somebodys(m, files[i].path) || is_left_alone(m, &files[i]);
	free(files);
	return good || m->demand == SIM_NO_MORE;
}

/* ---- checking ---- */

struct sink_check {
	struct sim_model *m;
	struct records *r;
	const struct shape_stage *sink;
	const struct sim_absence *absence;
	const struct sim_server *server; /* NULL: it writes files */
	struct shape_path paths[SHAPE_SOURCES_MAX][SHAPE_PATHS_MAX];
	size_t path_count[SHAPE_SOURCES_MAX];
	bool ordered[SHAPE_SOURCES_MAX], drops[SHAPE_SOURCES_MAX];
	size_t (*rows)[SHAPE_PATHS_MAX]; /* by stream: the last number + 1 in each row */

	/* Of what clients sent. */
	struct shape_path far_paths[SHAPE_PATHS_MAX];
	size_t far_count;
	bool far_ordered, far_drops;
};

static bool passes_all(const struct sink_check *c, const struct shape_path *path,
		       const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < path->count; i++)
		if (!shape_passes(&c->m->shape->stages[path->filters[i]], bytes, length))
			return false;
	return true;
}

static void count_wanted(struct sink_check *c)
{
	for (size_t i = 0; i < c->r->count; i++) {
		struct expected *e = &c->r->all[i];
		size_t source = c->m->input->streams[e->stream].source;
		e->wanted = e->got = 0;
		for (size_t p = 0; p < c->path_count[source]; p++) {
			e->wanted += passes_all(c, &c->paths[source][p], e->bytes, e->length);
		}
	}
}

/* Deals the number to the row whose last one is the largest that is smaller; none left: out of order. */
static bool deal(size_t *rows, size_t count, size_t number)
{
	size_t best = count;
	for (size_t i = 0; i < count; i++)
		if (rows[i] <= number && (best == count || rows[i] > rows[best]))
			best = i;
	if (best == count)
		return false;
	rows[best] = number + 1;
	return true;
}

static bool complain(struct sink_check *c, const char *what, const uint8_t *bytes, size_t length)
{
	snprintf(c->m->why, sizeof c->m->why, "sink %s: %s: \"%.*s\" (%zu bytes)", c->sink->id,
		 what, (int)(length < 300 ? length : 300), (const char *)bytes, length);
	return false;
}

/* ---- what clients sent ---- */

static void begin_far(struct sink_check *c, size_t sink, bool ordered)
{
	struct sim_peers *p = c->m->peers;
	c->far_count = 0;
	c->far_ordered = ordered;
	c->far_drops = false;
	if (!p || p->client_count == 0)
		return;
	c->far_count = shape_paths(c->m->shape, p->source, sink, c->far_paths);
	for (size_t i = 0; i < c->far_count; i++) {
		c->far_ordered &= c->far_paths[i].ordered;
		c->far_drops |= c->far_paths[i].drops;
	}
	for (size_t i = 0; i < p->client_count; i++) {
		p->clients[i].reached = 0;
		for (size_t n = 0; n < p->clients[i].count; n++)
			p->clients[i].lines[n].got = 0;
	}
}

static unsigned far_wanted(const struct sink_check *c, const uint8_t *bytes, size_t length)
{
	unsigned wanted = 0;
	for (size_t i = 0; i < c->far_count; i++)
		wanted += passes_all(c, &c->far_paths[i], bytes, length);
	return wanted;
}

/* Who has answers begins each connection with what was not answered; else what came on one may be read after what came on the next. */
static bool is_in_order(struct sink_check *c, struct sim_client *from, const struct sim_line *l)
{
	size_t number = (size_t)(l - from->lines);
	bool matters =
	    from->reply && c->far_ordered && !c->far_drops && c->far_count == 1 && l->got == 1;
	bool good = !matters || number >= from->reached;
	if (number >= from->reached)
		from->reached = number + 1;
	return good;
}

/* NULL: it is in its place. */
static const char *far_difference(struct sink_check *c, const uint8_t *line, size_t length)
{
	struct sim_peers *p = c->m->peers;
	for (size_t i = 0; p && i < p->client_count; i++) {
		bool whole;
		struct sim_line *l = sim_client_find(&p->clients[i], line, length, &whole);
		if (!l)
			continue;
		unsigned wanted = far_wanted(c, line, length);
		if (wanted == 0)
			return "a filter lets this not pass";
		if (!whole)
			return NULL;
		bool again = c->server && c->server->may_double;
		if (++l->got > wanted * l->sent && !again)
			return "more often than a client sent it";
		return is_in_order(c, &p->clients[i], l) ? NULL : "out of a client's order";
	}
	return "nobody wrote this";
}

static bool check_line(struct sink_check *c, const uint8_t *line, size_t length)
{
	struct expected *e = find(c->r, line, length);
	bool strict = c->m->demand != SIM_NO_MORE;
	if (!e) {
		const char *wrong = far_difference(c, line, length);
		return !strict || !wrong || complain(c, wrong, line, length);
	}
	if (e->alike)
		return true;
	bool again = c->server && c->server->may_double && e->wanted > 0;
	if (++e->got > e->wanted && again)
		return true;
	if (e->got > e->wanted)
		return complain(c, e->wanted ? "too often" : "a filter lets this not pass", line,
				length);
	if (e->number + 1 > c->r->reached[e->stream])
		c->r->reached[e->stream] = e->number + 1;
	size_t source = c->m->input->streams[e->stream].source;
	bool rows_mix = again && c->path_count[source] > 1;
	if (!c->ordered[source] || rows_mix ||
	    deal(c->rows[e->stream], c->path_count[source], e->number))
		return true;
	return complain(c, "out of order", line, length);
}

static bool check_lines(struct sink_check *c, const struct sim_bytes *held)
{
	for (size_t at = 0; at < held->length;) {
		const uint8_t *line = held->at + at;
		const uint8_t *end = memchr(line, '\n', held->length - at);
		if (!end)
			return c->m->demand == SIM_NO_MORE ||
			       complain(c, "no end of line", line, held->length - at);
		if (!check_line(c, line, (size_t)(end - line)))
			return false;
		at += (size_t)(end - line) + 1;
	}
	return true;
}

/* It may have been left out on its way. */
static bool may_be_dropped(const struct sink_check *c, const struct expected *e)
{
	return c->drops[c->m->input->streams[e->stream].source];
}

/* It was written when the sink was not there, or before. */
static bool may_be_missed(const struct sink_check *c, const struct expected *e)
{
	const struct sim_absence *a = c->absence;
	if (!a || a->times == 0 || e->got > 0)
		return false;
	const char *text = c->m->input->streams[e->stream].text;
	size_t at = (size_t)((const char *)e->bytes - text);
	return c->sink->absent || (e->stream < a->streams && at < a->written[e->stream]);
}

/* What was answered is there. */
static bool none_is_forgotten(struct sink_check *c)
{
	const struct sim_peers *p = c->m->peers;
	bool away = c->absence && c->absence->times > 0;
	bool answers = p && (p->is_lasting || !p->was_disturbed);
	if (c->m->demand != SIM_WHOLE || !answers || away || c->far_drops)
		return true;
	for (size_t i = 0; i < p->client_count; i++)
		for (size_t n = 0; n < p->clients[i].answered; n++) {
			const struct sim_line *l = &p->clients[i].lines[n];
			const uint8_t *bytes = (const uint8_t *)l->text;
			if (l->got < far_wanted(c, bytes, l->length))
				return complain(c, "a client was answered, and it is missing",
						bytes, l->length);
		}
	return true;
}

/* Of each stream as many pieces as the sink was away, at most. */
static bool none_is_missing(struct sink_check *c)
{
	unsigned pieces = 0;
	bool within = false;
	for (size_t i = 0; i < c->r->count && c->m->demand == SIM_WHOLE; i++) {
		const struct expected *e = &c->r->all[i];
		if (i > 0 && e->stream != e[-1].stream)
			pieces = within = 0;
		if (e->alike || e->wanted == 0)
			continue;
		bool missing = e->got < e->wanted && !e->optional && !may_be_dropped(c, e);
		pieces += missing && !within;
		within = missing;
		if (missing && (!may_be_missed(c, e) || pieces > c->absence->times))
			return complain(c, e->got ? "not often enough" : "missing", e->bytes,
					e->length);
	}
	return true;
}

static void begin_check(struct sink_check *c, size_t sink)
{
	c->sink = &c->m->shape->stages[sink];
	c->server = sim_peers_server(c->m->peers, sink);
	c->absence = c->m->past ? &c->m->past->absences[sink] : NULL;
	for (size_t s = 0; s < c->m->shape->sources; s++) {
		c->path_count[s] = shape_paths(c->m->shape, s, sink, c->paths[s]);
		bool dated = c->sink->dated || claim_count(c->m) > 0;
		c->ordered[s] = !(dated && c->m->set_back) && !c->sink->hastens;
		c->drops[s] = false;
		for (size_t p = 0; p < c->path_count[s]; p++) {
			c->ordered[s] &= c->paths[s][p].ordered;
			c->drops[s] |= c->paths[s][p].drops;
		}
		if (c->server && c->drops[s]) /* what was left out may come when it is sent again */
			c->ordered[s] = false;
	}
	memset(c->rows, 0, c->m->input->count * sizeof *c->rows);
	count_wanted(c);
	bool dated = c->sink->dated || claim_count(c->m) > 0;
	begin_far(c, sink, !(dated && c->m->set_back) && !c->sink->hastens);
}

static bool check_sink(struct sink_check *c, size_t sink)
{
	struct sim_bytes held = {.length = 0};
	begin_check(c, sink);
	if (c->server) {
		append(&held, c->server->held.at, c->server->held.length);
		bool holds = check_lines(c, &held) && none_is_missing(c) && none_is_forgotten(c);
		free(held.at);
		return holds;
	}
	bool good = gather_past(c->m, sink, &held) &&
		    (c->sink->absent || gather(c->m, c->sink, &held)) && check_lines(c, &held) &&
		    none_is_missing(c) && none_is_forgotten(c);
	free(held.at);
	return good;
}

/* Every sink must hold all that lies before the last record that any sink holds of a stream. */
static bool check_beginning(struct sink_check *c, size_t sink)
{
	bool good = check_sink(c, sink);
	for (size_t i = 0; i < c->r->count && good; i++) {
		const struct expected *e = &c->r->all[i];
		if (e->number < c->r->reached[e->stream] && e->got < e->wanted && !e->alike &&
		    !may_be_dropped(c, e))
			good = complain(c, "missing, and what comes after it is there", e->bytes,
					e->length);
	}
	return good;
}

bool sim_model_holds(struct sim_model *m)
{
	struct records r = {.count = 0};
	for (size_t i = 0; i < m->input->count; i++)
		add_stream(&r, m, i);
	index_all(&r);
	r.reached = sim_alloc(m->input->count * sizeof *r.reached);
	struct sink_check *c = sim_alloc(sizeof *c);
	c->m = m;
	c->r = &r;
	c->rows = sim_alloc(m->input->count * sizeof *c->rows);
	bool good = !m->past || others_are_left_alone(m);
	for (size_t i = 0; i < m->shape->count && good; i++)
		if (m->shape->stages[i].kind == STAGE_SINK)
			good = check_sink(c, i);
	for (size_t i = 0; i < m->shape->count && good && m->demand == SIM_PREFIX; i++)
		if (m->shape->stages[i].kind == STAGE_SINK)
			good = check_beginning(c, i);
	free(c->rows);
	free(c);
	free(r.reached);
	free(r.table);
	free(r.all);
	return good;
}

#include "tests/sim/sim_model.h"
#include "stages/hash_index.h"
#include "tests/sim/sim_held.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* By the names of files, which tell of no order where a date came twice. */
static bool may_be_ordered(const struct sink_check *c)
{
	bool dated = c->sink->dated || sim_held_claims(c->m) > 0;
	return !(dated && c->m->set_back) && !c->sink->hastens;
}

static void begin_check(struct sink_check *c, size_t sink)
{
	c->sink = &c->m->shape->stages[sink];
	c->server = sim_peers_server(c->m->peers, sink);
	c->absence = c->m->past ? &c->m->past->absences[sink] : NULL;
	for (size_t s = 0; s < c->m->shape->sources; s++) {
		c->path_count[s] = shape_paths(c->m->shape, s, sink, c->paths[s]);
		c->ordered[s] = may_be_ordered(c);
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
	begin_far(c, sink, may_be_ordered(c));
}

static bool check_sink(struct sink_check *c, size_t sink)
{
	struct sim_bytes held = {.length = 0};
	begin_check(c, sink);
	bool good = (c->server || sim_held_gather(c->m, sink, &held)) &&
		    check_lines(c, c->server ? &c->server->held : &held) && none_is_missing(c) &&
		    none_is_forgotten(c);
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
	bool good = !m->past || sim_held_elsewhere_is_known(m);
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

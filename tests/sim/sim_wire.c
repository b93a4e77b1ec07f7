#include "tests/sim/sim_wire.h"
#include "stages/journal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIRES_MAX = 4, WAITING_MAX = 4096, NUMBER = sizeof(uint64_t) };
#define PACE_NS UINT64_C(5000)

static struct sim_wire wires[WIRES_MAX];

struct sim_wire *sim_wire(const char *id)
{
	struct sim_wire *w = wires;
	while (w->id[0] && strcmp(w->id, id) != 0)
		if (++w - wires == WIRES_MAX)
			abort();
	snprintf(w->id, sizeof w->id, "%s", id);
	return w;
}

void sim_wires_forget(void)
{
	for (size_t i = 0; i < WIRES_MAX; i++)
		free(wires[i].is_answered);
	memset(wires, 0, sizeof wires);
}

size_t sim_wire_text(const char *id, uint64_t number, char text[SIM_WIRE_RECORD_MAX])
{
	int length = snprintf(text, SIM_WIRE_RECORD_MAX, "%s %ju ", id, (uintmax_t)number);
	size_t more = (size_t)(number * 7919 % 97);
	memset(text + length, (int)('a' + number % 26), more);
	return (size_t)length + more;
}

/* ---- the source ---- */

struct wire_options {
	struct journal_options journal;
	uint64_t count, per_batch, pace_ns;
	bool is_text;
};

static const struct option wire_table[] = {
    JOURNAL_OPTION_ROWS(offsetof(struct wire_options, journal)),
    {"count", OPTION_COUNT, offsetof(struct wire_options, count), .required = true,
     .doc = "How many records are sent"},
    {"per_batch", OPTION_COUNT, offsetof(struct wire_options, per_batch), .preset = "10",
     .doc = "In one batch, at most"},
    {"pace", OPTION_DURATION, offsetof(struct wire_options, pace_ns),
     .doc = "Between two batches, at most; 0: little"},
    {"text", OPTION_BOOL, offsetof(struct wire_options, is_text), .preset = "false",
     .doc = "Lines, not 8 bytes each"},
    {0},
};

static const char *const wire_figures[] = {JOURNAL_FIGURE_NAMES, NULL};

/* What was sent with one batch, and is to be answered. */
struct waiting {
	uint64_t number, first, count;
};

struct wire {
	struct journal journal;
	struct waiting waiting[WAITING_MAX];
	size_t from, to;
	uint64_t next_ns; /* when something comes */
};

static void make_peer(const char *id, uint64_t count)
{
	struct sim_wire *peer = sim_wire(id);
	if (peer->is_answered)
		return;
	peer->is_answered = calloc(count, sizeof *peer->is_answered);
	if (!peer->is_answered)
		abort();
}

static int wire_open(struct stage *s)
{
	const struct wire_options *o = s->options;
	struct wire *w = calloc(1, sizeof *w);
	s->state = w;
	if (!w)
		return -ENOMEM;
	make_peer(s->id, o->count);
	return journal_open(&w->journal, s, &o->journal, 0);
}

static void wire_close(struct stage *s)
{
	struct wire *w = s->state;
	if (!w)
		return;
	journal_close(&w->journal);
	free(w);
	s->state = NULL;
}

static size_t write_record(const struct stage *s, uint64_t number, uint8_t *out)
{
	const struct wire_options *o = s->options;
	if (o->is_text)
		return sim_wire_text(s->id, number, (char *)out);
	memcpy(out, &number, NUMBER);
	return NUMBER;
}

static void fill_batch(const struct stage *s, struct batch *b, uint64_t first, uint64_t count)
{
	size_t at = 0;
	for (uint64_t i = 0; i < count; i++) {
		size_t length = write_record(s, first + i, b->buffer->bytes + at);
		b->records[i] = (struct record){.offset = (uint32_t)at, .length = (uint32_t)length};
		b->bytes_total += length;
		b->buffer->bytes[at + length] = '\n';
		at += length + 1;
	}
	b->count = (uint32_t)count;
	b->source = s->id;
	b->delimiter = (struct delimiter){.bytes = "\n", .length = 1};
	b->wall_ns = env_wall_ns(s->env);
	b->read_ns = env_now_ns(s->env);
}

static struct batch *make_batch(struct stage *s, uint64_t first, uint64_t count)
{
	struct buffer *buffer = home_take_buffer(s->home);
	struct batch *b = buffer ? batch_new(s->home, buffer) : NULL;
	if (buffer)
		buffer_let_go(buffer);
	if (b)
		fill_batch(s, b, first, count);
	return b;
}

/* Something comes from the peer, or nothing at the moment. */
static void receive(struct stage *s)
{
	const struct wire_options *o = s->options;
	struct wire *w = s->state;
	struct sim_wire *peer = sim_wire(s->id);
	uint64_t left = o->count - peer->next;
	if (left == 0 || s->stopping || !journal_has_room(&w->journal) ||
	    w->to - w->from == WAITING_MAX || env_now_ns(s->env) < w->next_ns)
		return;
	uint64_t count = 1 + env_random(s->env) % o->per_batch;
	if (count > left)
		count = left;
	struct batch *b = make_batch(s, peer->next, count);
	if (!b)
		return;
	counter_add(&s->counters->records_in, count);
	counter_add(&s->counters->bytes_in, b->bytes_total);
	w->waiting[w->to % WAITING_MAX] = (struct waiting){.first = peer->next, .count = count};
	w->waiting[w->to++ % WAITING_MAX].number = journal_put(&w->journal, &b);
	peer->next += count;
	uint64_t pace_ns = o->pace_ns ? o->pace_ns : PACE_NS;
	w->next_ns =
	    env_now_ns(s->env) + (env_random(s->env) % 3 ? env_random(s->env) % pace_ns : 0);
}

static void answer(struct stage *s)
{
	struct wire *w = s->state;
	struct sim_wire *peer = sim_wire(s->id);
	for (; w->from < w->to; w->from++) {
		const struct waiting *first = &w->waiting[w->from % WAITING_MAX];
		if (first->number > journal_answerable(&w->journal))
			return;
		memset(peer->is_answered + first->first, true, first->count);
	}
}

static int wire_step(struct stage *s, struct outlet *out)
{
	const struct wire_options *o = s->options;
	struct wire *w = s->state;
	receive(s);
	int r = journal_step(&w->journal, out);
	if (r < 0)
		return r;
	answer(s);
	bool is_sent = sim_wire(s->id)->next == o->count;
	if (r == STEP_WAIT && (s->stopping || (s->once && is_sent)) && journal_is_idle(&w->journal))
		return STEP_DONE;
	if (r == STEP_WAIT && !is_sent && env_now_ns(s->env) < w->next_ns)
		env_wake_at(s->env, w->next_ns);
	return r;
}

static int wire_attend(struct stage *s)
{
	struct wire *w = s->state;
	receive(s);
	int r = journal_attend(&w->journal);
	if (r >= 0)
		answer(s);
	if (r == STEP_WAIT && env_now_ns(s->env) < w->next_ns)
		env_wake_at(s->env, w->next_ns);
	return r;
}

static int wire_snapshot(struct stage *s, struct delta *d)
{
	struct wire *w = s->state;
	return journal_snapshot(&w->journal, d);
}

static void wire_committed(struct stage *s, uint64_t epoch)
{
	struct wire *w = s->state;
	(void)epoch;
	journal_note_committed(&w->journal);
	answer(s);
}

static size_t wire_capacity(const void *options)
{
	const struct wire_options *o = options;
	return (size_t)o->per_batch * (o->is_text ? SIM_WIRE_RECORD_MAX : NUMBER + 1);
}

static void wire_check(const void *options, struct place at, struct problems *problems)
{
	const struct wire_options *o = options;
	journal_check(&o->journal, wire_capacity(o), at, problems);
}

const struct stage_type sim_wire_type = {
    .schema = {.kind = STAGE_SOURCE,
	       .name = "wire",
	       .summary = "records that somebody sends once",
	       .options = wire_table,
	       .options_size = sizeof(struct wire_options),
	       .check = wire_check,
	       .workers_max = 1},
    .open = wire_open,
    .close = wire_close,
    .source_step = wire_step,
    .source_attend = wire_attend,
    .snapshot = wire_snapshot,
    .committed = wire_committed,
    .buffer_capacity = wire_capacity,
    .figures = wire_figures,
    .drains = true,
};

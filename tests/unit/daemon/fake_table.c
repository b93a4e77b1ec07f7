#include "tests/unit/daemon/fake_table.h"
#include "stages/delta.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TABLES_MAX = 4, UNDER_WAY_NS = 40000 };

static struct fake_table tables[TABLES_MAX];

struct fake_table *fake_table(const char *id)
{
	struct fake_table *t = tables;
	while (t->id[0] && strcmp(t->id, id) != 0)
		cr_assert_lt(++t - tables, TABLES_MAX);
	snprintf(t->id, sizeof t->id, "%s", id);
	return t;
}

void fake_tables_forget(void)
{
	for (size_t i = 0; i < TABLES_MAX; i++) {
		free(tables[i].rows.numbers);
		for (size_t k = 0; k < tables[i].prepared_count; k++)
			free(tables[i].prepared[k].rows.numbers);
	}
	memset(tables, 0, sizeof tables);
}

static void append(struct fake_rows *r, const uint64_t *numbers, size_t count)
{
	if (count == 0)
		return;
	if (r->count + count > r->room) {
		r->room = (r->count + count) * 2;
		r->numbers = reallocarray(r->numbers, r->room, sizeof *r->numbers);
		cr_assert_not_null(r->numbers);
	}
	memcpy(r->numbers + r->count, numbers, count * sizeof *numbers);
	r->count += count;
}

/* The server */

enum request { REQUEST_NONE, REQUEST_ASK, REQUEST_PREPARE, REQUEST_COMMIT, REQUEST_ROLLBACK };

static struct fake_prepared *prepared(struct fake_table *t, uint64_t number)
{
	for (size_t i = 0; i < t->prepared_count; i++)
		if (t->prepared[i].number == number)
			return &t->prepared[i];
	cr_assert_fail("%s has nothing prepared with number %ju", t->id, (uintmax_t)number);
	return NULL;
}

static void prepare(struct fake_table *t, uint64_t number, const struct fake_rows *rows)
{
	cr_assert_lt(t->prepared_count, FAKE_PREPARED_MAX);
	struct fake_prepared *p = &t->prepared[t->prepared_count++];
	*p = (struct fake_prepared){.number = number};
	append(&p->rows, rows->numbers, rows->count);
}

static void forget(struct fake_table *t, struct fake_prepared *p)
{
	free(p->rows.numbers);
	*p = t->prepared[--t->prepared_count];
}

static void commit(struct fake_table *t, uint64_t number)
{
	struct fake_prepared *p = prepared(t, number);
	cr_assert_gt(number, t->held, "%s: committed out of order", t->id);
	append(&t->rows, p->rows.numbers, p->rows.count);
	t->held = number;
	forget(t, p);
}

/* The client */

struct client {
	struct fake_table *table;
	struct fake_rows pending; /* taken since the last cut */
	struct fake_rows cut;     /* up to it, to be prepared */
	uint64_t saved;           /* what the epoch log says: up to there all is to be committed */
	uint64_t number;          /* of its newest transaction */
	uint64_t told;            /* up to there it was told that all is committed */
	bool asked, recovered;

	enum request request; /* under way */
	uint64_t subject;
	uint64_t arrives_ns, answered_ns;
	bool arrived;
};

static int table_open(struct stage *s)
{
	struct client *c = calloc(1, sizeof *c);
	s->state = c;
	if (!c)
		return -ENOMEM;
	c->table = fake_table(s->id);
	struct packed rest = s->saved ? delta_changes(s->saved) : packed_from("", 0);
	struct change change;
	while (delta_next(&rest, &change))
		memcpy(&c->saved, change.value, sizeof c->saved);
	return 0;
}

static void table_close(struct stage *s)
{
	struct client *c = s->state;
	if (!c)
		return;
	free(c->pending.numbers);
	free(c->cut.numbers);
	free(c);
	s->state = NULL;
}

static void begin_request(struct stage *s, enum request request, uint64_t subject)
{
	struct client *c = s->state;
	cr_assert_eq(c->request, REQUEST_NONE);
	c->request = request;
	c->subject = subject;
	c->arrived = false;
	c->arrives_ns = env_now_ns(s->env) + env_random(s->env) % UNDER_WAY_NS;
	c->answered_ns = c->arrives_ns + env_random(s->env) % UNDER_WAY_NS;
}

static void carry_out(struct client *c)
{
	struct fake_table *t = c->table;
	c->arrived = true;
	if (c->request == REQUEST_ASK)
		t->asked++;
	if (c->request == REQUEST_PREPARE)
		prepare(t, c->subject, &c->cut);
	if (c->request == REQUEST_COMMIT)
		commit(t, c->subject);
	if (c->request == REQUEST_ROLLBACK)
		forget(t, prepared(t, c->subject));
}

/* True when none is under way. */
static bool is_answered(struct stage *s)
{
	struct client *c = s->state;
	uint64_t now_ns = env_now_ns(s->env);
	if (c->request == REQUEST_NONE)
		return true;
	if (!c->arrived && now_ns >= c->arrives_ns)
		carry_out(c);
	if (!c->arrived || now_ns < c->answered_ns) {
		env_wake_at(s->env, c->arrived ? c->answered_ns : c->arrives_ns);
		return false;
	}
	if (c->request == REQUEST_PREPARE)
		c->cut.count = 0;
	c->request = REQUEST_NONE;
	return true;
}

static const struct fake_prepared *first_prepared(const struct fake_table *t)
{
	const struct fake_prepared *first = t->prepared_count ? t->prepared : NULL;
	for (size_t i = 1; i < t->prepared_count; i++)
		if (t->prepared[i].number < first->number)
			first = &t->prepared[i];
	return first;
}

/* True when all that it was told of is committed, and nothing is under way. */
static bool is_settled(struct stage *s)
{
	struct client *c = s->state;
	if (!is_answered(s))
		return false;
	const struct fake_prepared *next = first_prepared(c->table);
	if (!next || next->number > c->told)
		return true;
	begin_request(s, REQUEST_COMMIT, next->number);
	return is_answered(s);
}

/* What is prepared goes one way or the other, the lowest number first. */
static bool decide_next(struct stage *s)
{
	struct client *c = s->state;
	struct fake_table *t = c->table;
	const struct fake_prepared *next = first_prepared(t);
	if (!next)
		return false;
	bool wanted = next->number <= c->saved;
	t->committed_late += wanted;
	t->rolled_back += !wanted;
	begin_request(s, wanted ? REQUEST_COMMIT : REQUEST_ROLLBACK, next->number);
	return true;
}

/* STEP_DONE when the table holds what the epoch log says, and nothing else. */
static int recover(struct stage *s)
{
	struct client *c = s->state;
	if (c->recovered)
		return is_settled(s) ? STEP_DONE : STEP_WAIT;
	if (!is_answered(s))
		return STEP_WAIT;
	if (!c->asked) {
		c->asked = true;
		begin_request(s, REQUEST_ASK, 0);
		return STEP_MORE;
	}
	if (decide_next(s))
		return STEP_MORE;
	if (c->saved > 0 && c->table->held != c->saved) {
		c->table->refused = true;
		env_say(s->env, SAY_ERROR, "table does not hold what was committed",
			"table=%s committed=%ju held=%ju", s->id, (uintmax_t)c->saved,
			(uintmax_t)c->table->held);
		return -EIO;
	}
	c->number = c->told = c->table->held;
	c->recovered = true;
	return STEP_DONE;
}

static int table_step(struct stage *s, struct inlet *in)
{
	struct client *c = s->state;
	int r = recover(s);
	if (r != STEP_DONE && !c->recovered)
		return r;
	struct batch *b = inlet_take(in);
	if (!b)
		return STEP_WAIT;
	for (uint32_t i = 0; i < b->count; i++) {
		uint64_t number;
		memcpy(&number, b->bytes + b->records[i].offset, sizeof number);
		append(&c->pending, &number, 1);
	}
	batch_free(&b);
	inlet_done(in, 1);
	return STEP_MORE;
}

static int cut_here(struct stage *s)
{
	struct client *c = s->state;
	int r = recover(s);
	if (r != STEP_DONE)
		return r;
	append(&c->cut, c->pending.numbers, c->pending.count);
	c->pending.count = 0;
	return STEP_DONE;
}

static int table_cut(struct stage *s, struct inlet *in, uint64_t epoch)
{
	(void)in;
	(void)epoch;
	return cut_here(s);
}

static int table_finish(struct stage *s, struct inlet *in)
{
	(void)in;
	return cut_here(s);
}

/* When it finishes while what was cut before is prepared, and not yet told of, there are two transactions in one epoch. */
static int table_sync(struct stage *s, struct delta *d)
{
	struct client *c = s->state;
	if (!is_settled(s))
		return STEP_WAIT;
	if (c->cut.count > 0) {
		begin_request(s, REQUEST_PREPARE, ++c->number);
		return STEP_MORE;
	}
	if (c->number == c->told)
		return STEP_DONE;
	return delta_put(d, "number", 6, &c->number, sizeof c->number) < 0 ? -ENOMEM : STEP_DONE;
}

static void table_committed(struct stage *s, uint64_t epoch)
{
	struct client *c = s->state;
	(void)epoch;
	c->told = c->number;
}

static int table_settle(struct stage *s)
{
	const struct client *c = s->state;
	if (c->table->gone)
		return -EIO;
	return is_settled(s) ? STEP_DONE : STEP_WAIT;
}

static const struct option no_table[] = {{0}};

const struct stage_type fake_table_type = {
    .schema = {.kind = STAGE_SINK,
	       .name = "table",
	       .summary = "writes to a database",
	       .options = no_table,
	       .options_size = 1,
	       .workers_max = 1},
    .open = table_open,
    .close = table_close,
    .sink_step = table_step,
    .sink_finish = table_finish,
    .sink_cut = table_cut,
    .sink_sync = table_sync,
    .committed = table_committed,
    .settle = table_settle,
};

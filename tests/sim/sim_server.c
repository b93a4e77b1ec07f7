#include "tests/sim/sim_server.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 600, FEW = 40, BACKLOG = 4 };

#define MS UINT64_C(1000000)

static const char *const mood_names[SIM_MOODS] = {"is well",       "is down",          "is deaf",
						  "reads nothing", "answers nothing",  "is slow",
						  "refuses",       "loses connections"};

void sim_server_init(struct sim_server *s, unsigned port, struct sim_random random,
		     struct sim_net *net, struct sim_story *story)
{
	*s = (struct sim_server){.port = port, .random = random, .net = net, .story = story};
	for (size_t i = 0; i < SIM_LINKS_MAX; i++)
		s->links[i].fd = -1;
	s->listener = sim_net_listen(net, port, BACKLOG);
}

void sim_server_release(struct sim_server *s)
{
	for (size_t i = 0; i < SIM_LINKS_MAX; i++)
		free(s->links[i].text.at);
	free(s->held.at);
}

/* ---- lines ---- */

static void drop_front(struct sim_link *l, size_t length)
{
	memmove(l->text.at, l->text.at + length, l->text.length -= length);
}

static void take_lines(struct sim_server *s, struct sim_link *l)
{
	const uint8_t *end = l->text.length ? memrchr(l->text.at, '\n', l->text.length) : NULL;
	if (!end)
		return;
	size_t length = (size_t)(end - l->text.at) + 1;
	for (size_t i = 0; i < length && s->reply; i++)
		l->owed += l->text.at[i] == '\n';
	sim_bytes_append(&s->held, l->text.at, length);
	drop_front(l, length);
}

/* What it would have read, had it gone on a little. */
static void read_landed(struct sim_server *s, struct sim_link *l)
{
	char piece[PIECE];
	ssize_t n = 1;
	while (s->lines && n > 0) {
		n = sim_net_read_landed(s->net, l->fd, piece, sizeof piece);
		sim_bytes_append(&l->text, piece, (size_t)n);
		take_lines(s, l);
	}
}

/* ---- connections ---- */

static void forget(struct sim_link *l)
{
	free(l->text.at);
	*l = (struct sim_link){.fd = -1};
}

static void hang_up(struct sim_server *s, struct sim_link *l)
{
	s->may_double = true;
	read_landed(s, l);
	sim_net_reset(s->net, l->fd);
	forget(l);
}

/* NULL: all are in use. */
static const struct sim_link *free_link(const struct sim_server *s)
{
	for (size_t i = 0; i < SIM_LINKS_MAX; i++)
		if (s->links[i].fd < 0)
			return &s->links[i];
	return NULL;
}

static bool somebody_waits(const struct sim_server *s)
{
	return s->listener >= 0 && free_link(s) && sim_net_is_readable(s->net, s->listener);
}

static bool accepts(const struct sim_server *s)
{
	return s->mood != SIM_DEAF && somebody_waits(s);
}

static void accept_one(struct sim_server *s)
{
	size_t i = (size_t)(free_link(s) - s->links);
	s->links[i].fd = sim_net_accept(s->net, s->listener);
	assert(s->links[i].fd >= 0);
	s->links[i].number = s->accepted++;
	s->may_double |= s->lines && s->accepted > 1; /* somebody begins again */
}

/* NULL: there is none. */
static struct sim_link *oldest(struct sim_server *s)
{
	struct sim_link *first = NULL;
	for (size_t i = 0; i < SIM_LINKS_MAX; i++)
		if (s->links[i].fd >= 0 && (!first || s->links[i].number < first->number))
			first = &s->links[i];
	return first;
}

static void go_down(struct sim_server *s)
{
	while (s->lines && somebody_waits(s))
		accept_one(s);
	for (struct sim_link *l = oldest(s); l; l = oldest(s)) {
		s->may_double = true;
		read_landed(s, l);
		sim_net_vanish(s->net, l->fd);
		forget(l);
	}
	if (s->listener >= 0)
		sim_net_vanish(s->net, s->listener);
	s->listener = -1;
}

/* ---- calls ---- */

static void blame(struct sim_server *s, const char *wrong)
{
	if (!s->wrong)
		s->wrong = wrong;
}

static void count_open(struct sim_server *s)
{
	uint64_t open = 0;
	for (size_t i = 0; i < SIM_LINKS_MAX; i++) {
		const struct sim_link *l = &s->links[i];
		open += l->fd >= 0 && l->in_call && !l->is_past && !sim_net_is_left(s->net, l->fd);
	}
	if (s->limits.calls_at_once && open > s->limits.calls_at_once)
		blame(s, "more calls at a time than max_in_flight");
}

static void count_records(struct sim_server *s, uint64_t records, uint64_t now_ns)
{
	const struct sim_limits *l = &s->limits;
	s->records += records;
	double may = (double)l->records_burst +
		     (double)l->records_rate * ((double)(now_ns - s->began_ns) / 1e9);
	if (l->records_rate && (double)s->records > may + 1e-3)
		blame(s, "more records than rate_limit");
}

static void answer(struct sim_server *s, struct sim_link *l, uint64_t now_ns)
{
	bool refuses = s->mood == SIM_REFUSING;
	l->answer = refuses ? "no\n" : "ok\n";
	l->answer_ns = now_ns;
	l->forgets = s->mood == SIM_LOSSY && !s->limits.must_answer && sim_chance(&s->random, 200);
	if (sim_chance(&s->random, 300))
		l->answer_ns += sim_below(&s->random, 300 * MS);
	s->may_double |= refuses || l->forgets;
}

/* How many bytes of the text that is there are a whole call; 0: it is not. */
static size_t call_length(const struct sim_link *l, uint64_t *ret_records, size_t *ret_head)
{
	const uint8_t *end = memchr(l->text.at, '\n', l->text.length);
	if (!end)
		return 0;
	*ret_head = (size_t)(end - l->text.at) + 1;
	*ret_records = strtoull((const char *)l->text.at + sizeof "call " - 1, NULL, 10);
	size_t at = *ret_head;
	for (uint64_t n = *ret_records; n > 0; n--) {
		end =
		    at < l->text.length ? memchr(l->text.at + at, '\n', l->text.length - at) : NULL;
		if (!end)
			return 0;
		at = (size_t)(end - l->text.at) + 1;
	}
	return at;
}

static void take_call(struct sim_server *s, struct sim_link *l, uint64_t now_ns)
{
	uint64_t records = 0;
	size_t head = 0;
	if (!l->in_call && l->text.length > 0) {
		l->in_call = true;
		count_open(s);
	}
	size_t length = l->answer ? 0 : call_length(l, &records, &head);
	if (length == 0)
		return;
	if (!l->is_past)
		count_records(s, records, now_ns);
	sim_bytes_append(&s->held, l->text.at + head, length - head);
	drop_front(l, length);
	answer(s, l, now_ns);
}

static void read_some(struct sim_server *s, struct sim_link *l, uint64_t now_ns)
{
	char piece[PIECE];
	size_t most = s->mood == SIM_SLOW ? FEW : PIECE;
	ssize_t n = sim_net_read(s->net, l->fd, piece, (size_t)sim_between(&s->random, 1, most));
	if (n <= 0) {
		s->may_double |= n < 0 || l->in_call;
		sim_net_close(s->net, l->fd);
		forget(l);
		return;
	}
	sim_bytes_append(&l->text, piece, (size_t)n);
	if (s->lines)
		take_lines(s, l);
	else
		take_call(s, l, now_ns);
}

static void say_some(struct sim_server *s, struct sim_link *l, uint64_t now_ns)
{
	size_t length = strlen(l->answer);
	if (now_ns < l->answer_ns || l->forgets || s->mood == SIM_MUTE)
		return;
	ssize_t n =
	    sim_net_write(s->net, l->fd, l->answer, (size_t)sim_between(&s->random, 1, length));
	if (n > 0)
		l->answer += n;
	if (n < 0 || !*l->answer) {
		s->may_double |= n < 0;
		l->answer = NULL;
		l->in_call = !s->lines && l->text.length > 0;
	}
}

/* ---- moods ---- */

static void change_mood(struct sim_server *s, uint64_t now_ns)
{
	bool well = s->is_well || sim_chance(&s->random, 400);
	s->mood = well ? SIM_WELL : (enum sim_mood)sim_between(&s->random, 1, SIM_MOODS - 1);
	s->mood_ends_ns =
	    s->is_well ? UINT64_MAX : now_ns + sim_below(&s->random, well ? 1500 * MS : 4000 * MS);
	sim_story_add(s->story, "server     %u %s", s->port, mood_names[s->mood]);
	if (s->mood == SIM_DOWN)
		go_down(s);
	else if (s->listener < 0)
		s->listener = sim_net_listen(s->net, s->port, BACKLOG);
}

void sim_server_get_well(struct sim_server *s, uint64_t now_ns)
{
	if (s->is_well)
		return;
	s->is_well = true;
	change_mood(s, now_ns);
	for (size_t i = 0; i < SIM_LINKS_MAX; i++)
		if (s->links[i].fd >= 0 && s->links[i].forgets)
			hang_up(s, &s->links[i]);
}

static bool reads(const struct sim_server *s, const struct sim_link *l)
{
	return s->mood != SIM_STALLED && sim_net_is_readable(s->net, l->fd);
}

static bool says(const struct sim_server *s, const struct sim_link *l)
{
	return l->answer && !l->forgets && s->mood != SIM_MUTE && s->mood != SIM_STALLED &&
	       sim_net_is_writable(s->net, l->fd);
}

/* Lines of a connection come before those of the next one. */
static bool is_served(const struct sim_server *s, const struct sim_link *l)
{
	return l->fd >= 0 && (!s->lines || l == oldest((struct sim_server *)(uintptr_t)s));
}

static void owe_line(struct sim_server *s, struct sim_link *l, uint64_t now_ns)
{
	if (l->answer || l->owed == 0)
		return;
	l->owed--;
	l->answer = s->reply;
	l->answer_ns = now_ns;
	l->forgets |= s->mood == SIM_LOSSY && !s->limits.must_answer && sim_chance(&s->random, 20);
}

static void serve(struct sim_server *s, struct sim_link *l, uint64_t now_ns)
{
	owe_line(s, l, now_ns);
	if (s->mood == SIM_LOSSY && sim_chance(&s->random, 50)) {
		hang_up(s, l);
		return;
	}
	if (says(s, l))
		say_some(s, l, now_ns);
	if (reads(s, l))
		read_some(s, l, now_ns);
}

void sim_server_act(struct sim_server *s, uint64_t now_ns)
{
	if (now_ns >= s->mood_ends_ns)
		change_mood(s, now_ns);
	if (now_ns < s->next_ns)
		return;
	while (accepts(s))
		accept_one(s);
	for (size_t i = 0; i < SIM_LINKS_MAX; i++)
		if (is_served(s, &s->links[i]) && sim_chance(&s->random, 700))
			serve(s, &s->links[i], now_ns);
	s->next_ns = now_ns + sim_below(&s->random, s->mood == SIM_SLOW ? 30 * MS : 3 * MS);
}

static uint64_t work_ns(const struct sim_server *s, const struct sim_link *l)
{
	if (!is_served(s, l))
		return UINT64_MAX;
	if (reads(s, l) || (l->owed > 0 && !l->answer))
		return 0;
	return says(s, l) ? l->answer_ns : UINT64_MAX;
}

uint64_t sim_server_next_ns(const struct sim_server *s, uint64_t now_ns)
{
	uint64_t next = accepts(s) ? 0 : UINT64_MAX;
	for (size_t i = 0; i < SIM_LINKS_MAX && next > 0; i++) {
		uint64_t work = work_ns(s, &s->links[i]);
		next = work < next ? work : next;
	}
	if (next < s->next_ns)
		next = s->next_ns;
	if (next > s->mood_ends_ns)
		next = s->mood_ends_ns;
	return next < now_ns ? now_ns : next;
}

/* ---- who calls ---- */

void sim_server_process_begins(struct sim_server *s, uint64_t now_ns)
{
	s->is_well = false;
	s->mood_ends_ns = now_ns;
	s->began_ns = now_ns;
	s->records = s->refusals = 0;
}

void sim_server_process_ends(struct sim_server *s)
{
	s->may_double = true;
	while (somebody_waits(s))
		accept_one(s);
	for (size_t i = 0; i < SIM_LINKS_MAX; i++)
		s->links[i].is_past = s->links[i].fd >= 0;
}

void sim_server_finish(struct sim_server *s, uint64_t now_ns)
{
	while (somebody_waits(s))
		accept_one(s);
	for (struct sim_link *l = oldest(s); l; l = oldest(s))
		read_some(s, l, now_ns);
}

void sim_server_knocked(struct sim_server *s, bool refused, uint64_t now_ns)
{
	const struct sim_limits *l = &s->limits;
	uint64_t before = s->refused_ns;
	s->refused_ns = now_ns;
	s->refusals = refused ? s->refusals + 1 : 0;
	/* Those that were under way when it opened knock yet. */
	uint64_t open_from = l->failures + l->calls_at_once + 1;
	if (l->failures && s->refusals >= open_from && now_ns - before < l->reset_ns)
		blame(s, "an attempt while the circuit breaker is open");
}

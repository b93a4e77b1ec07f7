#include "tests/sim/sim_peers.h"
#include "tests/sim/sim_caller.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define OWN UINT64_C(0x9ee45)
#define MS UINT64_C(1000000)

enum { FIRST_PORT = 7000, SOURCE_PORT = 7100 };

static uint64_t now_of(const struct sim_peers *p)
{
	return *p->story->now_ns;
}

/* ---- policies ---- */

static void __attribute__((format(printf, 2, 3)))
add_option(struct shape_stage *n, const char *format, ...)
{
	size_t length = strlen(n->options);
	va_list args;
	va_start(args, format);
	int more = vsnprintf(n->options + length, sizeof n->options - length, format, args);
	va_end(args);
	assert(more >= 0 && length + (size_t)more < sizeof n->options);
	(void)more;
}

static void choose_retry(struct shape_stage *n, struct sim_random *r)
{
	uint64_t base = sim_between(r, 1, 200);
	add_option(n, ", retry: {base_delay: %" PRIu64 "ms, max_delay: %" PRIu64 "ms, jitter: %s}",
		   base, base + sim_below(r, 2000), sim_chance(r, 300) ? "none" : "full");
}

/* So long that whoever is under way when it opens has come and gone before it is half-open. */
static void choose_breaker(struct shape_stage *n, struct sim_limits *l, struct sim_random *r)
{
	if (!sim_chance(r, 500))
		return;
	uint64_t reset_ms = sim_between(r, 500, 3000);
	l->failures = sim_between(r, 1, 5);
	l->reset_ns = reset_ms * MS;
	add_option(
	    n, ", circuit_breaker: {failure_threshold: %" PRIu64 ", reset_timeout: %" PRIu64 "ms}",
	    l->failures, reset_ms);
}

static void choose_rate(struct shape_stage *n, struct sim_limits *l, struct sim_random *r)
{
	if (!sim_chance(r, 300))
		return;
	l->records_rate = sim_between(r, 200, 3000);
	l->records_burst = sim_between(r, 1, 100);
	add_option(n, ", rate_limit: {rate: %" PRIu64 "/s, burst: %" PRIu64 "}", l->records_rate,
		   l->records_burst);
}

static void choose_timeout(struct shape_stage *n, struct sim_limits *l, struct sim_random *r)
{
	l->must_answer = sim_chance(r, 300);
	if (l->must_answer)
		add_option(n, ", timeout: off");
	else
		add_option(n, ", timeout: %" PRIu64 "ms", sim_between(r, 2000, 4000));
}

static void choose_in_flight(struct shape_stage *n, struct sim_limits *l, struct sim_random *r)
{
	uint64_t at_once = sim_chance(r, 500) ? 1 : sim_between(r, 2, SIM_CALLER_CALLS_MAX);
	l->calls_at_once = at_once;
	n->hastens = at_once > 1;
	add_option(n, ", at_once: %" PRIu64 ", keep: %s", at_once,
		   sim_chance(r, 500) ? "true" : "false");
	if (!sim_chance(r, 400))
		return;
	uint64_t most = sim_between(r, 1, SIM_CALLER_CALLS_MAX);
	if (most < at_once)
		l->calls_at_once = most;
	add_option(n, ", max_in_flight: %" PRIu64, most);
}

static void add_caller(struct sim_peers *p, struct shape *shape)
{
	struct sim_random *r = &p->random;
	unsigned port = FIRST_PORT + (unsigned)p->server_count;
	struct shape_stage *n = shape_add_sink(shape, 'x', r);
	struct sim_server *s = &p->servers[p->server_count];
	p->sinks[p->server_count++] = shape->count - 1;
	n->way = SHAPE_CALLS;
	add_option(n, "type: caller, port: %u", port);
	sim_server_init(s, port, sim_random_fork(r), &p->net, p->story);
	choose_retry(n, r);
	choose_breaker(n, &s->limits, r);
	choose_rate(n, &s->limits, r);
	choose_timeout(n, &s->limits, r);
	choose_in_flight(n, &s->limits, r);
}

/* ---- a sink that sends lines ---- */

static void choose_replies(struct sim_server *s, struct shape_stage *n, struct sim_random *r)
{
	bool replies = sim_chance(r, 500);
	s->limits.must_answer = sim_chance(r, 300);
	if (replies) {
		s->reply = "ok\n";
		add_option(n, ", await_reply: \"ok\\n\"");
	}
	if (!s->limits.must_answer)
		add_option(n, ", write_timeout: %" PRIu64 "ms", sim_between(r, 300, 4000));
}

static void add_sender(struct sim_peers *p, struct shape *shape)
{
	struct sim_random *r = &p->random;
	unsigned port = FIRST_PORT + (unsigned)p->server_count;
	struct shape_stage *n = shape_add_sink(shape, 'x', r);
	struct sim_server *s = &p->servers[p->server_count];
	p->sinks[p->server_count++] = shape->count - 1;
	n->way = SHAPE_LINES;
	add_option(n, "type: tcp, address: \"%s:%u\"",
		   sim_chance(r, 500) ? "127.0.0.1" : "logs.example.org", port);
	sim_server_init(s, port, sim_random_fork(r), &p->net, p->story);
	s->lines = true;
	s->limits.calls_at_once = 1;
	choose_retry(n, r);
	choose_breaker(n, &s->limits, r);
	choose_replies(s, n, r);
	if (sim_chance(r, 500))
		add_option(n, ", timeout: %" PRIu64 "ms", sim_between(r, 150, 3000));
}

/* ---- a source ---- */

static void choose_answers(struct sim_peers *p, struct shape_stage *n, bool remembers)
{
	struct sim_random *r = &p->random;
	p->is_lasting = remembers && sim_chance(r, 600);
	add_option(n, ", reply: \"ok\\n\", ack: %s", p->is_lasting ? "committed" : "received");
}

/* Who waits for an epoch longer than idle_timeout is closed, and would be for ever where the outputs are that slow. */
static void choose_timeouts(struct shape_stage *n, bool waits, struct sim_random *r)
{
	if (sim_chance(r, 300))
		add_option(n, ", frame_timeout: %" PRIu64 "ms", sim_between(r, 100, 2000));
	if (!waits && sim_chance(r, 300))
		add_option(n, ", idle_timeout: %" PRIu64 "s", sim_between(r, 5, 10));
}

static void add_clients(struct sim_peers *p, struct shape *shape)
{
	struct sim_random *r = &p->random;
	struct shape_stage *n = shape_add_source(shape, 't', r);
	bool answers = sim_chance(r, 800);
	p->source = shape->count - 1;
	n->way = SHAPE_LINES;
	add_option(n, "type: tcp, listen: [\"127.0.0.1:%d\"], max_line: 200B", SOURCE_PORT);
	if (answers)
		choose_answers(p, n, shape->epoch_ms > 0);
	choose_timeouts(n, p->is_lasting, r);
	p->client_count = sim_between(r, 1, SIM_CLIENTS_MAX);
	for (size_t i = 0; i < p->client_count; i++)
		sim_client_init(&p->clients[i], (unsigned)i, SOURCE_PORT, answers ? "ok\n" : NULL,
				sim_random_fork(r), &p->net, p->story);
}

/* ---- beginning ---- */

static void knocked(void *context, unsigned port, bool refused)
{
	struct sim_peers *p = context;
	for (size_t i = 0; i < p->server_count; i++)
		if (p->servers[i].port == port)
			sim_server_knocked(&p->servers[i], refused, now_of(p));
}

static void choose_faults(struct sim_peers *p)
{
	static const unsigned often[] = {0, 0, 20, 200, 800};
	struct sim_random *r = &p->random;
	struct sim_net_faults *f = &p->net.faults;
	enum { CHOICES = sizeof often / sizeof *often };
	f->short_reads = often[sim_below(r, CHOICES)];
	f->short_writes = often[sim_below(r, CHOICES)];
	f->interrupted = sim_chance(r, 300) ? 50 : 0;
	f->accept_errors = sim_chance(r, 200) ? 100 : 0;
	f->socket_errors = sim_chance(r, 200) ? 100 : 0;
	f->resolve_errors = sim_chance(r, 300) ? 200 : 0;
}

void sim_peers_init(struct sim_peers *p, uint64_t seed, struct shape *shape,
		    struct sim_story *story, bool once)
{
	*p = (struct sim_peers){.random = {.state = seed ^ OWN}, .story = story};
	p->on = sim_chance(&p->random, 300);
	if (!p->on)
		return;
	sim_net_init(&p->net, sim_random_fork(&p->random), story);
	p->net.on_connect = knocked;
	p->net.context = p;
	choose_faults(p);
	bool listens = !once && sim_chance(&p->random, 500);
	for (uint64_t n = sim_between(&p->random, !listens, SIM_SERVERS_MAX); n > 0; n--)
		(sim_chance(&p->random, 500) ? add_caller : add_sender)(p, shape);
	if (listens)
		add_clients(p, shape);
}

void sim_peers_release(struct sim_peers *p)
{
	for (size_t i = 0; i < p->server_count; i++)
		sim_server_release(&p->servers[i]);
	sim_net_release(&p->net);
}

/* ---- what happens ---- */

void sim_peers_act(struct sim_peers *p)
{
	for (size_t i = 0; i < p->server_count; i++)
		sim_server_act(&p->servers[i], now_of(p));
	for (size_t i = 0; i < p->client_count; i++)
		sim_client_act(&p->clients[i], now_of(p));
}

uint64_t sim_peers_next_ns(const struct sim_peers *p)
{
	uint64_t next = UINT64_MAX;
	for (size_t i = 0; i < p->server_count; i++) {
		uint64_t its = sim_server_next_ns(&p->servers[i], now_of(p));
		next = its < next ? its : next;
	}
	for (size_t i = 0; i < p->client_count; i++) {
		uint64_t his = sim_client_next_ns(&p->clients[i], now_of(p));
		next = his < next ? his : next;
	}
	return next;
}

void sim_peers_get_well(struct sim_peers *p)
{
	for (size_t i = 0; i < p->server_count; i++)
		sim_server_get_well(&p->servers[i], now_of(p));
	for (size_t i = 0; i < p->client_count; i++)
		p->clients[i].rests = true;
}

uint64_t sim_peers_progress(const struct sim_peers *p)
{
	uint64_t bytes = 0;
	for (size_t i = 0; i < p->server_count; i++)
		bytes += p->servers[i].held.length;
	for (size_t i = 0; i < p->client_count; i++)
		bytes += p->clients[i].answered + p->clients[i].next;
	return bytes;
}

/* ---- processes ---- */

void sim_peers_process_begins(struct sim_peers *p)
{
	for (size_t i = 0; i < p->server_count; i++)
		sim_server_process_begins(&p->servers[i], now_of(p));
	for (size_t i = 0; i < p->client_count; i++)
		p->clients[i].rests = false;
	p->was_disturbed = p->has_begun;
	p->has_begun = true;
}

void sim_peers_process_ends(struct sim_peers *p)
{
	for (size_t i = 0; i < p->server_count; i++)
		sim_server_process_ends(&p->servers[i]);
}

void sim_peers_process_is_killed(struct sim_peers *p, bool crash)
{
	sim_peers_process_ends(p);
	if (p->on)
		sim_net_end_process(&p->net, crash);
}

/* ---- the verdict ---- */

void sim_peers_finish(struct sim_peers *p)
{
	for (size_t i = 0; i < p->server_count; i++)
		sim_server_finish(&p->servers[i], now_of(p));
}

bool sim_peers_are_content(const struct sim_peers *p)
{
	for (size_t i = 0; i < p->client_count; i++)
		if (!sim_client_is_content(&p->clients[i]))
			return false;
	return true;
}

const char *sim_peers_wrong(const struct sim_peers *p)
{
	for (size_t i = 0; i < p->server_count; i++)
		if (p->servers[i].wrong)
			return p->servers[i].wrong;
	for (size_t i = 0; i < p->client_count; i++)
		if (p->clients[i].wrong)
			return p->clients[i].wrong;
	return p->on && sim_net_open_count(&p->net) > 0 ? "sockets were left open" : NULL;
}

const struct sim_server *sim_peers_server(const struct sim_peers *p, size_t sink)
{
	for (size_t i = 0; p && i < p->server_count; i++)
		if (p->sinks[i] == sink)
			return &p->servers[i];
	return NULL;
}

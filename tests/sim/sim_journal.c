#include "tests/sim/sim_journal.h"
#include "tests/sim/sim_inode.h"
#include "tests/sim/sim_lines.h"
#include "tests/sim/sim_load.h"
#include "tests/sim/sim_machine.h"
#include "tests/sim/sim_wire.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WIRES_MAX = 2, SINKS_MAX = 2, YAML_ROOM = 4096, INTERRUPTIONS_MAX = 6, RECORDS_MAX = 400 };

#define SECOND_NS UINT64_C(1000000000)
#define LONGEST_NS (3600 * SECOND_NS) /* by then every run has come to its end */

struct world {
	const struct sim_wish *wish;
	struct sim_machine machine;
	char yaml[YAML_ROOM];
	unsigned wires, sinks;
	uint64_t records; /* of each source */
	bool filters;     /* the first sink gets those with a 7 in them */
	bool slows;       /* some sinks get so many a second */
	bool may_lose;    /* answered as soon as it was received */
	unsigned interruptions;
	uint64_t next_act_ns, room_ns; /* room_ns: when the disk is no longer full; 0: it is not */
	bool stopping;
	char failure[256]; /* empty: none */
};

static const char *const wire_ids[WIRES_MAX] = {"w0", "w1"};

static void fail(struct world *w, const char *why)
{
	if (!w->failure[0])
		snprintf(w->failure, sizeof w->failure, "%s", why);
}

/* ---- the topology ---- */

static void add(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct world *w, const char *format, ...)
{
	va_list args;
	size_t used = strlen(w->yaml);
	va_start(args, format);
	vsnprintf(w->yaml + used, YAML_ROOM - used, format, args);
	va_end(args);
}

static void add_sources(struct world *w)
{
	static const char *const acks[] = {"auto", "auto", "journal", "committed", "received"};
	struct sim_random *r = &w->machine.random;
	const char *ack = acks[sim_below(r, sizeof acks / sizeof *acks)];
	w->may_lose = strcmp(ack, "received") == 0;
	for (unsigned i = 0; i < w->wires; i++)
		add(w,
		    "  w%u: {type: wire, text: true, count: %ju, per_batch: %ju, pace: %jums, "
		    "ack: %s, journal: {max_size: %juKiB}}\n",
		    i, (uintmax_t)w->records, (uintmax_t)sim_between(r, 1, 20),
		    (uintmax_t)sim_between(r, 1, 50), ack, (uintmax_t)sim_between(r, 320, 480));
}

static void add_sinks(struct world *w)
{
	struct sim_random *r = &w->machine.random;
	for (unsigned i = 0; i < w->sinks; i++) {
		bool packs = sim_chance(r, 300);
		add(w, "  s%u: {type: file, path: /out/s%u/x.log%s, inputs: [%s]", i, i,
		    packs ? ".zst, compression: zstd" : "",
		    i == 0 && w->filters ? "kept"
		    : w->slows           ? "slow"
		    : w->wires > 1       ? "w0, w1"
					 : "w0");
		if (sim_chance(r, 400))
			add(w, ", rotate: {size: %juB}", (uintmax_t)sim_between(r, 1000, 9000));
		add(w, "}\n");
	}
}

static void make_topology(struct world *w)
{
	struct sim_random *r = &w->machine.random;
	w->wires = (unsigned)sim_between(r, 1, WIRES_MAX);
	w->sinks = (unsigned)sim_between(r, 1, SINKS_MAX);
	w->records = sim_between(r, 1, RECORDS_MAX);
	w->filters = sim_chance(r, 400);
	add(w, "name: t\nepoch: {interval: %jums}\nsources:\n", (uintmax_t)sim_between(r, 5, 500));
	add_sources(w);
	const char *sources = w->wires > 1 ? "w0, w1" : "w0";
	w->slows = sim_chance(r, 300);
	if (w->filters || w->slows)
		add(w, "transforms:\n");
	if (w->filters)
		add(w, "  kept: {type: filter, contains: '7', inputs: [%s]}\n",
		    w->slows && w->sinks == 1 ? "slow" : sources);
	if (w->slows)
		add(w, "  slow: {type: throttle, rate: %ju/s, when_exceeded: wait, inputs: [%s]}\n",
		    (uintmax_t)sim_between(r, 20, 200), sources);
	add(w, "sinks:\n");
	add_sinks(w);
}

static void choose_faults(struct world *w)
{
	struct sim_random *r = &w->machine.random;
	struct sim_faults *f = &w->machine.faults;
	sim_machine_choose_faults(&w->machine, SECOND_NS / 20);
	f->write_errors = sim_chance(r, 60) ? 20 : 0;
	f->sync_errors = sim_chance(r, 100) ? 50 : 0;
}

static void make(struct world *w)
{
	sim_machine_set_clock(&w->machine);
	w->next_act_ns = w->machine.clock.now_ns;
	w->interruptions = (unsigned)sim_below(&w->machine.random, INTERRUPTIONS_MAX + 1);
	make_topology(w);
	sim_fs_init(&w->machine.fs, sim_random_next(&w->machine.random), &w->machine.clock.wall_ns,
		    true);
	sim_fs_mount(&w->machine.fs, "/state", false, true);
	sim_fs_mount(&w->machine.fs, "/out", false, true);
	for (unsigned i = 0; i < w->sinks; i++) {
		char path[32];
		snprintf(path, sizeof path, "/out/s%u", i);
		sim_fs_mount(&w->machine.fs, path, false, true);
	}
	choose_faults(w);
}

/* ---- one process after the other ---- */

static int recover(struct world *w)
{
	int r = sim_machine_recover(&w->machine, UINT_MAX);
	if (r < 0 && !sim_machine_recovery_failed(&w->machine, r))
		fail(w, "recovery failed, and no fault was to blame");
	return r;
}

static void begin_process(struct world *w)
{
	while (recover(w) < 0)
		if (w->failure[0])
			return;
	if (sim_machine_run(&w->machine, true, &w->machine.recovery.memory) < 0)
		fail(w, "the pipeline could not be built");
}

static void interrupt(struct world *w)
{
	sim_machine_break_off(&w->machine, sim_chance(&w->machine.random, 600));
	begin_process(w);
}

static void act(struct world *w)
{
	w->next_act_ns = w->machine.clock.now_ns + sim_below(&w->machine.random, SECOND_NS / 10);
	if (w->interruptions == 0 || !sim_chance(&w->machine.random, 300))
		return;
	w->interruptions--;
	if (sim_chance(&w->machine.random, 700))
		interrupt(w);
	else if (sim_chance(&w->machine.random, 500))
		sim_machine_stop(&w->machine, NULL);
	else if (w->machine.room_ns == 0)
		sim_machine_fill_disk(&w->machine, 2000);
}

static bool all_is_sent(const struct world *w)
{
	for (unsigned i = 0; i < w->wires; i++) {
		if (sim_wire(wire_ids[i])->next < w->records)
			return false;
	}
	return true;
}

/* It has ended: is that the end? Else there is another one already. What a stopped one left in its journal is for the next. */
static bool is_over(struct world *w)
{
	bool failed = sim_machine_has_failed(&w->machine), stopped = w->machine.stopping;
	if (failed && !sim_machine_was_at_fault(&w->machine))
		fail(w, "a stage failed, and no fault was to blame");
	if (!failed && w->machine.happened.write_errors + w->machine.happened.sync_errors > 0)
		fail(w, "a write or fsync failed, and the pipeline did not");
	sim_machine_end(&w->machine);
	sim_machine_calm(&w->machine);
	if (!failed && !stopped && !all_is_sent(w))
		fail(w, "it ended before everything was sent");
	if (w->failure[0] || (!failed && !stopped))
		return true;
	sim_story_add(&w->machine.story, "world      begins it anew");
	begin_process(w);
	return w->failure[0];
}

static uint64_t next_ns(const struct world *w)
{
	uint64_t next = sim_run_next_ns(&w->machine.run);
	if (w->interruptions > 0 && w->next_act_ns < next)
		next = w->next_act_ns;
	if (w->machine.room_ns > 0 && w->machine.room_ns < next)
		next = w->machine.room_ns;
	return next;
}

static void run_to_end(struct world *w)
{
	uint64_t limit = w->machine.clock.now_ns + LONGEST_NS;
	while (!w->failure[0]) {
		enum sim_move m = sim_run_move(&w->machine.run);
		if (m == SIM_ENDED && is_over(w))
			return;
		if (m == SIM_ENDED)
			continue;
		if (m == SIM_SPINS)
			fail(w, "the pipeline spins: it goes on and on and nothing comes of it");
		if (sim_machine_has_failed(&w->machine))
			sim_machine_stop(&w->machine, NULL);
		if (m == SIM_IDLE && next_ns(w) == UINT64_MAX)
			fail(w, "stall: nobody can ever go on");
		else if (m == SIM_IDLE)
			sim_clock_to(&w->machine.run, next_ns(w));
		if (w->machine.clock.now_ns > limit)
			fail(w, "it did not come to its end in an hour");
		if (w->machine.room_ns > 0 && w->machine.clock.now_ns >= w->machine.room_ns)
			sim_machine_empty_disk(&w->machine);
		if (!w->failure[0] && w->machine.clock.now_ns >= w->next_act_ns)
			act(w);
	}
}

/* ---- the verdict ---- */

static bool is_wanted(const struct world *w, unsigned sink, const char *text, size_t length)
{
	return sink > 0 || !w->filters || memchr(text, '7', length);
}

/* Of which source, and its number; false: it is nobody's. */
static bool read_line(const struct world *w, const char *line, size_t length, unsigned *ret_wire,
		      uint64_t *ret_number)
{
	char text[SIM_WIRE_RECORD_MAX], *end;
	if (length < 5 || line[0] != 'w' || line[2] != ' ')
		return false;
	*ret_wire = (unsigned)(line[1] - '0');
	*ret_number = strtoull(line + 3, &end, 10);
	if (*ret_wire >= w->wires || *ret_number >= w->records)
		return false;
	return sim_wire_text(wire_ids[*ret_wire], *ret_number, text) == length &&
	       memcmp(text, line, length) == 0;
}

static void check_lines(struct world *w, unsigned sink, struct sim_lines *l, bool *there)
{
	uint64_t next[WIRES_MAX] = {0};
	const char *line;
	size_t length;
	while (!w->failure[0] && sim_lines_next(l, &line, &length)) {
		unsigned wire;
		uint64_t number;
		if (!read_line(w, line, length, &wire, &number)) {
			snprintf(w->failure, sizeof w->failure, "s%u holds what nobody sent: %.*s",
				 sink, (int)(length < 60 ? length : 60), line);
		} else if (number < next[wire] || !is_wanted(w, sink, line, length)) {
			snprintf(w->failure, sizeof w->failure,
				 "s%u holds w%u %ju twice, late, or though it is not for it", sink,
				 wire, (uintmax_t)number);
		} else {
			there[wire * RECORDS_MAX + number] = true;
			next[wire] = number + 1;
		}
	}
}

/* By sink, then source, then number. */
typedef bool presence[WIRES_MAX * RECORDS_MAX];

static void check_record(struct world *w, presence *there, unsigned wire, uint64_t number)
{
	char text[SIM_WIRE_RECORD_MAX];
	size_t length = sim_wire_text(wire_ids[wire], number, text);
	bool is_somewhere = false, is_missing = false;
	for (unsigned s = 0; s < w->sinks; s++) {
		bool is_there = there[s][wire * RECORDS_MAX + number];
		is_somewhere |= is_there;
		is_missing |= !is_there && is_wanted(w, s, text, length);
	}
	bool is_promised = sim_wire(wire_ids[wire])->is_answered[number] && !w->may_lose;
	if (is_missing && is_promised)
		snprintf(w->failure, sizeof w->failure, "w%u %ju was answered, and is lost", wire,
			 (uintmax_t)number);
	else if (is_missing && is_somewhere)
		snprintf(w->failure, sizeof w->failure, "w%u %ju is in one sink and not in another",
			 wire, (uintmax_t)number);
}

static void judge(struct world *w)
{
	static presence there[SINKS_MAX];
	memset(there, 0, sizeof there);
	for (unsigned s = 0; s < w->sinks; s++) {
		struct sim_lines lines;
		char directory[32];
		snprintf(directory, sizeof directory, "/out/s%u", s);
		sim_lines_read(&lines, &w->machine.fs, directory);
		if (lines.is_broken)
			fail(w, "an output is no whole zstd file");
		check_lines(w, s, &lines, there[s]);
		sim_lines_release(&lines);
	}
	for (unsigned i = 0; i < w->wires; i++)
		for (uint64_t n = 0; n < w->records && !w->failure[0]; n++)
			check_record(w, there, i, n);
	if (sim_fs_open_count(&w->machine.fs) > 0)
		fail(w, "descriptors were left open");
}

static void tell(const struct world *w)
{
	fprintf(stderr, "seed %" PRIu64 ": journals: %s\n", w->wish->seed, w->failure);
	if (!w->machine.story.told)
		return;
	sim_story_print(&w->machine.story, STDERR_FILENO);
	fprintf(stderr, "%sseed %" PRIu64 ": journals: %s\n", w->yaml, w->wish->seed, w->failure);
}

struct sim_result sim_journal_run(const struct sim_wish *wish)
{
	struct world *w = sim_alloc(sizeof *w);
	w->wish = wish;
	sim_machine_init(&w->machine, wish->seed ^ UINT64_C(0x10a2a1), wish->told);
	make(w);
	if (sim_load(&w->machine.topology, &w->machine.plan, w->yaml,
		     sim_chance(&w->machine.random, 600)))
		begin_process(w);
	else
		fail(w, "the topology was refused");
	run_to_end(w);
	if (!w->failure[0])
		judge(w);
	else if (w->machine.run.begun)
		sim_run_tell(&w->machine.run);
	struct sim_result result = {.good = !w->failure[0],
				    .digest = w->machine.story.digest,
				    .moves = w->machine.moves,
				    .simulated_ns = w->machine.clock.now_ns,
				    .operations = w->machine.happened.operations};
	if (w->failure[0])
		tell(w);
	sim_machine_release(&w->machine);
	sim_wires_forget();
	free(w);
	return result;
}

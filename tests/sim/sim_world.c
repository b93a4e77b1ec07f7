#include "tests/sim/sim_world.h"
#include "stages/segments/spill.h"
#include "tests/sim/sim_changes.h"
#include "tests/sim/sim_inode.h"
#include "tests/sim/sim_load.h"
#include "tests/sim/sim_machine.h"
#include "tests/sim/sim_peers.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { INTERRUPTIONS_MAX = 5, RECOVERY_STEPS = 80, LEFTOVER_STEPS = 150 };

#define SECOND_NS UINT64_C(1000000000)
#define LONGEST_NS (3600 * SECOND_NS) /* by then every run has come to its end */
#define QUIET_NS (80 * SECOND_NS)     /* nothing read for so long: all has been, and is committed */
#define CUT_NS                                                                                     \
	(SECOND_NS + SECOND_NS / 10) /* without faults every source and sink has reported by then */
#define LOOK_NS (SECOND_NS / 10)     /* how often it is looked whether all has been read */

struct world {
	const struct sim_wish *wish;
	struct sim_machine machine;
	bool set_back; /* once at least */
	struct shape shape;
	char yaml[SHAPE_YAML_ROOM];
	struct sim_input input;
	struct sim_changes changes;
	struct sim_peers peers;

	bool once, stops_early, stopping;
	bool restarting;        /* stopping, to begin anew */
	unsigned acts;          /* of the input's, still to come */
	unsigned interruptions; /* still to come */
	bool interrupted;
	uint64_t cut_limit_ns; /* of the cut that is under way; 0: none is */
	uint64_t bytes_read,
	    quiet_at_ns;               /* as last seen, and when it has been so for long enough */
	uint64_t next_act_ns, room_ns; /* room_ns: when the disk is no longer full; 0: it is not */
	const char *failure;
};

/* ---- chance ---- */

static void choose_faults(struct world *w)
{
	struct sim_random *r = &w->machine.random;
	struct sim_faults *f = &w->machine.faults;
	sim_machine_choose_faults(&w->machine, SECOND_NS / 10);
	f->untyped = sim_chance(r, 200) ? 500 : 0;
	if (w->once && sim_chance(r, 60))
		f->read_errors = 20;
	if (sim_chance(r, 60))
		f->write_errors = 20;
	if (sim_chance(r, 100))
		f->sync_errors = 50;
	if (w->once && sim_chance(r, 100))
		f->too_many_open = 100;
	if (!w->once && sim_chance(r, 100))
		f->unwatched = 300;
	if (!w->once && sim_chance(r, 200))
		w->machine.fs.lose_events = 100;
}

/* By a stream of its own: other worlds are what they would be without it. */
static void choose_writing_back(struct world *w)
{
	struct sim_random r = {.state = w->wish->seed ^ UINT64_C(0xbac4)};
	if (!sim_chance(&r, 350))
		return;
	w->machine.faults.back_bytes = sim_between(&r, 1, 1000);
	w->machine.faults.back_errors = sim_chance(&r, 300) ? 200 : 0;
}

/* Likewise. */
static void choose_overflow(struct world *w)
{
	struct sim_random r = {.state = w->wish->seed ^ UINT64_C(0xf011)};
	if (sim_chance(&r, 250))
		shape_choose_overflow(&w->shape, &r);
}

/* With epochs whatever ends the process early is followed by another. */
static bool may_restart(const struct world *w)
{
	const struct sim_faults *f = &w->machine.faults;
	return w->shape.epoch_ms && (w->interruptions > 0 || w->stops_early || f->write_errors ||
				     f->sync_errors || f->read_errors);
}

static void make(struct world *w)
{
	w->once = sim_chance(&w->machine.random, 400);
	w->stops_early = sim_chance(&w->machine.random, 150);
	sim_machine_set_clock(&w->machine);
	shape_make(&w->shape, &w->machine.random, w->once);
	sim_peers_init(&w->peers, w->wish->seed, &w->shape, &w->machine.story, w->once);
	choose_overflow(w);
	shape_print(&w->shape, w->yaml);
	if (w->shape.epoch_ms)
		w->interruptions = (unsigned)sim_below(&w->machine.random, INTERRUPTIONS_MAX + 1);
	sim_fs_init(&w->machine.fs, sim_random_next(&w->machine.random), &w->machine.clock.wall_ns,
		    w->shape.epoch_ms > 0);
	w->machine.fs.birthless = sim_chance(&w->machine.random, 200);
	sim_fs_mount(&w->machine.fs, "/state", false, true);
	sim_fs_mount(&w->machine.fs, "/in", true, false);
	sim_fs_mount(&w->machine.fs, "/out", false, true);
	choose_faults(w);
	choose_writing_back(w);
	w->machine.faults.net = w->peers.on ? &w->peers.net : NULL;
	for (size_t i = 0; i < w->shape.count; i++) {
		char path[32];
		snprintf(path, sizeof path, "/out/%s", w->shape.stages[i].id);
		if (w->shape.stages[i].kind == STAGE_SINK)
			sim_fs_mount(&w->machine.fs, path, false, true);
	}
	sim_input_init(&w->input, &w->shape, &w->machine.fs, &w->machine.story,
		       sim_random_fork(&w->machine.random), w->once);
	w->input.careful = may_restart(w);
	sim_input_begin(&w->input);
	sim_changes_init(&w->changes, w->wish->seed, &w->shape, &w->input, &w->machine.story);
	if (w->changes.on) {
		shape_forbid_spills(&w->shape);
		shape_print(&w->shape, w->yaml);
	}
	w->acts = (unsigned)sim_between(&w->machine.random, 5, w->once ? 20 : 60);
	w->next_act_ns = w->machine.clock.now_ns;
}

/* ---- what happens meanwhile ---- */

/* The machine stops, or only the process does. */
static void break_off(struct world *w)
{
	bool crash = sim_chance(&w->machine.random, 600);
	w->interruptions--;
	w->interrupted = true;
	sim_peers_process_is_killed(&w->peers, crash);
	sim_machine_break_off(&w->machine, crash);
	if (crash)
		sim_input_reopen(&w->input);
}

static void change_topology(struct world *w)
{
	if (!sim_changes_make(&w->changes))
		return;
	plan_release(&w->machine.plan);
	topology_release(&w->machine.topology);
	shape_print(&w->shape, w->yaml);
	if (!sim_load(&w->machine.topology, &w->machine.plan, w->yaml, w->shape.tight))
		w->failure = "the changed topology was refused";
}

/* What sinks are to hold, and do by now. */
static struct sim_model model_of(struct world *w, enum sim_demand demand)
{
	return (struct sim_model){.shape = &w->shape,
				  .input = &w->input,
				  .fs = &w->machine.fs,
				  .once = w->once,
				  .set_back = w->set_back,
				  .past = &w->changes.past,
				  .peers = &w->peers,
				  .demand = demand};
}

static void note_difference(struct world *w, const struct sim_model *m)
{
	static char why[sizeof m->why];
	memcpy(why, m->why, sizeof why);
	w->failure = why;
}

/* What a topology left that is another one now. */
static int see_to_leftovers(struct world *w)
{
	struct sim_random *r = &w->changes.random;
	unsigned steps = UINT_MAX;
	if (!w->changes.on)
		return 0;
	if (w->interruptions > 0 && sim_chance(r, 200))
		steps = (unsigned)sim_below(r, LEFTOVER_STEPS);
	int result = sim_recovery_see_to_leftovers(&w->machine.recovery, &w->machine.topology,
						   sim_random_fork(r), w->machine.room_ns, steps);
	struct sim_model m = model_of(w, SIM_WHOLE);
	if (result == 0 && !sim_changes_settle(&w->changes, &m))
		note_difference(w, &m);
	return result;
}

static int recover(struct world *w)
{
	unsigned steps = UINT_MAX;
	change_topology(w);
	if (w->failure)
		return -EINVAL;
	if (w->interruptions > 0 && sim_chance(&w->machine.random, 200))
		steps = (unsigned)sim_below(&w->machine.random, RECOVERY_STEPS);
	int r = sim_machine_recover(&w->machine, steps);
	if (r == 0)
		r = see_to_leftovers(w);
	if (r == -EINTR)
		break_off(w);
	else if (r < 0 && !sim_machine_recovery_failed(&w->machine, r))
		w->failure = "recovery failed, and no fault was to blame";
	return r;
}

static void begin_process(struct world *w)
{
	const struct pipeline_memory *memory = NULL;
	sim_input_restarted(&w->input);
	w->restarting = false;
	w->bytes_read = UINT64_MAX; /* not known */
	if (w->shape.epoch_ms) {
		while (recover(w) < 0)
			if (w->failure)
				return;
		memory = &w->machine.recovery.memory;
	}
	sim_peers_process_begins(&w->peers);
	if (sim_machine_run(&w->machine, w->once, memory) < 0)
		w->failure = "the pipeline could not be built";
}

static void end_process(struct world *w)
{
	sim_peers_process_ends(&w->peers);
	sim_machine_end(&w->machine);
}

static void stop(struct world *w, const char *why)
{
	if (sim_machine_stop(&w->machine, why))
		sim_peers_get_well(&w->peers);
}

static void set_clock(struct world *w)
{
	int64_t by =
	    (int64_t)sim_below(&w->machine.random, 6 * SECOND_NS) - (int64_t)(3 * SECOND_NS);
	w->machine.clock.wall_ns += by;
	w->set_back |= by < 0;
	sim_story_add(&w->machine.story, "world      sets the clock by %jd ms",
		      (intmax_t)by / 1000000);
}

static void interrupt(struct world *w)
{
	if (sim_chance(&w->machine.random, 700)) {
		break_off(w);
		begin_process(w);
		return;
	}
	w->interruptions--;
	w->restarting = !w->machine.stopping;
	stop(w, "to begin anew");
}

static void act(struct world *w)
{
	w->acts--;
	uint64_t what = sim_below(&w->machine.random, 20);
	if (w->interruptions > 0 && sim_chance(&w->machine.random, 150))
		interrupt(w);
	else if (what == 0 && w->machine.room_ns == 0)
		sim_machine_fill_disk(&w->machine, 200);
	else if (what == 1)
		set_clock(w);
	else if (!w->once)
		sim_input_act(&w->input, &w->machine.run.pipeline, w->machine.clock.now_ns);
	if (w->stops_early && sim_chance(&w->machine.random, 50))
		stop(w, "early");
	uint64_t pause = sim_chance(&w->machine.random, 300) ? 3 * SECOND_NS : SECOND_NS / 20;
	w->next_act_ns = w->machine.clock.now_ns +
			 sim_below(&w->machine.random, w->once ? SECOND_NS / 500 : pause);
}

static bool is_quiet(struct world *w)
{
	uint64_t bytes = sim_input_bytes_read(&w->input, &w->machine.run.pipeline) +
			 sim_peers_progress(&w->peers);
	if (bytes != w->bytes_read || w->machine.room_ns > 0)
		w->quiet_at_ns = w->machine.clock.now_ns + QUIET_NS;
	w->bytes_read = bytes;
	return w->quiet_at_ns > 0 && w->machine.clock.now_ns >= w->quiet_at_ns;
}

/* In a process that is not the first the counters do not say what had been read before. */
static bool is_read(struct world *w)
{
	return w->interrupted ? is_quiet(w)
			      : sim_input_is_read(&w->input, &w->machine.run.pipeline);
}

/* What is on disk when it is told to stop stays there for the next start. */
static bool nothing_is_spilled(struct world *w)
{
	const struct pipeline *p = &w->machine.run.pipeline;
	for (size_t i = 0; i < p->worker_count; i++)
		if (p->workers[i].spilling && (!spill_is_open(&p->workers[i].nodes[0].stage) ||
					       spill_has_unread(&p->workers[i].nodes[0].stage)))
			return false;
	for (size_t e = 0; e < p->edge_count; e++) {
		const struct queue *q = &p->edges[e].queue;
		const struct plan_group *reader =
		    &w->machine.plan.groups[w->machine.plan.edges[e].to];
		bool is_sinks = w->machine.topology.stages[reader->head].schema->kind == STAGE_SINK;
		if (is_sinks ? queue_size(q) > 0 : queue_unfinished(q) > 0)
			return false;
	}
	return true;
}

static void look(struct world *w)
{
	w->next_act_ns = w->machine.clock.now_ns + LOOK_NS;
	if (w->once || w->machine.stopping)
		return;
	if (sim_input_finish(&w->input, &w->machine.run.pipeline, w->machine.clock.now_ns) &&
	    is_read(w) && nothing_is_spilled(w) && sim_peers_are_content(&w->peers))
		stop(w, "all has been read");
}

/* Nothing is written meanwhile; but it may well be interrupted. */
static void await_quiet(struct world *w)
{
	w->next_act_ns = w->machine.clock.now_ns + LOOK_NS;
	if (w->interruptions > 0 && sim_chance(&w->machine.random, 2))
		interrupt(w);
	else if (is_quiet(w)) {
		sim_input_destroy(&w->input, w->machine.clock.now_ns);
		w->bytes_read = UINT64_MAX; /* not known */
	}
}

static void let_happen(struct world *w)
{
	sim_peers_act(&w->peers);
	if (w->machine.room_ns > 0 && w->machine.clock.now_ns >= w->machine.room_ns)
		sim_machine_empty_disk(&w->machine);
	if (w->machine.clock.now_ns < w->next_act_ns)
		return;
	if (w->machine.stopping)
		w->next_act_ns = w->machine.clock.now_ns + LOOK_NS;
	else if (w->input.wants_quiet)
		await_quiet(w);
	else if (w->acts > 0)
		act(w);
	else
		look(w);
}

static uint64_t next_ns(const struct world *w)
{
	uint64_t next = sim_run_next_ns(&w->machine.run), peers = sim_peers_next_ns(&w->peers);
	if (peers < next)
		next = peers;
	bool idle = w->once && w->acts == 0;
	if (!w->machine.stopping && !idle && w->next_act_ns < next)
		next = w->next_act_ns;
	if (w->machine.room_ns > 0 && w->machine.room_ns < next)
		next = w->machine.room_ns;
	return next;
}

/* It has ended: is that the end? Else there is another one already. */
static bool is_over(struct world *w)
{
	bool failed = sim_machine_has_failed(&w->machine);
	bool gave_up = failed || w->machine.happened.read_errors > 0 ||
		       (w->machine.stopping && !w->restarting && w->stops_early);
	if (!w->shape.epoch_ms || (!gave_up && !w->restarting))
		return true;
	if (failed && !sim_machine_was_at_fault(&w->machine))
		w->failure = "a stage failed, and no fault was to blame";
	if (!failed && w->machine.happened.write_errors + w->machine.happened.sync_errors > 0)
		w->failure = "a write or fsync failed, and the pipeline did not";
	sim_story_add(&w->machine.story, "world      begins it anew");
	w->stops_early = false;
	w->interrupted = true;
	end_process(w);
	sim_machine_calm(&w->machine);
	if (!w->failure)
		begin_process(w);
	return w->failure != NULL;
}

/* A rotation has a dozen operations, up to a millisecond each: before the marker there may be thousands. */
static uint64_t cut_ns(const struct world *w)
{
	return w->machine.faults.slow > 0 ? 100 * CUT_NS : CUT_NS;
}

/* A full disk is waited for, and so are servers; on a slow one many rotations take long. */
static void watch_cut(struct world *w)
{
	const struct pipeline *p = &w->machine.run.pipeline;
	bool cuts = p->epochs_made && p->epochs.state == EPOCHS_CUTTING;
	bool slow = w->machine.faults.slow > 0 && w->machine.faults.slow_ns > SECOND_NS / 1000;
	if (!cuts || slow || sim_machine_was_at_fault(&w->machine) || w->peers.on)
		w->cut_limit_ns = 0;
	else if (w->cut_limit_ns == 0)
		w->cut_limit_ns = w->machine.clock.now_ns + cut_ns(w);
	else if (w->machine.clock.now_ns > w->cut_limit_ns)
		w->failure = "an epoch was asked for, and somebody never reports";
}

static void run_to_end(struct world *w)
{
	uint64_t limit = w->machine.clock.now_ns + LONGEST_NS;
	while (!w->failure) {
		enum sim_move m = sim_run_move(&w->machine.run);
		if (m == SIM_ENDED && is_over(w))
			return;
		if (m == SIM_ENDED)
			continue;
		if (m == SIM_SPINS)
			w->failure =
			    "the pipeline spins: it goes on and on and nothing comes of it";
		if (sim_machine_has_failed(&w->machine))
			stop(w, "something failed");
		if (m == SIM_IDLE && next_ns(w) == UINT64_MAX)
			w->failure = "stall: nobody can ever go on";
		else if (m == SIM_IDLE)
			sim_clock_to(&w->machine.run, next_ns(w));
		if (w->machine.clock.now_ns > limit)
			w->failure = "it did not come to its end in an hour";
		watch_cut(w);
		if (w->failure)
			return;
		let_happen(w);
	}
}

/* ---- the verdict ---- */

static void judge(struct world *w, bool failed)
{
	bool write_failed =
	    w->machine.happened.write_errors > 0 || w->machine.happened.sync_errors > 0;
	struct sim_model m = model_of(w, failed ? SIM_NO_MORE : SIM_WHOLE);
	if (!failed && !w->shape.epoch_ms &&
	    (w->machine.happened.read_errors > 0 || (w->machine.stopping && w->stops_early)))
		m.demand = SIM_PREFIX;
	if (failed && !write_failed)
		w->failure = "a stage failed, and no fault was to blame";
	else if (!failed && write_failed)
		w->failure = "a write or fsync failed, and the pipeline did not";
	else if (!sim_model_holds(&m))
		note_difference(w, &m);
	else if (sim_fs_open_count(&w->machine.fs) > 0)
		w->failure = "descriptors were left open";
	else if (sim_peers_wrong(&w->peers))
		w->failure = sim_peers_wrong(&w->peers);
}

static void tell(const struct world *w)
{
	fprintf(stderr, "seed %" PRIu64 ": %s\n", w->wish->seed, w->failure);
	if (!w->machine.story.told)
		return;
	sim_story_print(&w->machine.story, STDERR_FILENO);
	fprintf(stderr, "%sonce: %d, stops early: %d, memory: %s, interruptions left: %u\n",
		w->yaml, w->once, w->stops_early, w->shape.tight ? "the least" : "plenty",
		w->interruptions);
	fprintf(stderr, "seed %" PRIu64 ": %s\n", w->wish->seed, w->failure);
}

static void release(struct world *w)
{
	sim_machine_release(&w->machine);
	sim_changes_release(&w->changes);
	sim_peers_release(&w->peers);
	sim_input_release(&w->input);
}

static void close_writers(struct world *w)
{
	for (size_t i = 0; i < w->input.count; i++)
		if (w->input.streams[i].fd >= 0)
			sim_fs_close(&w->machine.fs, w->input.streams[i].fd);
}

struct sim_result sim_world_run(const struct sim_wish *wish)
{
	struct world *w = sim_alloc(sizeof *w);
	w->wish = wish;
	sim_machine_init(&w->machine, wish->seed, wish->told);
	make(w);
	if (sim_load(&w->machine.topology, &w->machine.plan, w->yaml, w->shape.tight))
		begin_process(w);
	else
		w->failure = "the topology was refused";
	if (!w->failure)
		run_to_end(w);
	if (w->failure) {
		if (w->machine.run.begun)
			sim_run_tell(&w->machine.run);
	} else {
		bool failed = sim_machine_has_failed(&w->machine);
		end_process(w);
		close_writers(w);
		sim_peers_finish(&w->peers);
		judge(w, failed);
	}
	struct sim_result result = {.good = !w->failure,
				    .digest = w->machine.story.digest,
				    .moves = w->machine.moves,
				    .simulated_ns = w->machine.clock.now_ns,
				    .operations = w->machine.happened.operations};
	if (w->failure)
		tell(w);
	release(w);
	free(w);
	return result;
}

#include "tests/sim/sim_world.h"
#include "tests/sim/sim_changes.h"
#include "tests/sim/sim_inode.h"
#include "tests/sim/sim_load.h"
#include "tests/sim/sim_peers.h"
#include "stages/segments/spill.h"
#include "tests/sim/sim_recovery.h"

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
	struct sim_random random;
	struct sim_clock clock;
	bool set_back; /* once at least */
	struct sim_story story;
	struct sim_fs fs;
	struct shape shape;
	char yaml[SHAPE_YAML_ROOM];
	struct topology topology;
	struct plan plan;
	struct sim_input input;
	struct sim_faults faults;
	struct sim_happened happened;
	struct sim_recovery recovery;
	struct sim_run run;
	struct sim_changes changes;
	struct sim_peers peers;
	uint64_t moves; /* of runs that are over */

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
	static const unsigned often[] = {0, 0, 20, 200, 800};
	struct sim_random *r = &w->random;
	struct sim_faults *f = &w->faults;
	enum { CHOICES = sizeof often / sizeof *often };
	f->short_reads = often[sim_below(r, CHOICES)];
	f->short_writes = often[sim_below(r, CHOICES)];
	f->interrupted = sim_chance(r, 300) ? 50 : 0;
	f->slow = often[sim_below(r, CHOICES)];
	f->slow_ns = sim_chance(r, 500) ? SECOND_NS / 1000 : SECOND_NS / 10;
	f->left_over = sim_chance(r, 300) ? 200 : 0;
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
		w->fs.lose_events = 100;
}

/* By a stream of its own: other worlds are what they would be without it. */
static void choose_writing_back(struct world *w)
{
	struct sim_random r = {.state = w->wish->seed ^ UINT64_C(0xbac4)};
	if (!sim_chance(&r, 350))
		return;
	w->faults.back_bytes = sim_between(&r, 1, 1000);
	w->faults.back_errors = sim_chance(&r, 300) ? 200 : 0;
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
	const struct sim_faults *f = &w->faults;
	return w->shape.epoch_ms && (w->interruptions > 0 || w->stops_early || f->write_errors ||
				     f->sync_errors || f->read_errors);
}

static void make(struct world *w)
{
	w->once = sim_chance(&w->random, 400);
	w->stops_early = sim_chance(&w->random, 150);
	w->clock = (struct sim_clock){.now_ns = 1 + sim_below(&w->random, 1000 * SECOND_NS),
				      .wall_ns = (int64_t)(1700000000 * SECOND_NS),
				      .boot = 1};
	shape_make(&w->shape, &w->random, w->once);
	sim_peers_init(&w->peers, w->wish->seed, &w->shape, &w->story, w->once);
	choose_overflow(w);
	shape_print(&w->shape, w->yaml);
	if (w->shape.epoch_ms)
		w->interruptions = (unsigned)sim_below(&w->random, INTERRUPTIONS_MAX + 1);
	sim_fs_init(&w->fs, sim_random_next(&w->random), &w->clock.wall_ns, w->shape.epoch_ms > 0);
	w->fs.birthless = sim_chance(&w->random, 200);
	sim_fs_mount(&w->fs, "/state", false, true);
	sim_fs_mount(&w->fs, "/in", true, false);
	sim_fs_mount(&w->fs, "/out", false, true);
	choose_faults(w);
	choose_writing_back(w);
	w->faults.net = w->peers.on ? &w->peers.net : NULL;
	for (size_t i = 0; i < w->shape.count; i++) {
		char path[32];
		snprintf(path, sizeof path, "/out/%s", w->shape.stages[i].id);
		if (w->shape.stages[i].kind == STAGE_SINK)
			sim_fs_mount(&w->fs, path, false, true);
	}
	sim_input_init(&w->input, &w->shape, &w->fs, &w->story, sim_random_fork(&w->random),
		       w->once);
	w->input.careful = may_restart(w);
	sim_input_begin(&w->input);
	sim_changes_init(&w->changes, w->wish->seed, &w->shape, &w->input, &w->story);
	if (w->changes.on) {
		shape_forbid_spills(&w->shape);
		shape_print(&w->shape, w->yaml);
	}
	w->acts = (unsigned)sim_between(&w->random, 5, w->once ? 20 : 60);
	w->next_act_ns = w->clock.now_ns;
}

/* ---- what happens meanwhile ---- */

/* What is broken has been mended. */
static void calm(struct world *w)
{
	w->faults.read_errors = w->faults.write_errors = w->faults.sync_errors = 0;
	w->happened.read_errors = w->happened.write_errors = w->happened.sync_errors = 0;
}

static bool was_at_fault(const struct world *w)
{
	const struct sim_happened *h = &w->happened;
	return h->read_errors > 0 || h->write_errors > 0 || h->sync_errors > 0 || w->room_ns > 0;
}

/* The machine stops, or only the process does. */
static void break_off(struct world *w)
{
	bool crash = sim_chance(&w->random, 600);
	sim_story_add(&w->story, crash ? "world      CRASHES" : "world      KILLS the process");
	w->interruptions--;
	w->interrupted = true;
	if (crash)
		sim_fs_crash(&w->fs);
	else
		sim_fs_kill(&w->fs);
	sim_peers_process_is_killed(&w->peers, crash);
	w->clock.boot += crash;
	if (w->run.begun) {
		w->moves += w->run.moves;
		sim_run_crash(&w->run);
	}
	sim_recovery_end(&w->recovery, true);
	w->happened.write_errors = w->happened.sync_errors = w->happened.read_errors =
	    0; /* nobody told */
	if (crash)
		sim_input_reopen(&w->input);
}

static void empty_disk(struct world *w)
{
	w->room_ns = 0;
	w->fs.capacity = UINT64_MAX;
	sim_story_add(&w->story, "world      has room again");
}

static void change_topology(struct world *w)
{
	if (!sim_changes_make(&w->changes))
		return;
	plan_release(&w->plan);
	topology_release(&w->topology);
	shape_print(&w->shape, w->yaml);
	if (!sim_load(&w->topology, &w->plan, w->yaml, w->shape.tight))
		w->failure = "the changed topology was refused";
}

/* What sinks are to hold, and do by now. */
static struct sim_model model_of(struct world *w, enum sim_demand demand)
{
	return (struct sim_model){.shape = &w->shape,
				  .input = &w->input,
				  .fs = &w->fs,
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
	int result = sim_recovery_see_to_leftovers(&w->recovery, &w->topology, sim_random_fork(r),
						   w->room_ns, steps);
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
	if (w->interruptions > 0 && sim_chance(&w->random, 200))
		steps = (unsigned)sim_below(&w->random, RECOVERY_STEPS);
	int r = sim_recovery_begin(&w->recovery, &w->topology, &w->fs, &w->clock, &w->story,
				   &w->faults, &w->happened, sim_random_fork(&w->random), steps);
	if (r == 0)
		r = see_to_leftovers(w);
	if (r == -EINTR) {
		break_off(w);
	} else if (r < 0) {
		sim_story_add(&w->story, "world      recovery fails: %s", strerrorname_np(-r));
		sim_recovery_end(&w->recovery, false);
		if (!was_at_fault(w))
			w->failure = "recovery failed, and no fault was to blame";
		calm(w);
		if (w->room_ns > 0)
			empty_disk(w);
	}
	return r;
}

static void begin_process(struct world *w)
{
	const struct pipeline_memory *memory = NULL;
	sim_input_restarted(&w->input);
	w->stopping = w->restarting = false;
	w->bytes_read = UINT64_MAX; /* not known */
	if (w->shape.epoch_ms) {
		while (recover(w) < 0)
			if (w->failure)
				return;
		memory = &w->recovery.memory;
	}
	sim_peers_process_begins(&w->peers);
	int r = sim_run_begin(&w->run, &w->plan, w->once, &w->fs, &w->clock, &w->story, &w->faults,
			      &w->happened, sim_random_fork(&w->random), memory);
	if (r < 0)
		w->failure = "the pipeline could not be built";
}

static void end_process(struct world *w)
{
	w->moves += w->run.moves;
	sim_peers_process_ends(&w->peers);
	sim_run_end(&w->run);
	sim_recovery_end(&w->recovery, false);
}

static void stop(struct world *w, const char *why)
{
	if (w->stopping)
		return;
	w->stopping = true;
	sim_peers_get_well(&w->peers);
	sim_story_add(&w->story, "world      stops the pipeline: %s", why);
	pipeline_stop(&w->run.pipeline);
	for (size_t i = 0; i < w->run.pipeline.runner_count; i++)
		w->run.runners[i].woken = true;
}

static void fill_disk(struct world *w)
{
	w->fs.capacity = w->fs.used + sim_below(&w->random, 200);
	w->room_ns = w->clock.now_ns + sim_below(&w->random, 10 * SECOND_NS);
	sim_story_add(&w->story, "world      has room for %ju bytes more",
		      (uintmax_t)(w->fs.capacity - w->fs.used));
}

static void set_clock(struct world *w)
{
	int64_t by = (int64_t)sim_below(&w->random, 6 * SECOND_NS) - (int64_t)(3 * SECOND_NS);
	w->clock.wall_ns += by;
	w->set_back |= by < 0;
	sim_story_add(&w->story, "world      sets the clock by %jd ms", (intmax_t)by / 1000000);
}

static void interrupt(struct world *w)
{
	if (sim_chance(&w->random, 700)) {
		break_off(w);
		begin_process(w);
		return;
	}
	w->interruptions--;
	w->restarting = !w->stopping;
	stop(w, "to begin anew");
}

static void act(struct world *w)
{
	w->acts--;
	uint64_t what = sim_below(&w->random, 20);
	if (w->interruptions > 0 && sim_chance(&w->random, 150))
		interrupt(w);
	else if (what == 0 && w->room_ns == 0)
		fill_disk(w);
	else if (what == 1)
		set_clock(w);
	else if (!w->once)
		sim_input_act(&w->input, &w->run.pipeline, w->clock.now_ns);
	if (w->stops_early && sim_chance(&w->random, 50))
		stop(w, "early");
	uint64_t pause = sim_chance(&w->random, 300) ? 3 * SECOND_NS : SECOND_NS / 20;
	w->next_act_ns = w->clock.now_ns + sim_below(&w->random, w->once ? SECOND_NS / 500 : pause);
}

static bool is_quiet(struct world *w)
{
	uint64_t bytes =
	    sim_input_bytes_read(&w->input, &w->run.pipeline) + sim_peers_progress(&w->peers);
	if (bytes != w->bytes_read || w->room_ns > 0)
		w->quiet_at_ns = w->clock.now_ns + QUIET_NS;
	w->bytes_read = bytes;
	return w->quiet_at_ns > 0 && w->clock.now_ns >= w->quiet_at_ns;
}

/* In a process that is not the first the counters do not say what had been read before. */
static bool is_read(struct world *w)
{
	return w->interrupted ? is_quiet(w) : sim_input_is_read(&w->input, &w->run.pipeline);
}

/* What is on disk when it is told to stop stays there for the next start. */
static bool nothing_is_spilled(struct world *w)
{
	const struct pipeline *p = &w->run.pipeline;
	for (size_t i = 0; i < p->worker_count; i++)
		if (p->workers[i].spilling && (!spill_is_open(&p->workers[i].nodes[0].stage) ||
					       spill_has_unread(&p->workers[i].nodes[0].stage)))
			return false;
	for (size_t e = 0; e < p->edge_count; e++) {
		const struct queue *q = &p->edges[e].queue;
		const struct plan_group *reader = &w->plan.groups[w->plan.edges[e].to];
		bool is_sinks = w->topology.stages[reader->head].schema->kind == STAGE_SINK;
		if (is_sinks ? queue_size(q) > 0 : queue_unfinished(q) > 0)
			return false;
	}
	return true;
}

static void look(struct world *w)
{
	w->next_act_ns = w->clock.now_ns + LOOK_NS;
	if (w->once || w->stopping)
		return;
	if (sim_input_finish(&w->input, &w->run.pipeline, w->clock.now_ns) && is_read(w) &&
	    nothing_is_spilled(w) && sim_peers_are_content(&w->peers))
		stop(w, "all has been read");
}

/* Nothing is written meanwhile; but it may well be interrupted. */
static void await_quiet(struct world *w)
{
	w->next_act_ns = w->clock.now_ns + LOOK_NS;
	if (w->interruptions > 0 && sim_chance(&w->random, 2))
		interrupt(w);
	else if (is_quiet(w)) {
		sim_input_destroy(&w->input, w->clock.now_ns);
		w->bytes_read = UINT64_MAX; /* not known */
	}
}

static void let_happen(struct world *w)
{
	sim_peers_act(&w->peers);
	if (w->room_ns > 0 && w->clock.now_ns >= w->room_ns)
		empty_disk(w);
	if (w->clock.now_ns < w->next_act_ns)
		return;
	if (w->stopping)
		w->next_act_ns = w->clock.now_ns + LOOK_NS;
	else if (w->input.wants_quiet)
		await_quiet(w);
	else if (w->acts > 0)
		act(w);
	else
		look(w);
}

static uint64_t next_ns(const struct world *w)
{
	uint64_t next = sim_run_next_ns(&w->run), peers = sim_peers_next_ns(&w->peers);
	if (peers < next)
		next = peers;
	bool idle = w->once && w->acts == 0;
	if (!w->stopping && !idle && w->next_act_ns < next)
		next = w->next_act_ns;
	if (w->room_ns > 0 && w->room_ns < next)
		next = w->room_ns;
	return next;
}

static bool has_failed(struct world *w)
{
	return pipeline_failed(&w->run.pipeline) || pipeline_log_failure(&w->run.pipeline) < 0;
}

/* It has ended: is that the end? Else there is another one already. */
static bool is_over(struct world *w)
{
	bool failed = has_failed(w);
	bool gave_up = failed || w->happened.read_errors > 0 ||
		       (w->stopping && !w->restarting && w->stops_early);
	if (!w->shape.epoch_ms || (!gave_up && !w->restarting))
		return true;
	if (failed && !was_at_fault(w))
		w->failure = "a stage failed, and no fault was to blame";
	if (!failed && w->happened.write_errors + w->happened.sync_errors > 0)
		w->failure = "a write or fsync failed, and the pipeline did not";
	sim_story_add(&w->story, "world      begins it anew");
	w->stops_early = false;
	w->interrupted = true;
	end_process(w);
	calm(w);
	if (!w->failure)
		begin_process(w);
	return w->failure != NULL;
}

/* A rotation has a dozen operations, up to a millisecond each: before the marker there may be thousands. */
static uint64_t cut_ns(const struct world *w)
{
	return w->faults.slow > 0 ? 100 * CUT_NS : CUT_NS;
}

/* A full disk is waited for, and so are servers; on a slow one many rotations take long. */
static void watch_cut(struct world *w)
{
	const struct pipeline *p = &w->run.pipeline;
	bool cuts = p->epochs_made && p->epochs.state == EPOCHS_CUTTING;
	bool slow = w->faults.slow > 0 && w->faults.slow_ns > SECOND_NS / 1000;
	if (!cuts || slow || was_at_fault(w) || w->peers.on)
		w->cut_limit_ns = 0;
	else if (w->cut_limit_ns == 0)
		w->cut_limit_ns = w->clock.now_ns + cut_ns(w);
	else if (w->clock.now_ns > w->cut_limit_ns)
		w->failure = "an epoch was asked for, and somebody never reports";
}

static void run_to_end(struct world *w)
{
	uint64_t limit = w->clock.now_ns + LONGEST_NS;
	while (!w->failure) {
		enum sim_move m = sim_run_move(&w->run);
		if (m == SIM_ENDED && is_over(w))
			return;
		if (m == SIM_ENDED)
			continue;
		if (m == SIM_SPINS)
			w->failure =
			    "the pipeline spins: it goes on and on and nothing comes of it";
		if (has_failed(w))
			stop(w, "something failed");
		if (m == SIM_IDLE && next_ns(w) == UINT64_MAX)
			w->failure = "stall: nobody can ever go on";
		else if (m == SIM_IDLE)
			sim_clock_to(&w->run, next_ns(w));
		if (w->clock.now_ns > limit)
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
	bool write_failed = w->happened.write_errors > 0 || w->happened.sync_errors > 0;
	struct sim_model m = model_of(w, failed ? SIM_NO_MORE : SIM_WHOLE);
	if (!failed && !w->shape.epoch_ms &&
	    (w->happened.read_errors > 0 || (w->stopping && w->stops_early)))
		m.demand = SIM_PREFIX;
	if (failed && !write_failed)
		w->failure = "a stage failed, and no fault was to blame";
	else if (!failed && write_failed)
		w->failure = "a write or fsync failed, and the pipeline did not";
	else if (!sim_model_holds(&m))
		note_difference(w, &m);
	else if (sim_fs_open_count(&w->fs) > 0)
		w->failure = "descriptors were left open";
	else if (sim_peers_wrong(&w->peers))
		w->failure = sim_peers_wrong(&w->peers);
}

static void tell(const struct world *w)
{
	fprintf(stderr, "seed %" PRIu64 ": %s\n", w->wish->seed, w->failure);
	if (!w->story.told)
		return;
	sim_story_print(&w->story, STDERR_FILENO);
	fprintf(stderr, "%sonce: %d, stops early: %d, memory: %s, interruptions left: %u\n",
		w->yaml, w->once, w->stops_early, w->shape.tight ? "the least" : "plenty",
		w->interruptions);
	fprintf(stderr, "seed %" PRIu64 ": %s\n", w->wish->seed, w->failure);
}

static void release(struct world *w)
{
	if (w->run.begun) /* it did not come to its end: what it holds is let go as by a crash */
		sim_run_crash(&w->run);
	sim_recovery_end(&w->recovery, true);
	sim_changes_release(&w->changes);
	sim_peers_release(&w->peers);
	sim_input_release(&w->input);
	sim_fs_release(&w->fs);
	plan_release(&w->plan);
	topology_release(&w->topology);
	sim_story_release(&w->story);
}

static void close_writers(struct world *w)
{
	for (size_t i = 0; i < w->input.count; i++)
		if (w->input.streams[i].fd >= 0)
			sim_fs_close(&w->fs, w->input.streams[i].fd);
}

struct sim_result sim_world_run(const struct sim_wish *wish)
{
	struct world *w = sim_alloc(sizeof *w);
	w->wish = wish;
	w->random.state = wish->seed;
	sim_story_init(&w->story, wish->told, &w->clock.now_ns);
	sim_current_story = &w->story;
	make(w);
	if (sim_load(&w->topology, &w->plan, w->yaml, w->shape.tight))
		begin_process(w);
	else
		w->failure = "the topology was refused";
	if (!w->failure)
		run_to_end(w);
	if (w->failure) {
		if (w->run.begun)
			sim_run_tell(&w->run);
	} else {
		bool failed = has_failed(w);
		end_process(w);
		close_writers(w);
		sim_peers_finish(&w->peers);
		judge(w, failed);
	}
	struct sim_result result = {.good = !w->failure,
				    .digest = w->story.digest,
				    .moves = w->moves,
				    .simulated_ns = w->clock.now_ns,
				    .operations = w->happened.operations};
	if (w->failure)
		tell(w);
	release(w);
	sim_current_story = NULL;
	free(w);
	return result;
}

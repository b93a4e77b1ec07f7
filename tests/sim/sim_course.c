#include "tests/sim/sim_course.h"
#include "tests/sim/sim_inode.h"
#include "tests/sim/sim_load.h"
#include "tests/sim/sim_machine.h"
#include "tests/sim/sim_model.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#define MS UINT64_C(1000000)
#define AFTER_END_NS (200 * MS)  /* a service manager begins it anew after so long */
#define QUIET_NS (90000 * MS)    /* nothing was read for so long: all has been, and is committed */
#define LOOK_NS (500 * MS)       /* how often that is looked at */
#define LONGEST_NS (200000 * MS) /* a process takes, if it waits for nothing that failed */
#define RESUMES_NS (5000 * MS)   /* and from when that is mended */

enum { FAILURES_MAX = 3, SEED = 11, LINE_ROOM = 128 };

enum act { LINES, FRAME, RENAME, KILL, CRASH };

static const struct {
	uint64_t at_ns;
	enum act act;
	unsigned lines;
} follow_acts[] = {{0, LINES, 30},         {0, FRAME, 30},         {600 * MS, LINES, 20},
		   {650 * MS, FRAME, 20},  {900 * MS, RENAME, 15}, {1500 * MS, KILL, 0},
		   {1700 * MS, LINES, 15}, {1720 * MS, FRAME, 15}, {2200 * MS, LINES, 5},
		   {2350 * MS, CRASH, 0},  {2600 * MS, LINES, 10}, {2650 * MS, FRAME, 5}},
  once_acts[] = {{0, LINES, 150}, {0, FRAME, 150}, {12 * MS, KILL, 0}, {30 * MS, CRASH, 0}};

struct world {
	struct sim_course *course;
	struct sim_machine machine;
	struct shape shape;
	char yaml[SHAPE_YAML_ROOM];
	struct sim_input input;

	uint64_t began_ns, limit_ns,
	    next_act_ns; /* limit_ns: by when the process has come to its end */
	size_t acts_done;
	bool stopping, last; /* last: nothing fails any more, and nothing more comes */
	unsigned failures;
	uint64_t bytes_read, quiet_at_ns;
	bool struck;           /* the process was ended at the operation */
	bool untold;           /* nothing had been told when it was mended, ... */
	uint64_t bytes_untold; /* ... and so much read by then */
	const char *wrong;
};

/* ---- making ---- */

static struct shape_stage *add_stage(struct shape *s, enum stage_kind kind, const char *id)
{
	struct shape_stage *n = &s->stages[s->count++];
	*n = (struct shape_stage){.kind = kind};
	snprintf(n->id, sizeof n->id, "%s", id);
	snprintf(n->place, sizeof n->place, "%s", id);
	return n;
}

static void make_source(struct shape *s, const char *id)
{
	struct shape_stage *n = add_stage(s, STAGE_SOURCE, id);
	n->all_names = true;
	n->max_line = 200;
}

static void make_sink(struct shape *s, const char *id, bool zstd, size_t input, size_t other)
{
	struct shape_stage *n = add_stage(s, STAGE_SINK, id);
	n->zstd = zstd;
	n->rotate_size = zstd ? 300 : 700;
	n->inputs[n->input_count++] = input;
	n->inputs[n->input_count++] = other;
}

static void make_shape(struct world *w)
{
	struct shape *s = &w->shape;
	s->sources = 2;
	s->epoch_ms = w->course->once ? 5 : 200;
	make_source(s, "s0");
	make_source(s, "s1");
	struct shape_stage *filter = add_stage(s, STAGE_TRANSFORM, "f0");
	filter->inverted = true;
	filter->workers = 2;
	filter->inputs[filter->input_count++] = 0;
	filter->inputs[filter->input_count++] = 1;
	make_sink(s, "o0", false, 2, 1);
	make_sink(s, "o1", true, 0, 2);
	shape_print(s, w->yaml);
}

static void mount_all(struct world *w)
{
	sim_fs_init(&w->machine.fs, sim_random_next(&w->machine.random), &w->machine.clock.wall_ns,
		    true);
	w->machine.fs.capacity = UINT64_MAX;
	sim_fs_mount(&w->machine.fs, "/state", false, true);
	sim_fs_mount(&w->machine.fs, "/in", true, false);
	sim_fs_mount(&w->machine.fs, "/in/s0", true, false);
	sim_fs_mount(&w->machine.fs, "/in/s1", true, false);
	sim_fs_mount(&w->machine.fs, "/out", false, true);
	sim_fs_mount(&w->machine.fs, "/out/o0", false, true);
	sim_fs_mount(&w->machine.fs, "/out/o1", false, true);
}

/* By somebody of whom nothing is remembered: nothing is in it yet but half a block. */
static void leave_open_frame(struct world *w)
{
	static const uint8_t left[] = {0x28, 0xB5, 0x2F, 0xFD, 0x04, 0x58, 0,
				       0,    0,    0x80, 0,    0,    'h'};
	int fd =
	    sim_fs_open(&w->machine.fs, AT_FDCWD, "/out/o1/o1.log.zst", O_WRONLY | O_CREAT, 0644);
	sim_fs_write(&w->machine.fs, fd, left, sizeof left, 0);
	sim_fs_sync(&w->machine.fs, fd, false);
	sim_fs_close(&w->machine.fs, fd);
	fd = sim_fs_open(&w->machine.fs, AT_FDCWD, "/out/o1", O_RDONLY | O_DIRECTORY, 0);
	sim_fs_sync(&w->machine.fs, fd, false);
	sim_fs_close(&w->machine.fs, fd);
}

static void add_stream(struct world *w, size_t source, const char *path)
{
	struct sim_input *in = &w->input;
	in->streams = reallocarray(in->streams, in->count + 1, sizeof *in->streams);
	if (!in->streams)
		abort();
	struct sim_stream *s = &in->streams[in->count++];
	*s = (struct sim_stream){.source = source, .fd = -1};
	snprintf(s->path, sizeof s->path, "%s", path);
}

static void make(struct world *w, struct sim_course *c)
{
	w->course = c;
	sim_machine_init(&w->machine, SEED, c->told);
	w->machine.clock =
	    (struct sim_clock){.now_ns = MS, .wall_ns = 1700000000000 * (int64_t)MS, .boot = 1};
	w->machine.faults = (struct sim_faults){
	    .slow = 300, .slow_ns = MS, .back_bytes = 200, .strike = &c->strike};
	w->began_ns = w->machine.clock.now_ns;
	make_shape(w);
	mount_all(w);
	leave_open_frame(w);
	sim_input_init(&w->input, &w->shape, &w->machine.fs, &w->machine.story,
		       sim_random_fork(&w->machine.random), c->once);
	add_stream(w, 0, "/in/s0/0.log");
	add_stream(w, 1, "/in/s1/1.log.zst");
}

/* ---- what is written ---- */

/* Each is unlike any other, and some are red. */
static size_t make_line(const struct sim_stream *s, size_t stream, char line[LINE_ROOM])
{
	int n = snprintf(line, LINE_ROOM, "%zu:%u %s line of some length %08x\n", stream, s->lines,
			 s->lines % 3 == 0 ? "red" : "green", s->lines * 2654435761u);
	return (size_t)n;
}

static void append(struct world *w, struct sim_stream *s, const void *bytes, size_t length)
{
	int fd = sim_fs_open(&w->machine.fs, AT_FDCWD, s->path, O_WRONLY | O_CREAT, 0);
	sim_fs_write(&w->machine.fs, fd, bytes, length, s->offset);
	sim_fs_close(&w->machine.fs, fd);
	s->offset += length;
}

static void note_text(struct sim_stream *s, const char *text, size_t length)
{
	s->text = realloc(s->text, s->length + length);
	if (!s->text)
		abort();
	memcpy(s->text + s->length, text, length);
	s->length += length;
	s->whole = s->length;
}

static void write_lines(struct world *w, size_t stream, unsigned lines, bool frame)
{
	struct sim_stream *s = &w->input.streams[stream];
	char *text = sim_alloc(lines * LINE_ROOM);
	size_t length = 0, room = ZSTD_compressBound(lines * LINE_ROOM);
	for (unsigned i = 0; i < lines; i++, s->lines++)
		length += make_line(s, stream, text + length);
	note_text(s, text, length);
	if (frame) {
		char *packed = sim_alloc(room);
		append(w, s, packed, ZSTD_compress(packed, room, text, length, 1));
		free(packed);
	} else {
		append(w, s, text, length);
	}
	free(text);
}

/* The newest plain one; another takes its name. */
static void rename_plain(struct world *w, unsigned lines)
{
	sim_fs_rename(&w->machine.fs, AT_FDCWD, "/in/s0/0.log", "/in/s0/0.log.1", false);
	snprintf(w->input.streams[0].path, sizeof w->input.streams[0].path, "/in/s0/0.log.1");
	add_stream(w, 0, "/in/s0/0.log");
	write_lines(w, w->input.count - 1, lines, false);
}

static size_t plain_stream(const struct world *w)
{
	return w->input.count > 2 ? w->input.count - 1 : 0;
}

/* ---- processes ---- */

static bool mended(const struct world *w)
{
	return w->course->strike.lifted || w->course->strike.at == 0;
}

static void mend(struct world *w)
{
	sim_story_add(&w->machine.story, "world      what failed is mended");
	w->course->strike.lifted = true;
}

/* It failed. Is that allowed? */
static void note_failure(struct world *w)
{
	sim_story_add(&w->machine.story, "world      it failed");
	if (mended(w))
		w->wrong = "it failed, though nothing does any more";
	else if (w->course->strike.struck == 0)
		w->wrong = "it failed before anything did";
	if (++w->failures == FAILURES_MAX)
		mend(w);
}

static void pass(struct world *w, uint64_t ns)
{
	w->machine.clock.now_ns += ns;
	w->machine.clock.wall_ns += (int64_t)ns;
}

static bool begin_once(struct world *w)
{
	int r = sim_machine_recover(&w->machine, UINT_MAX);
	if (r == 0)
		r = sim_machine_run(&w->machine, w->course->once, &w->machine.recovery.memory);
	if (r == 0)
		return true;
	sim_machine_recovery_failed(&w->machine, r); /* and daemon/recovery.c says why */
	return false;
}

static void check_descriptors(struct world *w)
{
	if (sim_fs_open_count(&w->machine.fs) > 0 && !w->wrong)
		w->wrong = "descriptors were left open";
}

static void begin_process(struct world *w)
{
	w->untold = false;
	w->quiet_at_ns = 0;
	while (!begin_once(w) && !w->wrong) {
		note_failure(w);
		check_descriptors(w);
		pass(w, AFTER_END_NS);
	}
	w->limit_ns = w->machine.clock.now_ns + LONGEST_NS;
}

static void interrupt(struct world *w, bool crash)
{
	w->struck = w->course->strike.struck > 0;
	sim_machine_break_off(&w->machine, crash);
	begin_process(w);
}

static bool ends_at_operation(const struct world *w)
{
	const struct sim_strike *s = &w->course->strike;
	return (s->lasting == SIM_KILL || s->lasting == SIM_CRASH) && s->struck > 0 && !w->struck;
}

static void end_at_operation(struct world *w)
{
	w->machine.fs.random.state += (uint64_t)w->course->strike.error;
	interrupt(w, w->course->strike.lasting == SIM_CRASH);
}

/* ---- what happens meanwhile ---- */

static size_t act_count(const struct world *w)
{
	return w->course->once ? sizeof once_acts / sizeof *once_acts
			       : sizeof follow_acts / sizeof *follow_acts;
}

static uint64_t next_act_ns(const struct world *w)
{
	if (w->acts_done == act_count(w))
		return UINT64_MAX;
	return w->began_ns + (w->course->once ? once_acts : follow_acts)[w->acts_done].at_ns;
}

static void act(struct world *w)
{
	enum act what = (w->course->once ? once_acts : follow_acts)[w->acts_done].act;
	unsigned lines = (w->course->once ? once_acts : follow_acts)[w->acts_done].lines;
	w->acts_done++;
	switch (what) {
	case LINES:
		write_lines(w, plain_stream(w), lines, false);
		break;
	case FRAME:
		write_lines(w, 1, lines, true);
		break;
	case RENAME:
		rename_plain(w, lines);
		break;
	case KILL:
	case CRASH:
		if (w->machine.run.begun)
			interrupt(w, what == CRASH);
	}
}

static bool is_quiet(struct world *w)
{
	uint64_t bytes = sim_input_bytes_read(&w->input, &w->machine.run.pipeline);
	if (bytes != w->bytes_read || w->quiet_at_ns == 0)
		w->quiet_at_ns = w->machine.clock.now_ns + QUIET_NS;
	w->bytes_read = bytes;
	return w->machine.clock.now_ns >= w->quiet_at_ns;
}

static bool has_told(const struct world *w)
{
	return w->machine.run.said[SAY_WARN] + w->machine.run.said[SAY_ERROR] > 0;
}

/* Nothing happens any more. What could not be done for want of what failed must be done when that is mended; and if there
 * was such, it was told. */
static void end_quiet(struct world *w)
{
	w->quiet_at_ns = 0;
	if (w->untold && w->bytes_read != w->bytes_untold)
		w->wrong = "it left something out, and did not say what";
	if (w->course->strike.struck == 0 || mended(w)) {
		sim_machine_stop(&w->machine, "all has been read");
		return;
	}
	bool gone = w->course->strike.error == -ENOENT; /* such a file is none to tell of */
	w->untold = !has_told(w) && !gone;
	w->bytes_untold = w->bytes_read;
	mend(w);
	w->limit_ns = w->machine.clock.now_ns + LONGEST_NS;
}

static void let_happen(struct world *w)
{
	while (w->machine.clock.now_ns >= next_act_ns(w) && !w->wrong)
		act(w);
	if (w->machine.clock.now_ns < w->next_act_ns)
		return;
	w->next_act_ns = w->machine.clock.now_ns + LOOK_NS;
	if (!w->course->once && w->acts_done == act_count(w) && is_quiet(w))
		end_quiet(w);
}

static void end_wait(struct world *w)
{
	if (mended(w))
		w->wrong = "it does not come to its end";
	else if (!has_told(w))
		w->wrong = "it waits, and does not say for what";
	mend(w);
	w->limit_ns = w->machine.clock.now_ns + RESUMES_NS;
}

/* ---- ends ---- */

/* NULL: every output holds every record once. */
static const char *difference(struct world *w)
{
	static char why[512];
	struct sim_model m = {.shape = &w->shape,
			      .input = &w->input,
			      .fs = &w->machine.fs,
			      .once = w->course->once,
			      .demand = SIM_WHOLE};
	if (sim_model_holds(&m))
		return NULL;
	snprintf(why, sizeof why, "%s", m.why);
	return why;
}

static uint64_t errors_counted(const struct world *w)
{
	uint64_t errors = 0;
	for (size_t i = 0; i < w->machine.topology.stage_count; i++)
		errors += counter_get(&w->machine.run.pipeline.counters[i].errors);
	return errors;
}

/* It has stored everything. True when that was the last one. */
static bool end_well(struct world *w)
{
	bool all_given = w->acts_done == act_count(w);
	if (w->course->once || all_given)
		w->wrong = difference(w);
	if (!all_given || w->wrong)
		return false;
	if (w->last)
		return true;
	w->last = true;
	w->course->operations = w->course->strike.count;
	w->course->strike.lifted = true;
	return false;
}

/* True when that was the last one. */
static bool end_process(struct world *w)
{
	const uint64_t *said = w->machine.run.said;
	bool failed = sim_machine_has_failed(&w->machine);
	bool errors = w->course->once && errors_counted(w) > 0; /* exit code 1 */
	bool told = said[SAY_ERROR] > 0 || (!failed && said[SAY_WARN] > 0);
	sim_machine_end(&w->machine);
	if (!failed && !errors && end_well(w))
		return true;
	if (failed || errors)
		note_failure(w);
	if ((failed || errors) && !told)
		w->wrong = "it failed, and did not say why";
	check_descriptors(w);
	return false;
}

static void next_process(struct world *w)
{
	if (end_process(w) || w->wrong)
		return;
	pass(w, AFTER_END_NS);
	begin_process(w);
}

/* ---- running ---- */

static void go_on(struct world *w)
{
	uint64_t next = sim_run_next_ns(&w->machine.run);
	if (next_act_ns(w) < next)
		next = next_act_ns(w);
	if (!w->course->once && !w->machine.stopping && w->next_act_ns < next)
		next = w->next_act_ns;
	if (next == UINT64_MAX)
		w->wrong = "stall: nobody can ever go on";
	else
		sim_clock_to(&w->machine.run, next);
}

static void run_to_end(struct world *w)
{
	while (!w->wrong) {
		enum sim_move m = sim_run_move(&w->machine.run);
		if (ends_at_operation(w)) {
			end_at_operation(w);
			continue;
		}
		if (m == SIM_ENDED) {
			next_process(w);
			if (!w->machine.run.begun)
				return;
			continue;
		}
		if (m == SIM_SPINS)
			w->wrong = "it spins: it goes on and on and nothing comes of it";
		if (sim_machine_has_failed(&w->machine))
			sim_machine_stop(&w->machine, "something failed");
		if (m == SIM_IDLE)
			go_on(w);
		if (w->machine.clock.now_ns > w->limit_ns)
			end_wait(w);
		if (!w->wrong)
			let_happen(w);
	}
}

/* ---- the verdict ---- */

static void tell(struct world *w)
{
	if (w->machine.run.begun)
		sim_run_tell(&w->machine.run);
	fprintf(stderr, "%s\n", w->wrong);
	if (!w->machine.story.told)
		return;
	sim_story_print(&w->machine.story, STDERR_FILENO);
	fprintf(stderr, "%s%s\n", w->yaml, w->wrong);
}

bool sim_course_run(struct sim_course *c)
{
	struct world *w = sim_alloc(sizeof *w);
	make(w, c);
	if (!sim_load(&w->machine.topology, &w->machine.plan, w->yaml, true))
		w->wrong = "the topology was refused";
	while (w->machine.clock.now_ns >= next_act_ns(w))
		act(w);
	if (!w->wrong)
		begin_process(w);
	if (!w->wrong)
		run_to_end(w);
	bool good = !w->wrong;
	if (!good)
		tell(w);
	sim_machine_release(&w->machine);
	sim_input_release(&w->input);
	free(w);
	return good;
}

/* Epochs over the running graph: at every cut each sink has exactly what the sources had emitted by then. */
#include "daemon/inputs.h"
#include "tests/unit/daemon/each_backend.h"
#include "tests/unit/daemon/epoch_world.h"
#include "tests/unit/daemon/fake_stages.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "type:stage", whatever its type. */
static const char *remembered_as(const struct epoch_world *w, const char *stage)
{
	for (const struct epoch_stage *s = w->log.map.stages; s; s = s->next)
		if (strcmp(strchr(s->id, ':') + 1, stage) == 0)
			return s->id;
	cr_assert_fail("nothing is remembered of %s", stage);
	return NULL;
}

static uint64_t remembered(struct epoch_world *w, const char *stage, const char *key)
{
	uint64_t value;
	const struct epoch_entry *e =
	    epoch_map_find(&w->log.map, remembered_as(w, stage), key, strlen(key));
	cr_assert(e && e->value_length == sizeof value, "%s has no %s", stage, key);
	memcpy(&value, epoch_entry_value(e), sizeof value);
	return value;
}

struct origin {
	const char *id;
	uint64_t first, step; /* which of its numbers come through: first, first + step, ... */
	uint64_t offset;      /* of the first in the source's own count */
};

static uint64_t position(const struct cuts *c, size_t epoch)
{
	return c->at[epoch < c->count ? epoch : c->count - 1]; /* it ended before: there it stays */
}

/* How many of an origin's numbers stand in what the sink had by then; all of them lie before the cut. */
static uint64_t count_before(const struct collected *c, uint64_t taken, const struct origin *o,
			     uint64_t end)
{
	uint64_t n = 0;
	for (uint64_t i = 0; i < taken; i++)
		if (c->numbers[i] >= o->offset && c->numbers[i] < o->offset + 100000000) {
			cr_assert_lt(c->numbers[i] - o->offset, end, "%s", o->id);
			n++;
		}
	return n;
}

static void assert_cut_exactly(const char *sink, const struct origin *origins, size_t count)
{
	const struct cuts *cuts = fake_cuts(sink);
	const struct collected *c = fake_collected(sink);
	size_t stride = cuts->count / 50 + 1;
	cr_assert_gt(cuts->count, 3, "%s was cut only %zu times", sink, cuts->count);
	for (size_t epoch = 0; epoch < cuts->count; epoch += stride) {
		uint64_t all = 0;
		for (size_t i = 0; i < count; i++) {
			uint64_t end = position(fake_cuts(origins[i].id), epoch);
			uint64_t due =
			    (end + origins[i].step - 1 - origins[i].first) / origins[i].step;
			uint64_t got = count_before(c, cuts->at[epoch], &origins[i], end);
			cr_assert_eq(got, due, "%s, epoch %zu: %zu of %zu from %s", sink, epoch + 1,
				     (size_t)got, (size_t)due, origins[i].id);
			all += got;
		}
		cr_assert_eq(all, cuts->at[epoch]);
	}
}

#define EPOCHS_TEST(name) EACH_BACKEND_TEST(epochs, name)

EPOCHS_TEST(sink_is_cut_where_its_source_is)
{
	struct epoch_world w;
	epoch_world_begin_roomy(&w, *kind,
				"sources: {a: {type: numbers, count: 60000, cuts: 9}}\n"
				"sinks: {out: {type: collect, inputs: [a]}}\n");
	epoch_world_run(&w);
	assert_cut_exactly("out", (struct origin[]){{"a", 0, 1, 0}}, 1);
	cr_assert_eq(remembered(&w, "a", "next"), 60000);
	cr_assert_eq(remembered(&w, "out", "count"), 60000);
	cr_assert_eq(fake_collected("out")->committed, w.log.epoch);
	epoch_world_end(&w);
}

EPOCHS_TEST(barriers_are_aligned_where_sources_flow_together)
{
	struct epoch_world w;
	epoch_world_begin_roomy(
	    &w, *kind,
	    "sources:\n"
	    "  a: {type: numbers, count: 20000, cuts: 9}\n"
	    "  b: {type: numbers, count: 10000, cuts: 9, first: 100000000, per_batch: 3}\n"
	    "transforms: {l: {type: labour, inputs: [a, b], workers: 1, queue: {capacity: 4}}}\n"
	    "sinks: {out: {type: collect, inputs: [l]}, other: {type: collect, inputs: [b]}}\n");
	epoch_world_run(&w);
	struct origin both[] = {{"a", 0, 1, 0}, {"b", 0, 1, 100000000}};
	assert_cut_exactly("out", both, 2);
	assert_cut_exactly("other", both + 1, 1);
	epoch_world_end(&w);
}

EPOCHS_TEST(several_workers_pass_one_barrier)
{
	struct epoch_world w;
	epoch_world_begin_roomy(
	    &w, *kind,
	    "sources:\n"
	    "  a: {type: numbers, count: 20000, cuts: 9}\n"
	    "  b: {type: numbers, count: 20000, cuts: 9, first: 100000000}\n"
	    "transforms:\n"
	    "  l: {type: labour, inputs: [a, b], workers: 3, queue: {capacity: 2}}\n"
	    "  m: {type: labour, inputs: [l], workers: 2, queue: {capacity: 1}}\n"
	    "sinks: {out: {type: collect, inputs: [m]}}\n");
	epoch_world_run(&w);
	struct origin both[] = {{"a", 0, 1, 0}, {"b", 0, 1, 100000000}};
	assert_cut_exactly("out", both, 2);
	epoch_world_end(&w);
}

EPOCHS_TEST(workers_that_overtake_each_other_do_not_overtake_a_barrier)
{
	struct epoch_world w;
	epoch_world_begin_roomy(
	    &w, *kind,
	    "sources: {a: {type: numbers, count: 50000, cuts: 9}}\n"
	    "transforms: {l: {type: labour, inputs: [a], workers: 4, ordered: false}}\n"
	    "sinks: {out: {type: collect, inputs: [l]}}\n");
	epoch_world_run(&w);
	assert_cut_exactly("out", (struct origin[]){{"a", 0, 1, 0}}, 1);
	epoch_world_end(&w);
}

/* All below have reported, the epoch is committed and the source was asked to cut again, all before this worker went on. */
static int pass_and_be_overtaken(struct worker *w, uint64_t epoch)
{
	cr_assert_eq(epoch, 7);
	barrier_raise(&w->in_edges[0].edge->barrier, 0, 8);
	return 1;
}

EPOCHS_TEST(worker_that_passes_a_barrier_on_does_not_lower_the_next_one)
{
	struct epoch_world w;
	uint64_t epoch;
	epoch_world_begin_roomy(
	    &w, *kind,
	    "sources: {a: {type: numbers, count: 1}}\n"
	    "transforms: {l: {type: labour, inputs: [a], workers: 2, queue: {capacity: 2}}}\n"
	    "sinks: {out: {type: collect, inputs: [l]}}\n");
	struct worker *l = epoch_world_first(&w, STAGE_TRANSFORM);
	barrier_raise(&l->in_edges[0].edge->barrier, 0, 7);
	cr_assert_eq(inputs_pass_barriers(l, pass_and_be_overtaken), 1);
	cr_assert(inputs_any_barrier(l, &epoch));
	cr_assert_eq(epoch, 8);
	epoch_world_end(&w);
}

EPOCHS_TEST(fused_filter_and_fan_out_are_cut_alike)
{
	struct epoch_world w;
	epoch_world_begin_roomy(
	    &w, *kind,
	    "sources: {a: {type: numbers, count: 60000, cuts: 9}}\n"
	    "transforms: {odd: {type: odd, inputs: [a]}}\n"
	    "sinks: {out: {type: collect, inputs: [odd]}, all: {type: collect, inputs: [a]}}\n");
	epoch_world_run(&w);
	assert_cut_exactly("out", (struct origin[]){{"a", 1, 2, 0}}, 1);
	assert_cut_exactly("all", (struct origin[]){{"a", 0, 1, 0}}, 1);
	epoch_world_end(&w);
}

EPOCHS_TEST(source_that_has_ended_holds_nobody_up)
{
	struct epoch_world w;
	epoch_world_begin_roomy(&w, *kind,
				"sources:\n"
				"  a: {type: numbers, count: 250000}\n"
				"  short: {type: numbers, count: 20, first: 100000000}\n"
				"sinks: {out: {type: collect, inputs: [a, short]}}\n");
	epoch_world_run(&w);
	cr_assert_eq(remembered(&w, "short", "next"), 20);
	cr_assert_eq(remembered(&w, "a", "next"), 250000);
	cr_assert_eq(remembered(&w, "out", "count"), 250020);
	epoch_world_end(&w);
}

EPOCHS_TEST(nothing_is_committed_once_a_worker_has_failed)
{
	struct epoch_world w;
	epoch_world_begin_roomy(
	    &w, *kind,
	    "sources: {a: {type: numbers, count: 10000000000}}\n"
	    "transforms: {x: {type: breaks, inputs: [a], at: 150000, workers: 3}}\n"
	    "sinks: {out: {type: collect, inputs: [x]}}\n");
	epoch_world_run(&w);
	cr_assert_not_null(pipeline_failed(&w.pipeline));
	cr_assert_leq(remembered(&w, "a", "next"), 150000);
	cr_assert_leq(remembered(&w, "out", "count"), remembered(&w, "a", "next"));
	cr_assert_eq(fake_collected("out")->committed, w.log.epoch);
	epoch_world_end(&w);
}

/* A runner's own io, in which nothing can be written. */
static const struct io_ops *ops_with_room;

static int no_room(void *argument)
{
	(void)argument;
	return -ENOSPC;
}

static void submit_without_room(struct io *io, struct io_op *op)
{
	if (op->code == IO_WRITE) {
		op->code = IO_WORK;
		op->work.run = no_room;
	}
	ops_with_room->submit(io, op);
}

static void cancel_without_room(struct io *io, struct io_op *op)
{
	ops_with_room->cancel(io, op);
}

static const struct io_ops ops_without_room = {.submit = submit_without_room,
					       .cancel = cancel_without_room};

static void fill_disk_of_epochs(struct pipeline *p)
{
	for (size_t i = 0; i < p->runner_count; i++)
		if (p->runners[i].epochs) {
			ops_with_room = p->runners[i].backend->io.ops;
			p->runners[i].backend->io.ops = &ops_without_room;
		}
}

EPOCHS_TEST(room_is_not_waited_for_once_a_worker_has_failed)
{
	struct epoch_world w;
	epoch_world_begin_roomy(&w, *kind,
				"sources: {a: {type: numbers, count: 10000000000}}\n"
				"transforms: {x: {type: breaks, inputs: [a], at: 150000}}\n"
				"sinks: {out: {type: collect, inputs: [x]}}\n");
	fill_disk_of_epochs(&w.pipeline);
	epoch_world_run(&w);
	cr_assert_not_null(pipeline_failed(&w.pipeline));
	cr_assert_eq(w.log.epoch, 0);
	epoch_world_end(&w);
}

/* The graph running: order, fan-out, fan-in, backpressure and ends, with stages that only know numbers. */
#include "daemon/pipeline.h"
#include "daemon/cpus.h"
#include "tests/unit/daemon/collected.h"
#include "tests/unit/daemon/each_backend.h"
#include "tests/unit/daemon/fake_stages.h"
#include "tests/unit/daemon/refusals.h"
#include "tests/unit/daemon/running.h"
#include "tests/unit/daemon/said.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

struct world {
	struct topology topology;
	struct plan plan;
	struct pipeline pipeline;
};

#define PIPELINE_TEST(name) EACH_BACKEND_TEST(pipeline, name)

static void begin(struct world *w, int kind, const char *yaml)
{
	need_backend(kind);
	waiter_setup(true);
	fake_load(&w->topology, &w->plan, yaml);
	cr_assert_eq(pipeline_init(&w->pipeline, &w->plan, true, (enum backend_kind)kind, NULL), 0);
}

static void end(struct world *w)
{
	pipeline_release(&w->pipeline);
	plan_release(&w->plan);
	topology_release(&w->topology);
	fake_forget();
}

PIPELINE_TEST(one_source_one_sink_keeps_every_record_in_order)
{
	struct world w;
	begin(&w, *kind,
	      "sources: {a: {type: numbers, count: 100000}}\n"
	      "sinks: {out: {type: collect, inputs: [a]}}\n");
	running_to_end(&w.pipeline);
	collected_in_order("out", 0, 1, 100000);
	end(&w);
}

PIPELINE_TEST(queue_of_one_batch_still_moves_everything)
{
	struct world w;
	begin(&w, *kind,
	      "sources: {a: {type: numbers, count: 20000}}\n"
	      "sinks: {out: {type: collect, inputs: [a], queue: {capacity: 1}}}\n");
	running_to_end(&w.pipeline);
	collected_in_order("out", 0, 1, 20000);
	end(&w);
}

PIPELINE_TEST(fused_filter_drops_what_it_should)
{
	struct world w;
	begin(&w, *kind,
	      "sources: {a: {type: numbers, count: 50001}}\n"
	      "transforms: {f: {type: odd, inputs: [a]}}\n"
	      "sinks: {out: {type: collect, inputs: [f]}}\n");
	running_to_end(&w.pipeline);
	collected_in_order("out", 1, 2, 25000);
	end(&w);
}

PIPELINE_TEST(several_workers_keep_the_order)
{
	struct world w;
	begin(&w, *kind,
	      "sources: {a: {type: numbers, count: 40000}}\n"
	      "transforms: {l: {type: labour, inputs: [a], workers: 4}}\n"
	      "sinks: {out: {type: collect, inputs: [l]}}\n");
	running_to_end(&w.pipeline);
	collected_in_order("out", 0, 1, 40000);
	end(&w);
}

PIPELINE_TEST(several_workers_behind_several_workers_keep_the_order)
{
	struct world w;
	begin(&w, *kind,
	      "sources: {a: {type: numbers, count: 20000}}\n"
	      "transforms:\n"
	      "  l: {type: labour, inputs: [a], workers: 3}\n"
	      "  f: {type: odd, inputs: [l]}\n"
	      "  m: {type: labour, inputs: [f], workers: 2, queue: {capacity: 2}}\n"
	      "sinks: {out: {type: collect, inputs: [m]}}\n");
	running_to_end(&w.pipeline);
	collected_in_order("out", 1, 2, 10000);
	end(&w);
}

PIPELINE_TEST(unordered_workers_lose_and_double_nothing)
{
	struct world w;
	begin(&w, *kind,
	      "sources: {a: {type: numbers, count: 20000}}\n"
	      "transforms: {l: {type: labour, inputs: [a], workers: 4, ordered: false}}\n"
	      "sinks: {out: {type: collect, inputs: [l]}}\n");
	running_to_end(&w.pipeline);
	const struct collected *c = fake_collected("out");
	cr_assert_eq(c->count, 20000);
	unsigned char *seen = calloc(20000, 1);
	for (size_t i = 0; i < c->count; i++)
		cr_assert_eq(seen[c->numbers[i]]++, 0);
	free(seen);
	end(&w);
}

PIPELINE_TEST(every_reader_of_a_source_gets_all_of_it)
{
	struct world w;
	begin(&w, *kind,
	      "sources: {a: {type: numbers, count: 30000}}\n"
	      "transforms: {f: {type: odd, inputs: [a]}}\n"
	      "sinks:\n"
	      "  one: {type: collect, inputs: [a]}\n"
	      "  two: {type: collect, inputs: [f]}\n"
	      "  three: {type: collect, inputs: [a], queue: {capacity: 1}}\n");
	running_to_end(&w.pipeline);
	collected_in_order("one", 0, 1, 30000);
	collected_in_order("two", 1, 2, 15000);
	collected_in_order("three", 0, 1, 30000);
	end(&w);
}

/* Numbers of each source, in the order in which they came. */
static void assert_two_in_order(const char *sink, uint64_t count)
{
	const struct collected *c = fake_collected(sink);
	cr_assert_eq(c->count, 2 * count);
	uint64_t next[2] = {
	    0, 0}; /* both sources count from 0: each number belongs to whichever is there */
	for (size_t i = 0; i < c->count; i++) {
		bool first = c->numbers[i] == next[0];
		cr_assert(first || c->numbers[i] == next[1]);
		next[first ? 0 : 1]++;
	}
	cr_assert_eq(next[0] + next[1], 2 * count);
}

PIPELINE_TEST(fan_in_keeps_the_order_of_each_input)
{
	struct world w;
	begin(
	    &w, *kind,
	    "sources:\n"
	    "  a: {type: numbers, count: 20000, per_batch: 1}\n"
	    "  b: {type: numbers, count: 20000, per_batch: 1}\n"
	    "transforms: {l: {type: odd, inputs: [a, b], workers: 2}}\n"
	    "sinks: {out: {type: collect, inputs: [a, b]}, odds: {type: nothing, inputs: [l]}}\n");
	running_to_end(&w.pipeline);
	assert_two_in_order("out", 20000);
	end(&w);
}

PIPELINE_TEST(light_sink_runs_on_its_producers_thread)
{
	struct world w;
	begin(&w, *kind,
	      "sources: {a: {type: numbers, count: 1000}}\n"
	      "sinks: {none: {type: nothing, inputs: [a]}}\n");
	cr_assert_eq(w.pipeline.runner_count, 1);
	running_to_end(&w.pipeline);
	end(&w);
}

PIPELINE_TEST(sink_that_wants_no_more_ends_its_source)
{
	struct world w;
	begin(&w, *kind,
	      "sources: {a: {type: numbers, count: 1000000000}}\n"
	      "sinks: {out: {type: collect, inputs: [a], close_after: 100}}\n");
	running_to_end(&w.pipeline);
	cr_assert_null(pipeline_failed(&w.pipeline));
	cr_assert_geq(fake_collected("out")->count, 100);
	end(&w);
}

PIPELINE_TEST(sink_that_wants_no_more_leaves_its_sibling_alone)
{
	struct world w;
	begin(&w, *kind,
	      "sources: {a: {type: numbers, count: 50000}}\n"
	      "sinks:\n"
	      "  short: {type: collect, inputs: [a], close_after: 100}\n"
	      "  long: {type: collect, inputs: [a]}\n");
	running_to_end(&w.pipeline);
	collected_in_order("long", 0, 1, 50000);
	end(&w);
}

PIPELINE_TEST(failed_worker_ends_the_others_and_what_came_before_it_is_stored_whole)
{
	struct world w;
	begin(&w, *kind,
	      "sources: {a: {type: numbers, count: 1000000000}}\n"
	      "transforms: {x: {type: breaks, inputs: [a], at: 5000, workers: 3}}\n"
	      "sinks: {out: {type: collect, inputs: [x]}}\n");
	running_to_end(&w.pipeline);
	cr_assert_not_null(pipeline_failed(&w.pipeline));
	collected_in_order("out", 0, 1, 5000);
	end(&w);
}

PIPELINE_TEST(failed_source_lets_what_it_emitted_drain)
{
	struct world w;
	begin(&w, *kind,
	      "sources: {a: {type: numbers, count: 100000, fail_after: 5000}}\n"
	      "sinks: {out: {type: collect, inputs: [a]}}\n");
	running_to_end(&w.pipeline);
	cr_assert_str_eq(pipeline_failed(&w.pipeline)->name, "a");
	collected_in_order("out", 0, 1, 5000);
	end(&w);
}

PIPELINE_TEST(stop_drains_what_the_source_has_emitted)
{
	struct world w;
	begin(&w, *kind,
	      "sources: {a: {type: numbers, count: 1000000000}}\n"
	      "transforms: {l: {type: labour, inputs: [a], workers: 2}}\n"
	      "sinks: {out: {type: collect, inputs: [l]}}\n");
	cr_assert_eq(pipeline_start(&w.pipeline), 0);
	struct stage_counters *out = &w.pipeline.counters[w.topology.stage_count - 1];
	while (counter_get(&out->records_in) < 1000)
		sched_yield();
	pipeline_stop(&w.pipeline);
	running_await_end(&w.pipeline);
	uint64_t emitted = counter_get(&w.pipeline.counters[0].records_in);
	collected_in_order("out", 0, 1, emitted);
	end(&w);
}

static struct worker *worker(struct world *w, const char *name)
{
	for (size_t i = 0; i < w->pipeline.worker_count; i++)
		if (strcmp(w->pipeline.workers[i].name, name) == 0)
			return &w->pipeline.workers[i];
	cr_assert_fail("no worker %s", name);
	return NULL;
}

static void step_all_to_end(struct world *w)
{
	while (!pipeline_ended(&w->pipeline))
		for (size_t i = 0; i < w->pipeline.worker_count; i++)
			worker_step(&w->pipeline.workers[i]);
}

static size_t thread_count(void)
{
	DIR *d = opendir("/proc/self/task");
	size_t n = 0;
	cr_assert_not_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

PIPELINE_TEST(one_that_is_not_started_has_no_threads_and_can_be_stepped)
{
	struct world w;
	size_t before = thread_count();
	begin(&w, *kind,
	      "sources: {a: {type: numbers, count: 100}}\n"
	      "sinks: {out: {type: collect, inputs: [a]}}\n");
	cr_assert_eq(thread_count(), before);
	for (size_t i = 0; i < w.pipeline.worker_count; i++)
		cr_assert_eq(worker_open(&w.pipeline.workers[i]), 0);
	step_all_to_end(&w);
	collected_in_order("out", 0, 1, 100);
	for (size_t i = 0; i < w.pipeline.worker_count; i++)
		worker_close(&w.pipeline.workers[i]);
	end(&w);
}

static void never_called(struct waiter *waiter)
{
	(void)waiter;
}

/* Found as a hang under load: a worker armed for its turn got it, found no room, and slept unarmed for room. */
PIPELINE_TEST(worker_whose_turn_comes_while_there_is_no_room_is_not_let_sleep)
{
	struct world w;
	begin(&w, *kind,
	      "sources: {a: {type: numbers, count: 100}}\n"
	      "transforms:\n"
	      "  l: {type: labour, inputs: [a], workers: 2}\n"
	      "  m: {type: labour, inputs: [l], queue: {capacity: 1}}\n"
	      "sinks: {out: {type: collect, inputs: [m]}}\n");
	for (size_t i = 0; i < w.pipeline.worker_count; i++)
		cr_assert_eq(worker_open(&w.pipeline.workers[i]), 0);
	while (worker_step(worker(&w, "a")) == STEP_MORE)
		;
	struct worker *first = worker(&w, "l/1"), *second = worker(&w, "l/2");
	worker_step(first);  /* ticket 0: put, and the queue is full */
	worker_step(first);  /* 1: its turn, and no room */
	worker_step(second); /* 2 */
	while (worker_step(second) == STEP_MORE)
		; /* ahead as far as it may */
	cr_assert_eq(second->waits, WAITS_TURN);
	struct waiter waiter = {.wake = never_called};
	cr_assert(worker_arm(second, &waiter));
	cr_assert_not(worker_waits_unarmed(second));
	worker_step(worker(&w, "m")); /* room for one */
	worker_step(first);           /* which 1 takes; now it is 2's turn */
	worker_step(second);
	cr_assert(second->waits & WAITS_ROOM);
	cr_assert(worker_waits_unarmed(second));
	worker_disarm(second);
	step_all_to_end(&w);
	collected_in_order("out", 0, 1, 100);
	for (size_t i = 0; i < w.pipeline.worker_count; i++)
		worker_close(&w.pipeline.workers[i]);
	end(&w);
}

/* Refusals */

static const char two_threads[] = "sources: {a: {type: numbers, count: 20000}}\n"
				  "transforms: {l: {type: labour, inputs: [a], workers: 2}}\n"
				  "sinks: {out: {type: collect, inputs: [l]}}\n";

/* Whoever splits a batch needs room for each part, and gets it only as those before come back. */
PIPELINE_TEST(batches_that_are_handed_on_in_parts_come_whole_and_in_order)
{
	struct world w;
	begin(&w, *kind,
	      "sources: {a: {type: numbers, count: 30000, per_batch: 100}}\n"
	      "transforms:\n"
	      "  p: {type: parts, inputs: [a], records: 7}\n"
	      "  q: {type: parts, inputs: [p], records: 3}\n"
	      "sinks: {out: {type: collect, inputs: [q], queue: {capacity: 1}}}\n");
	running_to_end(&w.pipeline);
	collected_in_order("out", 0, 1, 30000);
	end(&w);
}

PIPELINE_TEST(several_workers_that_hand_on_in_parts_keep_their_turns)
{
	struct world w;
	begin(&w, *kind,
	      "sources: {a: {type: numbers, count: 60000, per_batch: 50}}\n"
	      "transforms:\n"
	      "  l: {type: labour, inputs: [a], workers: 4, queue: {capacity: 2}}\n"
	      "  p: {type: parts, inputs: [l], records: 7}\n"
	      "sinks: {out: {type: collect, inputs: [p], queue: {capacity: 1}},\n"
	      "        odd: {type: collect, inputs: [p], queue: {capacity: 3}}}\n");
	running_to_end(&w.pipeline);
	collected_in_order("out", 0, 1, 60000);
	collected_in_order("odd", 0, 1, 60000);
	end(&w);
}

PIPELINE_TEST(
    a_failure_while_a_batch_is_gone_on_with_ends_the_run_and_keeps_what_came_before_in_order)
{
	struct world w;
	begin(&w, *kind,
	      "sources: {a: {type: numbers, count: 60000, per_batch: 50}}\n"
	      "transforms:\n"
	      "  l: {type: labour, inputs: [a], workers: 3}\n"
	      "  p: {type: parts, inputs: [l], records: 7, stops_at: 20000}\n"
	      "sinks: {out: {type: collect, inputs: [p]}}\n");
	running_to_end(&w.pipeline);
	cr_expect(pipeline_failed(&w.pipeline));
	const struct collected *c = fake_collected("out");
	cr_expect_leq(c->count, 20050);
	for (size_t i = 0; i < c->count; i++)
		cr_assert_eq(c->numbers[i], i);
	end(&w);
}

PIPELINE_TEST(what_is_held_back_comes_when_the_input_ends)
{
	struct world w;
	begin(&w, *kind,
	      "sources: {a: {type: numbers, count: 1000, per_batch: 100}}\n"
	      "transforms:\n"
	      "  fused: {type: late, inputs: [a]}\n"
	      "  alone: {type: late, inputs: [fused], queue: {capacity: 2}}\n"
	      "  parts: {type: parts, inputs: [alone], records: 30}\n"
	      "sinks: {out: {type: collect, inputs: [parts]}}\n");
	running_to_end(&w.pipeline);
	collected_in_order("out", 0, 1, 1000);
	end(&w);
}

Test(pipeline, auto_whose_rings_are_refused_runs_on_plain_and_says_so_once_a_thread)
{
	struct world w;
	begin(&w, BACKEND_AUTO, two_threads);
	refuse_call(SYS_io_uring_setup, ENOMEM);
	said_begin();
	running_to_end(&w.pipeline);
	cr_assert_eq((size_t)said_end("io_uring refused"), w.pipeline.runner_count, "%s",
		     said_text());
	cr_assert_not_null(strstr(said_text(), "thread=a "), "%s", said_text());
	cr_assert_not_null(strstr(said_text(), "thread=l/2 "), "%s", said_text());
	cr_assert_null(pipeline_failed(&w.pipeline));
	collected_in_order("out", 0, 1, 20000);
	end(&w);
}

Test(pipeline, uring_whose_rings_are_refused_fails_and_says_why)
{
	struct world w;
	begin(&w, BACKEND_URING, two_threads);
	refuse_call(SYS_io_uring_setup, ENOMEM);
	said_begin();
	running_to_end(&w.pipeline);
	cr_assert_gt(said_end("error no I/O backend thread="), 0, "%s", said_text());
	cr_assert_eq(counter_get(&pipeline_failed(&w.pipeline)->shown_failure), ENOMEM);
	end(&w);
}

PIPELINE_TEST(no_thread_to_be_had_for_it_is_an_error_that_ends_every_worker)
{
	struct world w;
	begin(&w, *kind, two_threads);
	refuse_call(SYS_clone3, EAGAIN);
	cr_assert_eq(pipeline_start(&w.pipeline), -EAGAIN);
	cr_assert(pipeline_ended(&w.pipeline));
	pipeline_join(&w.pipeline);
	end(&w);
}

Test(pipeline, who_waits_looks_around_only_where_there_is_a_cpu_for_each_thread)
{
	struct world w;
	cpu_set_t one;
	begin(&w, BACKEND_PLAIN, two_threads);
	cr_assert_gt(w.pipeline.runner_count, 1);
	cr_assert_eq(w.pipeline.runners[0].may_look, cpus_available() >= w.pipeline.runner_count);
	end(&w);
	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	cr_assert_eq(sched_setaffinity(0, sizeof one, &one), 0);
	begin(&w, BACKEND_PLAIN, two_threads);
	cr_assert_not(w.pipeline.runners[0].may_look);
	end(&w);
}

/* Fusion, queues, threads and the division of memory. */
#include "tests/unit/daemon/fake_stages.h"

#include <criterion/criterion.h>
#include <string.h>

static struct topology topology;
static struct plan plan;

static void release(void)
{
	plan_release(&plan);
	topology_release(&topology);
}

TestSuite(plan, .fini = release);

static size_t stage(const char *id)
{
	for (size_t i = 0; i < topology.stage_count; i++)
		if (strcmp(topology.stages[i].id.bytes, id) == 0)
			return i;
	cr_assert_fail("no stage %s", id);
	return 0;
}

static const struct plan_group *group(const char *id)
{
	return &plan.groups[plan.group_of[stage(id)]];
}

static const struct plan_edge *edge(const char *from, const char *to)
{
	for (size_t e = 0; e < plan.edge_count; e++)
		if (plan.edges[e].from == plan.group_of[stage(from)] &&
		    plan.edges[e].to == plan.group_of[stage(to)])
			return &plan.edges[e];
	return NULL;
}

Test(plan, light_transform_is_fused_and_its_readers_hang_on_the_source)
{
	fake_load(&topology, &plan,
		  "sources: {a: {type: numbers, count: 1}}\n"
		  "transforms: {f: {type: odd, inputs: [a]}, g: {type: odd, inputs: [f]}}\n"
		  "sinks: {out: {type: collect, inputs: [g]}}\n");
	cr_assert(plan.fused[stage("f")] && plan.fused[stage("g")]);
	cr_assert_eq(plan.group_count, 2);
	cr_assert_not_null(edge("a", "out"));
	cr_assert_eq(edge("a", "out")->mode, QUEUE_SPSC);
}

Test(plan, workers_or_a_queue_of_its_own_part_a_transform)
{
	fake_load(&topology, &plan,
		  "sources: {a: {type: numbers, count: 1}}\n"
		  "transforms:\n"
		  "  f: {type: odd, inputs: [a], workers: 2}\n"
		  "  g: {type: odd, inputs: [f], queue: {capacity: 7}}\n"
		  "sinks: {out: {type: collect, inputs: [g]}}\n");
	cr_assert_not(plan.fused[stage("f")] || plan.fused[stage("g")]);
	cr_assert_eq(group("f")->workers, 2);
	cr_assert(group("f")->ordered);
	cr_assert_eq(edge("a", "f")->mode, QUEUE_MPMC);
	cr_assert_eq(edge("f", "g")->mode, QUEUE_MPMC);
	cr_assert_eq(edge("f", "g")->capacity, 7);
	cr_assert_eq(edge("g", "out")->mode, QUEUE_SPSC);
}

Test(plan, stateless_transform_is_fused_into_each_of_its_inputs)
{
	fake_load(&topology, &plan,
		  "sources: {a: {type: numbers, count: 1}, b: {type: numbers, count: 1}}\n"
		  "transforms: {f: {type: odd, inputs: [a, b]}}\n"
		  "sinks: {out: {type: collect, inputs: [f]}}\n");
	cr_assert(plan_hosts(&plan, plan.group_of[stage("a")], stage("f")));
	cr_assert(plan_hosts(&plan, plan.group_of[stage("b")], stage("f")));
	cr_assert(edge("a", "out") && edge("b", "out"));
}

Test(plan, auto_workers_leave_a_cpu_to_the_others)
{
	fake_load(&topology, &plan,
		  "sources: {a: {type: numbers, count: 1}}\n"
		  "transforms: {l: {type: labour, inputs: [a], workers: auto}}\n"
		  "sinks: {out: {type: collect, inputs: [l]}}\n");
	cr_assert_eq(group("l")->workers, 1, "of two");
}

Test(plan, light_sink_shares_a_thread_with_one_producer_but_not_with_two)
{
	fake_load(
	    &topology, &plan,
	    "sources: {a: {type: numbers, count: 1}, b: {type: numbers, count: 1}}\n"
	    "sinks: {one: {type: nothing, inputs: [a]}, two: {type: nothing, inputs: [a, b]}}\n");
	cr_assert_eq(group("one")->thread_of, plan.group_of[stage("a")]);
	cr_assert_eq(group("two")->thread_of, plan.group_of[stage("two")]);
}

Test(plan, clones_are_counted_along_every_path)
{
	fake_load(&topology, &plan,
		  "sources: {a: {type: numbers, count: 1}}\n"
		  "transforms: {f: {type: odd, inputs: [a]}, g: {type: odd, inputs: [a]}}\n"
		  "sinks:\n"
		  "  one: {type: collect, inputs: [f, g]}\n"
		  "  two: {type: collect, inputs: [f]}\n");
	cr_assert_eq(group("a")->clones_max, 2, "one for g, one for f's second reader");
	cr_assert_geq(group("a")->clone_batches, 2 * 2);
}

Test(plan, worst_case_stays_within_the_budget_and_uses_it)
{
	fake_load(
	    &topology, &plan,
	    "memory: 8MiB\n"
	    "sources: {a: {type: numbers, count: 1, per_batch: 4096}, b: {type: numbers, count: "
	    "1}}\n"
	    "sinks: {out: {type: collect, inputs: [a, b]}, too: {type: collect, inputs: [a]}}\n");
	cr_assert_leq(plan.memory_total, 8u << 20);
	cr_assert_gt(plan.memory_total, 6u << 20);
	cr_assert_leq(plan.memory_needed, plan.memory_total);
	cr_assert_gt(group("a")->buffers, 3);
	cr_assert_gt(group("b")->buffers, group("a")->buffers,
		     "its buffers are smaller, its share is not");
}

Test(plan, smallest_budget_that_is_named_will_do)
{
	static const char *const yaml =
	    "memory: %zuB\n"
	    "sources: {a: {type: numbers, count: 1, per_batch: 4096}, b: {type: numbers, count: "
	    "1}}\n"
	    "transforms: {f: {type: odd, inputs: [a, b]}, g: {type: odd, inputs: [a]}}\n"
	    "sinks: {one: {type: collect, inputs: [f, g, a]}, two: {type: collect, inputs: [f, "
	    "b]}}\n";
	char text[1000];
	snprintf(text, sizeof text, yaml, (size_t)64 << 20);
	fake_load(&topology, &plan, text);
	size_t needed = plan.memory_needed;
	for (size_t more = 0; more < 8 << 20; more += 333333) {
		release();
		snprintf(text, sizeof text, yaml, needed + more);
		fake_load(&topology, &plan, text);
		cr_expect_eq(plan.memory_needed, needed);
		cr_expect_leq(plan.memory_total, needed + more);
	}
}

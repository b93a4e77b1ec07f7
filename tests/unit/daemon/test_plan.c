/* Fusion, queues, threads and the division of memory. */
#include "tests/unit/daemon/fake_stages.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
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
	return fake_stage(&topology, id);
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

/* The budget that a refusal names */

enum { MIB = 1 << 20 };

/* Plans the topology with that budget. 0 when it is accepted, else the MiB that would do, as the message says them. */
static size_t refused(uint64_t memory)
{
	struct problems problems;
	problems_init(&problems);
	plan_release(&plan);
	topology.memory = memory;
	int r = plan_make(&plan, &topology, 2, &problems);
	size_t mib = 0;
	if (r < 0) {
		cr_assert_eq(r, -EINVAL);
		cr_assert_eq(problems.count, 1);
		const char *number = strstr(problems.list[0].text, "`memory: ");
		cr_assert_not_null(number);
		mib = strtoul(number + strlen("`memory: "), NULL, 10);
		cr_assert_gt(mib, 0);
	}
	problems_release(&problems);
	return mib;
}

static void assert_plan_can_work_within(uint64_t memory)
{
	cr_assert_eq(refused(memory), 0);
	cr_assert_leq(plan.memory_total, memory);
	for (size_t g = 0; g < plan.group_count; g++)
		cr_assert_geq(plan.groups[g].clone_batches, 2 * plan.groups[g].clones_max);
}

/* What is named is accepted, and nothing less is. The smallest budget, in bytes. */
static size_t assert_refusal_tells_the_smallest_budget(void)
{
	size_t mib = refused(1);
	cr_assert_gt(mib, 0);
	assert_plan_can_work_within(mib * MIB);
	size_t bytes = plan.memory_needed;
	if (mib > 1)
		cr_assert_eq(refused((mib - 1) * MIB), mib, "the number stays when obeyed in part");
	assert_plan_can_work_within(bytes);
	cr_assert_eq(plan.memory_needed, bytes);
	cr_assert_eq(refused(bytes - 1), mib);
	return bytes;
}

Test(plan, budget_named_in_a_refusal_is_the_smallest_that_will_do)
{
	fake_read(&topology, "sources: {a: {type: numbers, count: 1, per_batch: 300000}}\n"
			     "transforms: {f: {type: odd, inputs: [a], workers: 4}}\n"
			     "sinks:\n"
			     "  one: {type: collect, inputs: [a, f]}\n"
			     "  two: {type: collect, inputs: [a, f]}\n"
			     "  three: {type: collect, inputs: [a, f]}\n");
	assert_refusal_tells_the_smallest_budget();
}

static unsigned draw(unsigned below)
{
	return (unsigned)rand() % below;
}

/* One of those before it, and of the others a third. */
static void print_inputs(FILE *to, unsigned before)
{
	unsigned first = draw(before);
	fprintf(to, ", inputs: [s%u", first);
	for (unsigned i = 0; i < before; i++)
		if (i != first && draw(3) == 0)
			fprintf(to, ", s%u", i);
	fputs("]", to);
}

static void print_transform(FILE *to, unsigned number)
{
	fprintf(to, "  s%u: {type: %s", number, draw(3) ? "odd" : "labour");
	print_inputs(to, number);
	if (draw(3) == 0)
		fprintf(to, ", workers: %u", 1 + draw(16));
	if (draw(3) == 0)
		fprintf(to, ", queue: {capacity: %u}", 1 + draw(200));
	fputs("}\n", to);
}

/* Up to three sources, six transforms and five sinks; what nobody reads goes to the last sink. */
static void print_random_topology(FILE *to)
{
	unsigned sources = 1 + draw(3), transforms = draw(7), sinks = 1 + draw(5);
	fputs("sources:\n", to);
	for (unsigned i = 0; i < sources; i++)
		fprintf(to, "  s%u: {type: numbers, count: 1, per_batch: %u}\n", i,
			1 + draw(200000));
	fputs(transforms ? "transforms:\n" : "", to);
	for (unsigned i = 0; i < transforms; i++)
		print_transform(to, sources + i);
	fputs("sinks:\n", to);
	for (unsigned i = 0; i < sinks; i++) {
		fprintf(to, "  t%u: {type: collect", i);
		print_inputs(to, sources + transforms);
		fputs("}\n", to);
	}
	fputs("  rest: {type: nothing, inputs: ['s*']}\n", to);
}

Test(plan, budget_named_for_any_topology_is_the_smallest_that_will_do)
{
	srand(1);
	for (int i = 0; i < 300; i++) {
		char *yaml = NULL;
		size_t length;
		FILE *to = open_memstream(&yaml, &length);
		cr_assert_not_null(to);
		print_random_topology(to);
		cr_assert_eq(fclose(to), 0);
		fake_read(&topology, yaml);
		size_t least = assert_refusal_tells_the_smallest_budget();
		assert_plan_can_work_within(least + draw(64 * MIB));
		release();
		free(yaml);
	}
}

/* Two stages side by side, and again two behind them, and so on: every floor doubles the ways. */
static void read_tower(unsigned floors)
{
	char yaml[4096] = "sources: {s: {type: numbers, count: 1}}\ntransforms:\n";
	size_t at = strlen(yaml);
	for (unsigned i = 0; i < floors; i++)
		for (unsigned side = 0; side < 2; side++) {
			at += (size_t)snprintf(yaml + at, sizeof yaml - at,
					       "  f%u%u: {type: odd, inputs: [", i, side);
			at += i ? (size_t)snprintf(yaml + at, sizeof yaml - at, "f%u0, f%u1]}\n",
						   i - 1, i - 1)
				: (size_t)snprintf(yaml + at, sizeof yaml - at, "s]}\n");
		}
	snprintf(yaml + at, sizeof yaml - at, "sinks: {o: {type: collect, inputs: ['f*']}}\n");
	fake_read(&topology, yaml);
}

Test(plan, more_copies_than_any_memory_holds_are_refused_whatever_the_budget)
{
	struct problems problems;
	problems_init(&problems);
	read_tower(30);
	topology.memory = 1ULL << 50;
	cr_assert_eq(plan_make(&plan, &topology, 2, &problems), -EINVAL);
	cr_assert_eq(problems.count, 1);
	cr_assert_not_null(strstr(problems.list[0].text, "fewer branches would"));
	problems_release(&problems);
}

/* Queues that spill when all of `max_size` is on disk: who puts waits for the reader, and for nobody else. */
#include "daemon/pipeline.h"
#include "stages/segments/spill.h"
#include "tests/unit/daemon/collected.h"
#include "tests/unit/daemon/each_backend.h"
#include "tests/unit/daemon/epoch_world.h"
#include "tests/unit/daemon/fake_stages.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <unistd.h>

TestSuite(spilling_full, .timeout = 120);

#define FULL_TEST(name) EACH_BACKEND_TEST(spilling_full, name)

enum { COUNT = 400000, MAX_SIZE = 1 << 20 };

/* More lies in the queue, and with a sink that grabs, than is kept back of it for epochs. */
#define YAML(reader)                                                                               \
	"memory: 256MiB\n"                                                                         \
	"sources: {a: {type: numbers, count: 400000}}\n"                                           \
	"sinks:\n"                                                                                 \
	"  well: {type: collect, inputs: [a]}\n"                                                   \
	"  dead: {" reader ", inputs: [a], until: well, count: 400001,\n"                          \
	"         queue: {capacity: 1500, when_full: spill, max_size: 1MiB}}\n"

static uint64_t on_disk(struct epoch_world *w)
{
	return counter_get(&epoch_world_counters(w, "dead.spill")->figures[SPILL_BYTES]);
}

static void fill(struct epoch_world *w)
{
	cr_assert_eq(pipeline_start(&w->pipeline), 0);
	while (on_disk(w) < MAX_SIZE - MAX_SIZE / 8)
		sched_yield();
	uint64_t before;
	do {
		before = fake_count("well");
		usleep(20000);
	} while (fake_count("well") > before);
	cr_assert_lt(before, COUNT);
	cr_assert_leq(on_disk(w), MAX_SIZE);
}

static void goes_on_with_its_reader(int kind, const char *yaml)
{
	struct epoch_world w;
	epoch_world_begin_roomy(&w, kind, yaml);
	fill(&w);
	fake_revive();
	epoch_world_await_end(&w);
	cr_assert_null(pipeline_failed(&w.pipeline));
	collected_in_order("well", 0, 1, COUNT);
	collected_in_order("dead", 0, 1, COUNT);
	cr_assert_eq(counter_get(&epoch_world_counters(&w, "dead.spill")->figures[SPILL_RECORDS]),
		     0);
	epoch_world_end(&w);
}

FULL_TEST(goes_on_when_its_reader_does)
{
	goes_on_with_its_reader(*kind, YAML("type: stuck"));
}

FULL_TEST(goes_on_when_its_reader_does_that_has_much_in_its_hands)
{
	goes_on_with_its_reader(*kind, YAML("type: stuck, grabs: true"));
}

FULL_TEST(is_left_on_disk_by_a_stop_with_all_that_was_on_its_way)
{
	struct epoch_world w;
	epoch_world_begin_roomy(&w, *kind, YAML("type: stuck, grabs: true"));
	epoch_world_follow(&w);
	fill(&w);
	pipeline_stop(&w.pipeline);
	epoch_world_await_end(&w);
	cr_assert_null(pipeline_failed(&w.pipeline));
	epoch_world_begin_anew(&w);
	fake_revive();
	epoch_world_run(&w);
	collected_in_order("well", 0, 1, COUNT);
	collected_in_order("dead", 0, 1, COUNT);
	epoch_world_end(&w);
}

/* A life that cannot be begun is over at once. */
#include "daemon/arguments.h"
#include "daemon/life.h"
#include "tests/unit/daemon/said.h"

#include <criterion/criterion.h>

/* So many threads that there is no memory for what the watchdog keeps of each. */
Test(life, without_memory_for_its_watchdog_it_ends_before_anything_runs, .timeout = 20)
{
	struct worker never_stepped = {.state = WORKER_RUNNING};
	struct pipeline pipeline = {.workers = &never_stepped,
				    .worker_count = 1,
				    .runner_count = SIZE_MAX,
				    .ended_event = -1};
	const struct notify notify = {.socket = -1, .watchdog_ns = UINT64_C(1000000000)};
	struct life life = {.pipeline = &pipeline, .notify = &notify, .signals = -1};
	said_begin();
	int code = life_run(&life);
	cr_expect_eq(said_end("error cannot start"), 1, "%s", said_text());
	cr_expect_eq(code, EXIT_FAILED);
	cr_expect(life.unproven);
}

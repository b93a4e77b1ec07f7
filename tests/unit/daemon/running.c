#include "tests/unit/daemon/running.h"

#include <criterion/criterion.h>
#include <poll.h>

void running_await_end(struct pipeline *p)
{
	while (!pipeline_ended(p)) {
		struct pollfd ended = {.fd = p->ended_event, .events = POLLIN};
		poll(&ended, 1, 10);
		if (pipeline_failed(p))
			pipeline_stop(p);
	}
	pipeline_join(p);
}

void running_to_end(struct pipeline *p)
{
	cr_assert_eq(pipeline_start(p), 0);
	running_await_end(p);
}

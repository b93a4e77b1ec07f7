/* testing.c - `sluice test`: a topology's own tests, tried one after the other, and what is not as it should be. Layer: daemon. */
#include "daemon/commands.h"
#include "daemon/load.h"
#include "daemon/output.h"
#include "daemon/rehearsal.h"
#include "daemon/rehearsal_report.h"
#include "ringbuf/waiter.h"

#include <errno.h>
#include <stdio.h>

/* 0: it passed; 1: it did not; -ENOMEM. */
static int try_one(const struct topology *t, const struct topology_test *test)
{
	struct problems problems;
	struct rehearsal rehearsal;
	problems_init(&problems);
	int r = rehearsal_make(&rehearsal, t, test, &problems);
	if (r == 0)
		r = rehearsal_report(&rehearsal, rehearsal_run(&rehearsal)) ? 0 : 1;
	problems_print(&problems,
		       stderr); /* they were found when it was loaded, so there are none */
	problems_release(&problems);
	rehearsal_release(&rehearsal);
	return r;
}

static int try_all(const struct topology *t)
{
	size_t failed = 0;
	waiter_setup(true);
	for (size_t i = 0; i < t->tests.count; i++) {
		int r = try_one(t, &t->tests.list[i]);
		if (r < 0) {
			fputs("sluice: out of memory\n", stderr);
			return EXIT_FAILED;
		}
		failed += r != 0;
	}
	rehearsal_report_sum(t, failed);
	int written = output_end();
	return written ? written : failed ? EXIT_FAILED : EXIT_DONE;
}

static int test(const struct arguments *a)
{
	struct loaded l;
	int code = load(&l, a, false);
	if (code == 0)
		code = try_all(&l.topology);
	loaded_release(&l);
	return code;
}

int command_test(int argc, char **argv)
{
	struct arguments a;
	int code = EXIT_USAGE;
	if (arguments_read(&a, "test", TAKES_CONFIG, argc, argv) == 0)
		code = test(&a);
	arguments_release(&a);
	return code;
}

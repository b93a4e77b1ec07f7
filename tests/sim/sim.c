/* sim.c - sluice under simulation: seeds, one after the other.
 *
 *   sim --seed N                        one, with its story when it fails
 *   sim --seeds COUNT [--from N]        many; those that fail are run again, for their story
 *       [--seconds S] [--jobs J]        no longer than that; on so many processes
 *       [--failures F]                  ends after so many, as stories are long (5)
 *   sim --sweep STRIDE                  operations of one run fail, one at a time: every STRIDE-th case of all there are
 *       [--from N] [--jobs J] [--failures F]
 *   sim --case N                        one of them, with its story when it fails
 *
 * Exit code: 0 all held, 1 some did not, 2 usage. Layer: tests. */
#include "tests/sim/sim_journal.h"
#include "tests/sim/sim_sweep.h"
#include "tests/sim/sim_world.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { JOURNAL_EACH = 3 }; /* of so many seeds, one is also that of a world with journals */

struct arguments {
	uint64_t seed, count, from, seconds, failures, stride;
	unsigned jobs;
	bool one, one_case;
};

static const char *current_kind = "seed"; /* or "case" */
static uint64_t current_seed;
static bool current_told;

/* An assertion of production code. The story is printed; if there is none, the seed is run again for it. */
static void on_abort(int signal_number)
{
	char line[64], option[16], number[32];
	int n =
	    snprintf(line, sizeof line, "%s %" PRIu64 ": aborted\n", current_kind, current_seed);
	snprintf(option, sizeof option, "--%s", current_kind);
	snprintf(number, sizeof number, "%" PRIu64, current_seed);
	if (current_told && sim_current_story)
		sim_story_print(sim_current_story, STDERR_FILENO);
	ssize_t ignored = write(STDERR_FILENO, line, (size_t)n);
	(void)ignored;
	if (!current_told)
		execl("/proc/self/exe", "sim", option, number, (char *)NULL);
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

static void catch_aborts(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGABRT);
	sigaddset(&set, SIGSEGV);
	sigprocmask(SIG_UNBLOCK, &set, NULL); /* blocked, if a handler has started us */
	signal(SIGABRT, on_abort);
	signal(SIGSEGV, on_abort);
}

static struct sim_result run_seed(uint64_t seed, bool told)
{
	current_seed = seed;
	current_told = told;
	struct sim_wish wish = {.seed = seed, .told = told};
	struct sim_result r = sim_world_run(&wish);
	if (seed % JOURNAL_EACH > 0)
		return r;
	struct sim_result journals = sim_journal_run(&wish);
	return (struct sim_result){.good = r.good && journals.good,
				   .digest = r.digest ^ journals.digest,
				   .moves = r.moves + journals.moves,
				   .simulated_ns = r.simulated_ns + journals.simulated_ns,
				   .operations = r.operations + journals.operations};
}

static int run_one(const struct arguments *a)
{
	struct sim_result r = run_seed(a->seed, true);
	struct sim_result again = run_seed(a->seed, false);
	printf("seed %" PRIu64 ": %s; %" PRIu64 " moves, %" PRIu64 " operations, digest %016" PRIx64
	       "\n",
	       a->seed, r.good ? "holds" : "FAILS", r.moves, r.operations, r.digest);
	if (again.digest != r.digest) {
		printf("seed %" PRIu64 ": run again it went another way\n", a->seed);
		return 1;
	}
	return r.good ? 0 : 1;
}

static double seconds_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool run_case(const struct sim_sweep *s, uint64_t number, bool told)
{
	current_kind = "case";
	current_seed = number;
	current_told = told;
	return sim_sweep_case(s, number, told);
}

static int run_one_case(const struct arguments *a)
{
	struct sim_sweep s;
	bool good = sim_sweep_init(&s) && run_case(&s, a->seed, true);
	printf("case %" PRIu64 ": %s\n", a->seed, good ? "holds" : "FAILS");
	sim_sweep_release(&s);
	return good ? 0 : 1;
}

/* Every stride-th case, of which every jobs-th from the index-th on. */
static int run_share_of_cases(const struct arguments *a, unsigned index)
{
	uint64_t done = 0, failed = 0;
	struct sim_sweep s;
	bool good = sim_sweep_init(&s);
	for (uint64_t i = a->from + index * a->stride; good && i < s.cases && failed < a->failures;
	     i += a->jobs * a->stride) {
		done++;
		if (run_case(&s, i, false))
			continue;
		failed++;
		run_case(&s, i, true);
	}
	printf("cases: %" PRIu64 " held, %" PRIu64 " failed, of %zu\n", done - failed, failed,
	       s.cases);
	fflush(stdout);
	sim_sweep_release(&s);
	return !good || failed > 0;
}

/* Every jobs-th seed, from the index-th on. */
static int run_share(const struct arguments *a, unsigned index)
{
	uint64_t done = 0, failed = 0;
	double until = seconds_now() + (double)a->seconds;
	for (uint64_t i = index; i < a->count; i += a->jobs) {
		if (a->seconds > 0 && seconds_now() >= until)
			break;
		done++;
		if (run_seed(a->from + i, false).good)
			continue;
		failed++;
		run_seed(a->from + i, true);
		if (failed == a->failures)
			break;
	}
	printf("seeds: %" PRIu64 " held, %" PRIu64 " failed\n", done - failed, failed);
	fflush(stdout);
	return failed > 0;
}

static int run_many(const struct arguments *a,
		    int (*share)(const struct arguments *a, unsigned index))
{
	int result = 0, status;
	for (unsigned i = 0; i < a->jobs; i++) {
		pid_t pid = fork();
		if (pid == 0)
			exit(share(a, i)); /* the leak checker looks on the way out */
		result |= pid < 0;
	}
	while (wait(&status) > 0)
		result |= !WIFEXITED(status) || WEXITSTATUS(status) != 0;
	return result;
}

static int usage(void)
{
	fputs("usage: sim --seed N | --seeds COUNT [--from N] [--seconds S] [--jobs J] [--failures "
	      "F] | --case N | --sweep STRIDE [--from N] [--jobs J] [--failures F]\n",
	      stderr);
	return 2;
}

static bool number(const char *text, uint64_t *ret)
{
	char *end;
	*ret = strtoull(text, &end, 10);
	return *text && !*end;
}

static bool read_arguments(struct arguments *a, int argc, char **argv)
{
	*a = (struct arguments){.jobs = 1, .failures = 5};
	bool from = false;
	for (int i = 1; i + 1 < argc; i += 2) {
		uint64_t n;
		if (!number(argv[i + 1], &n))
			return false;
		if (strcmp(argv[i], "--seed") == 0)
			a->one = true, a->seed = n;
		else if (strcmp(argv[i], "--seeds") == 0)
			a->count = n;
		else if (strcmp(argv[i], "--from") == 0)
			a->from = n, from = true;
		else if (strcmp(argv[i], "--case") == 0)
			a->one_case = true, a->seed = n;
		else if (strcmp(argv[i], "--sweep") == 0)
			a->stride = n;
		else if (strcmp(argv[i], "--seconds") == 0)
			a->seconds = n;
		else if (strcmp(argv[i], "--failures") == 0)
			a->failures = n;
		else if (strcmp(argv[i], "--jobs") == 0)
			a->jobs = (unsigned)n;
		else
			return false;
	}
	if (!from && a->stride == 0)
		a->from = 1; /* seeds begin there, cases with 0 */
	return argc % 2 == 1 && a->jobs > 0 &&
	       (a->one || a->one_case || a->stride > 0 || a->count > 0);
}

int main(int argc, char **argv)
{
	struct arguments a;
	if (!read_arguments(&a, argc, argv))
		return usage();
	waiter_setup(true);
	catch_aborts();
	if (a.one)
		return run_one(&a);
	if (a.one_case)
		return run_one_case(&a);
	return run_many(&a, a.stride > 0 ? run_share_of_cases : run_share);
}

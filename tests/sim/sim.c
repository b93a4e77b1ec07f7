/* sim.c - sluice under simulation: seeds, one after the other.
 *
 *   sim --seed N                        one, with its story when it fails
 *   sim --seeds COUNT [--from N]        many; those that fail are run again, for their story
 *       [--seconds S] [--jobs J]        no longer than that; on so many processes
 *       [--failures F]                  ends after so many, as stories are long (5)
 *
 * Exit code: 0 all held, 1 some did not, 2 usage. Layer: tests. */
#include "tests/sim/sim_world.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct arguments {
	uint64_t seed, count, from, seconds, failures;
	unsigned jobs;
	bool one;
};

static uint64_t current_seed;
static bool current_told;

/* An assertion of production code. The story is printed; if there is none, the seed is run again for it. */
static void on_abort(int signal_number)
{
	char seed[32];
	int n = snprintf(seed, sizeof seed, "%" PRIu64, current_seed);
	if (current_told && sim_world_story)
		sim_story_print(sim_world_story, STDERR_FILENO);
	ssize_t ignored = write(STDERR_FILENO, "seed ", 5);
	ignored = write(STDERR_FILENO, seed, (size_t)n);
	ignored = write(STDERR_FILENO, ": aborted\n", 10);
	(void)ignored;
	if (!current_told)
		execl("/proc/self/exe", "sim", "--seed", seed, (char *)NULL);
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
	return sim_world_run(&wish);
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

static int run_many(const struct arguments *a)
{
	int result = 0, status;
	for (unsigned i = 0; i < a->jobs; i++) {
		pid_t pid = fork();
		if (pid == 0)
			exit(run_share(a, i)); /* the leak checker looks on the way out */
		result |= pid < 0;
	}
	while (wait(&status) > 0)
		result |= !WIFEXITED(status) || WEXITSTATUS(status) != 0;
	return result;
}

static int usage(void)
{
	fputs("usage: sim --seed N | --seeds COUNT [--from N] [--seconds S] [--jobs J] [--failures "
	      "F]\n",
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
	*a = (struct arguments){.from = 1, .jobs = 1, .failures = 5};
	for (int i = 1; i + 1 < argc; i += 2) {
		uint64_t n;
		if (!number(argv[i + 1], &n))
			return false;
		if (strcmp(argv[i], "--seed") == 0)
			a->one = true, a->seed = n;
		else if (strcmp(argv[i], "--seeds") == 0)
			a->count = n;
		else if (strcmp(argv[i], "--from") == 0)
			a->from = n;
		else if (strcmp(argv[i], "--seconds") == 0)
			a->seconds = n;
		else if (strcmp(argv[i], "--failures") == 0)
			a->failures = n;
		else if (strcmp(argv[i], "--jobs") == 0)
			a->jobs = (unsigned)n;
		else
			return false;
	}
	return argc % 2 == 1 && a->jobs > 0 && (a->one || a->count > 0);
}

int main(int argc, char **argv)
{
	struct arguments a;
	if (!read_arguments(&a, argc, argv))
		return usage();
	waiter_setup(true);
	catch_aborts();
	return a.one ? run_one(&a) : run_many(&a);
}

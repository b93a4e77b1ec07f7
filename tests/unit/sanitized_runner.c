/* sanitized_runner.c - runs the unit tests under the sanitizers, in place of libcriterion.
 *
 * Criterion runs each test in a sandbox that maps memory at addresses ThreadSanitizer keeps for itself, and takes a
 * test's verdict before LeakSanitizer has given its own. Here a test is a plain fork, and its exit code is the
 * verdict: whatever a sanitizer finds fails it. Covers what our tests use of Criterion's interface; a test that uses
 * more does not link.
 *
 *	sanitized_runner [PATTERN [PART PARTS]]     tests whose suite/name contains PATTERN; every PARTS-th of them
 *
 * UNIT_WITHOUT: a regular expression; tests whose suite/name it matches are left out.
 *
 * Threads: one; a test may start its own. Memory: libc's. Layer: tests. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include <errno.h>
#include <regex.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	TIMEOUT_S = 120,
	SLOW_S = 3, /* worth a line */
	EXIT_FAILED = 101,
	EXIT_SKIPPED = 102,
};

/* The linker gathers what Test() and TestSuite() define, and names the ends. */
extern struct criterion_test *__start_cr_tst[];
extern struct criterion_test *__stop_cr_tst[];
extern struct criterion_suite *__start_cr_sts[] __attribute__((weak));
extern struct criterion_suite *__stop_cr_sts[] __attribute__((weak));

struct criterion_options criterion_options;
static struct {
	const struct criterion_test *test;
	struct criterion_test_extra_data suite;
	void *parameter;
	bool failed;
} current;

/* What the macros of criterion.h call. */

int cr_asprintf(char **ret_text, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int r = vasprintf(ret_text, format, args);
	va_end(args);
	return r;
}

void cr_asprintf_free(char *text)
{
	free(text);
}

char *cr_translate_assert_msg(int message, ...)
{
	static const char *const words[] = {
	    [CRITERION_ASSERT_MSG_FAIL] = "",
	    [CRITERION_ASSERT_MSG_EXPR_FALSE] = " is false",
	    [CRITERION_ASSERT_MSG_EXPR_AS_STRINGS_FALSE] = " (as strings) is false",
	    [CRITERION_ASSERT_MSG_IS_NULL] = " is NULL",
	    [CRITERION_ASSERT_MSG_IS_NOT_NULL] = " is not NULL",
	};
	va_list args;
	va_start(args, message);
	const char *what = va_arg(args, const char *);
	va_end(args);
	bool known = (size_t)message < sizeof(words) / sizeof(words[0]) && words[message];
	char *text = NULL;
	if (asprintf(&text, "%s%s", what ? what : "", known ? words[message] : " does not hold") <
	    0)
		abort();
	return text;
}

void cri_asserts_passed_incr(void)
{
}

void criterion_send_assert(struct criterion_assert_stats *stats)
{
	if (!stats->passed)
		fprintf(stderr, "%s:%u: %s\n", stats->file, stats->line, stats->message);
}

void criterion_abort_test(void)
{
	fflush(NULL);
	_exit(EXIT_FAILED);
}

void criterion_continue_test(void)
{
	current.failed = true;
}

void criterion_skip_test(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	fflush(NULL);
	_exit(EXIT_SKIPPED);
}

void criterion_internal_test_setup(void)
{
	if (current.suite.init)
		current.suite.init();
	if (current.test->data->init)
		current.test->data->init();
}

void criterion_internal_test_main(void (*test)(void))
{
	if (current.test->data->kind_ == CR_TEST_PARAMETERIZED)
		((void (*)(void *))test)(current.parameter);
	else
		test();
}

void criterion_internal_test_teardown(void)
{
	if (current.test->data->fini)
		current.test->data->fini();
	if (current.suite.fini)
		current.suite.fini();
}

/* The runner. */

enum verdict { PASSED, FAILED, SKIPPED };

static struct criterion_test_extra_data suite_data(const char *category)
{
	for (struct criterion_suite **s = __start_cr_sts; s < __stop_cr_sts; s++)
		if (*s && (*s)->data && strcmp((*s)->name, category) == 0)
			return *(*s)->data;
	return (struct criterion_test_extra_data){0};
}

static unsigned timeout_s(void)
{
	double asked =
	    current.test->data->timeout > 0 ? current.test->data->timeout : current.suite.timeout;
	return asked > TIMEOUT_S ? (unsigned)asked
				 : TIMEOUT_S; /* sanitized code is slow: never less */
}

static _Noreturn void run_here(void)
{
	alarm(timeout_s());
	current.test->test();
	exit(current.failed ? EXIT_FAILED : 0); /* not _exit: LeakSanitizer looks at exit */
}

static enum verdict judge(int status)
{
	int signal_wanted =
	    current.test->data->signal ? current.test->data->signal : current.suite.signal;
	int exit_wanted =
	    current.test->data->exit_code ? current.test->data->exit_code : current.suite.exit_code;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIPPED)
		return SKIPPED;
	bool fine = WIFSIGNALED(status) ? WTERMSIG(status) == signal_wanted
					: signal_wanted == 0 && WEXITSTATUS(status) == exit_wanted;
	if (fine)
		return PASSED;
	printf("FAILED %s/%s: %s %d\n", current.test->category, current.test->name,
	       WIFSIGNALED(status) ? "signal" : "exit code",
	       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	return FAILED;
}

static enum verdict run_forked(void)
{
	fflush(NULL);
	pid_t child = fork();
	if (child < 0) {
		perror("fork");
		exit(1);
	}
	if (child == 0)
		run_here();
	int status;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR) {
			perror("waitpid");
			exit(1);
		}
	return judge(status);
}

static enum verdict run_with_parameters(void)
{
	struct criterion_test_params params = current.test->data->param_();
	enum verdict worst = PASSED;
	for (size_t i = 0; i < params.length && worst != FAILED; i++) {
		current.parameter = (char *)params.params + i * params.size;
		enum verdict v = run_forked();
		if (v != PASSED)
			worst = v;
	}
	if (params.cleanup)
		params.cleanup(&params);
	return worst;
}

static enum verdict run_test(const struct criterion_test *test)
{
	current.test = test;
	current.suite = suite_data(test->category);
	if (test->data->disabled || current.suite.disabled)
		return SKIPPED;
	return test->data->kind_ == CR_TEST_PARAMETERIZED ? run_with_parameters() : run_forked();
}

static double now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static enum verdict run_timed(const struct criterion_test *test)
{
	double began = now_s();
	enum verdict v = run_test(test);
	double took = now_s() - began;
	if (took > SLOW_S)
		printf("slow: %s/%s, %.1f s\n", test->category, test->name, took);
	return v;
}

static bool left_out(const char *name)
{
	static regex_t without;
	static bool compiled;
	const char *text = getenv("UNIT_WITHOUT");
	if (!text || !*text)
		return false;
	if (!compiled && regcomp(&without, text, REG_EXTENDED | REG_NOSUB) != 0) {
		fprintf(stderr, "UNIT_WITHOUT is no regular expression: %s\n", text);
		exit(1);
	}
	compiled = true;
	return regexec(&without, name, 0, NULL, 0) == 0;
}

static bool wanted(const struct criterion_test *test, const char *pattern)
{
	char name[256];
	snprintf(name, sizeof(name), "%s/%s", test->category, test->name);
	return strstr(name, pattern) != NULL && !left_out(name);
}

int main(int argc, char **argv)
{
	const char *pattern = argc > 1 ? argv[1] : "";
	unsigned long part = argc > 3 ? strtoul(argv[2], NULL, 10) : 0;
	unsigned long parts = argc > 3 ? strtoul(argv[3], NULL, 10) : 1;
	unsigned long index = 0;
	unsigned counts[3] = {0};
	for (struct criterion_test **t = __start_cr_tst; t < __stop_cr_tst; t++)
		if (*t && wanted(*t, pattern) && index++ % parts == part)
			counts[run_timed(*t)]++;
	printf("unit tests: %u passed, %u failed, %u skipped\n", counts[PASSED], counts[FAILED],
	       counts[SKIPPED]);
	return counts[FAILED] > 0;
}

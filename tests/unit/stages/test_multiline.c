/* Which lines are one record: by patterns, by presets, and where it would be too long. */
#include "tests/unit/stages/multiline_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(multiline, .fini = multiline_forget);

/* ---- patterns ---- */

Test(multiline, start_alone_begins_records_that_all_other_lines_go_on)
{
	multiline_expect("start: '^S'", "S1\na\nb\nS2\nS3\nc\n", "S1|a|b\nS2\nS3|c\n");
	multiline_expect("start: '^S'", "a\nb\nS1\nc", "a|b\nS1|c\n");
	multiline_expect("start: '^S'", "S1\n\n\nS2\n\n", "S1||\nS2|\n");
}

Test(multiline, continue_alone_goes_on_whatever_was_before)
{
	multiline_expect("continue: '^ '", "a\n b\n c\nd\ne\n f\n", "a| b| c\nd\ne| f\n");
	multiline_expect("continue: '^ '", " a\n b\nc\n", " a| b\nc\n");
}

Test(multiline, end_alone_ends_records_that_all_lines_before_belong_to)
{
	multiline_expect("end: ';$'", "a\nb;\nc;\nd\ne\n", "a|b;\nc;\nd|e\n");
}

Test(multiline, start_and_continue_leave_other_lines_alone)
{
	multiline_expect("start: '^S', continue: '^ '", "x\nS1\n a\n b\ny\nz\nS2\nS3\n c\n",
			 "x\nS1| a| b\ny\nz\nS2\nS3| c\n");
}

Test(multiline, start_wins_over_continue)
{
	multiline_expect("start: '^S', continue: '^[S ]'", "S1\n a\nS2\n b\n", "S1| a\nS2| b\n");
}

Test(multiline, start_and_end_hold_what_stands_between_them)
{
	multiline_expect("start: '^B', end: '^E'", "x\nB1\na\nE\ny\nz\nB2\nb\nB3\nE\nE\n",
			 "x\nB1|a|E\ny\nz\nB2|b\nB3|E\nE\n");
	multiline_expect("start: '^B', end: '!$'", "B1!\nB2\nx!\nB3\n", "B1!\nB2|x!\nB3\n");
}

Test(multiline, continue_and_end_end_with_what_ends)
{
	multiline_expect("continue: '^ ', end: '^E'", "a\n b\nE\nc\n d\nx\nE\n y\n",
			 "a| b|E\nc| d\nx|E\n y\n");
}

Test(multiline, start_continue_and_end_each_say_their_part)
{
	multiline_expect("start: '^B', continue: '^ ', end: '^E'",
			 "B1\n a\nE\n b\nB2\nx\nE\nB3\n c\nB4\n",
			 "B1| a|E\n b\nB2\nx\nE\nB3| c\nB4\n");
}

/* ---- presets ---- */

Test(multiline, java_traces_are_whole_two_in_a_row_and_lines_between_alone)
{
	multiline_expect(
	    "preset: java",
	    "2026-11-22 08:00:00 INFO  serving\n"
	    "java.lang.IllegalStateException: closed\n"
	    "\tat com.example.Pool.take(Pool.java:42)\n"
	    "\tat com.example.Server.lambda$run$0(Server.java:7)\n"
	    "\tSuppressed: java.io.IOException: late\n"
	    "\t\tat com.example.Pool.close(Pool.java:50)\n"
	    "\t\t... 3 more\n"
	    "Caused by: java.io.IOException: broken pipe\n"
	    "\tat java.base/sun.nio.ch.Channel.write(Native Method)\n"
	    "\t... 12 common frames omitted\n"
	    "Exception in thread \"main\" java.lang.Error\r\n"
	    "        at Main.main(Main.java:3)\r\n"
	    "2026-11-22 08:00:01 INFO  at your service\n"
	    "... 5 more to come\n",
	    "2026-11-22 08:00:00 INFO  serving\n"
	    "java.lang.IllegalStateException: closed"
	    "|\tat com.example.Pool.take(Pool.java:42)"
	    "|\tat com.example.Server.lambda$run$0(Server.java:7)"
	    "|\tSuppressed: java.io.IOException: late"
	    "|\t\tat com.example.Pool.close(Pool.java:50)"
	    "|\t\t... 3 more"
	    "|Caused by: java.io.IOException: broken pipe"
	    "|\tat java.base/sun.nio.ch.Channel.write(Native Method)"
	    "|\t... 12 common frames omitted\n"
	    "Exception in thread \"main\" java.lang.Error\r|        at Main.main(Main.java:3)\r\n"
	    "2026-11-22 08:00:01 INFO  at your service|... 5 more to come\n");
}

Test(multiline, python_tracebacks_are_whole_and_chained_ones_too)
{
	multiline_expect("preset: python",
			 "INFO:root:begin\n"
			 "Traceback (most recent call last):\n"
			 "  File \"a.py\", line 3, in f\n"
			 "    return d[\"x\"]\n"
			 "           ~^^^^^\n"
			 "KeyError: 'x'\n"
			 "\n"
			 "During handling of the above exception, another exception occurred:\n"
			 "\n"
			 "Traceback (most recent call last):\n"
			 "  File \"a.py\", line 5, in <module>\n"
			 "    f()\n"
			 "  [Previous line repeated 996 more times]\n"
			 "app.errors.Failed\n"
			 "Traceback (most recent call last):\n"
			 "  File \"b.py\", line 1, in <module>\n"
			 "ZeroDivisionError: division by zero\n"
			 "INFO:root:between\n"
			 "  an indented line\n"
			 "Traceback (most recent call last):\n"
			 "  File \"c.py\", line 1, in <module>\n"
			 "2026-11-22 somebody else\n",
			 "INFO:root:begin\n"
			 "Traceback (most recent call last):"
			 "|  File \"a.py\", line 3, in f"
			 "|    return d[\"x\"]"
			 "|           ~^^^^^"
			 "|KeyError: 'x'"
			 "||During handling of the above exception, another exception occurred:"
			 "||Traceback (most recent call last):"
			 "|  File \"a.py\", line 5, in <module>"
			 "|    f()"
			 "|  [Previous line repeated 996 more times]"
			 "|app.errors.Failed\n"
			 "Traceback (most recent call last):"
			 "|  File \"b.py\", line 1, in <module>"
			 "|ZeroDivisionError: division by zero\n"
			 "INFO:root:between\n"
			 "  an indented line\n"
			 "Traceback (most recent call last):|  File \"c.py\", line 1, in <module>\n"
			 "2026-11-22 somebody else\n");
}

Test(multiline, go_panics_are_whole_with_all_their_goroutines)
{
	multiline_expect(
	    "preset: go",
	    "2026/11/22 08:00:00 serving (all)\n"
	    "panic: runtime error: invalid memory address or nil pointer dereference [recovered]\n"
	    "\tpanic: runtime error: invalid memory address or nil pointer dereference\n"
	    "[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x48f3a1]\n"
	    "\n"
	    "goroutine 1 [running]:\n"
	    "main.(*Server).serve(0xc000012120, {0x1, 0x2})\n"
	    "\t/src/main.go:8 +0x1d\n"
	    "main.main()\n"
	    "\t/src/main.go:4 +0x20\n"
	    "\n"
	    "goroutine 18 [chan receive, 2 minutes]:\n"
	    "...additional frames elided...\n"
	    "created by net/http.(*Server).Serve in goroutine 1\n"
	    "\t/usr/lib/go/net/http/server.go:3285 +0x4b4\n"
	    "exit status 2\n"
	    "fatal error: all goroutines are asleep - deadlock!\n"
	    "\n"
	    "goroutine 1 [chan receive]:\n"
	    "main.main()\n"
	    "\t/src/main.go:5 +0x2d\n"
	    "2026/11/22 08:00:01 http: panic serving 127.0.0.1:4242: boom\n"
	    "goroutine 5 [running]:\n"
	    "net/http.(*conn).serve.func1()\n"
	    "2026/11/22 08:00:02 served (again)\n",
	    "2026/11/22 08:00:00 serving (all)\n"
	    "panic: runtime error: invalid memory address or nil pointer dereference [recovered]"
	    "|\tpanic: runtime error: invalid memory address or nil pointer dereference"
	    "|[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x48f3a1]"
	    "||goroutine 1 [running]:"
	    "|main.(*Server).serve(0xc000012120, {0x1, 0x2})"
	    "|\t/src/main.go:8 +0x1d"
	    "|main.main()"
	    "|\t/src/main.go:4 +0x20"
	    "||goroutine 18 [chan receive, 2 minutes]:"
	    "|...additional frames elided..."
	    "|created by net/http.(*Server).Serve in goroutine 1"
	    "|\t/usr/lib/go/net/http/server.go:3285 +0x4b4\n"
	    "exit status 2\n"
	    "fatal error: all goroutines are asleep - deadlock!"
	    "||goroutine 1 [chan receive]:|main.main()|\t/src/main.go:5 +0x2d\n"
	    "2026/11/22 08:00:01 http: panic serving 127.0.0.1:4242: boom"
	    "|goroutine 5 [running]:|net/http.(*conn).serve.func1()\n"
	    "2026/11/22 08:00:02 served (again)\n");
}

Test(multiline, csv_goes_on_while_a_quote_is_open)
{
	multiline_expect("preset: csv",
			 "a,b\n1,\"x\n\ny\"\n2,\"say \"\"hi\"\"\"\n3,\"p\nq\",\"r\ns\"\n",
			 "a,b\n1,\"x||y\"\n2,\"say \"\"hi\"\"\"\n3,\"p|q\",\"r|s\"\n");
}

/* ---- bounds ---- */

Test(multiline, record_of_too_many_lines_is_cut_and_what_follows_is_one_too)
{
	multiline_expect("start: '^S', max_lines: 3", "S1\na\nb\nc\nd\ne\nf\nS2\n",
			 "S1|a|b\nc|d|e\nf\nS2\n");
	cr_expect_eq(multiline_cuts(), 2);
	multiline_expect("start: '^S', max_lines: 3", "S1\na\nb\nS2\na\nb\n", "S1|a|b\nS2|a|b\n");
	cr_expect_eq(multiline_cuts(), 0);
}

Test(multiline, record_of_too_many_bytes_is_cut_before_the_line_that_is_too_much)
{
	multiline_expect("start: '^S', max_bytes: 6B", "S1\nabc\nd\nS2\nabcdefghi\nx\n",
			 "S1|abc\nd\nS2\nabcdefghi\nx\n");
	cr_expect_eq(multiline_cuts(), 3);
}

Test(multiline, cut_value_of_csv_is_looked_at_anew)
{
	multiline_expect("preset: csv, max_lines: 2", "1,\"a\nb\nc\nd\ne\n", "1,\"a|b\nc\nd\ne\n");
	cr_expect_eq(multiline_cuts(), 1);
}

/* ---- long lines ---- */

static char *framed(enum long_line policy, const char *input, size_t piece)
{
	static struct stage_counters counters;
	struct multiline m;
	struct framing framing = {.delimiter = {{'\n'}, 1},
				  .max_line = 5,
				  .on_long_line = policy,
				  .counters = &counters,
				  .multiline = &m};
	cr_assert_eq(multiline_init(&m, multiline_from("start: '^S'"), NULL, &counters), 0);
	char *got = multiline_records(&framing, input, strlen(input), piece);
	multiline_release(&m);
	return got;
}

Test(multiline, line_longer_than_max_line_is_joined_with_none)
{
	static const char *const wanted[] = {"S1|a\n12345\nb|c\nS2\n12345\n", "S1|a\nb|c\nS2\n",
					     "S1|a\n12345\n6789\nb|c\nS2\n12345\n6789\n"};
	static const char input[] = "S1\na\n123456789\nb\nc\nS2\n123456789";
	for (enum long_line p = LONG_LINE_TRUNCATE; p <= LONG_LINE_SPLIT; p++)
		for (size_t piece = 1; piece <= sizeof input; piece++) {
			char *got = framed(p, input, piece);
			cr_assert_str_eq(got, wanted[p], "policy %d, by %zu, got:\n%s", p, piece,
					 got);
			free(got);
		}
}

/* ---- any input ---- */

static size_t random_lines(char *to, size_t lines)
{
	static const char *const some[] = {
	    "S", "S \"x",  " a", "",
	    "E", "end \"", "x",  "a line that is long enough to be cut by some"};
	char *at = to;
	for (size_t i = 0; i < lines; i++)
		at += sprintf(at, "%s\n", some[(unsigned)rand() % (sizeof some / sizeof *some)]);
	return (size_t)(at - to) - (size_t)(rand() % 2);
}

static void same_by_pieces(const char *yaml, const char *input, size_t length)
{
	static struct stage_counters counters;
	static const struct env_ops ops = {.say = NULL};
	struct env env = {.ops = &ops};
	struct multiline m;
	struct framing framing = {.delimiter = {{'\n'}, 1},
				  .max_line = 30,
				  .on_long_line = (enum long_line)(rand() % 3),
				  .counters = &counters,
				  .multiline = &m};
	counter_set(&counters.lost[LOSS_MULTILINE_CUT], 1); /* so that nothing is said */
	cr_assert_eq(multiline_init(&m, multiline_from(yaml), &env, &counters), 0);
	char *whole = multiline_records(&framing, input, length, length);
	for (int i = 0; i < 8; i++) {
		char *got = multiline_records(&framing, input, length,
					      1 + (size_t)rand() % (i < 4 ? 9 : 300));
		cr_assert_str_eq(got, whole, "%s:\n%.*s", yaml, (int)length, input);
		free(got);
	}
	free(whole);
	multiline_release(&m);
}

Test(multiline, records_are_the_same_however_the_input_comes)
{
	static const char *const options[] = {
	    "start: '^S'",
	    "continue: '^ ', max_lines: 2",
	    "end: '^E', max_bytes: 20B",
	    "start: '^S', continue: '^ '",
	    "start: '^S', end: '^E', max_lines: 4",
	    "start: '^S', continue: '^[ax]', end: '^E'",
	    "preset: csv, max_bytes: 60B",
	    "preset: java",
	    "preset: python",
	};
	static char input[64 * 1024];
	srand(2);
	for (int round = 0; round < 300; round++) {
		size_t length = random_lines(input, 1 + (size_t)rand() % 300);
		same_by_pieces(options[round % 9], input, length);
	}
}

/* More lines than a batch has records, each a record, behind one that is open. */
Test(multiline, batch_that_is_full_has_room_for_what_was_open)
{
	enum { LINES = 3 * BATCH_RECORDS_MAX };
	static char input[LINES * 2 + 1], wanted[LINES * 2 + 1];
	for (size_t i = 0; i < LINES; i++)
		memcpy(input + 2 * i, i == 0 ? "x\n" : "S\n", 2);
	memcpy(wanted, input, sizeof input);
	static struct stage_counters counters;
	struct multiline m;
	struct framing framing = {
	    .delimiter = {{'\n'}, 1}, .max_line = 30, .counters = &counters, .multiline = &m};
	cr_assert_eq(multiline_init(&m, multiline_from("start: '^S', end: '^S'"), NULL, &counters),
		     0);
	for (size_t piece = 2; piece < 10000; piece += 997) {
		char *got = multiline_records(&framing, input, LINES * 2, piece);
		cr_assert_str_eq(got, wanted);
		free(got);
	}
	multiline_release(&m);
}

/* ---- what is refused ---- */

static void expect_problem(const char *yaml, const char *problem)
{
	struct multiline_options o;
	struct problems problems;
	void *arena;
	char text[1024] = "";
	problems_init(&problems);
	cr_assert_eq(option_fill(multiline_table, &o, sizeof o, yaml, &problems, &arena), 0);
	multiline_check(&o, (struct place){0}, &problems);
	FILE *to = fmemopen(text, sizeof text, "w");
	problems_print(&problems, to);
	fclose(to);
	cr_expect(strstr(text, problem), "%s: %s", yaml, text);
	problems_release(&problems);
	option_fill_release(arena);
}

Test(multiline, options_that_say_nothing_or_too_much_are_refused)
{
	expect_problem("max_lines: 5", "multiline needs `start`, `continue`, `end` or `preset`");
	expect_problem("{preset: go, end: x}", "`end` beside `preset: go`, which says it all");
	expect_problem("start: java",
		       "`java` would be a pattern that lines are searched for; write "
		       "`{preset: java}`");
	expect_problem("start: '('", "`start` does not compile: missing closing parenthesis");
}

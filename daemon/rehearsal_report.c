#include "daemon/rehearsal_report.h"
#include "conf/printable.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	RECORDS_SHOWN = 10,
	BYTES_SHOWN = 2000, /* of one */
};

/* A test that is being told. */
struct telling {
	const struct rehearsal *rehearsal;
	bool secret; /* of what came out nobody knows what is in it */
	bool failed; /* and its line has been written */
};

/* ---- texts ---- */

static size_t put_piece(const char *bytes, size_t length)
{
	size_t n = printable_length(bytes, length);
	if (n == 0)
		printf("\\x%02x", (unsigned char)*bytes);
	else
		fwrite(bytes, 1, n, stdout);
	return n ? n : 1;
}

static void put_text(const char *bytes, size_t length, bool secret)
{
	if (secret) {
		fputs(SECRET_SHOWN, stdout);
		return;
	}
	size_t shown = 0;
	while (shown < length && shown < BYTES_SHOWN)
		shown += put_piece(bytes + shown, length - shown);
	if (shown < length)
		printf("... (%zu bytes more)", length - shown);
}

static void put_name(const struct text *t)
{
	put_text(t->bytes, t->length, t->secret);
}

static bool any_secret(const struct topology_test *test)
{
	for (size_t i = 0; i < test->record_count; i++) {
		const struct test_record *r = &test->records[i];
		if (r->body.secret)
			return true;
		for (size_t k = 0; k < r->field_count; k++)
			if (r->fields[k].value.secret)
				return true;
	}
	return false;
}

/* ---- a test ---- */

static void begin_failed(struct telling *t)
{
	if (t->failed)
		return;
	t->failed = true;
	fputs("FAILED ", stdout);
	put_name(&t->rehearsal->test->name);
	fputs("\n", stdout);
}

/* The beginning of a line that says what is wrong at a place of the test. */
static void begin_at(struct telling *t, struct place at)
{
	begin_failed(t);
	fputs("  ", stdout);
	put_text(at.file, strlen(at.file), false);
	if (at.line)
		printf(":%u:%u", at.line, at.column);
	fputs(": ", stdout);
}

static void begin_from(struct telling *t, const struct test_expectation *e, struct place at)
{
	begin_at(t, at);
	fputs("`", stdout);
	put_name(&e->from);
	fputs("` ", stdout);
}

static void put_more(size_t count, size_t shown)
{
	if (count > shown)
		printf("      and %zu more\n", count - shown);
}

static void put_got(const struct telling *t, const struct rehearsal_yield *y, size_t first)
{
	size_t shown = first;
	for (; shown < y->count && shown < first + RECORDS_SHOWN; shown++) {
		fputs("      ", stdout);
		put_text(y->list[shown].bytes, y->list[shown].length, t->secret);
		fputs("\n", stdout);
	}
	put_more(y->count, shown);
}

static void put_expected(const struct text_list *records, size_t first)
{
	size_t shown = first;
	for (; shown < records->count && shown < first + RECORDS_SHOWN; shown++) {
		fputs("      ", stdout);
		put_name(&records->items[shown]);
		fputs("\n", stdout);
	}
	put_more(records->count, shown);
}

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

/* ---- expectations ---- */

static void tell_count(struct telling *t, const struct test_expectation *e,
		       const struct rehearsal_yield *y)
{
	if (!e->has_count || y->count == e->count)
		return;
	begin_from(t, e, e->at);
	printf("gave %zu record%s, not %ju%s\n", y->count, plural(y->count), (uintmax_t)e->count,
	       y->count ? ":" : "");
	put_got(t, y, 0);
}

static bool is_same(const struct rehearsal_yield *y, const struct text_list *expected, size_t i)
{
	return i < y->count && i < expected->count &&
	       y->list[i].length == expected->items[i].length &&
	       memcmp(y->list[i].bytes, expected->items[i].bytes, y->list[i].length) == 0;
}

static void tell_records(struct telling *t, const struct test_expectation *e,
			 const struct rehearsal_yield *y)
{
	size_t i = 0;
	while (is_same(y, &e->records, i))
		i++;
	if (!e->has_records || (i == y->count && i == e->records.count))
		return;
	begin_from(t, e, i < e->records.count ? e->records.items[i].at : e->at);
	printf("gave %zu record%s, and %zu %s expected; from record %zu on they differ\n", y->count,
	       plural(y->count), e->records.count, e->records.count == 1 ? "was" : "were", i + 1);
	fputs(i < e->records.count ? "    expected:\n" : "    expected: no more\n", stdout);
	put_expected(&e->records, i);
	fputs(i < y->count ? "    got:\n" : "    got: no more\n", stdout);
	put_got(t, y, i);
}

static void put_why(const struct rehearsal_verdict *v)
{
	printf("it is %s%s\n", v->why ? "not known: " : "false", v->why ? v->why : "");
}

static void tell_record(const struct telling *t, const struct rehearsal_yield *y, size_t i)
{
	fputs("      ", stdout);
	put_text(y->list[i].bytes, y->list[i].length, t->secret);
	fputs("\n", stdout);
}

static void tell_each(struct telling *t, const struct test_expectation *e,
		      const struct rehearsal_yield *y, const struct rehearsal_verdict *v)
{
	if (!e->each.bytes || (y->count > 0 && v->held == y->count))
		return;
	begin_from(t, e, e->each.at);
	if (y->count == 0) {
		fputs("gave no record, so that `each` says nothing\n", stdout);
		return;
	}
	printf("gave %zu record%s for which `each` does not hold; of the first, record %zu, ",
	       y->count - v->held, plural(y->count - v->held), v->first_failed + 1);
	put_why(v);
	tell_record(t, y, v->first_failed);
}

static void tell_any(struct telling *t, const struct test_expectation *e,
		     const struct rehearsal_yield *y, const struct rehearsal_verdict *v)
{
	if (!e->any.bytes || v->held > 0)
		return;
	begin_from(t, e, e->any.at);
	printf("gave %zu record%s, and `any` holds for none%s", y->count, plural(y->count),
	       y->count ? "; of the first, " : "\n");
	if (y->count == 0)
		return;
	put_why(v);
	put_got(t, y, 0);
}

static void tell_expectation(struct telling *t, size_t i)
{
	const struct test_expectation *e = &t->rehearsal->test->expectations[i];
	const struct rehearsal_yield *y = rehearsal_yield_of(t->rehearsal, e);
	tell_count(t, e, y);
	tell_records(t, e, y);
	tell_each(t, e, y, &y->each[i]);
	tell_any(t, e, y, &y->any[i]);
}

static void tell_failure(struct telling *t, int run)
{
	begin_at(t, t->rehearsal->test->at);
	if (run == -EDEADLK)
		fputs("it does not come to an end", stdout);
	else
		printf("the run failed: %s", strerror(-run));
	if (*t->rehearsal->said) {
		fputs("; ", stdout);
		put_text(t->rehearsal->said, strlen(t->rehearsal->said), t->secret);
	}
	fputs("\n", stdout);
}

bool rehearsal_report(const struct rehearsal *rehearsal, int run)
{
	struct telling t = {.rehearsal = rehearsal, .secret = any_secret(rehearsal->test)};
	if (run < 0)
		tell_failure(&t, run);
	for (size_t i = 0; i < rehearsal->test->expectation_count && run == 0; i++)
		tell_expectation(&t, i);
	if (t.failed)
		return false;
	fputs("ok ", stdout);
	put_name(&rehearsal->test->name);
	fputs("\n", stdout);
	return true;
}

void rehearsal_report_sum(const struct topology *t, size_t failed)
{
	size_t count = t->tests.count;
	if (count == 0)
		printf("%s: no tests; write some under `tests`\n", topology_shown_name(t));
	else if (failed == 0)
		printf("%s: %zu test%s passed\n", topology_shown_name(t), count, plural(count));
	else
		printf("%s: %zu of %zu test%s failed\n", topology_shown_name(t), failed, count,
		       plural(count));
}

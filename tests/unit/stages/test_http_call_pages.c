/* Which version of a page was handed on last, from epoch to epoch. */
#include "stages/http_call/page_versions.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct text texts[] = {{.bytes = "http://a/", .length = 9},
			      {.bytes = "http://b/", .length = 9}};
static const struct text_list urls = {.items = texts, .count = 2};

static struct page_versions v;
static struct delta saved;

static void set_up(void)
{
	cr_assert_eq(page_versions_init(&v, &urls), 0);
}

static void tear_down(void)
{
	page_versions_release(&v);
	delta_release(&saved);
}

TestSuite(http_call_pages, .init = set_up, .fini = tear_down);

static struct http_answer answer_of(const char *tag, const char *modified)
{
	struct http_answer a = {.status = 200};
	snprintf(a.tag, sizeof a.tag, "%s", tag);
	snprintf(a.modified, sizeof a.modified, "%s", modified);
	return a;
}

Test(http_call_pages, what_is_new_is_part_of_one_epoch_and_known_after_a_restart)
{
	const struct http_answer first = answer_of("\"1\"", ""), second = answer_of("\"2\"", "now");
	cr_expect(page_version_note(&v.list[1], &first));
	cr_expect(page_version_note(&v.list[1], &second));
	cr_expect_not(page_version_note(&v.list[1], &second), "it is the same");
	cr_assert_eq(page_versions_snapshot(&v, &saved), 0);
	cr_expect_eq(saved.count, 1);
	struct delta next = {.count = 0};
	cr_assert_eq(page_versions_snapshot(&v, &next), 0);
	cr_expect(delta_is_empty(&next));
	page_versions_release(&v);
	cr_assert_eq(page_versions_init(&v, &urls), 0);
	cr_assert_eq(page_versions_remember(&v, &saved), 0);
	cr_expect_str_eq(v.list[0].tag, "");
	cr_expect_str_eq(v.list[1].tag, "\"2\"");
	cr_expect_str_eq(v.list[1].modified, "now");
}

Test(http_call_pages, what_is_not_its_own_is_refused)
{
	static const uint8_t key[8] = {1};
	static const struct {
		size_t key_length;
		const char *value;
		size_t length;
	} damaged[] = {
	    {8, "", 0}, {8, "\1a", 2}, {8, "\1a\5b", 4}, {8, "\1a\1bc", 5}, {7, "\1a\1b", 4}};
	for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
		delta_clear(&saved);
		cr_assert_eq(delta_put(&saved, key, damaged[i].key_length, damaged[i].value,
				       damaged[i].length),
			     0);
		cr_expect_eq(page_versions_remember(&v, &saved), -EBADMSG, "%zu", i);
	}
	delta_clear(&saved);
	cr_assert_eq(delta_put(&saved, key, sizeof key, "\1a\1b", 4), 0);
	cr_expect_eq(page_versions_remember(&v, &saved), 0, "of a URL that is no longer asked for");
}

/* The record of a tick: stages/source/schedule_record. */
#include "stages/source/schedule_record.h"

#include <criterion/criterion.h>
#include <string.h>

static struct text text_of(const char *bytes)
{
	return (struct text){.bytes = bytes, .length = strlen(bytes), .lead = TEXT_NOWHERE};
}

static const char *record_of(const char *template, size_t room)
{
	static char written[256];
	struct text text = text_of(template);
	struct template_parts t;
	cr_assert_eq(schedule_record_init(&t, &text), 0);
	size_t length =
	    schedule_record_write(&t, INT64_C(1795256100500000000), (uint8_t *)written, room);
	cr_assert_leq(length, room);
	written[length] = '\0';
	schedule_record_release(&t);
	return written;
}

Test(schedule_record, a_tick_says_when_it_was_due)
{
	cr_expect_str_eq(record_of("plain {{text}", 200), "plain {text}");
	cr_expect_str_eq(record_of("{time}", 200), "2026-11-21T10:15:00.500Z");
	cr_expect_str_eq(record_of("at {time:%F %H:%M}!", 200), "at 2026-11-21 10:15!");
	cr_expect_str_eq(record_of("", 200), "");
}

Test(schedule_record, it_is_no_longer_than_there_is_room)
{
	cr_expect_str_eq(record_of("plain {time:%F} text", 9), "plain 202");
}

Test(schedule_record, it_knows_nothing_but_its_time)
{
	static const char *const wrong[] = {"{host}", "{time|json}", "{times}", "{time",
					    "{time:%Q}"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct problems problems;
		struct text text = text_of(wrong[i]);
		problems_init(&problems);
		schedule_record_check(&text, &problems);
		cr_expect_eq(problems_total(&problems), 1, "%s", wrong[i]);
		problems_release(&problems);
	}
}

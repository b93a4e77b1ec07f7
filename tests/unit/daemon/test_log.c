#include "daemon/log.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char said[16384];

/* What one call writes to stderr, without the time in front. */
#define SAY(...)                                                                                   \
	do {                                                                                       \
		int saved = dup(STDERR_FILENO);                                                    \
		FILE *file = tmpfile();                                                            \
		dup2(fileno(file), STDERR_FILENO);                                                 \
		log_line(__VA_ARGS__);                                                             \
		dup2(saved, STDERR_FILENO);                                                        \
		close(saved);                                                                      \
		rewind(file);                                                                      \
		said[fread(said, 1, sizeof said - 1, file)] = 0;                                   \
		fclose(file);                                                                      \
	} while (0)

static const char *behind_time(void)
{
	cr_assert_eq(said[24], ' ', "2026-11-21T10:15:00.123Z has 24 characters: %s", said);
	return said + 25;
}

Test(log, text_line_has_level_stage_event_and_pairs)
{
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	SAY(LOG_LEVEL_WARN, "access", "file unreadable", "path=%s errno=%d size=%zu", "/var/log/x",
	    -13, (size_t)7);
	cr_assert_str_eq(behind_time(),
			 "warn access: file unreadable path=/var/log/x errno=-13 size=7\n");
}

Test(log, hostile_text_is_quoted_and_escaped)
{
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	SAY(LOG_LEVEL_ERROR, NULL, "e", "path=%s", "a b\"\\\n\033[31m\x80 x=1");
	cr_assert_str_eq(behind_time(), "error e path=\"a b\\\"\\\\\\n\\u001b[31m\\u0080 x=1\"\n");
}

Test(log, characters_pass_and_bytes_that_are_none_are_escaped)
{
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
	SAY(LOG_LEVEL_INFO, NULL, "e", "path=%s",
	    "caf\u00e9 \u20ac\U0001f600 \xe9\xc2\x9b[31m\x7f");
	cr_assert_not_null(strstr(said, "\"path\":\"caf\u00e9 \u20ac\U0001f600 "
					"\\u00e9\\u00c2\\u009b[31m\\u007f\""),
			   "%s", said);
}

Test(log, long_value_is_cut_between_characters)
{
	static char large[1501];
	for (size_t i = 0; i < sizeof large - 1; i += 3)
		memcpy(large + i, "\u20ac", 3);
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
	SAY(LOG_LEVEL_INFO, NULL, "e", "path=%s", large);
	cr_assert_null(strstr(said, "\\u"), "%s", said);
	cr_assert_not_null(strstr(said, "\u20ac\"}"));
}

Test(log, json_keeps_numbers_numbers_and_texts_texts)
{
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
	SAY(LOG_LEVEL_INFO, "s", "e", "n=%ju t=%s mixed=%dms", (uintmax_t)18446744073709551615u,
	    "5", 3);
	const char *rest = strstr(said, ",\"level\"");
	cr_assert_not_null(rest);
	cr_assert_str_eq(rest, ",\"level\":\"info\",\"stage\":\"s\",\"event\":\"e\",\"n\":"
			       "18446744073709551615,\"t\":\"5\","
			       "\"mixed\":\"3ms\"}\n");
}

Test(log, pair_that_does_not_fit_is_left_out_whole)
{
	static char large[1000];
	memset(large, 1, sizeof large - 1); /* six bytes each when escaped */
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
	SAY(LOG_LEVEL_INFO, NULL, "e", "a=%s b=%s c=%d", large, large, 1);
	cr_assert_not_null(strstr(said, "\"a\":\""));
	cr_assert_null(strstr(said, "\"b\":"));
	cr_assert_str_eq(said + strlen(said) - strlen("\",\"c\":1}\n"), "\",\"c\":1}\n");
}

Test(log, lines_below_the_level_are_not_written)
{
	log_setup(LOG_LEVEL_WARN, LOG_FORMAT_TEXT);
	SAY(LOG_LEVEL_INFO, NULL, "e", "a=%d", 1);
	cr_assert_str_empty(said);
}

Test(log, string_with_precision_is_cut_there)
{
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	SAY(LOG_LEVEL_INFO, NULL, "e", "a=%.*s", 2, "xyz");
	cr_assert_str_eq(behind_time(), "info e a=xy\n");
}

Test(log, words_that_are_no_pair_become_a_note)
{
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	SAY(LOG_LEVEL_INFO, NULL, "e", "a=%d such as %s", 1, "x y");
	cr_assert_str_eq(behind_time(), "info e a=1 note=\"such as x y\"\n");
}

Test(log, numbers_have_the_zeroes_in_front_that_they_are_asked_for)
{
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	SAY(LOG_LEVEL_INFO, NULL, "e", "segment=%016jx n=%03d", (uintmax_t)0xabc, 7);
	cr_assert_not_null(strstr(said, "segment=0000000000000abc n=007"), "%s", said);
}

#include "stages/text/syslog_data.h"
#include "stages/text/syslog_scan.h"
#include "tests/unit/stages/guarded.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

enum { SHOWN_MAX = 16384 };

static size_t show_span(char *to, size_t at, const char *name, struct text_span s)
{
	if (!s.bytes)
		return at;
	return at + (size_t)snprintf(to + at, SHOWN_MAX - at, "%s=%.*s|", name, (int)s.length,
				     (const char *)s.bytes);
}

/* `34|time=...|host=...|` or `!why`. */
static const char *shown(enum syslog_format format, const void *bytes, size_t length)
{
	static char to[SHOWN_MAX];
	struct syslog_parts p;
	const char *why = NULL;
	size_t at = 0;
	uint8_t *copy = guarded_at_end(bytes, length);
	if (syslog_scan(format, copy, (uint32_t)length, &p, &why) < 0) {
		snprintf(to, SHOWN_MAX, "!%s", why);
		return to;
	}
	if (p.priority >= 0)
		at += (size_t)snprintf(to, SHOWN_MAX, "%d|", p.priority);
	at = show_span(to, at, "time", p.timestamp);
	at = show_span(to, at, "host", p.hostname);
	at = show_span(to, at, "app", p.appname);
	at = show_span(to, at, "proc", p.procid);
	at = show_span(to, at, "id", p.msgid);
	at = show_span(to, at, "data", p.structured_data);
	show_span(to, at, "msg", p.message);
	return to;
}

struct syslog_case {
	const char *text, *expected;
};

static void expect(enum syslog_format format, const struct syslog_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *got = shown(format, cases[i].text, strlen(cases[i].text));
		cr_expect_str_eq(got, cases[i].expected, "%s: %s, not %s", cases[i].text, got,
				 cases[i].expected);
	}
}
#define EXPECT(format, cases) expect(format, cases, sizeof(cases) / sizeof(*(cases)))

#define T5 "2003-10-11T22:14:15.003Z"

Test(syslog_scan, messages_of_rfc_5424_are_taken_apart)
{
	static const struct syslog_case cases[] = {
	    {"<34>1 " T5 " mymachine.example.com su - ID47 - \xef\xbb\xbf'su root' failed",
	     "34|time=" T5 "|host=mymachine.example.com|app=su|id=ID47|msg='su root' failed|"},
	    {"<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time.",
	     "165|time=2003-08-24T05:14:15.000003-07:00|host=192.0.2.1|app=myproc|proc=8710|"
	     "msg=%% It's time.|"},
	    {"<165>1 " T5 " h evntslog - ID47 [exampleSDID@32473 iut=\"3\" eventID=\"1011\"] An",
	     "165|time=" T5 "|host=h|app=evntslog|id=ID47|"
	     "data=[exampleSDID@32473 iut=\"3\" eventID=\"1011\"]|msg=An|"},
	    {"<165>1 " T5 " h e - ID47 [a@1 i=\"3\"][b@2 class=\"high\"]",
	     "165|time=" T5 "|host=h|app=e|id=ID47|data=[a@1 i=\"3\"][b@2 class=\"high\"]|"},
	    {"<0>1 - - - - - -", "0|"},
	    {"<0>1 - - - - - - ", "0|msg=|"},
	    {"<0>1 - - - - - - \xef\xbb\xbf", "0|msg=|"},
	    {"<0>1 - - - - - - \xef\xbb", "0|msg=\xef\xbb|"},
	    {"<191>999 - -- - - - [x] m", "191|host=--|data=[x]|msg=m|"},
	    {"<0>1 - - - - - [x a=\"\\\"]\\]\\\\\"][y] [m]",
	     "0|data=[x a=\"\\\"]\\]\\\\\"][y]|msg=[m]|"},
	    {"<0>1 2016-12-31T23:59:60Z - - - - -", "0|time=2016-12-31T23:59:60Z|"},
	};
	EXPECT(SYSLOG_AUTO, cases);
	EXPECT(SYSLOG_RFC5424, cases);
}

Test(syslog_scan, what_is_no_message_of_rfc_5424_is_refused)
{
	static const struct syslog_case cases[] = {
	    {"<34>1 ", "!timestamp"},
	    {"<34>1 2003-10-11", "!timestamp"},
	    {"<34>1 2003-10-11T22:14:15.003Zx h a p i - m", "!timestamp"},
	    {"<34>1 2003-13-11T22:14:15Z h a p i - m", "!timestamp"},
	    {"<34>1 " T5 "  a p i - m", "!hostname"},
	    {"<34>1 " T5 " h", "!hostname"},
	    {"<34>1 " T5 " h a", "!app-name"},
	    {"<34>1 " T5 " h a\x01 p i - m", "!app-name"},
	    {"<34>1 " T5 " h a p", "!procid"},
	    {"<34>1 " T5 " h a p i", "!msgid"},
	    {"<34>1 " T5 " h a p i ", "!structured data"},
	    {"<34>1 " T5 " h a p i -m", "!structured data"},
	    {"<34>1 " T5 " h a p i []", "!structured data"},
	    {"<34>1 " T5 " h a p i [", "!structured data"},
	    {"<34>1 " T5 " h a p i [x", "!structured data"},
	    {"<34>1 " T5 " h a p i [x ] m", "!structured data"},
	    {"<34>1 " T5 " h a p i [x a] m", "!structured data"},
	    {"<34>1 " T5 " h a p i [x a=b] m", "!structured data"},
	    {"<34>1 " T5 " h a p i [x a=\"b] m", "!structured data"},
	    {"<34>1 " T5 " h a p i [x a=\"b\\", "!structured data"},
	    {"<34>1 " T5 " h a p i [x a=\"b\\\"", "!structured data"},
	    {"<34>1 " T5 " h a p i [x a=\"b\"c=\"d\"] m", "!structured data"},
	    {"<34>1 " T5 " h a p i [x a=\"b\"]m", "!structured data"},
	    {"<34>1 " T5 " h a p i [ x a=\"b\"] m", "!structured data"},
	    {"<192>1 - - - - - -", "!priority"},
	    {"<034>1 - - - - - -", "!priority"},
	    {"<>1 - - - - - -", "!priority"},
	    {"<-1>1 - - - - - -", "!priority"},
	    {"<1", "!priority"},
	    {"<", "!priority"},
	    {"", "!empty"},
	};
	static const struct syslog_case only[] = {
	    {"1 - - - - - -", "!priority"},
	    {"<34>0 - - - - - -", "!version"},
	    {"<34>1000 - - - - - -", "!version"},
	    {"<34>1", "!version"},
	    {"<34>Oct 11 22:14:15 h su: m", "!version"},
	};
	EXPECT(SYSLOG_AUTO, cases);
	EXPECT(SYSLOG_RFC5424, cases);
	EXPECT(SYSLOG_RFC5424, only);
}

#define T3 "Oct 11 22:14:15"

Test(syslog_scan, messages_of_rfc_3164_are_taken_apart_with_or_without_priority)
{
	static const struct syslog_case cases[] = {
	    {"<34>" T3 " mymachine su: 'su root' failed for lonvick on /dev/pts/8",
	     "34|time=" T3
	     "|host=mymachine|app=su|msg='su root' failed for lonvick on /dev/pts/8|"},
	    {T3 " h sshd(pam_unix)[19939]: check pass",
	     "time=" T3 "|host=h|app=sshd(pam_unix)|proc=19939|msg=check pass|"},
	    {"Oct  1 02:04:05 h kernel: x: y", "time=Oct  1 02:04:05|host=h|app=kernel|msg=x: y|"},
	    {"Oct 1 02:04:05 h a: m", "time=Oct 1 02:04:05|host=h|app=a|msg=m|"},
	    {"Oct 01 02:04:05.123 h a: m", "time=Oct 01 02:04:05.123|host=h|app=a|msg=m|"},
	    {"Oct 11 2003 22:14:15: h a: m", "time=Oct 11 2003 22:14:15|host=h|app=a|msg=m|"},
	    {"2016-10-06T00:17:09.669794+02:00 h systemd[1]: m",
	     "time=2016-10-06T00:17:09.669794+02:00|host=h|app=systemd|proc=1|msg=m|"},
	    {"2016-10-06T00:17:09 h postfix/smtpd[7]: m",
	     "time=2016-10-06T00:17:09|host=h|app=postfix/smtpd|proc=7|msg=m|"},
	    {"<30>dnsmasq[1]: m", "30|app=dnsmasq|proc=1|msg=m|"},
	    {"<30>" T3 " cron[1]: m", "30|time=" T3 "|app=cron|proc=1|msg=m|"},
	    {"<30>" T3 " cron: m", "30|time=" T3 "|app=cron|msg=m|"},
	    {"<5>", "5|msg=|"},
	    {"<5>Use the BFG!", "5|msg=Use the BFG!|"},
	    {"<5>" T3, "5|time=" T3 "|msg=|"},
	    {"<5>" T3 " ", "5|time=" T3 "|msg=|"},
	    {"<5>" T3 " h", "5|time=" T3 "|host=h|msg=|"},
	    {T3 " h a:", "time=" T3 "|host=h|app=a|msg=|"},
	    {T3 " h a[1]", "time=" T3 "|host=h|app=a|proc=1|msg=|"},
	    {T3 " h a[1]:m", "time=" T3 "|host=h|app=a|proc=1|msg=m|"},
	    {T3 " h a[1] m", "time=" T3 "|host=h|app=a|proc=1|msg=m|"},
	    {T3 " h a[main]: m", "time=" T3 "|host=h|app=a|proc=main|msg=m|"},
	    {T3 " h a[main] m", "time=" T3 "|host=h|msg=a[main] m|"},
	    {T3 " h a[]: m", "time=" T3 "|host=h|msg=a[]: m|"},
	    {T3 " h a[1: m", "time=" T3 "|host=h|msg=a[1: m|"},
	    {T3 " h [1]: m", "time=" T3 "|host=h|msg=[1]: m|"},
	    {T3 " h : m", "time=" T3 "|host=h|msg=: m|"},
	    {T3 " h a::b[1]: m", "time=" T3 "|host=h|app=a::b|proc=1|msg=m|"},
	    {T3 " h a:b c", "time=" T3 "|host=h|msg=a:b c|"},
	    {T3 " h   -- root[2421]: m", "time=" T3 "|host=h|app=-- root|proc=2421|msg=m|"},
	    {T3 " h -- MARK --", "time=" T3 "|host=h|msg=-- MARK --|"},
	    {T3 " h -- root: m", "time=" T3 "|host=h|msg=-- root: m|"},
	    {T3 " h syslogd 1.4.1: m", "time=" T3 "|host=h|app=syslogd 1.4.1|msg=m|"},
	    {T3 " h syslogd x.4.1: m", "time=" T3 "|host=h|msg=syslogd x.4.1: m|"},
	    {T3 " h last message repeated 2 times",
	     "time=" T3 "|host=h|msg=last message repeated 2 times|"},
	    {T3 " h  two blanks", "time=" T3 "|host=h|msg= two blanks|"},
	    {T3 " fe80::1 a: m", "time=" T3 "|host=fe80::1|app=a|msg=m|"},
	    {T3 " fe80:: a: m", "time=" T3 "|host=fe80::|app=a|msg=m|"},
	    {T3 " [::1] a: m", "time=" T3 "|host=[::1]|app=a|msg=m|"},
	    {T3 " h\ta: m", "time=" T3 "|msg=h\ta: m|"},
	    {"<34>1 - - - - - -", "34|msg=1 - - - - - -|"},
	};
	EXPECT(SYSLOG_RFC3164, cases);
	expect(SYSLOG_AUTO, cases, sizeof cases / sizeof *cases - 1);
}

Test(syslog_scan, without_priority_and_timestamp_it_is_none)
{
	static const struct syslog_case cases[] = {
	    {"Use the BFG!", "!neither priority nor timestamp"},
	    {"oct 11 22:14:15 h a: m", "!neither priority nor timestamp"},
	    {"Oct 32 22:14:15 h a: m", "!neither priority nor timestamp"},
	    {"Oct 11 24:14:15 h a: m", "!neither priority nor timestamp"},
	    {"Oct 11 22:14:1 h a: m", "!neither priority nor timestamp"},
	    {"Oct 11 22:14:15x h a: m", "!neither priority nor timestamp"},
	    {"Oct 11 22:14:15. h a: m", "!neither priority nor timestamp"},
	    {"Oct 11", "!neither priority nor timestamp"},
	    {"O", "!neither priority nor timestamp"},
	    {"2016-10-06 00:17:09 h a: m", "!neither priority nor timestamp"},
	    {"", "!empty"},
	};
	EXPECT(SYSLOG_AUTO, cases);
	EXPECT(SYSLOG_RFC3164, cases);
}

Test(syslog_scan, a_nul_is_a_byte_of_the_message_and_of_nothing_else)
{
	static const char old[] = "<1>" T3 " h a: m\0n", tag[] = "<1>" T3 " h a\0b: m";
	static const char new[] = "<1>1 - h\0x - - - -";
	struct syslog_parts p;
	const char *why;
	cr_assert_eq(syslog_scan(SYSLOG_AUTO, (const uint8_t *)old, sizeof old - 1, &p, &why), 0);
	cr_expect_eq(p.message.length, 3);
	cr_assert_eq(syslog_scan(SYSLOG_AUTO, (const uint8_t *)tag, sizeof tag - 1, &p, &why), 0);
	cr_expect_null(p.appname.bytes);
	cr_expect_str_eq(shown(SYSLOG_AUTO, new, sizeof new - 1), "!hostname");
}

static char *long_text(const char *before, size_t count, const char *after)
{
	char *text = malloc(strlen(before) + count + strlen(after) + 1);
	cr_assert(text);
	memcpy(text, before, strlen(before));
	memset(text + strlen(before), 'w', count);
	memcpy(text + strlen(before) + count, after, strlen(after) + 1);
	return text;
}

Test(syslog_scan, a_word_of_a_header_has_a_limit)
{
	char *fits = long_text("<1>1 - ", SYSLOG_WORD_MAX, " - - - -");
	char *too_long = long_text("<1>1 - ", SYSLOG_WORD_MAX + 1, " - - - -");
	char *tag = long_text("<1>" T3 " h ", SYSLOG_WORD_MAX + 1, "[1]: m");
	struct syslog_parts p;
	const char *why;
	cr_expect_eq(shown(SYSLOG_AUTO, fits, strlen(fits))[0], '1');
	cr_expect_str_eq(shown(SYSLOG_AUTO, too_long, strlen(too_long)), "!hostname");
	int r = syslog_scan(SYSLOG_AUTO, (uint8_t *)tag, (uint32_t)strlen(tag), &p, &why);
	cr_expect(r == 0 && !p.appname.bytes && p.message.length == SYSLOG_WORD_MAX + 7);
	free(fits);
	free(too_long);
	free(tag);
}

Test(syslog_scan, a_timestamp_says_what_stands_in_it)
{
	struct syslog_stamp s;
	static const char bsd[] = "Feb  9 01:02:03.25 ", full[] = "Dec 31 1999 23:59:59";
	static const char iso[] = "2003-10-11T22:14:15.123456789012-07:30",
			  bare[] = "0000-01-02T03:04:05 ";
	cr_assert_eq(syslog_stamp_bsd((const uint8_t *)bsd, strlen(bsd), &s), 18);
	cr_expect(s.year == SYSLOG_STAMP_NO_YEAR && s.month == 2 && s.day == 9 && s.hour == 1);
	cr_expect(s.minute == 2 && s.second == 3 && s.fraction_ns == 250000000 && !s.has_offset);
	cr_assert_eq(syslog_stamp_bsd((const uint8_t *)full, strlen(full), &s), 20);
	cr_expect(s.year == 1999 && s.month == 12 && s.day == 31 && s.second == 59);
	cr_assert_eq(syslog_stamp_iso((const uint8_t *)iso, strlen(iso), &s), strlen(iso));
	cr_expect(s.year == 2003 && s.fraction_ns == 123456789 && s.has_offset);
	cr_expect_eq(s.offset_s, -(7 * 3600 + 1800));
	cr_assert_eq(syslog_stamp_iso((const uint8_t *)bare, strlen(bare), &s), 19);
	cr_expect(s.year == 0 && s.day == 2 && !s.has_offset && s.offset_s == 0);
}

Test(syslog_scan, facilities_and_severities_have_their_usual_names)
{
	cr_expect_str_eq(syslog_facility(0), "kern");
	cr_expect_str_eq(syslog_facility(34), "auth");
	cr_expect_str_eq(syslog_facility(86), "authpriv");
	cr_expect_str_eq(syslog_facility(SYSLOG_PRIORITY_MAX), "local7");
	cr_expect_str_eq(syslog_severity(0), "emerg");
	cr_expect_str_eq(syslog_severity(34), "crit");
	cr_expect_str_eq(syslog_severity(SYSLOG_PRIORITY_MAX), "debug");
}

Test(syslog_scan, escapes_in_structured_data_are_those_of_three_characters)
{
	static const struct {
		const char *written, *meant;
	} cases[] = {
	    {"plain", "plain"}, {"\\\"", "\""},   {"\\\\", "\\"},         {"\\]", "]"},
	    {"\\n", "\\n"},     {"\\\\n", "\\n"}, {"a\\\"b\\]", "a\"b]"}, {"]", "]"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char text[64], to[64];
		struct syslog_piece piece;
		snprintf(text, sizeof text, "[x k=\"%s\"]", cases[i].written);
		struct syslog_data d = syslog_data_from((uint8_t *)text, strlen(text));
		cr_assert(syslog_data_next(&d, &piece) == 1 && piece.is_element);
		cr_assert(syslog_data_next(&d, &piece) == 1 && !piece.is_element, "%s", text);
		cr_expect_eq(piece.escaped, strchr(cases[i].written, '\\') != NULL);
		to[syslog_data_unescape((uint8_t *)to, piece.value)] = 0;
		cr_expect_str_eq(to, cases[i].meant);
		cr_expect_eq(syslog_data_next(&d, &piece), 0);
	}
}

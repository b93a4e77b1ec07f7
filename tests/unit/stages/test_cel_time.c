#include "tests/unit/stages/cel_fixture.h"

#include <criterion/criterion.h>

#define MOMENT "timestamp('2009-02-13T23:31:30Z')"

Test(cel_time, timestamps_are_those_of_rfc_3339)
{
	static const struct cel_case cases[] = {
	    {MOMENT, "time:1234567890.000000000"},
	    {"timestamp('2009-02-13T23:31:30.5Z')", "time:1234567890.500000000"},
	    {"timestamp('2009-02-13T23:31:30.123456789Z')", "time:1234567890.123456789"},
	    {"timestamp('2009-02-14T00:31:30+01:00') == " MOMENT, "true"},
	    {"timestamp('2009-02-13T14:01:30-09:30') == " MOMENT, "true"},
	    {"timestamp('1969-12-31T23:59:59.5Z')", "time:-1.500000000"},
	    {"timestamp('2000-02-29T00:00:00Z')", "time:951782400.000000000"},
	    {"timestamp('2004-02-29T00:00:00Z')", "time:1078012800.000000000"},
	    {"timestamp('2100-02-29T00:00:00Z')", "!string is not a timestamp"},
	    {"timestamp('2009-13-01T00:00:00Z')", "!string is not a timestamp"},
	    {"timestamp('2009-02-00T00:00:00Z')", "!string is not a timestamp"},
	    {"timestamp('2009-02-13T24:00:00Z')", "!string is not a timestamp"},
	    {"timestamp('2009-02-13T23:31:30')", "!string is not a timestamp"},
	    {"timestamp('2009-02-13T23:31:30.Z')", "!string is not a timestamp"},
	    {"timestamp('2009-02-13 23:31:30Z')", "!string is not a timestamp"},
	    {"timestamp('')", "!string is not a timestamp"},
	    {"timestamp('2262-04-11T23:47:16.854775807Z')", "time:9223372036.854775807"},
	    {"timestamp('2262-04-11T23:47:16.854775808Z')", "!time out of range"},
	    {"timestamp('9999-12-31T23:59:59Z')", "!time out of range"},
	    {"timestamp('0001-01-01T00:00:00Z')", "!time out of range"},
	    {"timestamp(1234567890) == " MOMENT, "true"},
	    {"timestamp(9223372037)", "!time out of range"},
	    {"timestamp(time)", "time:1234567890.123456789"},
	    {"timestamp(nothing)", "!no such overload"},
	    {"string(" MOMENT ")", "\"2009-02-13T23:31:30Z\""},
	    {"string(timestamp('1969-12-31T23:59:59.5Z'))", "\"1969-12-31T23:59:59.5Z\""},
	    {"string(time)", "\"2009-02-13T23:31:30.123456789Z\""},
	};
	CEL_EXPECT(cases);
}

Test(cel_time, durations_have_units)
{
	static const struct cel_case cases[] = {
	    {"duration('1s')", "span:1000000000"},
	    {"duration('1h30m')", "span:5400000000000"},
	    {"duration('-1.5s')", "span:-1500000000"},
	    {"duration('+1s')", "span:1000000000"},
	    {"duration('250ms')", "span:250000000"},
	    {"duration('10us')", "span:10000"},
	    {"duration('10\xc2\xb5s')", "span:10000"},
	    {"duration('7ns')", "span:7"},
	    {"duration('0')", "span:0"},
	    {"duration('.5h')", "span:1800000000000"},
	    {"duration('1')", "!string is not a duration"},
	    {"duration('')", "!string is not a duration"},
	    {"duration('-')", "!string is not a duration"},
	    {"duration('s')", "!string is not a duration"},
	    {"duration('1d')", "!string is not a duration"},
	    {"duration('320000000000s')", "!time out of range"},
	    {"duration('-320000000000s')", "!time out of range"},
	    {"duration('99999999999999999999999h')", "!time out of range"},
	    {"duration(took) == took", "true"},
	    {"string(duration('1000000s'))", "\"1000000s\""},
	    {"string(duration('-1.5s'))", "\"-1.5s\""},
	    {"string(duration('1ns'))", "\"0.000000001s\""},
	};
	CEL_EXPECT(cases);
}

Test(cel_time, times_and_durations_add_and_compare)
{
	static const struct cel_case cases[] = {
	    {MOMENT " + duration('30s')", "time:1234567920.000000000"},
	    {"duration('30s') + " MOMENT, "time:1234567920.000000000"},
	    {MOMENT " - duration('30s')", "time:1234567860.000000000"},
	    {"time - " MOMENT, "span:123456789"},
	    {"duration('600s') + duration('50s') == duration('650s')", "true"},
	    {"duration('900s') - duration('42s') == duration('858s')", "true"},
	    {"timestamp('2262-04-11T00:00:00Z') + duration('24h')", "!time out of range"},
	    {"timestamp('2262-01-01T00:00:00Z') - timestamp('1700-01-01T00:00:00Z')",
	     "!time out of range"},
	    {"duration('9000000000s') + duration('9000000000s')", "!time out of range"},
	    {MOMENT " < time", "true"},
	    {MOMENT " >= time", "false"},
	    {"duration('200s') < duration('300s')", "true"},
	    {"took > duration('1s')", "true"},
	    {MOMENT " != timestamp('2009-02-13T23:31:29Z')", "true"},
	};
	CEL_EXPECT(cases);
}

Test(cel_time, a_time_has_parts)
{
	static const struct cel_case cases[] = {
	    {MOMENT ".getFullYear()", "2009"},
	    {MOMENT ".getMonth()", "1"},
	    {MOMENT ".getDate()", "13"},
	    {MOMENT ".getDayOfMonth()", "12"},
	    {MOMENT ".getDayOfWeek()", "5"},
	    {MOMENT ".getDayOfYear()", "43"},
	    {MOMENT ".getHours()", "23"},
	    {MOMENT ".getMinutes()", "31"},
	    {MOMENT ".getSeconds()", "30"},
	    {"time.getMilliseconds()", "123"},
	    {"timestamp('1960-01-01T00:00:00.25Z').getMilliseconds()", "250"},
	    {"timestamp('1960-01-03T00:00:00Z').getDayOfWeek()", "0"},
	    {"timestamp('2000-12-31T00:00:00Z').getDayOfYear()", "365"},
	    {MOMENT ".getDayOfMonth('+11:00')", "13"},
	    {"timestamp('2009-02-13T02:00:00Z').getDayOfMonth('-02:30')", "11"},
	    {MOMENT ".getFullYear('-09:30')", "2009"},
	    {MOMENT ".getHours('02:00')", "1"},
	    {MOMENT ".getMinutes('+05:45')", "16"},
	    {MOMENT ".getMonth('UTC')", "1"},
	    {MOMENT ".getSeconds('-00:00')", "30"},
	    {"time.getHours(path)", "!not a time zone: UTC or an offset such as +02:00"},
	    {"took.getHours('UTC')", "!no such overload"},
	    {"duration('10000s').getHours()", "2"},
	    {"duration('3730s').getMinutes()", "62"},
	    {"duration('3730s').getSeconds()", "3730"},
	    {"duration('123.321456789s').getMilliseconds()", "321"},
	    {"took.getFullYear()", "!no such overload"},
	    {"i.getHours()", "!no such overload"},
	};
	CEL_EXPECT(cases);
}

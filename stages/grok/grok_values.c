/* grok_values.c - patterns for single things: words, numbers, addresses, times.
 *
 * Most match in one way only, so that a search that fails does so soon: what may be taken differently (a name without its end,
 * `.*?`) is left to be given back, all else is not. */
#include "stages/grok/grok_library.h"

#include <stddef.h>

/* 0 to 255, as far as its digits go; a zero may stand before. */
#define OCTET "(?>25[0-5]|2[0-4][0-9]|[01]?[0-9]{1,2})"
#define IPV4_BARE "(?:" OCTET "\\.){3}" OCTET "(?![0-9])"
#define IPV4 "(?<![0-9])" IPV4_BARE

/* By how many groups stand before the `::`; all eight, or those with an IPv4 address for the last two. */
#define HEX4 "[0-9A-Fa-f]{1,4}"
#define IPV6_AFTER(groups, with_ipv4)                                                              \
	"(?:(?::" HEX4 "){0," with_ipv4 "}:" IPV4_BARE "|(?::" HEX4 "){1," groups "}|:)"
#define IPV6                                                                                       \
	"(?=[0-9A-Fa-f]{0,4}:)(?:"                                                                 \
	"(?:" HEX4 ":){6}(?:" HEX4 ":" HEX4 "|" IPV4_BARE ")"                                      \
	"|(?:" HEX4 ":){7}:"                                                                       \
	"|(?:" HEX4 ":){6}(?::" HEX4 "|:)"                                                         \
	"|(?:" HEX4 ":){5}(?::" IPV4_BARE "|(?::" HEX4 "){1,2}|:)"                                 \
	"|(?:" HEX4 ":){4}" IPV6_AFTER("3", "1") "|(?:" HEX4 ":){3}" IPV6_AFTER(                   \
	    "4", "2") "|(?:" HEX4                                                                  \
		      ":){2}" IPV6_AFTER("5", "3") "|" HEX4 ":" IPV6_AFTER(                        \
			  "6", "4") "|:" IPV6_AFTER("7", "5") ")(?![0-9A-Fa-f])(?:%[\\w.~-]++)?+"

/* clang-format off */
const struct grok_entry grok_values[] = {
    /* words and text */
    {"USERNAME", "[A-Za-z0-9._-]+"},
    {"USER", "%{USERNAME}"},
    {"EMAILLOCALPART", "[\\w!#$%&'*+/=?^`{|}~-]{1,64}(?:\\.[\\w!#$%&'*+/=?^`{|}~-]{1,62}){0,15}"},
    {"EMAILADDRESS", "%{EMAILLOCALPART}@%{HOSTNAME}"},
    {"WORD", "\\b\\w+\\b"},
    {"NOTSPACE", "\\S+"},
    {"SPACE", "\\s*"},
    {"DATA", ".*?"},
    {"GREEDYDATA", ".*"},
    {"QUOTEDSTRING", "(?<!\\\\)(?>\"(?:[^\"\\\\]++|(?s:\\\\.))*+\"|'(?:[^'\\\\]++|(?s:\\\\.))*+'|`(?:[^`\\"
     "\\]++|(?s:\\\\.))*+`)"},
    {"QS", "%{QUOTEDSTRING}"},
    {"UUID", "[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}"},
    {"URN", "urn:[0-9A-Za-z][0-9A-Za-z-]{0,31}:(?:%[0-9A-Fa-f]{2}|[\\w()+,.:=@;$!*'/?#-])+"},

    /* numbers */
    {"INT", "[+-]?[0-9]+"},
    {"BASE10NUM", "(?<![0-9.+-])[+-]?+(?>[0-9]++(?:\\.[0-9]++)?|\\.[0-9]++)"},
    {"NUMBER", "%{BASE10NUM}"},
    {"BASE16NUM", "(?<![0-9A-Fa-f])[+-]?+(?:0[Xx](?=[0-9A-Fa-f]))?+[0-9A-Fa-f]++"},
    {"BASE16FLOAT", "\\b(?<![0-9A-Fa-f.])[+-]?+(?:0[Xx])?+(?>[0-9A-Fa-f]++(?:\\.[0-9A-Fa-f]*+)?|\\.[0-9A-"
     "Fa-f]++)\\b"},
    {"POSINT", "\\b[1-9][0-9]*\\b"},
    {"NONNEGINT", "\\b[0-9]+\\b"},

    /* networks */
    {"CISCOMAC", "(?:[0-9A-Fa-f]{4}\\.){2}[0-9A-Fa-f]{4}"},
    {"WINDOWSMAC", "(?:[0-9A-Fa-f]{2}-){5}[0-9A-Fa-f]{2}"},
    {"COMMONMAC", "(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}"},
    {"MAC", "%{COMMONMAC}|%{WINDOWSMAC}|%{CISCOMAC}"},
    {"IPV4", IPV4},
    {"IPV6", IPV6},
    {"IP", "%{IPV4}|%{IPV6}"},
    {"HOSTNAME", "\\b[0-9A-Za-z][0-9A-Za-z-]{0,62}(?:\\.[0-9A-Za-z][0-9A-Za-z-]{0,62})*(?:\\.|\\b)"},
    {"HOST", "%{HOSTNAME}"},
    {"IPORHOST", "%{IP}|%{HOSTNAME}"},
    {"HOSTPORT", "%{IPORHOST}:%{POSINT}"},

    /* files and addresses */
    {"PATH", "%{UNIXPATH}|%{WINPATH}"},
    {"UNIXPATH", "(?:/[^/\\x00-\\x20\"#&'()*;<=>?\\[\\\\\\]^`{|}\\x7f]*)+"},
    {"WINPATH", "(?:(?<![A-Za-z])[A-Za-z]+:|\\\\)(?:\\\\[^\\\\?*:\"<>|\\x00-\\x1f]*)+"},
    {"TTY", "/dev/(?:pts/[0-9]+|tty\\w*)"},
    {"URIPROTO", "[A-Za-z][0-9A-Za-z+.-]*"},
    {"URIHOST", "(?:%{IPORHOST}|\\[%{IPV6}\\])(?::%{POSINT:port})?"},
    {"URIPATH", "(?:/[\\w$.+!*'(){},~:;=@#%&|-]*)+"},
    {"URIPARAM", "\\?[\\w$.+!*'|(){},~@#%&/=:;?<>\\[\\]-]*"},
    {"URIPATHPARAM", "%{URIPATH}%{URIPARAM}?"},
    {"URI", "%{URIPROTO}://(?:%{USER}(?::[^@/\\s]*)?@)?%{URIHOST}?%{URIPATHPARAM}?"},

    /* time */
    {"MONTH", "\\b(?i:jan(?:uary|uar)?|feb(?:ruary|ruar)?|m(?:a|\\xc3\\xa4|\\xe4)?r(?:ch|z)?|apr(?:"
     "il)?|ma[iy]|jun[ei]?|jul[iy]?|aug(?:ust)?|sept?(?:ember)?|o[ck]t(?:ober)?|nov(?:embe"
     "r)?|de[cz](?:ember)?)\\b"},
    {"MONTHNUM", "1[0-2]|0?[1-9]"},
    {"MONTHNUM2", "0[1-9]|1[0-2]"},
    {"MONTHDAY", "3[01]|[12][0-9]|0?[1-9]"},
    {"DAY", "(?i:mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:r(?:s(?:day)?)?)?|fri(?:day)?"
     "|sat(?:urday)?|sun(?:day)?)"},
    {"YEAR", "(?>[0-9]{4}|[0-9]{2})"},
    {"HOUR", "2[0-3]|[01]?[0-9]"},
    {"MINUTE", "[0-5][0-9]"},
    {"SECOND", "(?:60|[0-5]?[0-9])(?:[:.,][0-9]+)?"},
    {"TIME", "(?<![0-9])%{HOUR}:%{MINUTE}:%{SECOND}(?![0-9])"},
    {"DATE_US", "%{MONTHNUM}[/-]%{MONTHDAY}[/-]%{YEAR}"},
    {"DATE_EU", "%{MONTHDAY}[./-]%{MONTHNUM}[./-]%{YEAR}"},
    {"DATE", "%{DATE_US}|%{DATE_EU}"},
    {"DATESTAMP", "%{DATE}[- ]%{TIME}"},
    {"ISO8601_TIMEZONE", "Z|[+-]%{HOUR}(?::?%{MINUTE})?"},
    {"ISO8601_SECOND", "%{SECOND}"},
    {"TIMESTAMP_ISO8601", "%{YEAR}-%{MONTHNUM}-%{MONTHDAY}[T ]%{HOUR}:?%{MINUTE}(?::?%{SECOND})?"
     "%{ISO8601_TIMEZONE}?"},
    {"TZ", "UTC|GMT|WES?T|CES?T|EES?T|MSK|IST|JST|[APMCE][SD]T"},
    {"DATESTAMP_RFC822", "%{DAY} %{MONTH} %{MONTHDAY} %{YEAR} %{TIME} %{TZ}"},
    {"DATESTAMP_RFC2822", "%{DAY}, %{MONTHDAY} %{MONTH} %{YEAR} %{TIME} %{ISO8601_TIMEZONE}"},
    {"DATESTAMP_OTHER", "%{DAY} %{MONTH} %{MONTHDAY} %{TIME} %{TZ} %{YEAR}"},
    {"DATESTAMP_EVENTLOG", "[0-9]{4}%{MONTHNUM2}(?:0[1-9]|[12][0-9]|3[01])(?:[01][0-9]|2[0-3])%{MINUTE}(?:[0-5]["
     "0-9]|60)"},
    {"HTTPDATE", "%{MONTHDAY}/%{MONTH}/%{YEAR}:%{TIME} %{INT}"},
    {"HTTPDERROR_DATE", "%{DAY} %{MONTH} +%{MONTHDAY} %{TIME} %{YEAR}"},
    {"SYSLOGTIMESTAMP", "%{MONTH} +%{MONTHDAY} %{TIME}"},

    /* levels */
    {"LOGLEVEL", "(?i:alert|trace|debug|notice|info(?:rmation)?|warn(?:ing)?|err(?:or)?|crit(?:ical)?|"
     "fatal|severe|emerg(?:ency)?)"},

    /* code */
    {"JAVACLASS", "[A-Za-z$_][\\w$]*(?:\\.[A-Za-z$_][\\w$]*)*"},
    {"JAVAFILE", "[\\w$ .-]+"},
    {"JAVAMETHOD", "<(?:cl)?init>|[A-Za-z$_][\\w$]*"},
    {"JAVATHREAD", "[A-Z]{2}-Processor[0-9]+"},
    {NULL, NULL},
};

#include "stages/grok/grok_library.h"

#include "tests/unit/stages/grok_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_MAX = 12 };

/* Whole lines that a pattern matches, and lines that it does not. */
struct entry_case {
	const char *name;
	const char *right[LINES_MAX], *wrong[LINES_MAX];
};

#define STAMP "28/May/2026:20:26:41 +0000"
#define AGENT "\"Mozilla/5.0 (X11; Linux x86_64)\""
#define HA                                                                                         \
	"10.0.1.2:33317 [06/Feb/2026:12:14:14.655] http-in static/srv1 10/0/30/69/109 200 2750 - " \
	"- ---- 1/1/1/1/0 0/0 "

/* clang-format off */
static const struct entry_case entry_cases[] = {
    {"USERNAME", {"root", "a.b_c-d", "0"}, {"", "a b", "a@b", "a/b"}},
    {"USER", {"-", "frank"}, {"", "a:b"}},
    {"EMAILLOCALPART", {"a", "john.doe+tag", "o'neil"}, {".a", "a.", "a..b", "a@b", ""}},
    {"EMAILADDRESS", {"john.doe+tag@example.org", "x@localhost"}, {"john", "@example.org", "a b@c", "a@"}},
    {"WORD", {"abc", "a_1"}, {"", "a-b", "a b", " a"}},
    {"NOTSPACE", {"a", "\"x\",;"}, {"", "a b", "\t"}},
    {"SPACE", {"", " ", "\t  "}, {"a", " a "}},
    {"DATA", {"", "a b", "\"x\""}, {"a\nb"}},
    {"GREEDYDATA", {"", "a b", "\"x\""}, {"a\nb"}},
    {"QUOTEDSTRING", {"\"\"", "\"a b\"", "'it'", "`x`", "\"a\\\"b\"", "\"\\\\\"", "\"it's\""},
     {"", "\"", "\"a", "a\"", "\"a\\\"", "\"a\"b\"", "'a\"", "\\\"a\""}},
    {"QS", {"\"-\""}, {"-"}},
    {"UUID", {"123e4567-e89b-12d3-a456-426614174000", "ABCDEF01-2345-6789-abcd-ef0123456789"},
     {"123e4567e89b12d3a456426614174000", "123e4567-e89b-12d3-a456-42661417400", "123e4567-e89b-12d3-a456-42661417400g"}},
    {"URN", {"urn:isbn:0451450523", "urn:ietf:rfc:2648", "urn:a:%20b"}, {"urn:isbn:", "isbn:1", "urn:a:%2", "urn:-a:b"}},

    {"INT", {"0", "-1", "+12", "007"}, {"", "1.5", "-", "1a", "--1"}},
    {"BASE10NUM", {"0", "-1.5", "+12", ".5", "-.5", "1.0"}, {"", "1.", ".", "1.2.3", "1e5", "0x1"}},
    {"NUMBER", {"200", "1.1"}, {"-", "1,1"}},
    {"BASE16NUM", {"0xff", "DEADBEEF", "-0X1a", "12"}, {"", "0x", "0xg", "x1"}},
    {"BASE16FLOAT", {"0xff.8", "1a", "a.b"}, {"", ".", "0x", "g"}},
    {"POSINT", {"1", "65535", "10"}, {"0", "01", "-1", "", "1a"}},
    {"NONNEGINT", {"0", "01", "12"}, {"-1", "", "1.5"}},

    {"CISCOMAC", {"0123.4567.89ab"}, {"0123.4567.89a", "01:23:45:67:89:ab", "0123.4567.89abc"}},
    {"WINDOWSMAC", {"01-23-45-67-89-AB"}, {"01:23:45:67:89:AB", "01-23-45-67-89"}},
    {"COMMONMAC", {"01:23:45:67:89:ab"}, {"01-23-45-67-89-AB", "01:23:45:67:89:ag", "1:23:45:67:89:ab"}},
    {"MAC", {"01:23:45:67:89:ab", "01-23-45-67-89-AB", "0123.4567.89ab"}, {"0123456789ab", "01:23-45:67:89:ab"}},
    {"IPV4", {"0.0.0.0", "127.0.0.1", "255.255.255.255", "192.168.001.010", "8.8.8.8"},
     {"256.1.1.1", "1.2.3", "1.2.3.4.5", "1.2.3.299", "1.2.3.", "a.b.c.d", "1.2.3.4444", ""}},
    {"IPV6", {"::", "::1", "1::", "2001:db8::ff00:42:8329", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8",
	      "::ffff:192.0.2.128", "1:2:3:4:5:6:1.2.3.4", "fe80::1%eth0", "1:2:3:4:5::8", "64:ff9b::192.0.2.33"},
     {":", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "::g", ":::", "1:2:3:4:5:6:7:8::", "1.2.3.4", "::1.2.3", "12:30:45"}},
    {"IP", {"::1", "10.0.0.1", "::ffff:1.2.3.4"}, {"localhost", "10.0.0", "10.0.0.256"}},
    {"HOSTNAME", {"localhost", "a.example.org", "xn--80ak6aa92e.com", "web-01", "example.org.", "1.2.3.4"},
     {"", "-a", "a..b", ".a", "a b", "a_b", "0123456789012345678901234567890123456789012345678901234567890123"}},
    {"HOST", {"db1"}, {"db_1"}},
    {"IPORHOST", {"::1", "10.0.0.1", "www.example.org"}, {"", "a:b", "_"}},
    {"HOSTPORT", {"example.org:80", "10.0.0.1:65535", "::1:80"}, {"example.org", "example.org:0", ":80"}},

    {"PATH", {"/var/log/x.log", "C:\\Windows\\x.txt", "\\\\srv\\share"}, {"var/log", "C:/x", ""}},
    {"UNIXPATH", {"/", "/a/b", "//a", "/opt/caf\xc3\xa9/x-1_2.tar.gz", "/a@b:c,d+e~"}, {"", "a", "/a b", "/a\"b", "/a?b"}},
    {"WINPATH", {"C:\\", "C:\\Program Files\\x", "\\\\srv\\share\\a.txt"}, {"C:", "/a", "C:\\a?b", "C:\\a|b"}},
    {"TTY", {"/dev/pts/0", "/dev/tty1", "/dev/ttyS0"}, {"/dev/pts", "/dev/null", "tty1"}},
    {"URIPROTO", {"http", "svn+ssh", "h2"}, {"", "1http", "a:", "a b"}},
    {"URIHOST", {"example.org", "example.org:8080", "10.0.0.1:1", "[::1]:80"}, {"example.org:", "a:b", ""}},
    {"URIPATH", {"/", "/a/b.html", "/a%20b;c=1"}, {"", "a", "/a?b", "/a b"}},
    {"URIPARAM", {"?", "?a=1&b=%20", "?q=a|b[1]"}, {"", "a=1", "?a b"}},
    {"URIPATHPARAM", {"/", "/a?b=1"}, {"?b=1", "a"}},
    {"URI", {"http://example.org", "https://user:pw@example.org:8443/a/b?c=d", "ftp://h/", "file:///etc/x", "http://[::1]:80/"},
     {"example.org", "http:/a", "http://a b", "://a"}},

    {"MONTH", {"Jan", "january", "MAY", "Sept", "September", "M\xc3\xa4rz", "Okt", "Dezember"}, {"", "Janu", "Foo", "Mayor", "13"}},
    {"MONTHNUM", {"1", "01", "9", "10", "12"}, {"0", "00", "13", "001"}},
    {"MONTHNUM2", {"01", "12"}, {"1", "00", "13"}},
    {"MONTHDAY", {"1", "01", "31", "29"}, {"0", "00", "32", "001"}},
    {"DAY", {"Mon", "Tues", "Thursday", "sun", "SAT"}, {"", "Mo", "Mond", "Foo"}},
    {"YEAR", {"2026", "26", "0001"}, {"1", "202", "20260", ""}},
    {"HOUR", {"0", "00", "09", "23"}, {"24", "-1", "003", ""}},
    {"MINUTE", {"00", "59"}, {"0", "60", "001"}},
    {"SECOND", {"00", "5", "59", "60", "01.5", "01,123456", "01:5"}, {"61", "", "1.", ".5"}},
    {"TIME", {"00:00:00", "23:59:60", "4:05:06.789", "04:05:06,1"}, {"24:00:00", "12:30", "12:60:00", "12:30:61", "12:3:00"}},
    {"DATE_US", {"12/31/2026", "1-2-26"}, {"31/12/2026", "12.31.2026", "12/31"}},
    {"DATE_EU", {"31/12/2026", "31.12.26", "1-2-2026"}, {"12/31/2026", "32.1.2026", "31 12 2026"}},
    {"DATE", {"12/31/2026", "31.12.2026"}, {"2026-12-31", "31.31.2026"}},
    {"DATESTAMP", {"12/31/2026 10:11:12", "31.12.26-10:11:12.5"}, {"12/31/2026", "12/31/2026T10:11:12"}},
    {"ISO8601_TIMEZONE", {"Z", "+02:00", "-0530", "+1"}, {"", "UTC", "02:00", "+25:00"}},
    {"ISO8601_SECOND", {"00", "59.123"}, {"61", ""}},
    {"TIMESTAMP_ISO8601", {"2026-05-28T20:26:41Z", "2026-05-28 20:26:41,123", "2026-05-28T20:26:41.123456+02:00", "2026-05-28T20:26", "26-5-8 20:26:41"},
     {"2026-05-28", "2026-13-28T20:26:41Z", "2026-05-32T20:26:41Z", "28-05-2026x20:26:41"}},
    {"TZ", {"UTC", "GMT", "CET", "CEST", "PDT", "EST", "WEST"}, {"", "XYZ", "utc", "CE"}},
    {"DATESTAMP_RFC822", {"Thu May 28 2026 20:26:41 GMT"}, {"Thu, 28 May 2026 20:26:41 GMT"}},
    {"DATESTAMP_RFC2822", {"Thu, 28 May 2026 20:26:41 +0000", "Thu, 28 May 2026 20:26:41 Z"}, {"Thu May 28 2026 20:26:41 GMT", "Thu, 28 May 2026"}},
    {"DATESTAMP_OTHER", {"Thu May 28 20:26:41 UTC 2026"}, {"Thu May 28 20:26:41 2026"}},
    {"DATESTAMP_EVENTLOG", {"20260528202641"}, {"2026052820264", "20261328202641", "20260528242641"}},
    {"HTTPDATE", {STAMP, "01/Jan/2026:00:00:00 -0500"}, {"28/May/2026 20:26:41 +0000", "28/05/2026:20:26:41 +0000", "28/May/2026:20:26:41"}},
    {"HTTPDERROR_DATE", {"Sun Dec 04 04:47:44 2005", "Sun Dec  4 04:47:44.123456 2005"}, {"Dec 04 04:47:44 2005", "Sun Dec 04 04:47:44"}},
    {"SYSLOGTIMESTAMP", {"Jun 14 15:16:01", "Dec  1 06:55:46", "Jun 14 15:16:01.123"}, {"Jun 14", "14 Jun 15:16:01", "Jun 32 15:16:01"}},
    {"LOGLEVEL", {"INFO", "info", "Information", "WARNING", "warn", "err", "ERROR", "CRIT", "critical", "emerg", "Notice"}, {"", "inform", "LOG", "errors"}},

    {"JAVACLASS", {"Main", "org.example.Main$Inner", "a.b.c", "dfs.DataNode$PacketResponder"}, {"", "1a", "a..b", "a.", "a-b"}},
    {"JAVAFILE", {"Main.java", "Native Method", "Unknown Source"}, {"", "a/b", "a:1"}},
    {"JAVAMETHOD", {"main", "<init>", "<clinit>", "access$000"}, {"", "<x>", "1a"}},
    {"JAVATHREAD", {"TP-Processor25"}, {"tp-Processor25", "TP-Processor", "TPX-Processor1"}},

    {"PROG", {"sshd", "sshd(pam_unix)", "postfix/smtpd", "-"}, {"", "a b", "a[1]"}},
    {"SYSLOGPROG", {"sshd[24200]", "kernel", "x[0]"}, {"sshd[]", "sshd[a]", ""}},
    {"SYSLOGHOST", {"LabSZ", "10.0.0.1"}, {"", "a b"}},
    {"SYSLOGFACILITY", {"<3.6>"}, {"<3>", "3.6"}},
    {"SYSLOGBASE", {"Dec 10 06:55:46 LabSZ sshd[24200]:", "Dec 10 06:55:46 <3.6> LabSZ kernel:"}, {"Dec 10 06:55:46 LabSZ", "LabSZ sshd[24200]:"}},
    {"SYSLOGBASE2", {"Dec 10 06:55:46 LabSZ sshd[24200]:", "2026-05-28T20:26:41Z web-1 cron:", "Dec 10 06:55:46 LabSZ"}, {"LabSZ sshd:", "Dec 10 LabSZ sshd:"}},
    {"SYSLOGLINE", {"Dec 10 06:55:46 LabSZ sshd[24200]: Invalid user webmaster from 173.234.31.186"}, {"Invalid user webmaster"}},
    {"SYSLOGPAM", {"pam_unix(cron:session): session opened for user root by (uid=0)", "pam_unix(su:session): session closed for user root"},
     {"session opened for user root", "pam_unix: session opened for user root"}},
    {"SYSLOGPAMSESSION", {"Jun 14 15:16:01 combo su[1]: pam_unix(su:session): session closed for user root"}, {"Jun 14 15:16:01 combo su[1]: x"}},
    {"SYSLOG5424PRINTASCII", {"-", "su", "a[b]"}, {"", "a b", "\xc3\xa9"}},
    {"SYSLOG5424PRI", {"<34>"}, {"34", "<>", "<a>"}},
    {"SYSLOG5424SD", {"[a b=\"c\"]", "[a][b c=\"x ] y\"]", "[a b=\"\\\"]\"]"}, {"", "-", "[a", "[a b=\"]"}},
    {"SYSLOG5424BASE", {"<34>1 2026-05-28T22:14:15.003Z mymachine.example.com su - ID47 -"}, {"<34>2026-05-28T22:14:15.003Z su - ID47 -", "<34>1 - -"}},
    {"SYSLOG5424LINE", {"<165>1 2026-05-28T22:14:15.003Z h app 123 ID47 [ex@1 a=\"b\"] An event", "<34>1 - - - - - -"}, {"<34> text"}},
    {"MESSAGESLOG", {"Jun 14 15:16:01 combo kernel: x y"}, {"Jun 14 15:16:01 combo kernel:"}},
    {"CRON_ACTION", {"CMD", "BEGIN EDIT"}, {"", "cmd"}},
    {"CRONLOG", {"Jun 14 15:17:01 combo CRON[1234]: (root) CMD (cd / && run-parts /etc/cron.hourly)"}, {"Jun 14 15:17:01 combo CRON[1234]: root CMD x"}},

    {"HTTPDUSER", {"-", "frank", "frank@example.org"}, {"", "a b"}},
    {"HTTPD_COMMONLOG", {"83.223.183.157 - - [" STAMP "] \"GET /a HTTP/1.1\" 200 2326", "::1 - frank [" STAMP "] \"-\" 408 -"},
     {"83.223.183.157 - - [" STAMP "] GET /a 200 1", "- - [" STAMP "] \"GET /a\" 200 1", "h - - [28/May/2026] \"GET /a\" 200 1"}},
    {"HTTPD_COMBINEDLOG", {"h - - [" STAMP "] \"GET /a HTTP/1.1\" 200 2326 \"http://x/\" " AGENT}, {"h - - [" STAMP "] \"GET /a HTTP/1.1\" 200 2326"}},
    {"COMMONAPACHELOG", {"h - - [" STAMP "] \"GET /a HTTP/1.1\" 200 2326"}, {"h - - [" STAMP "] \"GET /a HTTP/1.1\" OK 2326"}},
    {"COMBINEDAPACHELOG", {"h - - [" STAMP "] \"GET /a HTTP/1.1\" 200 2326 \"-\" " AGENT}, {"h - - [" STAMP "] \"GET /a HTTP/1.1\" 200 2326 - -"}},
    {"HTTPD20_ERRORLOG", {"[Sun Dec 04 04:47:44 2005] [error] mod_jk child workerEnv in error state 6", "[Sun Dec 04 05:15:09 2005] [error] [client 222.166.160.184] Directory index forbidden"},
     {"[Sun Dec 04 04:47:44 2005] mod_jk", "[Sun Dec 04 2005] [error] x"}},
    {"HTTPD24_ERRORLOG", {"[Wed Oct 11 14:32:52.123456 2026] [core:error] [pid 35708:tid 4328636416] [client 72.15.99.187:1234] AH00128: File does not exist: /x",
			  "[Wed Oct 11 14:32:52.123456 2026] [:warn] [pid 1] x", "[Wed Oct 11 14:32:52 2026] [proxy:error] [pid 7] (111)Connection refused: AH00957: HTTP: attempt to connect"},
     {"[Wed Oct 11 14:32:52 2026] [error] x", "[Wed Oct 11 14:32:52 2026] [core:error] x"}},
    {"HTTPD_ERRORLOG", {"[Sun Dec 04 04:47:44 2005] [notice] x", "[Wed Oct 11 14:32:52 2026] [core:error] [pid 7] x"}, {"[notice] x"}},
    {"NGINXACCESS", {"10.1.2.3 - bob [" STAMP "] \"GET /a HTTP/2.0\" 304 0 \"-\" " AGENT, "10.1.2.3 - - [" STAMP "] \"\" 400 0 \"-\" \"-\" \"1.1.1.1\""},
     {"10.1.2.3 - - [" STAMP "] \"GET /a HTTP/2.0\" 304", "10.1.2.3 - [" STAMP "] \"GET /a\" 304 0 \"-\" \"-\""}},
    {"NGINXERROR", {"2026/05/28 20:26:41 [error] 1234#0: *5 open() \"/x\" failed (2: No such file or directory), client: 1.2.3.4, server: example.org, request: \"GET /x HTTP/1.1\", host: \"example.org\"",
		    "2026/05/28 20:26:41 [notice] 1#1: start worker processes"}, {"2026-05-28 20:26:41 [error] 1#0: x", "2026/05/28 20:26:41 error 1#0: x"}},
    {"SQUID3", {"1525334330.556      3 120.65.1.1 TCP_REFRESH_MISS/200 2014 GET http://www.sample.com/hellow_world.txt public-user DIRECT/www.sample.com text/plain",
		"1525334330.556 3 120.65.1.1 TCP_MISS/200 2014 GET http://x/ - HIER_NONE/- -"}, {"1525334330.556 3 120.65.1.1 200 2014 GET http://x/"}},

    {"HAPROXYTIME", {"12:14:14", "12:14:14.5"}, {"12:14", "25:00:00"}},
    {"HAPROXYDATE", {"06/Feb/2026:12:14:14.655"}, {"06/Feb/2026:12:14:14", "06/Feb/2026 12:14:14.655"}},
    {"HAPROXYCAPTUREDREQUESTHEADERS", {"", "a|b c"}, {"a}"}},
    {"HAPROXYCAPTUREDRESPONSEHEADERS", {"", "a|b c"}, {"a}"}},
    {"HAPROXYHTTPBASE", {HA "{1wt.eu} {} \"GET /index.html HTTP/1.1\"", HA "\"<BADREQ>\"", HA "\"GET http://x.org:80/a?b HTTP/1.1\""}, {HA, "10.0.1.2 x", HA "GET /"}},
    {"HAPROXYHTTP", {"Feb  6 12:14:14 localhost haproxy[14389]: " HA "\"GET /index.html HTTP/1.1\"", "2026-02-06T12:14:14Z localhost haproxy[14389]: " HA "{1wt.eu} \"GET / HTTP/1.1\""},
     {HA "\"GET / HTTP/1.1\"", "Feb  6 12:14:14 localhost haproxy[14389]: Proxy started."}},
    {"HAPROXYTCP", {"Feb  6 12:12:09 localhost haproxy[14385]: 10.0.1.2:33313 [06/Feb/2026:12:12:51.443] fnt bck/srv1 0/0/5007 212 -- 0/0/0/0/3 0/0"},
     {"Feb  6 12:12:09 localhost haproxy[14385]: 10.0.1.2:33313 fnt bck/srv1"}},
    {"ELB_URIPATHPARAM", {"/a?b", "/"}, {"?b", ""}},
    {"ELB_URI", {"http://www.example.com:80/a?b=c", "https://x"}, {"/a", "www.example.com"}},
    {"ELB_REQUEST_LINE", {"GET http://www.example.com:80/ HTTP/1.1", "- - -", ""}, {"GET http://x\n"}},
    {"ELB_ACCESS_LOG", {"2026-05-13T23:39:43.945958Z my-loadbalancer 192.168.131.39:2817 10.0.0.1:80 0.000073 0.001048 0.000057 200 200 0 29 \"GET http://www.example.com:80/ HTTP/1.1\"",
			"2026-05-13T23:39:43.945958Z lb 192.168.131.39:2817 - -1 -1 -1 503 0 0 0 \"GET http://www.example.com:80/ HTTP/1.1\""},
     {"2026-05-13T23:39:43.945958Z my-loadbalancer 192.168.131.39 10.0.0.1:80"}},
    {"S3_REQUEST_LINE", {"GET /bucket?versioning HTTP/1.1", "x"}, {"a\nb"}},
    {"S3_ACCESS_LOG", {"79a59df900b949e5 mybucket [" STAMP "] 192.0.2.3 79a59df900b949e5 3E57427F3EXAMPLE REST.GET.VERSIONING - \"GET /mybucket?versioning HTTP/1.1\" 200 - 113 - 7 - \"-\" \"S3Console/0.4\" -"},
     {"79a59df900b949e5 mybucket 192.0.2.3 x y"}},

    {"JAVASTACKTRACEPART", {"\tat org.example.Main.run(Main.java:42)", "at a.B.<init>(Native Method)", "  at x.Y.z(Unknown Source)"}, {"org.example.Main.run(Main.java:42)", "\tat org.example.Main", "at a.b(c:d)"}},
    {"JAVALOGMESSAGE", {"", "x y"}, {"a\nb"}},
    {"CATALINA_DATESTAMP", {"Jan 9, 2026 7:13:13 AM", "Jan 09, 2026 11:13:13 PM"}, {"Jan 9 2026 7:13:13 AM", "Jan 9, 2026 7:13:13"}},
    {"CATALINALOG", {"Jan 9, 2026 7:13:13 AM org.apache.catalina.startup.HostConfig deployWAR"}, {"org.apache.catalina.startup.HostConfig deployWAR"}},
    {"TOMCAT_DATESTAMP", {"2026-01-09 20:03:28,269 -0800"}, {"2026-01-09 20:03:28,269", "2026-01-09"}},
    {"TOMCATLOG", {"2026-01-09 20:03:28,269 -0800 | ERROR | com.example.service.ExampleService - something compeletely unexpected happened..."}, {"2026-01-09 20:03:28,269 -0800 ERROR com.example - x"}},

    {"POSTGRESQL", {"03-12-2013 14:17:15 GMT user1 conn x 120", "2026-05-28 20:26:41.123 UTC user1 db 77"}, {"2026-05-28 20:26:41.123 user1 db 77", "user1 db 77"}},
    {"REDISTIMESTAMP", {"14 Nov 07:01:22", "14 Nov 2026 07:01:22.119"}, {"Nov 14 07:01:22", "14 Nov"}},
    {"REDISLOG", {"[4018] 14 Nov 07:01:22 *", "1:M 14 Nov 2026 07:01:22.119 #"}, {"4018 14 Nov 07:01:22 *", "[4018] 14 Nov 07:01:22"}},
    {"REDISMONLOG", {"1339518083.107412 [0 127.0.0.1:60866] \"keys\" \"*\"", "1470637867.953466 [0 195.168.1.1:52500] \"info\""}, {"1339518083.107412 keys", "1339518083.107412 [127.0.0.1:60866] \"keys\""}},
    {"MONGO_WORDDASH", {"my-db", "a_b"}, {"", "a b", "-"}},
    {"MONGO_QUERY", {NULL}, {"{ x }", "x"}}, /* by what comes after it: MONGO_SLOWQUERY */
    {"MONGO_LOG", {"Nov 14 07:01:22 [initandlisten] waiting for connections"}, {"Nov 14 07:01:22 initandlisten x"}},
    {"MONGO_SLOWQUERY", {"query my-db.users query: { name: \"a\", n: { $gt: 1 } } ntoreturn:10 ntoskip:0 nscanned:5 keyUpdates:0 nreturned:5 reslen:200 120ms"},
     {"query my-db.users query: { name: \"a\" } ntoskip:0 120ms"}},
    {"MONGO3_SEVERITY", {"I", "W"}, {"", "II", "-"}},
    {"MONGO3_COMPONENT", {"NETWORK", "-"}, {"", "A B"}},
    {"MONGO3_LOG", {"2026-11-03T11:16:35.142-0500 I NETWORK  [conn1] end connection 127.0.0.1:1", "2026-11-03T11:16:35.142-0500 I -        [initandlisten] x"}, {"2026-11-03 NETWORK x", "I NETWORK [conn1] x"}},

    {"RUBY_LOGLEVEL", {"DEBUG", "INFO"}, {"info", ""}},
    {"RUBY_LOGGER", {"I, [2026-05-28T20:26:41.123456 #1234]  INFO -- : started", "E, [2026-05-28T20:26:41 #1] ERROR -- app: x"}, {"X, [2026-05-28T20:26:41 #1] ERROR -- app: x", "I, started"}},
    {"BIND9_TIMESTAMP", {"19-Feb-2026 22:35:31.132"}, {"19/Feb/2026 22:35:31.132"}},
    {"BIND9", {"17-Feb-2026 23:06:56.326 queries: info: client 172.26.0.1#12345 (test.example.com): query: test.example.com IN A +E(0)K (172.26.0.3)"}, {"17-Feb-2026 23:06:56.326 queries: info: client x"}},
};
/* clang-format on */

static int match_whole(const char *name, const char *line)
{
	char text[128];
	struct grok_trial t;
	snprintf(text, sizeof text, "^%%{%s}$", name);
	grok_trial_of(&t, text);
	int found = grok_trial_match(&t, line);
	grok_trial_release(&t);
	return found;
}

Test(grok_library, every_pattern_matches_what_it_is_for_and_nothing_else)
{
	for (size_t i = 0; i < sizeof entry_cases / sizeof entry_cases[0]; i++) {
		const struct entry_case *c = &entry_cases[i];
		for (const char *const *line = c->right; line < c->right + LINES_MAX && *line;
		     line++)
			cr_expect_eq(match_whole(c->name, *line), 1, "%s: '%s'", c->name, *line);
		for (const char *const *line = c->wrong; line < c->wrong + LINES_MAX && *line;
		     line++)
			cr_expect_eq(match_whole(c->name, *line), 0, "%s: not '%s'", c->name,
				     *line);
	}
}

static bool has_case(const char *name)
{
	for (size_t i = 0; i < sizeof entry_cases / sizeof entry_cases[0]; i++)
		if (strcmp(entry_cases[i].name, name) == 0 &&
		    (entry_cases[i].right[0] || strcmp(name, "MONGO_QUERY") == 0) &&
		    entry_cases[i].wrong[0])
			return true;
	return false;
}

Test(grok_library, every_pattern_has_lines_that_it_is_tried_on)
{
	const struct grok_entry *lists[] = {grok_values, grok_logs};
	for (int i = 0; i < 2; i++)
		for (const struct grok_entry *e = lists[i]; e->name; e++)
			cr_expect(has_case(e->name), "%s has none", e->name);
}

Test(grok_library, names_are_there_once)
{
	const struct grok_entry *lists[] = {grok_values, grok_logs};
	for (int i = 0; i < 2; i++)
		for (const struct grok_entry *e = lists[i]; e->name; e++)
			for (int j = 0; j < 2; j++)
				for (const struct grok_entry *o = lists[j]; o->name; o++)
					cr_expect(o == e || strcmp(o->name, e->name) != 0, "%s",
						  e->name);
}

/* ---- the fields of lines ---- */

enum { FIELDS_MAX = 40 };

/* Field, value, field, value, ...; the value NULL: it took no part. */
struct line_case {
	const char *pattern, *line;
	const char *fields[2 * FIELDS_MAX];
};

/* clang-format off */
static const struct line_case line_cases[] = {
    {"%{COMBINEDAPACHELOG}", "83.223.183.157 - frank [" STAMP "] \"GET /a?b=1 HTTP/1.1\" 200 2326 \"http://www.example.org/\" " AGENT " x",
     {"clientip", "83.223.183.157", "ident", "-", "auth", "frank", "timestamp", STAMP, "verb", "GET", "request", "/a?b=1", "httpversion", "1.1",
      "rawrequest", NULL, "response", "200", "bytes", "2326", "referrer", "\"http://www.example.org/\"", "agent", AGENT}},
    {"%{COMMONAPACHELOG}", "h.example.org - - [" STAMP "] \"\\x16\\x03\" 400 -",
     {"clientip", "h.example.org", "verb", NULL, "request", NULL, "httpversion", NULL, "rawrequest", "\\x16\\x03", "response", "400", "bytes", NULL}},
    {"%{SYSLOGLINE}", "Jun 14 15:16:01 combo sshd(pam_unix)[19939]: authentication failure; logname= uid=0",
     {"timestamp", "Jun 14 15:16:01", "timestamp8601", NULL, "logsource", "combo", "program", "sshd(pam_unix)", "pid", "19939", "facility", NULL,
      "message", "authentication failure; logname= uid=0"}},
    {"%{SYSLOGLINE}", "2026-05-28T20:26:41.5+02:00 web-1.example.org kernel: oom", {"timestamp", NULL, "timestamp8601", "2026-05-28T20:26:41.5+02:00",
      "logsource", "web-1.example.org", "program", "kernel", "pid", NULL, "message", "oom"}},
    {"%{SYSLOG5424LINE}", "<165>1 2026-05-28T22:14:15.003Z h app 123 ID47 [ex@1 a=\"b ] c\"] An event",
     {"syslog5424_pri", "165", "syslog5424_ver", "1", "syslog5424_ts", "2026-05-28T22:14:15.003Z", "syslog5424_host", "h", "syslog5424_app", "app",
      "syslog5424_proc", "123", "syslog5424_msgid", "ID47", "syslog5424_sd", "[ex@1 a=\"b ] c\"]", "syslog5424_msg", "An event"}},
    {"%{CRONLOG}", "Jun 14 15:17:01 combo CRON[1234]: (root) CMD (cd / && run-parts (x) y)", {"user", "root", "action", "CMD", "message", "cd / && run-parts (x", "pid", "1234"}},
    {"^%{HTTPD_ERRORLOG}", "[Sun Dec 04 05:15:09 2005] [error] [client 222.166.160.184] Directory index forbidden by rule: /var/www/html/",
     {"timestamp", "Sun Dec 04 05:15:09 2005", "loglevel", "error", "clientip", "222.166.160.184", "message", "Directory index forbidden by rule: /var/www/html/"}},
    {"^%{HTTPD_ERRORLOG}", "[Wed Oct 11 14:32:52.123456 2026] [core:error] [pid 35708:tid 43] [client 72.15.99.187:1234] AH00128: File does not exist: /x",
     {"module", "core", "loglevel", "error", "pid", "35708", "tid", "43", "clientip", "72.15.99.187", "clientport", "1234", "errorcode", "AH00128", "message", "File does not exist: /x"}},
    {"%{NGINXACCESS}", "10.1.2.3 - bob [" STAMP "] \"POST /a HTTP/2.0\" 304 0 \"-\" " AGENT " \"1.1.1.1, 2.2.2.2\"",
     {"clientip", "10.1.2.3", "auth", "bob", "verb", "POST", "response", "304", "bytes", "0", "forwardedfor", "\"1.1.1.1, 2.2.2.2\""}},
    {"%{NGINXERROR}", "2026/05/28 20:26:41 [error] 1234#7: *5 open() \"/x\" failed (2: No such file), client: 1.2.3.4, server: example.org, request: \"GET /x HTTP/1.1\", host: \"h\"",
     {"timestamp", "2026/05/28 20:26:41", "loglevel", "error", "pid", "1234", "tid", "7", "connection", "5", "message", "open() \"/x\" failed (2: No such file)",
      "clientip", "1.2.3.4", "server", "example.org", "request", "\"GET /x HTTP/1.1\"", "upstream", NULL, "host", "\"h\"", "referrer", NULL}},
    {"%{HAPROXYHTTP}", "Feb  6 12:14:14 localhost haproxy[14389]: " HA "{1wt.eu} {} \"GET http://u@x.org:81/index.html?a HTTP/1.1\"",
     {"syslog_timestamp", "Feb  6 12:14:14", "syslog_server", "localhost", "program", "haproxy", "pid", "14389", "client_ip", "10.0.1.2", "client_port", "33317",
      "accept_date", "06/Feb/2026:12:14:14.655", "haproxy_time", "12:14:14", "haproxy_milliseconds", "655", "frontend_name", "http-in", "backend_name", "static", "server_name", "srv1",
      "time_request", "10", "time_duration", "109", "http_status_code", "200", "bytes_read", "2750", "termination_state", "----", "retries", "0", "backend_queue", "0",
      "captured_request_headers", "1wt.eu", "captured_response_headers", "", "http_verb", "GET", "http_proto", "http", "http_user", "u", "http_host", "x.org:81", "port", "81",
      "http_request", "/index.html?a", "http_version", "1.1"}},
    {"%{ELB_ACCESS_LOG}", "2026-05-13T23:39:43.945958Z lb 192.168.131.39:2817 10.0.0.1:80 0.000073 0.001048 0.000057 200 200 0 29 \"GET http://www.example.com:80/a?b=c HTTP/1.1\"",
     {"elb", "lb", "clientport", "2817", "backendip", "10.0.0.1", "backend_processing_time", "0.001048", "bytes", "29", "verb", "GET", "proto", "http", "urihost", "www.example.com:80", "path", "/a",
      "params", "?b=c", "request", "http://www.example.com:80/a?b=c"}},
    {"%{JAVASTACKTRACEPART}", "\tat org.example.Main$1.run(Main.java:42)", {"class", "org.example.Main$1", "method", "run", "file", "Main.java", "line", "42"}},
    {"%{TOMCATLOG}", "2026-01-09 20:03:28,269 -0800 | ERROR | com.example.X - something", {"timestamp", "2026-01-09 20:03:28,269 -0800", "level", "ERROR", "class", "com.example.X", "logmessage", "something"}},
    {"%{POSTGRESQL}", "2026-05-28 20:26:41.123 UTC user1 some connection 77", {"timestamp", "2026-05-28 20:26:41.123", "user_id", "user1", "connection_id", "some connection", "pid", "77"}},
    {"%{REDISLOG}", "1:M 14 Nov 2026 07:01:22.119 # Server initialized", {"pid", "1", "timestamp", "14 Nov 2026 07:01:22.119"}},
    {"%{REDISMONLOG}", "1339518083.107412 [0 127.0.0.1:60866] \"keys\" \"*\"", {"database", "0", "client", "127.0.0.1", "port", "60866", "command", "keys", "params", "\"*\""}},
    {"%{MONGO_SLOWQUERY}", "query my-db.users query: { name: \"a\" } ntoreturn:10 ntoskip:0 nscanned:5 keyUpdates:0 nreturned:5 reslen:200 120ms",
     {"database", "my-db", "collection", "users", "query", "{ name: \"a\" }", "ntoreturn", "10", "nscanned", "5", "nreturned", "5", "duration", "120"}},
    {"%{MONGO3_LOG}", "2026-11-03T11:16:35.142-0500 I NETWORK  [conn1] end connection", {"severity", "I", "component", "NETWORK", "context", "conn1", "message", "end connection"}},
    {"%{SQUID3}", "1525334330.556      3 120.65.1.1 TCP_MISS/200 2014 GET http://x/ - HIER_NONE/- text/plain",
     {"duration", "3", "cache_result", "TCP_MISS", "status_code", "200", "user", NULL, "server", NULL, "content_type", "text/plain"}},
    {"%{RUBY_LOGGER}", "E, [2026-05-28T20:26:41 #12] ERROR -- app: x: y", {"pid", "12", "loglevel", "ERROR", "progname", "app", "message", "x: y"}},
};
/* clang-format on */

Test(grok_library, lines_have_the_customary_fields)
{
	for (size_t i = 0; i < sizeof line_cases / sizeof line_cases[0]; i++) {
		const struct line_case *c = &line_cases[i];
		struct grok_trial t;
		grok_trial_of(&t, c->pattern);
		cr_assert_eq(grok_trial_match(&t, c->line), 1, "%s: %s", c->pattern, c->line);
		for (size_t f = 0; c->fields[f]; f += 2)
			grok_trial_expect(&t, c->fields[f], c->fields[f + 1]);
		grok_trial_release(&t);
	}
}

/* Long lines of what the patterns are made of: what takes more steps than REGEX_STEPS_MAX is given up, and that would be too
 * soon here. */
Test(grok_library, no_line_makes_a_pattern_give_up)
{
	static const char *const units[] = {"a",   "1",  ".",    "a.", "1.",   ":",   "1:",  "/",
					    "/a",  "\"", "\\\"", "- ", " ",    "%20", "[a",  "(",
					    "a b", "::", "<1>",  "=",  "Jan ", "1/",  "\\a", "{"};
	enum { LINE_BYTES = 2000 };
	const struct grok_entry *lists[] = {grok_values, grok_logs};
	static char line[LINE_BYTES + 16];
	for (int i = 0; i < 2; i++)
		for (const struct grok_entry *e = lists[i]; e->name; e++) {
			char text[128];
			struct grok_trial t;
			snprintf(text, sizeof text, "%%{%s}[\\x01\\x02]", e->name);
			grok_trial_of(&t, text);
			for (size_t u = 0; u < sizeof units / sizeof units[0]; u++) {
				size_t length = 0, unit = strlen(units[u]);
				for (; length + unit <= LINE_BYTES; length += unit)
					memcpy(line + length, units[u], unit);
				line[length] = 0;
				cr_expect_eq(grok_trial_match(&t, line), 0, "%s over '%s'", e->name,
					     units[u]);
			}
			grok_trial_release(&t);
		}
}

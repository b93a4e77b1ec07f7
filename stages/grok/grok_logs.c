/* grok_logs.c - patterns for whole lines of well-known programs, with the fields that their users know them by. */
#include "stages/grok/grok_library.h"

#include <stddef.h>

/* clang-format off */
const struct grok_entry grok_logs[] = {
    /* syslog */
    {"PROG", "[!-Z\\\\^-~]+"},
    {"SYSLOGPROG", "%{PROG:program}(?:\\[%{NONNEGINT:pid}\\])?"},
    {"SYSLOGHOST", "%{IPORHOST}"},
    {"SYSLOGFACILITY", "<%{NONNEGINT:facility}\\.%{NONNEGINT:priority}>"},
    {"SYSLOGBASE", "%{SYSLOGTIMESTAMP:timestamp} (?:%{SYSLOGFACILITY} )?%{SYSLOGHOST:logsource} "
     "%{SYSLOGPROG}:"},
    {"SYSLOGBASE2", "(?:%{SYSLOGTIMESTAMP:timestamp}|%{TIMESTAMP_ISO8601:timestamp8601}) (?:"
     "%{SYSLOGFACILITY} )?%{SYSLOGHOST:logsource}(?: %{SYSLOGPROG}:|)"},
    {"SYSLOGLINE", "%{SYSLOGBASE2} %{GREEDYDATA:message}"},
    {"SYSLOGPAMSESSION", "%{SYSLOGBASE} %{SYSLOGPAM}"},
    {"SYSLOGPAM", "%{WORD:pam_module}\\(%{DATA:pam_caller}\\): session %{WORD:pam_session_state} for us"
     "er %{USERNAME:username}(?: by %{GREEDYDATA:pam_by})?"},
    {"SYSLOG5424PRINTASCII", "[!-~]+"},
    {"SYSLOG5424PRI", "<%{NONNEGINT:syslog5424_pri}>"},
    {"SYSLOG5424SD", "(?:\\[(?:[^\\]\"]++|\"(?:[^\"\\\\]++|\\\\.)*+\")*+\\])+"},
    {"SYSLOG5424BASE", "%{SYSLOG5424PRI}%{NONNEGINT:syslog5424_ver} +(?:-|%{TIMESTAMP_ISO8601:syslog5424_ts}"
     ") +(?:-|%{IPORHOST:syslog5424_host}) +(?:-|%{SYSLOG5424PRINTASCII:syslog5424_app}) +"
     "(?:-|%{SYSLOG5424PRINTASCII:syslog5424_proc}) +(?:-|"
     "%{SYSLOG5424PRINTASCII:syslog5424_msgid}) +(?:-|%{SYSLOG5424SD:syslog5424_sd})"},
    {"SYSLOG5424LINE", "%{SYSLOG5424BASE}(?: +%{GREEDYDATA:syslog5424_msg})?"},
    {"MESSAGESLOG", "%{SYSLOGBASE} %{DATA}"},
    {"CRON_ACTION", "[A-Z ]+"},
    {"CRONLOG", "%{SYSLOGBASE} \\(%{USER:user}\\) %{CRON_ACTION:action} \\(%{DATA:message}\\)"},

    /* web servers */
    {"HTTPDUSER", "%{EMAILADDRESS}|%{USER}"},
    {"HTTPD_COMMONLOG", "%{IPORHOST:clientip} %{HTTPDUSER:ident} %{HTTPDUSER:auth} \\[%{HTTPDATE:timestamp}\\"
     "] \"(?:%{WORD:verb} %{NOTSPACE:request}(?: HTTP/%{NUMBER:httpversion})?|"
     "%{DATA:rawrequest})\" (?:-|%{NUMBER:response}) (?:-|%{NUMBER:bytes})"},
    {"HTTPD_COMBINEDLOG", "%{HTTPD_COMMONLOG} %{QS:referrer} %{QS:agent}"},
    {"COMMONAPACHELOG", "%{HTTPD_COMMONLOG}"},
    {"COMBINEDAPACHELOG", "%{HTTPD_COMBINEDLOG}"},
    {"HTTPD20_ERRORLOG", "\\[%{HTTPDERROR_DATE:timestamp}\\] \\[%{LOGLEVEL:loglevel}\\] (?:\\[client "
     "%{IPORHOST:clientip}\\] )?%{GREEDYDATA:message}"},
    {"HTTPD24_ERRORLOG", "\\[%{HTTPDERROR_DATE:timestamp}\\] \\[%{WORD:module}?:%{LOGLEVEL:loglevel}[0-9]?\\] "
     "\\[pid %{POSINT:pid}(?::tid %{NUMBER:tid})?\\](?: \\(%{POSINT:proxy_errorcode}\\)"
     "%{DATA:proxy_message}:)?(?: \\[client %{IPORHOST:clientip}(?::%{POSINT:clientport})?"
     "\\])?(?: (?<errorcode>AH[0-9]+):)? %{GREEDYDATA:message}"},
    {"HTTPD_ERRORLOG", "%{HTTPD20_ERRORLOG}|%{HTTPD24_ERRORLOG}"},
    {"NGINXACCESS", "%{IPORHOST:clientip} - %{HTTPDUSER:auth} \\[%{HTTPDATE:timestamp}\\] \"(?:"
     "%{WORD:verb} %{NOTSPACE:request}(?: HTTP/%{NUMBER:httpversion})?|%{DATA:rawrequest})"
     "\" %{NONNEGINT:response} %{NONNEGINT:bytes} %{QS:referrer} %{QS:agent}(?: "
     "%{QS:forwardedfor})?"},
    {"NGINXERROR", "(?<timestamp>%{YEAR}/%{MONTHNUM2}/%{MONTHDAY} %{TIME}) \\[%{LOGLEVEL:loglevel}\\] "
     "%{POSINT:pid}#%{NONNEGINT:tid}: (?:\\*%{NONNEGINT:connection} )?%{DATA:message}(?:, "
     "client: %{IPORHOST:clientip})?(?:, server: (?<server>[^,]*))?(?:, request: "
     "%{QS:request})?(?:, upstream: %{QS:upstream})?(?:, host: %{QS:host})?(?:, referrer: "
     "%{QS:referrer})?$"},
    {"SQUID3", "%{NUMBER:timestamp}\\s+%{NUMBER:duration}\\s%{IP:client_address}\\s"
     "%{WORD:cache_result}/%{NONNEGINT:status_code}\\s%{NUMBER:bytes}\\s"
     "%{WORD:request_method}\\s%{NOTSPACE:url}\\s(?:-|%{NOTSPACE:user})\\s"
     "%{WORD:hierarchy_code}/(?:-|%{IPORHOST:server})\\s%{NOTSPACE:content_type}"},

    /* balancers and clouds */
    {"HAPROXYTIME", "(?<![0-9])%{HOUR:haproxy_hour}:%{MINUTE:haproxy_minute}(?::%{SECOND:haproxy_second})"
     "(?![0-9])"},
    {"HAPROXYDATE", "%{MONTHDAY:haproxy_monthday}/%{MONTH:haproxy_month}/%{YEAR:haproxy_year}:(?<haproxy_"
     "time>(?<haproxy_hour>[01][0-9]|2[0-3]):(?<haproxy_minute>[0-5][0-9]):(?<haproxy_seco"
     "nd>[0-5][0-9]|60))\\.%{INT:haproxy_milliseconds}"},
    {"HAPROXYCAPTUREDREQUESTHEADERS", "(?<captured_request_headers>[^}]*)"},
    {"HAPROXYCAPTUREDRESPONSEHEADERS", "(?<captured_response_headers>[^}]*)"},
    {"HAPROXYHTTPBASE", "%{IP:client_ip}:%{INT:client_port} \\[%{HAPROXYDATE:accept_date}\\] "
     "%{NOTSPACE:frontend_name} (?<backend_name>[^\\s/]+)/%{NOTSPACE:server_name} "
     "%{INT:time_request}/%{INT:time_queue}/%{INT:time_backend_connect}/"
     "%{INT:time_backend_response}/%{NOTSPACE:time_duration} %{INT:http_status_code} "
     "%{NOTSPACE:bytes_read} %{NOTSPACE:captured_request_cookie} "
     "%{NOTSPACE:captured_response_cookie} %{NOTSPACE:termination_state} %{INT:actconn}/"
     "%{INT:feconn}/%{INT:beconn}/%{INT:srvconn}/%{NOTSPACE:retries} %{INT:srv_queue}/"
     "%{INT:backend_queue} (?:\\{%{HAPROXYCAPTUREDREQUESTHEADERS}\\} )?(?:\\{"
     "%{HAPROXYCAPTUREDRESPONSEHEADERS}\\} )?\"(?:<BADREQ>|(?:%{WORD:http_verb} (?:"
     "%{URIPROTO:http_proto}://)?(?:%{USER:http_user}(?::[^@/\\s]*)?@)?"
     "%{URIHOST:http_host}?%{URIPATHPARAM:http_request}?(?: HTTP/%{NUMBER:http_version})?)"
     ")?\""},
    {"HAPROXYHTTP", "(?:%{SYSLOGTIMESTAMP:syslog_timestamp}|%{TIMESTAMP_ISO8601:timestamp8601}) "
     "%{IPORHOST:syslog_server} %{SYSLOGPROG}: %{HAPROXYHTTPBASE}"},
    {"HAPROXYTCP", "(?:%{SYSLOGTIMESTAMP:syslog_timestamp}|%{TIMESTAMP_ISO8601:timestamp8601}) "
     "%{IPORHOST:syslog_server} %{SYSLOGPROG}: %{IP:client_ip}:%{INT:client_port} \\["
     "%{HAPROXYDATE:accept_date}\\] %{NOTSPACE:frontend_name} (?<backend_name>[^\\s/]+)/"
     "%{NOTSPACE:server_name} %{INT:time_queue}/%{INT:time_backend_connect}/"
     "%{NOTSPACE:time_duration} %{NOTSPACE:bytes_read} %{NOTSPACE:termination_state} "
     "%{INT:actconn}/%{INT:feconn}/%{INT:beconn}/%{INT:srvconn}/%{NOTSPACE:retries} "
     "%{INT:srv_queue}/%{INT:backend_queue}"},
    {"ELB_URIPATHPARAM", "%{URIPATH:path}%{URIPARAM:params}?"},
    {"ELB_URI", "%{URIPROTO:proto}://(?:%{USER}(?::[^@/\\s]*)?@)?%{URIHOST:urihost}?"
     "%{ELB_URIPATHPARAM}?"},
    {"ELB_REQUEST_LINE", "%{WORD:verb} %{ELB_URI:request}(?: HTTP/%{NUMBER:httpversion})?|%{DATA:rawrequest}"},
    {"ELB_ACCESS_LOG", "%{TIMESTAMP_ISO8601:timestamp} %{NOTSPACE:elb} %{IP:clientip}:%{INT:clientport} (?:"
     "%{IP:backendip}:%{INT:backendport}|-) %{NUMBER:request_processing_time} "
     "%{NUMBER:backend_processing_time} %{NUMBER:response_processing_time} (?:"
     "%{INT:response}|-) (?:%{INT:backend_response}|-) %{INT:received_bytes} %{INT:bytes} "
     "\"%{ELB_REQUEST_LINE}\""},
    {"S3_REQUEST_LINE", "%{WORD:verb} %{NOTSPACE:request}(?: HTTP/%{NUMBER:httpversion})?|%{DATA:rawrequest}"},
    {"S3_ACCESS_LOG", "%{WORD:owner} %{NOTSPACE:bucket} \\[%{HTTPDATE:timestamp}\\] %{IP:clientip} "
     "%{NOTSPACE:requester} %{NOTSPACE:request_id} %{NOTSPACE:operation} %{NOTSPACE:key} ("
     "?:\"%{S3_REQUEST_LINE}\"|-) (?:-|%{INT:response}) (?:-|%{NOTSPACE:error_code}) (?:-|"
     "%{INT:bytes}) (?:-|%{INT:object_size}) (?:-|%{INT:request_time_ms}) (?:-|"
     "%{INT:turnaround_time_ms}) (?:-|%{QS:referrer}) (?:-|%{QS:agent}) (?:-|"
     "%{NOTSPACE:version_id})"},

    /* java */
    {"JAVASTACKTRACEPART", "%{SPACE}at %{JAVACLASS:class}\\.%{JAVAMETHOD:method}\\(%{JAVAFILE:file}(?::"
     "%{INT:line})?\\)"},
    {"JAVALOGMESSAGE", ".*"},
    {"CATALINA_DATESTAMP", "%{MONTH} %{MONTHDAY}, %{YEAR} %{HOUR}:?%{MINUTE}:?%{SECOND} (?:AM|PM)"},
    {"CATALINALOG", "%{CATALINA_DATESTAMP:timestamp} %{JAVACLASS:class} %{JAVALOGMESSAGE:logmessage}"},
    {"TOMCAT_DATESTAMP", "%{YEAR}-%{MONTHNUM}-%{MONTHDAY} %{HOUR}:?%{MINUTE}:?%{SECOND} %{ISO8601_TIMEZONE}"},
    {"TOMCATLOG", "%{TOMCAT_DATESTAMP:timestamp} \\| %{LOGLEVEL:level} \\| %{JAVACLASS:class} - "
     "%{JAVALOGMESSAGE:logmessage}"},

    /* databases */
    {"POSTGRESQL", "(?<timestamp>%{DATESTAMP}|%{TIMESTAMP_ISO8601}) %{TZ} %{DATA:user_id} "
     "%{GREEDYDATA:connection_id} %{POSINT:pid}"},
    {"REDISTIMESTAMP", "%{MONTHDAY} %{MONTH} (?:%{YEAR} )?%{TIME}"},
    {"REDISLOG", "(?:\\[%{POSINT:pid}\\]|%{POSINT:pid}:[A-Z]) %{REDISTIMESTAMP:timestamp} (?:[.#*-])"},
    {"REDISMONLOG", "%{NUMBER:timestamp} \\[%{INT:database} %{IP:client}:%{NUMBER:port}\\] \""
     "%{WORD:command}\"\\s?%{GREEDYDATA:params}"},
    {"MONGO_WORDDASH", "\\b[\\w-]+\\b"},
    {"MONGO_QUERY", "\\{ .* \\}(?= ntoreturn:)"},
    {"MONGO_LOG", "%{SYSLOGTIMESTAMP:timestamp} \\[%{WORD:component}\\] %{GREEDYDATA:message}"},
    {"MONGO_SLOWQUERY", "%{WORD} %{MONGO_WORDDASH:database}\\.%{MONGO_WORDDASH:collection} %{WORD}: "
     "%{MONGO_QUERY:query} %{WORD}:%{NONNEGINT:ntoreturn} %{WORD}:%{NONNEGINT:ntoskip} "
     "%{WORD}:%{NONNEGINT:nscanned}.*nreturned:%{NONNEGINT:nreturned} .*?(?<duration>[0-9]"
     "+)ms"},
    {"MONGO3_SEVERITY", "\\w"},
    {"MONGO3_COMPONENT", "%{WORD}|-"},
    {"MONGO3_LOG", "%{TIMESTAMP_ISO8601:timestamp} %{MONGO3_SEVERITY:severity} "
     "%{MONGO3_COMPONENT:component}%{SPACE}(?:\\[%{DATA:context}\\])? "
     "%{GREEDYDATA:message}"},

    /* others */
    {"RUBY_LOGLEVEL", "DEBUG|FATAL|ERROR|WARN|INFO"},
    {"RUBY_LOGGER", "[DFEWIA], \\[%{TIMESTAMP_ISO8601:timestamp} #%{POSINT:pid}\\] *"
     "%{RUBY_LOGLEVEL:loglevel} -- +%{DATA:progname}: %{GREEDYDATA:message}"},
    {"BIND9_TIMESTAMP", "%{MONTHDAY}-%{MONTH}-%{YEAR} %{TIME}"},
    {"BIND9", "%{BIND9_TIMESTAMP:timestamp} queries: %{LOGLEVEL:loglevel}: client(?: @0x[0-9a-f]+)?"
     " %{IP:clientip}#%{POSINT:clientport} \\((?<query>[^)]*)\\): query: \\S+ IN (?<queryt"
     "ype>.*) \\(%{IP:dns}\\)"},
    {NULL, NULL},
};

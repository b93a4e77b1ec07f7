/* syslog_source.c - syslog as it is sent: RFC 3164 and 5424, in datagrams and over connections, TCP, TLS, unix; with parse_syslog behind it.
 *
 *   logger, rsyslogd ──► udp, unix: a message each ──┐
 *                   ──► tcp, unix_stream: framed ────┴──► [in.parsing] ──► fields
 */
#include "stages/builtin.h"
#include "stages/net/net_source.h"
#include "stages/syslog_parsing.h"

struct syslog_source_options {
	struct net_source_options net; /* must stand first */
	struct syslog_parsing_options parsing;
};

#define AT(member) offsetof(struct syslog_source_options, member)

static const struct option syslog_source_table[] = {
    {"udp", OPTION_TEXTS, AT(net.udp), .min = 1,
     .doc = "Addresses where to wait for datagrams: :514 for the loopback, 0.0.0.0:514 for all"},
    {"tcp", OPTION_TEXTS, AT(net.tcp), .min = 1,
     .doc = "Addresses where to wait for connections; with `tls` they are TLS"},
    {"unix", OPTION_TEXTS, AT(net.unix_datagram), .min = 1,
     .doc = "Paths of sockets for datagrams, as /dev/log is one"},
    {"unix_stream", OPTION_TEXTS, AT(net.unix_stream), .min = 1,
     .doc = "Paths of sockets for connections"},
    SYSLOG_PARSING_ROWS(AT(parsing)),
    {"prefix", OPTION_TEXT, AT(parsing.common.prefix),
     .doc = "What the names of the fields that are found begin with"},
    {"types", OPTION_MAP, AT(parsing.common.types),
     .doc = "What fields are to be, by their names without the prefix: string, int, float, bool "
	    "or timestamp"},
    {"time", OPTION_GROUP, AT(parsing.common.time), .group = time_option_table,
     .doc = "Which of the fields, by its name without the prefix, says when the record was made"},
    NET_FRAMING_OPTION_ROWS(AT(net.server.framing), net_syslog_method_table),
    NET_STREAM_ROWS(AT(net.server)),
    NET_TLS_ROW(AT(net.server)),
    NET_SERVER_ROWS(AT(net.server)),
    {0},
};

static void syslog_source_check(const void *options, struct place at, struct problems *problems)
{
	const struct syslog_source_options *o = options;
	if (!net_source_has_streams(&o->net) && !net_source_has_datagrams(&o->net))
		problem_add(problems, at,
			    "nowhere to listen; add `udp`, `tcp`, `unix` or `unix_stream`");
	net_source_check(&o->net, at, problems);
	if (o->net.server.tls_given && o->net.tcp.count == 0)
		problem_add(problems, at, "`tls` without `tcp`, for which it is; add `tcp`");
	if (o->net.server.tls_given && o->net.unix_stream.count > 0)
		problem_add(
		    problems, o->net.unix_stream.items[0].at,
		    "`unix_stream` beside `tls`, which it would have, too; give it a source "
		    "of its own");
	parser_check(&o->parsing.common, problems);
}

static const struct stage_schema *syslog_source_companion(const void *options,
							  const void **ret_options)
{
	const struct syslog_source_options *o = options;
	return syslog_parsing_companion(&o->parsing, ret_options);
}

const struct stage_type syslog_source_type = {
    .schema = {.kind = STAGE_SOURCE,
	       .name = "syslog",
	       .summary = "listens for syslog, and finds its fields",
	       .options = syslog_source_table,
	       .options_size = sizeof(struct syslog_source_options),
	       .companion = syslog_source_companion,
	       .check = syslog_source_check},
    NET_SOURCE_HOOKS,
};

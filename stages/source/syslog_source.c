/* syslog_source.c - syslog as it is sent: RFC 3164 and 5424, in datagrams and over connections, TCP, TLS, unix; with parse_syslog behind it.
 *
 *   logger, rsyslogd ──► udp, unix: a message each ──┐
 *                   ──► tcp, unix_stream: framed ────┴──► [in.parsing] ──► fields
 */
#include "stages/builtin.h"
#include "stages/net/net_source.h"
#include "stages/syslog_parsing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct syslog_source_options {
	struct text_list udp, tcp, unix_datagram, unix_stream;
	struct net_server_options server;
	struct syslog_parsing_options parsing;
};

#define AT(member) offsetof(struct syslog_source_options, member)

static const struct option syslog_source_table[] = {
    {"udp", OPTION_TEXTS, AT(udp), .min = 1,
     .doc = "Addresses where to wait for datagrams: :514 for the loopback, 0.0.0.0:514 for all"},
    {"tcp", OPTION_TEXTS, AT(tcp), .min = 1,
     .doc = "Addresses where to wait for connections; with `tls` they are TLS"},
    {"unix", OPTION_TEXTS, AT(unix_datagram), .min = 1,
     .doc = "Paths of sockets for datagrams, as /dev/log is one"},
    {"unix_stream", OPTION_TEXTS, AT(unix_stream), .min = 1,
     .doc = "Paths of sockets for connections"},
    SYSLOG_PARSING_ROWS(AT(parsing)),
    {"prefix", OPTION_TEXT, AT(parsing.common.prefix),
     .doc = "What the names of the fields that are found begin with"},
    {"types", OPTION_MAP, AT(parsing.common.types),
     .doc = "What fields are to be, by their names without the prefix: string, int, float, bool "
	    "or timestamp"},
    {"time", OPTION_GROUP, AT(parsing.common.time), .group = time_option_table,
     .doc = "Which of the fields, by its name without the prefix, says when the record was made"},
    NET_FRAMING_OPTION_ROWS(AT(server.framing), net_syslog_method_table),
    NET_STREAM_ROWS(AT(server)),
    NET_TLS_ROW(AT(server)),
    NET_SERVER_ROWS(AT(server)),
    {0},
};

static const struct net_server_options *server_of(const void *options)
{
	return &((const struct syslog_source_options *)options)->server;
}

static bool has_streams(const struct syslog_source_options *o)
{
	return o->tcp.count + o->unix_stream.count > 0;
}

static bool has_datagrams(const struct syslog_source_options *o)
{
	return o->udp.count + o->unix_datagram.count > 0;
}

static size_t syslog_source_capacity(const void *options)
{
	size_t streams = has_streams(options) ? net_server_stream_capacity(server_of(options)) : 0;
	size_t datagrams =
	    has_datagrams(options) ? net_server_datagram_capacity(server_of(options)) : 0;
	return streams > datagrams ? streams : datagrams;
}

static void syslog_source_check(const void *options, struct place at, struct problems *problems)
{
	const struct syslog_source_options *o = options;
	if (!has_streams(o) && !has_datagrams(o))
		problem_add(problems, at,
			    "nowhere to listen; add `udp`, `tcp`, `unix` or `unix_stream`");
	net_listen_check(&o->udp, false, problems);
	net_listen_check(&o->tcp, false, problems);
	net_listen_check(&o->unix_datagram, true, problems);
	net_listen_check(&o->unix_stream, true, problems);
	net_server_check(&o->server, syslog_source_capacity(options), at, problems);
	if (o->server.tls_given && o->tcp.count == 0)
		problem_add(problems, at, "`tls` without `tcp`, for which it is; add `tcp`");
	if (o->server.tls_given && o->unix_stream.count > 0)
		problem_add(
		    problems, o->unix_stream.items[0].at,
		    "`unix_stream` beside `tls`, which it would have, too; give it a source "
		    "of its own");
	if (has_datagrams(o) && o->server.framing.lines.max_line > 1 << 20)
		problem_add(problems, at, "`max_line` of datagrams is 1MiB at most");
	parser_check(&o->parsing.common, problems);
}

static const struct stage_schema *syslog_source_companion(const void *options,
							  const void **ret_options)
{
	const struct syslog_source_options *o = options;
	return syslog_parsing_companion(&o->parsing, ret_options);
}

static int syslog_source_open(struct stage *s)
{
	const struct syslog_source_options *o = s->options;
	const struct net_places places = {.streams = {&o->tcp, &o->unix_stream},
					  .datagrams = {&o->udp, &o->unix_datagram}};
	struct net_server *n = s->state = calloc(1, sizeof *n);
	return n ? net_server_open(n, s, &o->server, &places) : -ENOMEM;
}

static void syslog_source_fields(const void *options, struct field_uses *uses)
{
	net_server_fields(server_of(options), uses);
}

static size_t syslog_source_memory(const void *options)
{
	size_t streams = has_streams(options) ? net_server_stream_memory(server_of(options)) : 0;
	size_t datagrams =
	    has_datagrams(options) ? net_server_datagram_memory(server_of(options)) : 0;
	return streams + datagrams;
}

static size_t syslog_source_descriptors(const void *options)
{
	return net_server_descriptors(server_of(options));
}

static const char *syslog_source_needs_epochs(const void *options)
{
	return journal_needs_epochs(&server_of(options)->journal);
}

static const char *syslog_source_restart(const void *options, bool remembers)
{
	return net_source_restart(server_of(options), remembers);
}

const struct stage_type syslog_source_type = {
    .schema = {.kind = STAGE_SOURCE,
	       .name = "syslog",
	       .summary = "listens for syslog, and finds its fields",
	       .options = syslog_source_table,
	       .options_size = sizeof(struct syslog_source_options),
	       .companion = syslog_source_companion,
	       .check = syslog_source_check},
    .open = syslog_source_open,
    .close = net_source_close,
    .source_step = net_source_step,
    .source_attend = net_source_attend,
    .snapshot = net_source_snapshot,
    .committed = net_source_committed,
    .settle = net_source_settle,
    .tell = net_source_tell,
    .fields = syslog_source_fields,
    .buffer_capacity = syslog_source_capacity,
    .memory = syslog_source_memory,
    .descriptors = syslog_source_descriptors,
    .drains = true,
    .restart = syslog_source_restart,
    .needs_epochs = syslog_source_needs_epochs,
    .figures = net_server_figures,
};

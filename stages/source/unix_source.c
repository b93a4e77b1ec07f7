/* unix_source.c - what comes to sockets in the file system: connections, or datagrams as syslog(3) sends them. */
#include "stages/builtin.h"
#include "stages/net/net_source.h"

static const char *const modes[] = {
    [NET_SOURCE_AS_LISTED] = "stream", [NET_SOURCE_DATAGRAMS] = "datagram", NULL};

static const struct option unix_source_table[] = {
    {"listen", OPTION_TEXTS, NET_SOURCE_AT(unix_stream), .required = true, .min = 1,
     .doc = "Paths of sockets to make: /run/app.sock; unix:@name has no file"},
    {"mode", OPTION_CHOICE, NET_SOURCE_AT(mode), .preset = "stream", .choices = modes,
     .doc = "Whether connections are waited for, or datagrams, each a record"},
    NET_FRAMING_OPTION_ROWS(NET_SOURCE_AT(server.framing), net_method_table),
    NET_STREAM_ROWS(NET_SOURCE_AT(server)),
    NET_TLS_ROW(NET_SOURCE_AT(server)),
    NET_SERVER_ROWS(NET_SOURCE_AT(server)),
    {0},
};

static void unix_source_check(const void *options, struct place at, struct problems *problems)
{
	const struct net_source_options *o = options;
	net_source_check(o, at, problems);
	if (net_source_has_datagrams(o) && o->server.tls_given)
		problem_add(problems, at, "`tls` means nothing to datagrams; leave it out");
	if (net_source_has_datagrams(o) && o->server.framing.framing.method != NET_NEWLINE)
		problem_add(problems, at,
			    "`framing` means nothing to datagrams, each is a record; leave it out");
}

const struct stage_type unix_source_type = {
    .schema = {.kind = STAGE_SOURCE,
	       .name = "unix",
	       .summary = "listens at sockets in the file system",
	       .options = unix_source_table,
	       .options_size = sizeof(struct net_source_options),
	       .check = unix_source_check},
    NET_SOURCE_HOOKS,
};

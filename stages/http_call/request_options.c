#include "stages/http_call/request_options.h"
#include "stages/http_call/request_form.h"

#define AT(member) offsetof(struct request_options, member)
/* A member of a nested struct; macro arguments of offsetof() can't be put in parentheses. */
#define IN(group, member) (AT(group.member) - AT(group)) /* NOLINT(bugprone-macro-parentheses) */

static const char *const presets[] = {"none",       "elasticsearch_bulk", "loki",
				      "clickhouse", "splunk_hec",         NULL};
static const char *const methods[] = {"POST", "PUT", "PATCH", NULL};
static const char *const bodies[] = {"ndjson", "json", "lines", NULL};
static const char *const compressions[] = {"none", "gzip", "zstd", NULL};
static const char *const actions[] = {"index", "create", NULL};

static const struct option elasticsearch_table[] = {
    {"index", OPTION_TEXT, IN(elasticsearch, index), .min = 1,
     .doc = "Which index or data stream, with fields: logs-{service}-{time:%Y.%m.%d}"},
    {"id", OPTION_TEXT, IN(elasticsearch, id), .min = 1,
     .doc = "The document's id, with fields; what is sent again then replaces itself"},
    {"action", OPTION_CHOICE, IN(elasticsearch, action), .preset = "index", .choices = actions,
     .doc = "create: as data streams want it; a document that is there already counts as stored"},
    {0},
};

static const struct option loki_table[] = {
    {"labels", OPTION_MAP, IN(loki, labels),
     .doc = "The labels of each line, with fields: {job: sluice, host: \"{host}\"}; few different "
	    "ones"},
    {0},
};

static const struct option clickhouse_table[] = {
    {"table", OPTION_TEXT, IN(clickhouse, table), .min = 1, .max = 200, .doc = "Which table"},
    {"database", OPTION_TEXT, IN(clickhouse, database), .min = 1, .max = 200,
     .doc = "In which database; else the user's own"},
    {0},
};

static const struct option splunk_table[] = {
    {"index", OPTION_TEXT, IN(splunk, index), .min = 1, .doc = "Which index, with fields"},
    {"source", OPTION_TEXT, IN(splunk, source), .min = 1, .doc = "Its source, with fields"},
    {"sourcetype", OPTION_TEXT, IN(splunk, sourcetype), .min = 1, .doc = "Its type, with fields"},
    {"host", OPTION_TEXT, IN(splunk, host), .min = 1, .doc = "Its host, with fields"},
    {0},
};

const struct option request_table[] = {
    {"url", OPTION_TEXT, AT(url), .required = true, .min = 1, .max = 8192,
     .doc = "Where to: https://host:port/path, or http://"},
    {"preset", OPTION_CHOICE, AT(preset), .preset = "none", .choices = presets,
     .doc = "What the server is: it says how records are put into a request, and what its answers "
	    "mean"},
    {"method", OPTION_CHOICE, AT(method), .preset = "POST", .choices = methods,
     .doc = "The request's method"},
    {"body", OPTION_CHOICE, AT(body), .preset = "ndjson", .choices = bodies,
     .doc = "ndjson: a JSON object on each line; json: an array of them; lines: whatever "
	    "`encoding` makes, one behind the other"},
    {"encoding", OPTION_GROUP, AT(encoding), .group = encoding_table,
     .given_offset = AT(encoding_given),
     .doc = "How records are written; if it is not given: json, or raw where `body` is `lines` or "
	    "the preset is loki"},
    {"compression", OPTION_CHOICE, AT(compression), .preset = "none", .choices = compressions,
     .doc = "How bodies are compressed"},
    {"max_answer", OPTION_SIZE, AT(max_answer), .preset = "1MiB", .min = 1024, .max = 1 << 28,
     .doc = "As much of an answer's body is read"},
    BATCH_LIMIT_ROWS(AT(batch)),
    CALL_OPTION_ROWS(AT(calls)),
    POOL_ROWS(AT(pool)),
    HTTP_OPTION_ROWS(AT(http)),
    {"elasticsearch", OPTION_GROUP, AT(elasticsearch), .group = elasticsearch_table,
     .doc = "For `preset: elasticsearch_bulk`"},
    {"loki", OPTION_GROUP, AT(loki), .group = loki_table, .doc = "For `preset: loki`"},
    {"clickhouse", OPTION_GROUP, AT(clickhouse), .group = clickhouse_table,
     .doc = "For `preset: clickhouse`"},
    {"splunk", OPTION_GROUP, AT(splunk), .group = splunk_table, .doc = "For `preset: splunk_hec`"},
    {0},
};

const struct encoding_options *request_encoding(const struct request_options *o)
{
	static const struct encoding_options as_json = {
	    .format = ENCODING_JSON,
	    .delimiter = {.bytes = "\n", .length = 1},
	};
	bool wants_json = request_form_of(o)->wants_json;
	return o->encoding_given || !wants_json ? &o->encoding : &as_json;
}

static void check_templates(const struct request_options *o, struct problems *problems)
{
	const struct request_form *form = request_form_of(o);
	const struct text *template;
	for (size_t n = 0; form->templates && (template = form->templates(o, n)) != NULL; n++) {
		struct template_parts parts;
		if (!template->bytes)
			continue;
		template_parts_parse(&parts, template, problems);
		template_parts_release(&parts);
	}
}

/* What says something to one kind of server only. */
static void check_groups(const struct request_options *o, struct place at,
			 struct problems *problems)
{
	const struct {
		enum request_preset preset;
		bool is_given;
	} groups[] = {
	    {PRESET_ELASTICSEARCH, o->elasticsearch.index.bytes || o->elasticsearch.id.bytes},
	    {PRESET_LOKI, o->loki.labels.count > 0},
	    {PRESET_CLICKHOUSE, o->clickhouse.table.bytes || o->clickhouse.database.bytes},
	    {PRESET_SPLUNK, o->splunk.index.bytes || o->splunk.source.bytes ||
				o->splunk.sourcetype.bytes || o->splunk.host.bytes},
	};
	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
		if (groups[i].is_given && groups[i].preset != o->preset)
			problem_add(problems, at,
				    "options of `preset: %s`, which this sink does not have",
				    presets[groups[i].preset]);
}

void request_options_check(const void *options, struct place at, struct problems *problems)
{
	const struct request_options *o = options;
	const struct request_form *form = request_form_of(o);
	http_url_check(&o->url, problems);
	encoding_check(&o->encoding, at, problems);
	http_options_check(&o->http, at, problems);
	call_options_check(&o->calls, at, problems);
	http_pool_check(&o->pool, at, problems);
	check_groups(o, at, problems);
	check_templates(o, problems);
	if (form->check)
		form->check(o, at, problems);
	if (o->preset != PRESET_NONE && o->body != BODY_NDJSON)
		problem_add(problems, at,
			    "`body` beside `preset: %s`, which says how a body is made",
			    presets[o->preset]);
}

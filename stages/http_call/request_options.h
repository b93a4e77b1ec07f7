/* request_options.h - what a topology says of the requests that an http sink makes of records.
 *
 * Threads: any; const. Memory: the topology's. Layer: stages. */
#pragma once

#include "stages/encoding.h"
#include "stages/http_call/http_options.h"
#include "stages/policy/call_options.h"

enum request_preset {
	PRESET_NONE,
	PRESET_ELASTICSEARCH,
	PRESET_LOKI,
	PRESET_CLICKHOUSE,
	PRESET_SPLUNK,
	PRESETS,
};

enum request_body_choice { BODY_NDJSON, BODY_JSON, BODY_LINES };
enum request_method { METHOD_POST, METHOD_PUT, METHOD_PATCH };
enum request_compression { COMPRESSION_NONE, COMPRESSION_GZIP, COMPRESSION_ZSTD };

struct request_options {
	struct text url;
	uint64_t preset; /* enum request_preset */
	uint64_t method;
	uint64_t body;
	uint64_t compression;
	uint64_t max_answer;
	struct encoding_options encoding;
	bool encoding_given;
	struct http_options http;
	struct call_options calls;
	struct batch_limits batch;
	struct pool_options pool;
	struct {
		struct text index, id;
		uint64_t action;
	} elasticsearch;
	struct {
		struct text_map labels;
	} loki;
	struct {
		struct text database, table;
	} clickhouse;
	struct {
		struct text index, source, sourcetype, host;
	} splunk;
};

extern const struct option request_table[];

void request_options_check(const void *options, struct place at, struct problems *problems);

/* How records are written: what `encoding` says, or what the form of the body asks for. */
const struct encoding_options *request_encoding(const struct request_options *o);

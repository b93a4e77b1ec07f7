/* topology_test.h - a test that the user has written under `tests:`: records that enter at one stage, and what is to come out at
 * others.
 *
 *   tests:
 *     - name: errors come out                      time: 2026-01-01T00:00:00Z
 *       at: parsed                                 entry: a source or a transform
 *       input: ['{"status": 500}', {body: x, fields: {status: 500}}]
 *       expect:
 *         - from: errors                           a source, a transform, one of its outputs, or a sink
 *           records: ['{"status": 500}']           and, or instead: count, each, any
 *
 * Threads: one. Memory: the topology's. Layer: conf. */
#pragma once

#include "conf/option.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A field that a record enters with. */
struct test_field {
	struct text name, value; /* value.bytes is NULL: null */
	bool is_plain;           /* it was not quoted, so that 1 and true are no texts */
};

struct test_record {
	struct text body;
	struct test_field *fields;
	size_t field_count;
};

struct test_expectation {
	struct place at;
	struct text from;
	size_t stage;    /* index into topology.stages */
	unsigned output; /* enum topology_output; of a sink without meaning */
	bool has_records, has_count;
	struct text_list records; /* all of them, in order */
	uint64_t count;
	struct text each, any; /* CEL; bytes is NULL: not given */
};

struct topology_test {
	struct place at;
	struct text name;
	struct text entry_name;
	size_t entry;     /* index into topology.stages */
	struct text time; /* when it is while the test runs; bytes is NULL: not given */
	struct test_record *records;
	size_t record_count;
	struct test_expectation *expectations;
	size_t expectation_count;
};

struct topology_tests {
	struct topology_test *list;
	size_t count;
};

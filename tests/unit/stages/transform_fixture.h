/* transform_fixture.h - transforms over real batches: a topology from YAML, planned and run as the daemon does it, whose source
 * has the lines of a test and whose sinks say what they got.
 *
 *   sources:  in, of type `lines` (per_batch)   is always there: the lines that the test gives
 *   sinks:    show (fields: [a, b], all: true)  remembers each record as text, by the sink's id:
 *
 *	the body | a=digits "1" b="x" c=-              with fields; `-`: the record has no such field
 *	the body | {"a": 1} +b="x" -c                  with `all`: what is known as it stands, what is written, what is taken away
 *
 * Values are shown as cel_shown() does. Each batch was read a billion seconds after 1970.
 *
 * Threads: the test's. Memory: until transforms_forget(). Layer: tests. */
#pragma once

#include "stages/stage.h"

#include <stddef.h>

/* yaml: `transforms:` and `sinks:`. Fails the test when it has problems. What it returns is the run's: 0, or why it failed. */
int transforms_run(const char *yaml, const char *lines, size_t length);

/* The same of what must come out well; lines end with a newline. */
void transforms_pass(const char *yaml, const char *lines);

/* Fails the test unless the sink's records, a line each, are these. */
void transforms_expect(const char *sink, const char *expected);

/* What that sink got, until the next run. */
const char *transforms_shown(const char *sink);

/* Of the last run. */
const struct stage_counters *transforms_counters(const char *stage);

/* Fails the test unless these are the problems, a line each, as they are printed; its first line is line 1 of `t.yaml`. */
void transforms_refuse(const char *yaml, const char *problems);

/* Fails the test unless there are these warnings, and nothing worse. */
void transforms_warn(const char *yaml, const char *warnings);

/* For who drives a stage by himself. Until transforms_forget(), or the next one. */
struct plan;
const struct plan *transforms_plan(const char *yaml);
/* The number of the stage of that id in it. */
size_t transforms_stage(const char *id);

void transforms_forget(void);

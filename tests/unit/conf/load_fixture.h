/* load_fixture.h - topologies in a directory of their own, loaded with a catalog of made-up stages that have every type
 * of option. Each test runs in a process of its own, so that it may change directory and environment.
 *
 * Layer: tests. */
#pragma once

#include "conf/topology.h"
#include "tests/unit/stages/scratch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIXTURE __attribute__((unused)) static

struct tail_options {
	struct text_list paths;
	uint64_t max_line;
	uint64_t on_long_line;
	uint64_t linger;
	uint64_t limit;
	struct tail_multiline {
		struct text start;
		uint64_t max_lines;
	} multiline;
	bool multiline_given;
};

static const char *const long_line_choices[] = {"truncate", "drop", "split", NULL};
static const struct option multiline_table[] = {
    {"start", OPTION_TEXT, offsetof(struct tail_multiline, start), .required = true,
     .doc = "What begins a record"},
    {"max_lines", OPTION_COUNT, offsetof(struct tail_multiline, max_lines), .preset = "1000",
     .min = 2, .max = 5000},
    {0},
};
static const struct option tail_table[] = {
    {"paths", OPTION_TEXTS, offsetof(struct tail_options, paths), .required = true, .min = 1,
     .doc = "Files to read"},
    {"max_line", OPTION_SIZE, offsetof(struct tail_options, max_line), .preset = "1MiB", .min = 16,
     .max = 1 << 30},
    {"on_long_line", OPTION_CHOICE, offsetof(struct tail_options, on_long_line),
     .preset = "truncate", .choices = long_line_choices},
    {"linger", OPTION_DURATION, offsetof(struct tail_options, linger), .preset = "off",
     .word = "off"},
    {"limit", OPTION_RATE, offsetof(struct tail_options, limit), .doc = "Records a second"},
    {"multiline", OPTION_GROUP, offsetof(struct tail_options, multiline), .group = multiline_table,
     .given_offset = offsetof(struct tail_options, multiline_given)},
    {0},
};

struct sieve_options {
	struct text_list contains;
	bool invert;
	struct text separator;
};
static const struct option sieve_table[] = {
    {"contains", OPTION_TEXTS, offsetof(struct sieve_options, contains),
     .doc = "Keep records with one of these"},
    {"invert", OPTION_BOOL, offsetof(struct sieve_options, invert), .preset = "false"},
    {"separator", OPTION_TEXT, offsetof(struct sieve_options, separator), .preset = "\"\\n\"",
     .max = 4},
    {0},
};

struct store_options {
	struct text path;
	struct text_map labels;
	struct store_compression {
		uint64_t type;
		uint64_t level;
		uint64_t workers;
	} compression;
};
static const char *const compression_choices[] = {"none", "zstd", NULL};
static const struct option compression_table[] = {
    {"type", OPTION_CHOICE, offsetof(struct store_compression, type), .preset = "none",
     .choices = compression_choices},
    {"level", OPTION_COUNT, offsetof(struct store_compression, level), .preset = "3", .min = 1,
     .max = 19},
    {"workers", OPTION_COUNT, offsetof(struct store_compression, workers), .preset = "auto",
     .word = "auto"},
    {0},
};
static const struct option store_table[] = {
    {"path", OPTION_TEXT, offsetof(struct store_options, path), .required = true, .min = 1},
    {"compression", OPTION_GROUP, offsetof(struct store_options, compression),
     .group = compression_table},
    {"labels", OPTION_MAP, offsetof(struct store_options, labels), .preset = "{a: 1}", .min = 1},
    {0},
};

static const struct option empty_table[] = {{0}};

FIXTURE void sieve_check(const void *options, struct place at, struct problems *problems)
{
	const struct sieve_options *o = options;

	if (o->invert && !o->contains.count)
		problem_add(problems, at, "nothing to invert");
}

struct chain_options {
	struct text_list sinks;
};
static const struct option chain_table[] = {
    {"sinks", OPTION_TEXTS, offsetof(struct chain_options, sinks), .required = true, .min = 1},
    {0},
};

FIXTURE const struct text_list *chain_sinks(const void *options)
{
	return &((const struct chain_options *)options)->sinks;
}

static const struct stage_schema link_schema = {.kind = STAGE_TRANSFORM,
						.name = "chain",
						.summary = "hands on to the first",
						.options = chain_table,
						.options_size = sizeof(struct chain_options)};
static const struct stage_schema chain_schema = {.kind = STAGE_SINK,
						 .name = "chain",
						 .summary = "is several sinks",
						 .options = chain_table,
						 .options_size = sizeof(struct chain_options),
						 .chain = chain_sinks,
						 .stand_in = &link_schema};
struct far_options {
	bool patient;
};
static const struct option far_table[] = {
    {"patient", OPTION_BOOL, offsetof(struct far_options, patient), .preset = "false"},
    {0},
};

FIXTURE bool far_is_patient(const void *options)
{
	return ((const struct far_options *)options)->patient;
}

static const struct stage_schema far_schema = {.kind = STAGE_SINK,
					       .name = "far",
					       .summary = "may fail",
					       .options = far_table,
					       .options_size = sizeof(struct far_options),
					       .has_failures = true,
					       .tries_for_ever = far_is_patient};
static const struct stage_schema tail_schema = {.kind = STAGE_SOURCE,
						.name = "tail",
						.summary = "reads files",
						.options = tail_table,
						.options_size = sizeof(struct tail_options),
						.workers_max = 1};
static const struct stage_schema pipe_schema = {.kind = STAGE_SOURCE,
						.name = "pipe",
						.summary = "reads a pipe",
						.options = empty_table,
						.options_size = 1};
static const struct stage_schema only_schema = {.kind = STAGE_SOURCE,
						.name = "only",
						.summary = "reads what there is one of",
						.options = empty_table,
						.options_size = 1,
						.only_one = true};
static const struct stage_schema sieve_schema = {.kind = STAGE_TRANSFORM,
						 .name = "sieve",
						 .summary = "keeps records",
						 .options = sieve_table,
						 .options_size = sizeof(struct sieve_options),
						 .check = sieve_check,
						 .workers_max = 4};
static const struct stage_schema store_schema = {.kind = STAGE_SINK,
						 .name = "store",
						 .summary = "writes files",
						 .options = store_table,
						 .options_size = sizeof(struct store_options),
						 .workers_max = 1};
static const struct stage_schema hole_schema = {.kind = STAGE_SINK,
						.name = "hole",
						.summary = "forgets",
						.options = empty_table,
						.options_size = 1,
						.workers_max = 1};
static const struct stage_schema last_schema = {.kind = STAGE_SINK,
						.name = "last",
						.summary = "writes where there is one of",
						.options = empty_table,
						.options_size = 1,
						.only_one = true};

FIXTURE const char *fork_output_name(const void *options, size_t number)
{
	(void)options;
	return number == 0 ? "left" : number == 1 ? "right" : NULL;
}

FIXTURE int fork_output(const void *options, const char *name, size_t length)
{
	const char *known;
	for (int i = 0; (known = fork_output_name(options, (size_t)i)) != NULL; i++)
		if (strlen(known) == length && !memcmp(known, name, length))
			return i;
	return -1;
}

static const struct stage_schema fork_schema = {.kind = STAGE_TRANSFORM,
						.name = "fork",
						.summary = "sends records two ways",
						.options = empty_table,
						.options_size = 1,
						.output = fork_output,
						.output_name = fork_output_name,
						.has_failures = true};

static const struct stage_schema spill_schema = {.kind = STAGE_TRANSFORM,
						 .name = "spill",
						 .summary = "keeps on disk",
						 .options = empty_table,
						 .options_size = sizeof(struct spill_options)};

static const struct stage_schema *const fixture_types[] = {
    &chain_schema, &far_schema,  &tail_schema, &pipe_schema, &sieve_schema, &store_schema,
    &hole_schema,  &last_schema, &only_schema, &fork_schema, NULL};
static const struct stage_left_out fixture_left_out[] = {{STAGE_TRANSFORM, "brew", "libkettle"},
							 {.name = NULL}};
static const struct stage_catalog fixture_catalog = {
    .types = fixture_types, .left_out = fixture_left_out, .spill = &spill_schema};

static struct topology loaded;
static struct problems problems;

FIXTURE const char *fixture_variable(const char *name)
{
	return getenv(name);
}

FIXTURE void fixture_begin(void)
{
	char directory[] = "/tmp/sluice-conf-XXXXXX";

	cr_assert_not_null(mkdtemp(directory));
	cr_assert_eq(chdir(directory), 0);
	problems_init(&problems);
}

FIXTURE void fixture_end(void)
{
	char directory[96];

	topology_release(&loaded);
	problems_release(&problems);
	cr_assert_not_null(getcwd(directory, sizeof(directory)));
	cr_assert_eq(strncmp(directory, "/tmp/sluice-conf-", 17), 0);
	scratch_remove(directory);
}

FIXTURE void write_bytes(const char *file, const void *bytes, size_t length)
{
	FILE *f = fopen(file, "w");

	cr_assert_not_null(f);
	cr_assert_eq(fwrite(bytes, 1, length, f), length);
	cr_assert_eq(fclose(f), 0);
}

FIXTURE void write_text(const char *file, const char *text)
{
	write_bytes(file, text, strlen(text));
}

/* What problems_print() writes; the caller's. */
FIXTURE char *printed_problems(void)
{
	char *text = NULL;
	size_t length;
	FILE *f = open_memstream(&text, &length);

	cr_assert_not_null(f);
	problems_print(&problems, f);
	cr_assert_eq(fclose(f), 0);
	return text;
}

FIXTURE int load_with(const char *const *files, size_t file_count, const char *const *sets,
		      size_t set_count)
{
	struct topology_request request = {
	    .files = files,
	    .file_count = file_count,
	    .sets = sets,
	    .set_count = set_count,
	    .catalog = &fixture_catalog,
	    .variable = fixture_variable,
	};

	topology_release(&loaded);
	problems_release(&problems);
	return topology_load(&loaded, &request, &problems);
}

FIXTURE int load_file(const char *file)
{
	return load_with(&file, 1, NULL, 0);
}

/* The problems must be these, to the letter and the column. */
FIXTURE void expect_problems(const char *expected)
{
	char *text = printed_problems();

	cr_expect_str_eq(text, expected, "got:\n%swanted:\n%s", text, expected);
	free(text);
}

FIXTURE void load_good(const char *yaml)
{
	write_text("t.yaml", yaml);
	if (load_file("t.yaml"))
		expect_problems("");
	cr_assert_eq(problems.count, 0);
}

FIXTURE void load_bad(const char *yaml, const char *expected)
{
	write_text("t.yaml", yaml);
	cr_expect_eq(load_file("t.yaml"), -EINVAL);
	expect_problems(expected);
	cr_expect_null(loaded.arena);
	cr_expect_eq(loaded.stage_count, 0);
}

FIXTURE const struct topology_stage *stage_called(const char *id)
{
	for (size_t i = 0; i < loaded.stage_count; i++)
		if (!strcmp(loaded.stages[i].id.bytes, id))
			return &loaded.stages[i];
	cr_assert_fail("no stage %s", id);
	return NULL;
}

FIXTURE void expect_text(const struct text *t, const char *expected)
{
	cr_expect_not_null(t->bytes);
	cr_expect_eq(t->length, strlen(expected));
	cr_expect_str_eq(t->bytes, expected);
}

/* A source and a sink that are in order, for a test to add to; the sources begin in line 2, the sinks in 5. */
#define SOURCE "sources:\n  in:\n    type: tail\n    paths: [a]\n"
#define SINK "sinks:\n  out:\n    type: hole\n    inputs: [in]\n"

/* topology.h - the user's YAML, loaded, merged, interpolated, checked and wired.
 *
 *   files -> nodes with places -> sections merged -> --set -> ${} filled in -> tables applied -> wired
 *  yaml_files    yaml_tree         sections       override   interpolate      stage_draft     wiring
 *
 * Every step goes on as far as what it found still makes sense, so that all that is wrong is told in one go.
 *
 * Threads: one. Memory: a topology owns all that hangs from it until topology_release(). Layer: libc, libyaml. */
#pragma once

#include "conf/option.h"
#include "conf/schema.h"
#include "conf/topology_test.h"

enum {
	TOPOLOGY_STAGES_MAX = 1024,
	TOPOLOGY_BYTES_MAX = 64 << 20, /* of its arena, unless the request says otherwise */
};

/* Of a stage that is read. Those with names come last, as its schema numbers them. */
enum topology_output { OUTPUT_MAIN, OUTPUT_FAILED, OUTPUT_NAMED };

/* What becomes of a record that a stage can do nothing with. */
/* ON_ERROR_FALL_BACK: a sink in a `fallback`, whose records the next one gets. */
enum on_error {
	ON_ERROR_PASS,
	ON_ERROR_DROP,
	ON_ERROR_DEAD_LETTER,
	ON_ERROR_STOP,
	ON_ERROR_FALL_BACK
};

/* What happens to a batch for which a queue has no room. */
enum when_full { WHEN_FULL_BLOCK, WHEN_FULL_DROP_NEWEST, WHEN_FULL_DROP_OLDEST, WHEN_FULL_SPILL };
extern const char *const when_full_names[]; /* as users type them; ends with NULL */

/* Of the stage that is put in front of one whose queue spills (stage_catalog.spill). */
struct spill_options {
	uint64_t max_size; /* bytes, on disk */
};

struct topology_input {
	size_t stage;    /* index into topology.stages */
	unsigned output; /* of that one: enum topology_output */
};

struct topology_stage {
	const struct stage_schema *schema;
	struct text id;  /* [A-Za-z0-9_][A-Za-z0-9_-]*, at most 64 bytes */
	void *options;   /* schema->options_size bytes, filled from schema->options */
	struct place at; /* of the id */

	/* Each once, in the order written; a wildcard's as their stages were written; those whose dead letters it gets last. */
	struct topology_input *inputs;
	size_t input_count;

	uint64_t workers; /* 0: auto; else 1 to schema->workers_max */
	bool workers_given;
	bool ordered;
	uint64_t queue_capacity;  /* batches; the default where none was given */
	uint64_t queue_when_full; /* enum when_full */
	uint64_t queue_max_size;  /* bytes, of `spill` */
	bool queue_given;
	uint64_t on_error; /* enum on_error */
};

/* What follows when a worker fails. */
enum strategy { ONE_FOR_ALL, ISOLATE };
enum { RESTARTS_MAX = 1000 };

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

struct topology {
	struct text name;
	uint64_t memory; /* bytes */
	struct place
	    memory_at; /* for the planner, which refuses a budget that is too small; file NULL: not given */
	struct text state_dir; /* bytes is NULL: not given */
	struct {
		uint64_t interval_ns, bytes; /* interval_ns 0: off */
	} epoch;
	struct {
		uint64_t strategy; /* enum strategy */
		uint64_t max_restarts, within_ns;
	} supervision;
	struct place supervision_at; /* file NULL: not given */
	uint64_t shutdown_timeout_ns;
	uint64_t log_level, log_format; /* enum log_level, enum log_format */

	/* Every input stands before its readers (topological order). */
	struct topology_stage *stages;
	size_t stage_count;

	struct topology_tests tests;

	void *arena; /* what the texts and lists live in */
};

struct topology_request {
	/* Files or directories (*.yaml, by name), as given with -c; at least one. */
	const char *const *files;
	size_t file_count;
	const char *const *sets; /* KEY=VALUE, as given with --set */
	size_t set_count;
	const struct stage_catalog *catalog;
	const char *(*variable)(const char *name); /* the environment; NULL when unset */
	/* Of the arena: nodes, texts, the result. libyaml, one file being read and the problems come on top. 0:
	 * TOPOLOGY_BYTES_MAX. */
	size_t bytes_max;
	/* On failure t holds, without inputs, the stages in which nothing is wrong, so that they can be looked into. */
	bool keep_sound;
};

/* Its name as it may be printed. */
static inline const char *topology_shown_name(const struct topology *t)
{
	return text_shown(&t->name, t->name.bytes);
}

/* 0, or -EINVAL with at least one problem added (unreadable file, bad YAML, unknown key, bad wiring, no memory, ...).
 * t is always safe to release, and empty on failure, save for what keep_sound asks for. The request's strings need not
 * outlive the call, its catalog must outlive t. Reads files; blocks. */
int topology_load(struct topology *t, const struct topology_request *request,
		  struct problems *problems);
void topology_release(struct topology *t);

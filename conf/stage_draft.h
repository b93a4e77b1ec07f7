/* stage_draft.h - a stage on its way from YAML to the topology: read, not yet wired.
 *
 * Threads: one. Memory: an arena's. Layer: conf. */
#pragma once

#include "conf/node.h"
#include "conf/topology.h"

/* One thing that a stage reads. */
struct draft_input {
	size_t from;     /* index among the drafts */
	unsigned output; /* enum topology_output */
	struct place at;
	bool wildcard;
};

struct stage_draft {
	struct topology_stage stage; /* inputs still empty */
	enum stage_kind kind;
	struct text_list names;  /* as `inputs` has them */
	struct text dead_letter; /* bytes is NULL: not given */
	bool on_error_given;

	struct draft_input *inputs; /* from here on, the wiring's */
	size_t input_count, input_room;
	bool sound;      /* nothing is wrong in what stands under it */
	bool read;       /* by someone, or by someone who mistyped it */
	bool is_chained; /* it stands among the `sinks` of another */
	bool placed;     /* has its position */
	size_t position;
};

struct stage_drafts {
	struct stage_draft *list;
	size_t count, room;
};

/* Reads what stands under an id. What can be understood is in the draft even if -EINVAL, so that the wiring can be
 * checked all the same; stage.schema is NULL if the type is unknown. 0; -EINVAL with problems added; -ENOMEM, told by
 * the arena. */
int stage_draft_read(struct stage_draft *draft, enum stage_kind kind, const struct node_pair *pair,
		     const struct stage_catalog *catalog, struct arena *arena,
		     struct problems *problems);

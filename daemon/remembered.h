/* remembered.h - every output of which a state directory remembers something, be its sink in the topology or no more.
 *
 *   the topology's sinks  +  marks in the epoch log  +  undo journals  =  outputs, each once
 *
 * It is what a run brings back before its pipeline is made (leftovers.h), and what `sluice state` tells.
 *
 * Who calls has them read, each in his way (performer.h).
 *
 * Threads: any. Memory: until remembered_release(). Layer: daemon. */
#pragma once

#include "conf/topology.h"
#include "daemon/epoch_map.h"
#include "stages/undo_acts.h"

/* One output: a sink's of the topology, or one that has none there. */
struct remembered_output {
	struct remembered_output *next;
	char id[NAME_MAX + 1];
	char *remembered_as; /* NULL: the log says nothing of it */
	const char *type; /* the sink's; "?": of a sink that is no more a journal does not say it */
	bool is_orphan, has_journal;
	bool is_secret;          /* one of its paths is, or may be */
	bool is_damaged;         /* what the log says of it cannot be understood */
	const struct text *path; /* the sink's option; NULL: an orphan */
	/* What is remembered is of another path, which may be another sink's now. */
	bool is_elsewhere;
	struct output_marks marks;

	struct delta change; /* for who brings it back: what the record will say of it */
};

struct remembered {
	const struct topology *topology;
	const struct epoch_map *map;
	struct remembered_output *first; /* those that came last */
	size_t count;
};

/* The topology's sinks and the marks; both outlive it. Then the journals. 0 or -ENOMEM; to be released in any case. */
int remembered_collect(struct remembered *r, const struct topology *t, const struct epoch_map *map);
void remembered_release(struct remembered *r);

/* There is a journal of that sink, and something in it. 0 or -ENOMEM. */
int remembered_add_journal(struct remembered *r, const char *id);

/* What is in it. */
void remembered_take_acts(struct remembered_output *o, const struct undo_acts *acts);

/* NULL: nothing is remembered of it. */
struct remembered_output *remembered_find(const struct remembered *r, const char *id);

/* Those that a recovery has to do with, the others as none. To the end of a run there is nothing to go back, and what comes of the files of a sink
 * that is no more after that is nobody's affair. 0 or -ENOMEM; to be released in any case. */
int remembered_marks_to_restore(const struct remembered_output *o, struct output_marks *ret_marks);

/* True if there is something to be brought back. */
bool remembered_is_live(const struct remembered_output *o);

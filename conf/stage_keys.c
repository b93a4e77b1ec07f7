#include "conf/stage_keys.h"

#include "conf/topology.h"

#include <assert.h>
#include <string.h>

const char *const when_full_names[] = {[WHEN_FULL_BLOCK] = "block",
				       [WHEN_FULL_DROP_NEWEST] = "drop_newest",
				       [WHEN_FULL_DROP_OLDEST] = "drop_oldest",
				       [WHEN_FULL_SPILL] = "spill",
				       NULL};

static const char *const on_error_choices[] = {"pass", "drop", "dead_letter", "stop", NULL};
/* A sink's, numbered from ON_ERROR_DROP: nothing comes behind it that records could be passed to. */
static const char *const sink_on_error_choices[] = {"drop", "dead_letter", "stop", NULL};

static const struct option queue_keys[] = {
    {"capacity", OPTION_COUNT, offsetof(struct stage_queue, capacity), .preset = "64", .min = 1,
     .max = 65536, .doc = "How many batches may wait in front of this stage"},
    {"when_full", OPTION_CHOICE, offsetof(struct stage_queue, when_full), .preset = "block",
     .choices = when_full_names,
     .doc = "What happens when a batch comes and there is no room: who puts it waits; it is left "
	    "out, or the one that has waited longest is, and is counted; or it goes to disk, and "
	    "comes back from there in order"},
    {"max_size", OPTION_SIZE, offsetof(struct stage_queue, max_size), .min = 1,
     .doc = "`spill`: the most that there may be on disk; from then on who puts waits; 1GiB unless "
	    "it is given"},
    {0},
};

static const struct option all_keys[STAGE_KEYS_MAX] = {
    {"type", OPTION_TEXT, offsetof(struct stage_common, type), .required = true, .min = 1,
     .doc = "Which kind of stage this is; `sluice list` names them"},
    {"inputs", OPTION_TEXTS, offsetof(struct stage_common, inputs), .required = true,
     .may_be_empty = true,
     .doc = "The sources and transforms to read from, or `stage.output` where it has several; `*` "
	    "in a name stands for any characters"},
    {"workers", OPTION_COUNT, offsetof(struct stage_common, workers), .preset = "1", .min = 1,
     .word = "auto",
     .doc = "How many workers run this stage at the same time; auto: one fewer than the CPUs this "
	    "process may use, 8 at most"},
    {"ordered", OPTION_BOOL, offsetof(struct stage_common, ordered), .preset = "true",
     .doc = "Keep the order of records; false lets workers overtake each other"},
    {"queue", OPTION_GROUP, offsetof(struct stage_common, queue), .group = queue_keys,
     .given_offset = offsetof(struct stage_common, queue_given),
     .doc = "A queue of its own in front of this stage, and with it a thread"},
    {"on_error", OPTION_CHOICE, offsetof(struct stage_common, on_error), .preset = "pass",
     .choices = on_error_choices,
     .doc = "What becomes of a record that this stage can do nothing with: it goes on as it is, is "
	    "left out, goes to the sink that `dead_letter` names, or ends the run"},
    {"dead_letter", OPTION_TEXT, offsetof(struct stage_common, dead_letter), .min = 1,
     .doc = "The sink that gets what `on_error: dead_letter` sends there"},
};

static const char *why_not(const struct stage_nature *n, const struct option *key)
{
	enum stage_kind kind = n->kind;
	bool workers = !strcmp(key->name, "workers");

	if (kind == STAGE_SOURCE && !strcmp(key->name, "inputs"))
		return "a source reads from outside, not from stages";
	if (kind == STAGE_SOURCE && !strcmp(key->name, "queue"))
		return "a source has no queue; give one to the stage that reads it";
	if (kind == STAGE_SOURCE && !strcmp(key->name, "ordered"))
		return "a source keeps its order";
	if (workers && (kind == STAGE_SOURCE || n->workers_max <= 1))
		return "this stage has one worker, always";
	if (!n->has_failures &&
	    (!strcmp(key->name, "on_error") || !strcmp(key->name, "dead_letter")))
		return kind == STAGE_SINK
			   ? "this sink gives up no record: what it cannot write waits, or ends "
			     "the run"
			   : "there is no record that this stage can do nothing with";
	return NULL;
}

struct stage_nature stage_nature_of(const struct stage_schema *schema)
{
	return (struct stage_nature){schema->kind, schema->workers_max, schema->has_failures};
}

static struct option sink_on_error(struct option key)
{
	key.choices = sink_on_error_choices;
	key.preset = "stop";
	key.doc = "What becomes of a record that this sink cannot store, after all attempts: it is "
		  "left out, goes to the sink that `dead_letter` names, or ends the run";
	return key;
}

uint64_t stage_key_on_error(const struct stage_nature *n, uint64_t choice)
{
	return n->kind == STAGE_SINK ? ON_ERROR_DROP + choice : choice;
}

struct stage_keys stage_keys_of(const struct stage_nature *n)
{
	struct stage_keys keys = {0};
	size_t count = 0;

	for (size_t i = 0; i < STAGE_KEYS_MAX; i++) {
		struct option key = all_keys[i];
		if (why_not(n, &key))
			continue;
		if (!strcmp(key.name, "workers"))
			key.max = n->workers_max;
		if (!strcmp(key.name, "on_error") && n->kind == STAGE_SINK)
			key = sink_on_error(key);
		keys.table[count++] = key;
	}
	assert(count);
	return keys;
}

const char *stage_key_misplaced(const struct stage_nature *n, const char *key, size_t length)
{
	for (size_t i = 0; i < STAGE_KEYS_MAX; i++)
		if (strlen(all_keys[i].name) == length && !memcmp(all_keys[i].name, key, length))
			return why_not(n, &all_keys[i]);
	return NULL;
}

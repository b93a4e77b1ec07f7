#include "conf/topology_keys.h"

#include "conf/topology.h"

#define AT(field) offsetof(struct topology, field)

static const char *const levels[] = {
    [LOG_LEVEL_DEBUG] = "debug", [LOG_LEVEL_INFO] = "info",    [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_ERROR] = "error", [LOG_LEVEL_ERROR + 1] = NULL,
};
static const char *const formats[] = {
    [LOG_FORMAT_TEXT] = "text",
    [LOG_FORMAT_JSON] = "json",
    [LOG_FORMAT_JSON + 1] = NULL,
};

static const struct option log_keys[] = {
    {"level", OPTION_CHOICE, AT(log_level), .preset = "info", .choices = levels,
     .doc = "The least grave messages to write"},
    {"format", OPTION_CHOICE, AT(log_format), .preset = "text", .choices = formats,
     .doc = "How a message is written"},
    {0},
};

#define EPOCH(field) (AT(epoch.field) - AT(epoch)) /* NOLINT(bugprone-macro-parentheses) */

static const struct option epoch_keys[] = {
    {"interval", OPTION_DURATION, EPOCH(interval_ns), .preset = "1s", .min = 1000000, .word = "off",
     .doc = "How often what was read and stored is made durable together; off: nothing is "
	    "remembered over a restart"},
    {"bytes", OPTION_SIZE, EPOCH(bytes), .preset = "256MiB", .min = 1,
     .doc = "The same when so much input has come, if that is sooner"},
    {0},
};

#define SUPERVISION(field)                                                                         \
	(AT(supervision.field) - AT(supervision)) /* NOLINT(bugprone-macro-parentheses) */

static const char *const strategies[] = {
    [ONE_FOR_ALL] = "one_for_all", [ISOLATE] = "isolate", [ISOLATE + 1] = NULL};

static const struct option supervision_keys[] = {
    {"strategy", OPTION_CHOICE, SUPERVISION(strategy), .preset = "one_for_all",
     .choices = strategies,
     .doc = "What follows when a stage fails: all are ended, or it alone where that keeps what is "
	    "promised; then those begin anew, from the last epoch"},
    {"max_restarts", OPTION_COUNT, SUPERVISION(max_restarts), .preset = "0", .max = RESTARTS_MAX,
     .doc = "So many times within `within`; at one failure more the run ends, with an exit code "
	    "that is not 0"},
    {"within", OPTION_DURATION, SUPERVISION(within_ns), .preset = "1m", .min = 1000000000,
     .doc = "How long a restart counts"},
    {0},
};

const char *const tests_key = "tests";

const struct option topology_keys[] = {
    {"name", OPTION_TEXT, AT(name), .min = 1, .max = 255,
     .doc = "The topology's name; by default the file's"},
    {"memory", OPTION_SIZE, AT(memory), .preset = "256MiB", .min = 1, .max = 1ULL << 50,
     .doc = "All batch buffers together; refused if too small to make progress"},
    {"state_dir", OPTION_TEXT, AT(state_dir), .min = 1, .max = 4000,
     .doc = "Where it is remembered what was read and stored; by default $STATE_DIRECTORY, else "
	    "./.sluice/NAME"},
    {"epoch", OPTION_GROUP, AT(epoch), .group = epoch_keys,
     .doc = "When what was read and stored is committed"},
    {"supervision", OPTION_GROUP, AT(supervision), .group = supervision_keys,
     .doc = "What follows when a stage fails"},
    {"shutdown_timeout", OPTION_DURATION, AT(shutdown_timeout_ns), .preset = "30s",
     .doc = "How long a shutdown may take to store what has been read"},
    /* Its two fields stand in the topology itself. */
    {"log", OPTION_GROUP, 0, .group = log_keys,
     .doc = "What sluice writes about itself, to stderr"},
    {0},
};

#include "conf/test_keys.h"

#include "conf/topology_test.h"

const struct option test_keys[] = {
    {"name", OPTION_TEXT, offsetof(struct topology_test, name), .required = true, .min = 1,
     .max = 255, .doc = "What holds if it passes"},
    {"at", OPTION_TEXT, offsetof(struct topology_test, entry_name), .required = true, .min = 1,
     .doc = "The transform that gets the records of `input`, or the source that they come from"},
    {"time", OPTION_TEXT, offsetof(struct topology_test, time), .min = 1,
     .doc = "When it is while the test runs, as in 2026-03-01T12:00:00Z; by default "
	    "2000-01-01T00:00:00Z. The clock stands still"},
    {0},
};

const struct option record_keys[] = {
    {"body", OPTION_TEXT, offsetof(struct test_record, body), .preset = "\"\"",
     .doc = "The record as it is read"},
    {0},
};

const struct option expectation_keys[] = {
    {"from", OPTION_TEXT, offsetof(struct test_expectation, from), .required = true, .min = 1,
     .doc = "What comes out of this stage, or of `stage.output`, or what this sink would write"},
    {"records", OPTION_TEXTS, offsetof(struct test_expectation, records), .may_be_empty = true,
     .doc = "All records, in order, byte for byte"},
    {"count", OPTION_COUNT, offsetof(struct test_expectation, count),
     .doc = "How many records there are"},
    {"each", OPTION_TEXT, offsetof(struct test_expectation, each), .min = 1,
     .doc = "A CEL expression that is true for each record, of which there is at least one"},
    {"any", OPTION_TEXT, offsetof(struct test_expectation, any), .min = 1,
     .doc = "A CEL expression that is true for one record at least"},
    {0},
};

const char *const test_lists[] = {"input", "expect", NULL};
const char *const record_maps[] = {"fields", NULL};

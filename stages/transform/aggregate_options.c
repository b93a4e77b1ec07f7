#include "stages/transform/aggregate_options.h"
#include "stages/aggregate_function.h"
#include "stages/field_names.h"
#include "stages/group_record.h"

#include <stdlib.h>

static const char *const late_choices[] = {"drop", "on_error", NULL};

#define AT(member) offsetof(struct aggregate_options, member)
#define MILLISECOND UINT64_C(1000000)
#define YEAR (366 * UINT64_C(86400000) * MILLISECOND)

const struct option aggregate_table[] = {
    {"window", OPTION_DURATION, AT(window_ns), .required = true, .min = MILLISECOND, .max = YEAR,
     .doc = "How long a window is; they follow one another from 1970 on, and a record counts in "
	    "that of its time"},
    {"by", OPTION_TEXTS, AT(by), .min = 1,
     .doc = "The fields whose values make a group; one that a record lacks is null"},
    {"fields", OPTION_MAP, AT(fields), .required = true, .min = 1,
     .doc = "What is said of each group: names, and count, count(FIELD), sum(FIELD), min(FIELD), "
	    "max(FIELD), avg(FIELD) or quantile(FIELD, Q); quantiles are within 1 %"},
    {"grace", OPTION_DURATION, AT(grace_ns), .preset = "0", .max = YEAR,
     .doc = "How much older than the latest record one may be before its window is closed; with "
	    "several files or sources that are read side by side, how far they may be apart"},
    {"late", OPTION_CHOICE, AT(late), .preset = "drop", .choices = late_choices,
     .doc = "What becomes of a record whose window is closed: it is counted and left out, or goes "
	    "the way of `on_error`"},
    {"max_groups", OPTION_COUNT, AT(max_groups), .preset = "10000", .min = 1, .max = 1 << 24,
     .doc = "How many groups may be open, in all windows; a record of one more is an error"},
    {0},
};

static void check_function(const struct text_pair *pair, struct problems *problems)
{
	struct aggregate_function function;
	struct aggregate_mistake mistake;
	if (aggregate_function_parse(&pair->value, &function, &mistake) < 0)
		problem_add(problems, text_place(&pair->value, mistake.offset), "`fields`: %s",
			    mistake.why);
}

void aggregate_check(const void *options, struct place at, struct problems *problems)
{
	const struct aggregate_options *o = options;
	size_t count;
	struct text *names = group_record_names(&o->by, &o->fields, &count);
	if (!names)
		problem_add(problems, at, "out of memory");
	else
		field_names_check(names, count, sizeof *names, problems);
	free(names);
	for (size_t i = 0; i < o->fields.count; i++)
		check_function(&o->fields.items[i], problems);
}

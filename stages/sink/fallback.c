/* fallback.c - a sink that is others: the first gets all, and each what the one before it could not store.
 *
 * They are wired when the topology is loaded (conf/sink_chain.h); what runs in place of it hands on what comes. A sink gives records up
 * when its attempts are used up, or at once while its circuit breaker is open: as soon as that lets one through again and it
 * succeeds, the preferred one has them again. */
#include "stages/builtin.h"

struct fallback_options {
	struct text_list sinks;
};

static const struct option fallback_table[] = {
    {"sinks", OPTION_TEXTS, offsetof(struct fallback_options, sinks), .required = true, .min = 1,
     .doc = "The sinks to try, in order, each with `inputs: []`; a record is stored by the first "
	    "that can"},
    {0},
};

static void fallback_check(const void *options, struct place at, struct problems *problems)
{
	const struct fallback_options *o = options;
	if (o->sinks.count == 1)
		problem_add(problems, at,
			    "`sinks` has one name only, and nothing to fall back to; name another");
}

static const struct text_list *fallback_chain(const void *options)
{
	return &((const struct fallback_options *)options)->sinks;
}

static int pass_on(struct stage *s, struct batch *b, struct outlet *out)
{
	(void)s;
	emit(out, &b);
	return 0;
}

static const struct stage_type pass_type = {
    .schema = {.kind = STAGE_TRANSFORM,
	       .name = "fallback",
	       .summary = "hands all records to the first of its sinks",
	       .options = fallback_table,
	       .options_size = sizeof(struct fallback_options)},
    .transform_apply = pass_on,
    .light = true,
    .stateless = true,
};

const struct stage_type fallback_type = {
    .schema = {.kind = STAGE_SINK,
	       .name = "fallback",
	       .summary = "stores records in the first of several sinks that can",
	       .options = fallback_table,
	       .options_size = sizeof(struct fallback_options),
	       .check = fallback_check,
	       .chain = fallback_chain,
	       .stand_in = &pass_type.schema},
};

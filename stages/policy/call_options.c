#include "stages/policy/call_options.h"

#define MILLISECOND UINT64_C(1000000)

const char *const retry_jitter_names[] = {
    [JITTER_FULL] = "full", [JITTER_NONE] = "none", [JITTER_NONE + 1] = NULL};
static const char *const unit_choices[] = {"records", "bytes", "operations", NULL};

const struct option retry_option_table[] = {
    {"max_attempts", OPTION_COUNT, offsetof(struct retry_options, max_attempts),
     .preset = "unlimited", .word = "unlimited", .min = 1,
     .doc =
	 "After so many, the first one included, it is given up; records go the way of `on_error`"},
    {"base_delay", OPTION_DURATION, offsetof(struct retry_options, base_delay_ns),
     .preset = "100ms", .min = MILLISECOND, .doc = "The ceiling after the first failure"},
    {"max_delay", OPTION_DURATION, offsetof(struct retry_options, max_delay_ns), .preset = "30s",
     .min = MILLISECOND, .doc = "The highest that it rises to"},
    RETRY_JITTER_ROW(offsetof(struct retry_options, jitter)),
    {0},
};

const struct option breaker_option_table[] = {
    {"failure_threshold", OPTION_COUNT, offsetof(struct breaker_options, failure_threshold),
     .preset = "5", .min = 1, .doc = "After so many failures in a row nothing is sent"},
    {"reset_timeout", OPTION_DURATION, offsetof(struct breaker_options, reset_timeout_ns),
     .preset = "30s", .min = MILLISECOND,
     .doc = "For so long; then one attempt is made, whose end decides"},
    {0},
};

const struct option rate_limit_option_table[] = {
    {"rate", OPTION_RATE, offsetof(struct rate_limit_options, rate), .required = true, .min = 1,
     .max = TOKEN_RATE_MAX, .doc = "How much, on average"},
    {"burst", OPTION_COUNT, offsetof(struct rate_limit_options, burst), .preset = "auto",
     .word = "auto", .min = 1, .max = TOKEN_RATE_MAX,
     .doc = "How much at once, after a while without any; auto: what `rate` gives in a second"},
    {"unit", OPTION_CHOICE, offsetof(struct rate_limit_options, unit), .preset = "records",
     .choices = unit_choices,
     .doc = "What is counted; operations: requests, or connections that are made; of what is read "
	    "or written on end, reads and batches"},
    {0},
};

const struct option batch_limit_table[] = {
    {"records", OPTION_COUNT, offsetof(struct batch_limits, records), .preset = "1000", .min = 1,
     .max = UINT32_MAX, .doc = "Most records"},
    {"bytes", OPTION_SIZE, offsetof(struct batch_limits, bytes), .preset = "1MiB", .min = 1,
     .max = 1 << 30, .doc = "Most bytes; a single record may have more"},
    {"interval", OPTION_DURATION, offsetof(struct batch_limits, interval_ns), .preset = "1s",
     .doc = "How long the first of them may wait for more"},
    {0},
};

const struct option pool_option_table[] = {
    {"min", OPTION_COUNT, offsetof(struct pool_options, min), .preset = "0", .max = 1024,
     .doc = "Over HTTP none is opened ahead, which is warned of: the first request that needs one "
	    "opens it, and it is kept"},
    {"max", OPTION_COUNT, offsetof(struct pool_options, max), .preset = "20", .min = 1, .max = 1024,
     .doc = "No more than so many are open at a time"},
    {"per_host", OPTION_COUNT, offsetof(struct pool_options, per_host), .preset = "unlimited",
     .word = "unlimited", .min = 1, .max = 1024,
     .doc = "Nor more than so many to one host and port"},
    {"idle_timeout", OPTION_DURATION, offsetof(struct pool_options, idle_timeout_ns),
     .preset = "5m", .min = 1000 * MILLISECOND,
     .doc = "One that nothing has used for so long is closed"},
    {"dns_cache", OPTION_DURATION, offsetof(struct pool_options, dns_cache_ns), .preset = "1m",
     .doc = "How long a host's addresses are kept before they are looked up again"},
    {0},
};

bool call_options_try_for_ever(const struct call_options *o)
{
	return o->retry.max_attempts == 0 && !o->breaker_given;
}

void call_options_check(const struct call_options *o, struct place at, struct problems *problems)
{
	if (o->retry.base_delay_ns > o->retry.max_delay_ns)
		problem_warn(problems, at,
			     "`retry`: `base_delay` is longer than `max_delay`, which is the "
			     "ceiling from the first failure on");
}

void pool_options_check(const struct pool_options *o, struct place at, struct problems *problems)
{
	if (o->min > o->max)
		problem_add(problems, at, "`pool.min` is more than `pool.max`");
}

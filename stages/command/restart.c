#include "stages/command/restart.h"
#include "stages/policy/call_options.h"

#include <inttypes.h>

#define MILLISECOND UINT64_C(1000000)

static const char *const when_choices[] = {"always", "on_failure", "never", NULL};

const struct option restart_table[] = {
    {"when", OPTION_CHOICE, offsetof(struct restart_options, when), .preset = "always",
     .choices = when_choices,
     .doc = "Whether a command that has ended is begun again; with --once it never is"},
    {"base_delay", OPTION_DURATION, offsetof(struct restart_options, retry.base_delay_ns),
     .preset = "1s", .min = MILLISECOND,
     .doc = "How long after it has ended; after failures the ceiling, which doubles"},
    {"max_delay", OPTION_DURATION, offsetof(struct restart_options, retry.max_delay_ns),
     .preset = "1m", .min = MILLISECOND,
     .doc = "The highest that it rises to; a command that has run for so long begins anew with "
	    "`base_delay`"},
    RETRY_JITTER_ROW(offsetof(struct restart_options, retry.jitter)),
    {"max_attempts", OPTION_COUNT, offsetof(struct restart_options, retry.max_attempts),
     .preset = "unlimited", .word = "unlimited", .min = 1,
     .doc = "After so many failures in a row it is not begun again"},
    {0},
};

void restart_options_check(const struct restart_options *o, struct place at,
			   struct problems *problems)
{
	if (o->retry.base_delay_ns > o->retry.max_delay_ns)
		problem_add(problems, at, "`restart`: `base_delay` is longer than `max_delay`");
}

void restart_init(struct restart *r, const struct restart_options *o)
{
	*r = (struct restart){.options = o};
}

static uint64_t delay_of(const struct restart *r, struct env *env)
{
	const struct retry_options *o = &r->options->retry;
	return r->failures == 0 ? o->base_delay_ns
				: retry_delay_ns(o, r->failures, env_random(env));
}

static void say_that_it_failed(const struct command *c, struct stage *s, bool again, bool is_first)
{
	char told[COMMAND_END_MAX];
	const char *event = !again     ? "command failed"
			    : is_first ? "command failed, beginning it again"
				       : "command failed again";
	counter_add(&s->counters->errors, 1);
	env_say(s->env,
		!again     ? SAY_ERROR
		: is_first ? SAY_WARN
			   : SAY_DEBUG,
		event, "command=%s how=%s", command_options_shown(c->options),
		command_told(c, told));
}

/* It did what it is for: ended well, or ran for long. */
static bool did_well(const struct restart *r, const struct command *c)
{
	bool ran_long =
	    c->error == 0 && c->exited_ns - c->begun_ns >= r->options->retry.max_delay_ns;
	return command_succeeded(c) || ran_long;
}

static void note_that_it_ran(struct restart *r, const struct command *c, struct env *env)
{
	if (r->failures > 0)
		env_say(env, SAY_INFO, "command runs again", "command=%s failures=%" PRIu64,
			command_options_shown(c->options), r->failures);
	r->failures = 0;
}

static bool is_allowed(const struct restart *r, bool failed)
{
	if (r->options->when == RESTART_NEVER)
		return false;
	return failed ? retry_is_allowed(&r->options->retry, r->failures)
		      : r->options->when == RESTART_ALWAYS;
}

bool restart_after(struct restart *r, const struct command *c, struct stage *s, bool is_needed)
{
	bool failed = c->at_fault || (!command_succeeded(c) && !c->stopping);
	if (did_well(r, c))
		note_that_it_ran(r, c, s->env);
	r->failures += failed;
	bool again = is_needed && is_allowed(r, failed);
	if (failed)
		say_that_it_failed(c, s, again, r->failures == 1);
	r->at_ns = env_now_ns(s->env) + delay_of(r, s->env);
	return again;
}

bool restart_pending(const struct restart *r, struct env *env)
{
	if (env_now_ns(env) >= r->at_ns)
		return false;
	env_wake_at(env, r->at_ns);
	return true;
}

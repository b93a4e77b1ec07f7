/* schedule_source.c - now and then a record, or what a command writes.
 *
 *   WAIT -- a tick, `record` --> emitted --> WAIT
 *        -- a tick, `command` -> RUN -- over --> WAIT          ticks that are due meanwhile are skipped
 *
 * With --once there is one tick, at once, and then it ends. Nothing is remembered: ticks that were due while nobody ran it are not
 * made up for. */
#include "stages/builtin.h"
#include "stages/command/command_reader.h"
#include "stages/home.h"
#include "stages/source/schedule_record.h"
#include "stages/ticker.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { RECORD_MAX = 64 * 1024, GOOD_TICKS = 10 };

struct schedule_options {
	uint64_t every;
	struct text cron, zone;
	uint64_t jitter;
	struct text record;
	struct command_options command;
	uint64_t timeout;
	struct framing_options framing;
};

static const struct option schedule_table[] = {
    {"every", OPTION_DURATION, offsetof(struct schedule_options, every), .min = 1000000,
     .doc = "How long from one tick to the next; the first is at once"},
    {"cron", OPTION_TEXT, offsetof(struct schedule_options, cron), .min = 1, .max = 1024,
     .doc = "Instead of `every`: minute, hour, day, month and day of the week, as crontab(5) has "
	    "them; or @hourly, @daily, @weekly, @monthly, @yearly"},
    {"zone", OPTION_TEXT, offsetof(struct schedule_options, zone), .preset = "UTC", .min = 1,
     .doc = "The time zone of `cron`: UTC, local, an offset such as +02:00, or a name such as "
	    "Europe/Berlin"},
    {"jitter", OPTION_DURATION, offsetof(struct schedule_options, jitter),
     .doc = "By so much at most, by chance, each tick comes later"},
    {"record", OPTION_TEXT, offsetof(struct schedule_options, record), .max = RECORD_MAX,
     .doc = "Text of the record that each tick gives; {time} or {time:FORMAT} is when it was due, "
	    "in UTC"},
    COMMAND_OPTION_ROWS(offsetof(struct schedule_options, command), false),
    {"timeout", OPTION_DURATION, offsetof(struct schedule_options, timeout), .preset = "1h",
     .word = "off", .min = 1, .doc = "How long the command may run; then it is ended"},
    FRAMING_OPTION_ROWS(offsetof(struct schedule_options, framing)),
    {0},
};

enum { FIGURE_TICKS, FIGURE_SKIPPED, FIGURE_TIMED_OUT, FIGURE_KILLED };
static const char *const figures[] = {"ticks", "ticks skipped", "commands timed out",
				      "commands killed", NULL};

struct schedule_source {
	struct cron cron;
	struct zone zone;
	struct ticker ticker;
	struct template_parts record;
	struct command_reader reader;
	enum { SCHEDULE_WAIT, SCHEDULE_RUN } at;
	uint64_t deadline_ns; /* of the command that runs, monotonic */
	bool has_ticked;
	uint64_t
	    in_time; /* ticks since one was skipped; GOOD_TICKS: and nothing need be said of that any more */
	bool fails; /* and that has been said */
};

/* Options */

static void check_cron(const struct text *text, struct problems *problems)
{
	struct cron c;
	const char *wrong;
	size_t at;
	if (cron_parse(&c, text->bytes, text->length, &wrong, &at) < 0)
		problem_add(problems, text_place(text, at), "`cron`: %s", wrong);
}

static void schedule_check(const void *options, struct place at, struct problems *problems)
{
	const struct schedule_options *o = options;
	bool has_command = o->command.command.count > 0;
	if ((o->every > 0) == (o->cron.bytes != NULL))
		problem_add(problems, at, "a schedule has either `every` or `cron`");
	if (has_command == (o->record.bytes != NULL))
		problem_add(problems, at, "a schedule has either a `record` or a `command`");
	if (o->every > 0 && o->jitter >= o->every)
		problem_add(problems, at, "`jitter` is not shorter than `every`");
	if (o->cron.bytes)
		check_cron(&o->cron, problems);
	if (o->record.bytes)
		schedule_record_check(&o->record, problems);
	command_options_check(&o->command, problems);
}

static const struct text *schedule_zone(const void *options)
{
	return &((const struct schedule_options *)options)->zone;
}

static bool runs_command(const struct stage *s)
{
	return ((const struct schedule_options *)s->options)->command.command.count > 0;
}

/* Opening and closing */

static int open_zone(struct stage *s, struct schedule_source *source)
{
	const struct text *name = schedule_zone(s->options);
	int r = zone_open(&source->zone, s->env, name->bytes, name->length);
	if (r < 0)
		env_say(s->env, SAY_ERROR, "time zone cannot be read", "zone=%s error=%s",
			text_shown(name, name->bytes), strerror(-r));
	return r;
}

static int make_ready(struct stage *s, struct schedule_source *source)
{
	const struct schedule_options *o = s->options;
	int r = runs_command(s) ? command_reader_init(&source->reader, s, &o->command, &o->framing)
				: schedule_record_init(&source->record, &o->record);
	if (r < 0)
		env_say(s->env, SAY_ERROR, "out of memory", "stage=%s", s->id);
	return r;
}

static void start_ticker(struct stage *s, struct schedule_source *source)
{
	const struct schedule_options *o = s->options;
	const char *wrong;
	size_t at;
	int r = o->cron.bytes
		    ? cron_parse(&source->cron, o->cron.bytes, o->cron.length, &wrong, &at)
		    : 0;
	assert(r == 0 && "it was checked");
	(void)r;
	ticker_init(&source->ticker, s->env,
		    &(struct ticker_options){.every_ns = o->every,
					     .jitter_ns = o->jitter,
					     .cron = &source->cron,
					     .zone = &source->zone});
}

static int schedule_open(struct stage *s)
{
	struct schedule_source *source = calloc(1, sizeof *source);
	s->state = source;
	if (!source) {
		env_say(s->env, SAY_ERROR, "out of memory", "stage=%s", s->id);
		return -ENOMEM;
	}
	source->in_time = GOOD_TICKS;
	int r = open_zone(s, source);
	if (r == 0)
		r = make_ready(s, source);
	if (r == 0)
		start_ticker(s, source);
	return r;
}

static void schedule_close(struct stage *s)
{
	struct schedule_source *source = s->state;
	if (!source)
		return;
	command_reader_release(&source->reader);
	schedule_record_release(&source->record);
	zone_release(&source->zone);
	free(source);
	s->state = NULL;
}

/* Ticks */

static void count_skipped(struct stage *s, struct schedule_source *source, uint64_t skipped,
			  const char *why)
{
	if (skipped == 0) {
		source->in_time += source->in_time < GOOD_TICKS;
		return;
	}
	counter_add(&s->counters->figures[FIGURE_SKIPPED], skipped);
	if (source->in_time == GOOD_TICKS)
		env_say(s->env, SAY_WARN, "ticks skipped", "count=%" PRIu64 " reason=%s", skipped,
			why);
	source->in_time = 0;
}

/* With --once the schedule is not asked. */
static bool take_tick(struct stage *s, struct schedule_source *source, struct tick *tick)
{
	if (!s->once)
		return ticker_take(&source->ticker, tick);
	*tick = (struct tick){.wall_ns = env_wall_ns(s->env)};
	return true;
}

static void emit_record(struct stage *s, struct schedule_source *source, int64_t wall_ns,
			struct outlet *out)
{
	struct buffer *buffer = home_take_buffer(s->home);
	struct batch *b = batch_new(s->home, buffer);
	size_t length =
	    schedule_record_write(&source->record, wall_ns, buffer->bytes, buffer->capacity - 1);
	buffer->bytes[length] = '\n';
	b->records[b->count++] = (struct record){0, (uint32_t)length};
	b->bytes_total = length;
	b->delimiter = (struct delimiter){.bytes = "\n", .length = 1};
	b->read_ns = env_now_ns(s->env);
	b->wall_ns = wall_ns;
	buffer_let_go(buffer);
	counter_add(&s->counters->records_in, 1);
	counter_add(&s->counters->bytes_in, length + 1);
	emit(out, &b);
}

static void begin_command(struct stage *s, struct schedule_source *source)
{
	const struct schedule_options *o = s->options;
	source->deadline_ns = o->timeout ? env_now_ns(s->env) + o->timeout : UINT64_MAX;
	command_reader_begin(&source->reader);
	source->at = SCHEDULE_RUN;
}

static int wait_for_tick(struct stage *s, struct schedule_source *source, struct outlet *out)
{
	struct tick tick;
	if (s->stopping || (s->once && source->has_ticked))
		return STEP_DONE;
	if (!home_has_buffers(s->home, 1) || !home_has_batches(s->home, 1))
		return STEP_WAIT; /* one comes back */
	if (!take_tick(s, source, &tick))
		return STEP_WAIT;
	source->has_ticked = true;
	counter_add(&s->counters->figures[FIGURE_TICKS], 1);
	count_skipped(s, source, tick.skipped, "late");
	if (runs_command(s))
		begin_command(s, source);
	else
		emit_record(s, source, tick.wall_ns, out);
	return STEP_MORE;
}

/* The command */

static void skip_ticks(struct stage *s, struct schedule_source *source)
{
	struct tick tick;
	while (!s->once && ticker_take(&source->ticker, &tick))
		count_skipped(s, source, tick.skipped + 1, "the command still runs");
}

static void see_to_timeout(struct stage *s, struct schedule_source *source)
{
	struct command *c = &source->reader.command;
	if (c->stopping || source->deadline_ns == UINT64_MAX)
		return;
	if (env_now_ns(s->env) < source->deadline_ns) {
		env_wake_at(s->env, source->deadline_ns);
		return;
	}
	counter_add(&s->counters->figures[FIGURE_TIMED_OUT], 1);
	c->at_fault = true;
	command_stop(c);
}

static void tell_end(struct stage *s, struct schedule_source *source)
{
	const struct command *c = &source->reader.command;
	const char *shown = command_options_shown(c->options);
	char told[COMMAND_END_MAX];
	bool failed = !command_succeeded(c) && (c->at_fault || !c->stopping);
	counter_add(&s->counters->figures[FIGURE_KILLED], c->is_killed);
	if (failed)
		counter_add(&s->counters->errors, 1);
	if (failed && !source->fails)
		env_say(s->env, SAY_WARN, "command failed", "command=%s how=%s", shown,
			c->at_fault ? "timeout" : command_told(c, told));
	else if (!failed && source->fails)
		env_say(s->env, SAY_INFO, "command succeeds again", "command=%s", shown);
	source->fails = failed;
}

static int run(struct stage *s, struct schedule_source *source, struct outlet *out)
{
	if (s->stopping)
		command_stop(&source->reader.command);
	skip_ticks(s, source);
	see_to_timeout(s, source);
	int r = command_reader_step(&source->reader, s, out);
	if (r != STEP_DONE)
		return r;
	tell_end(s, source);
	source->at = SCHEDULE_WAIT;
	return STEP_MORE;
}

static int schedule_step(struct stage *s, struct outlet *out)
{
	struct schedule_source *source = s->state;
	return source->at == SCHEDULE_RUN ? run(s, source, out) : wait_for_tick(s, source, out);
}

static size_t schedule_buffer_capacity(const void *options)
{
	const struct schedule_options *o = options;
	size_t capacity = framing_buffer_capacity(&o->framing, NULL);
	return capacity > 2 * RECORD_MAX ? capacity : 2 * RECORD_MAX;
}

/* Programs are begun there. */
static unsigned schedule_helpers(const void *options)
{
	(void)options;
	return 1;
}

static size_t schedule_memory(const void *options)
{
	(void)options;
	return sizeof(struct schedule_source);
}

static const char *schedule_restart(const void *options, bool remembers)
{
	(void)options, (void)remembers;
	return "ticks that are due while it does not run are not made up for";
}

const struct stage_type schedule_source_type = {
    .schema = {.kind = STAGE_SOURCE,
	       .name = "schedule",
	       .summary =
		   "gives a record, or what a command writes, every so often or as cron says",
	       .options = schedule_table,
	       .options_size = sizeof(struct schedule_options),
	       .check = schedule_check},
    .open = schedule_open,
    .close = schedule_close,
    .source_step = schedule_step,
    .drains = true,
    .memory = schedule_memory,
    .helpers = schedule_helpers,
    .buffer_capacity = schedule_buffer_capacity,
    .restart = schedule_restart,
    .zone = schedule_zone,
    .figures = figures,
};

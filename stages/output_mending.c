#include "stages/output_states.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define LONG (UINT64_C(1) << 30) /* it takes a while, and is told of */

static const char cure[] = "move it away, or give the sink another path";

static void refuse(struct output_file *f, const char *what, uint64_t at)
{
	counter_add(&f->counters->errors, 1);
	env_say(f->env, SAY_ERROR, what, "path=%s at=%" PRIu64 " cure=%s", output_file_shown(f), at,
		cure);
	f->failed = -EEXIST;
	output_go_to_closed(f);
}

/* ---- finding ---- */

static void begin_walk(struct output_file *f)
{
	if (f->length >= LONG)
		env_say(f->env, SAY_INFO, "looking whether the output ends with a whole zstd frame",
			"path=%s length=%" PRIu64, output_file_shown(f), f->length);
	open_frame_init(&f->frame, f->env, f->space, f->path);
	if (open_frame_find(&f->frame, f->peeking, f->length) < 0)
		output_fail(f, "output's last frame cannot be looked for", -ENOMEM);
}

/* The journal comes first. */
static void found_open(struct output_file *f)
{
	f->mends = true;
	f->found = f->frame.walk.sound;
	output_go_on_opened(f);
}

static void after_walk(struct output_file *f, int64_t result)
{
	const struct zstd_walk *w = &f->frame.walk;
	if (result < 0)
		output_fail(f, "output cannot be read", result);
	else if (w->ending == ZSTD_WHOLE)
		output_go(f, OUTPUT_PEEK_CLOSE);
	else if (w->ending == ZSTD_OPEN)
		found_open(f);
	else if (w->ending == ZSTD_SIZED)
		refuse(f, "output ends within a zstd frame that cannot be closed", w->whole);
	else
		refuse(f, "output is damaged: no zstd frame or block begins there", w->at);
}

/* ---- closing ---- */

void output_mend(struct output_file *f)
{
	const struct zstd_walk *w = &f->frame.walk;
	env_say(f->env, SAY_WARN, "output was left within a zstd frame, closing that",
		"path=%s length=%" PRIu64 " cut=%" PRIu64, output_file_shown(f), w->sound,
		f->length - w->sound);
	output_go(f, f->length > w->sound ? OUTPUT_CUT_FRAME : OUTPUT_CLOSE_FRAME);
}

static void begin_cut(struct output_file *f)
{
	output_submit(f, (struct io_op){.code = IO_TRUNCATE,
					.fd = f->fd,
					.truncate = {.length = f->frame.walk.sound}});
}

static void after_cut(struct output_file *f, int64_t result)
{
	const struct zstd_walk *w = &f->frame.walk;
	f->length = w->sound;
	if (result < 0)
		output_fail(f, "output cannot be cut back", result);
	else if (w->within)
		output_go(f, OUTPUT_CLOSE_FRAME);
	else
		output_go(f, OUTPUT_PEEK_CLOSE);
}

static void begin_close_frame(struct output_file *f)
{
	const struct zstd_walk *w = &f->frame.walk;
	if (open_frame_close(&f->frame, f->peeking, f->fd, w->whole, w->sound, w->has_checksum) < 0)
		output_fail(f, "output's last frame cannot be closed", -ENOMEM);
}

static void after_close_frame(struct output_file *f, int64_t result)
{
	if (result == -EBADMSG) {
		refuse(f, "output is damaged: its last frame does not decode", f->frame.walk.whole);
	} else if (result < 0) {
		output_fail(f, "output's last frame cannot be closed", result);
	} else {
		f->length = f->frame.at;
		output_go(f, OUTPUT_PEEK_CLOSE);
	}
}

int output_mending_step(struct output_file *f)
{
	int stepped = open_frame_step(&f->frame);
	if (stepped == STEP_WAIT || stepped == STEP_MORE)
		return stepped;
	if (f->state == OUTPUT_WALK)
		after_walk(f, stepped == STEP_DONE ? 0 : stepped);
	else
		after_close_frame(f, stepped == STEP_DONE ? 0 : stepped);
	return STEP_MORE;
}

const struct output_act output_mending_acts[OUTPUT_STATES] = {
    [OUTPUT_WALK] = {begin_walk, after_walk},
    [OUTPUT_CUT_FRAME] = {begin_cut, after_cut},
    [OUTPUT_CLOSE_FRAME] = {begin_close_frame, after_close_frame},
};

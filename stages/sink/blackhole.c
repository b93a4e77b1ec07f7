/* blackhole.c - a sink that takes everything, counts it, and lets it go. */
#include "stages/builtin.h"

struct blackhole_options {
	char nothing;
};

static const struct option blackhole_table[] = {{0}};

static int blackhole_step(struct stage *s, struct inlet *in)
{
	size_t taken = 0;
	for (struct batch *b; (b = inlet_take(in)) != NULL; taken++) {
		counter_add(&s->counters->records_out, b->count);
		counter_add(&s->counters->bytes_out,
			    b->bytes_total + (uint64_t)b->count * b->delimiter.length);
		batch_free(&b);
	}
	inlet_done(in, taken);
	return STEP_WAIT;
}

static int blackhole_finish(struct stage *s, struct inlet *in)
{
	(void)s;
	(void)in;
	return STEP_DONE;
}

static const char *blackhole_guarantee(const void *options, bool stream, bool epochs)
{
	(void)epochs;
	(void)options;
	(void)stream;
	return "counted and let go; nothing is stored";
}

const struct stage_type blackhole_type = {
    .schema = {.kind = STAGE_SINK,
	       .name = "blackhole",
	       .summary = "takes all records, counts them and stores nothing",
	       .options = blackhole_table,
	       .options_size = sizeof(struct blackhole_options)},
    .sink_step = blackhole_step,
    .sink_finish = blackhole_finish,
    .guarantee = blackhole_guarantee,
    .light = true,
};

#include "daemon/summary.h"
#include "daemon/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SINKS_SHOWN = 8 };

static void add_stage(struct totals *t, enum stage_kind kind, bool gathers,
		      const struct stage_counters *c)
{
	uint64_t in = counter_get(&c->records_in), out = counter_get(&c->records_out);
	if (kind == STAGE_SOURCE) {
		t->records_in += in;
		t->bytes_in += counter_get(&c->bytes_in);
		t->work_known &= counter_get(&c->work_total) > 0;
	} else if (kind == STAGE_SINK) {
		t->records_out += out;
		t->bytes_out += counter_get(&c->bytes_out);
	} else if (gathers) {
		t->gathered += in;
	} else {
		uint64_t gone = out + counter_get(&c->joined) +
				counter_get(&c->lost[LOSS_REFUSED]) +
				counter_get(&c->lost[LOSS_THROTTLED]);
		t->filtered += in > gone ? in - gone : 0;
	}
	t->refused += counter_get(&c->refused);
	t->errors += counter_get(&c->errors);
	t->undone += counter_get(&c->undone);
	t->work_done += counter_get(&c->work_done);
	t->work_total += counter_get(&c->work_total);
	t->truncations += counter_get(&c->truncations);
	t->removals += counter_get(&c->removals);
	for (size_t i = 0; i < LOSS_COUNT; i++)
		t->lost[i] += counter_get(&c->lost[i]);
}

struct totals summary_totals(const struct pipeline *p)
{
	struct totals t = {.work_known = true};
	const struct topology *topology = p->plan->topology;
	for (size_t i = 0; i < topology->stage_count; i++)
		add_stage(&t, topology->stages[i].schema->kind, plan_type(p->plan, i)->gathers,
			  &p->counters[i]);
	return t;
}

const char *human_bytes(double bytes, char text[static 16])
{
	static const char *const units[] = {"B", "KB", "MB", "GB", "TB", "PB"};
	size_t unit = 0;
	for (; bytes >= 999.5 && unit + 1 < sizeof units / sizeof units[0]; unit++)
		bytes /= 1000;
	snprintf(text, 16, unit == 0 || bytes >= 99.95 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
	return text;
}

static size_t count_sinks(const struct topology *t)
{
	size_t n = 0;
	for (size_t i = 0; i < t->stage_count; i++)
		n += t->stages[i].schema->kind == STAGE_SINK;
	return n;
}

/* Several sinks may each have stored the same records: no sum says what came out. */
static void log_sinks(const struct pipeline *p)
{
	const struct topology *t = p->plan->topology;
	for (size_t i = 0; i < t->stage_count; i++)
		if (t->stages[i].schema->kind == STAGE_SINK)
			log_line(LOG_LEVEL_INFO, t->stages[i].id.bytes, "stored",
				 "records=%ju bytes=%ju",
				 (uintmax_t)counter_get(&p->counters[i].records_out),
				 (uintmax_t)counter_get(&p->counters[i].bytes_out));
}

/* Why stages could do nothing with records. */
static void log_refused(const struct pipeline *p)
{
	const struct topology *t = p->plan->topology;
	for (size_t i = 0; i < t->stage_count; i++) {
		uint64_t count;
		const char *reason;
		for (size_t k = 0;
		     (reason = reasons_get(&p->counters[i].reasons, k, &count)) != NULL; k++)
			log_line(LOG_LEVEL_INFO, t->stages[i].id.bytes, "refused",
				 "reason=%s records=%ju", reason, (uintmax_t)count);
	}
}

static uint64_t dropped(const struct totals *t)
{
	return t->lost[LOSS_LONG_LINE_DROPPED] + t->lost[LOSS_REFUSED] + t->lost[LOSS_QUEUE_FULL];
}

static void print_json(const struct pipeline *p, const struct totals *t, double seconds,
		       bool failed)
{
	const struct topology *topology = p->plan->topology;
	size_t sinks = count_sinks(topology);
	if (sinks > 1)
		log_sinks(p);
	log_line(LOG_LEVEL_INFO, NULL, failed ? "failed" : "done",
		 "name=%s records_in=%ju bytes_in=%ju sinks=%zu records_out=%ju bytes_out=%ju "
		 "filtered=%ju gathered=%ju late=%ju throttled=%ju dropped=%ju refused=%ju "
		 "truncated=%ju split=%ju cut=%ju files_truncated=%ju files_removed=%ju "
		 "errors=%ju milliseconds=%ju",
		 topology_shown_name(topology), (uintmax_t)t->records_in, (uintmax_t)t->bytes_in,
		 sinks, (uintmax_t)t->records_out, (uintmax_t)t->bytes_out, (uintmax_t)t->filtered,
		 (uintmax_t)t->gathered, (uintmax_t)t->lost[LOSS_LATE],
		 (uintmax_t)t->lost[LOSS_THROTTLED], (uintmax_t)dropped(t), (uintmax_t)t->refused,
		 (uintmax_t)t->lost[LOSS_LONG_LINE_TRUNCATED],
		 (uintmax_t)t->lost[LOSS_LONG_LINE_SPLIT], (uintmax_t)t->lost[LOSS_MULTILINE_CUT],
		 (uintmax_t)t->truncations, (uintmax_t)t->removals, (uintmax_t)t->errors,
		 (uintmax_t)(seconds * 1000));
}

static void print_sink(const char *before, const char *name, uint64_t records, uint64_t bytes)
{
	char text[16];
	fprintf(stderr, "%s%s %" PRIu64 " records %s", before, name, records,
		human_bytes((double)bytes, text));
}

static void print_out(const struct pipeline *p, const struct totals *t)
{
	const struct topology *topology = p->plan->topology;
	size_t sinks = count_sinks(topology), shown = 0;
	if (sinks == 1) {
		print_sink(", ", "out", t->records_out, t->bytes_out);
		return;
	}
	fprintf(stderr, ", out to %zu sinks (", sinks);
	for (size_t i = 0; i < topology->stage_count && shown < SINKS_SHOWN; i++)
		if (topology->stages[i].schema->kind == STAGE_SINK)
			print_sink(shown++ ? ", " : "", topology->stages[i].id.bytes,
				   counter_get(&p->counters[i].records_out),
				   counter_get(&p->counters[i].bytes_out));
	fputs(sinks > shown ? ", ...)" : ")", stderr);
}

static void print_text(const struct pipeline *p, const struct totals *t, double seconds,
		       bool failed)
{
	char in[16], rate[16];
	fprintf(stderr, "%s%s: in %" PRIu64 " records %s", topology_shown_name(p->plan->topology),
		failed ? " failed" : "", t->records_in, human_bytes((double)t->bytes_in, in));
	print_out(p, t);
	if (t->filtered)
		fprintf(stderr, ", filtered %" PRIu64, t->filtered);
	if (t->gathered)
		fprintf(stderr, ", gathered %" PRIu64, t->gathered);
	if (!dropped(t))
		fputs(", dropped 0", stderr);
	for (size_t i = 0; i < LOSS_COUNT; i++)
		if (t->lost[i])
			fprintf(stderr, ", %s %" PRIu64, loss_names[i], t->lost[i]);
	if (t->refused)
		fprintf(stderr, ", refused %" PRIu64, t->refused);
	if (t->truncations)
		fprintf(stderr, ", files truncated %" PRIu64, t->truncations);
	if (t->removals)
		fprintf(stderr, ", files removed %" PRIu64, t->removals);
	if (t->errors)
		fprintf(stderr, ", errors %" PRIu64, t->errors);
	fprintf(stderr, ", %.2f s, %s/s\n", seconds,
		human_bytes(seconds > 0 ? (double)t->bytes_in / seconds : 0, rate));
}

void summary_print(const struct pipeline *p, double seconds, bool failed)
{
	struct totals t = summary_totals(p);
	bool json = p->plan->topology->log_format == LOG_FORMAT_JSON;
	log_refused(p);
	pipeline_tell_figures(p);
	(json ? print_json : print_text)(p, &t, seconds, failed);
}

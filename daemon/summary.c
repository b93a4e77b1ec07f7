#include "daemon/summary.h"
#include "daemon/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void add_stage(struct totals *t, enum stage_kind kind, const struct stage_counters *c)
{
	uint64_t in = counter_get(&c->records_in), out = counter_get(&c->records_out);
	if (kind == STAGE_SOURCE) {
		t->records_in += in;
		t->bytes_in += counter_get(&c->bytes_in);
		t->work_known &= counter_get(&c->work_total) > 0;
	} else if (kind == STAGE_SINK) {
		t->records_out += out;
		t->bytes_out += counter_get(&c->bytes_out);
	} else {
		t->filtered += in > out ? in - out : 0;
	}
	t->errors += counter_get(&c->errors);
	t->work_done += counter_get(&c->work_done);
	t->work_total += counter_get(&c->work_total);
	uint64_t latency = counter_get(&c->latency_max_ns);
	if (latency > t->latency_max_ns)
		t->latency_max_ns = latency;
	for (size_t i = 0; i < LOSS_COUNT; i++)
		t->lost[i] += counter_get(&c->lost[i]);
}

struct totals summary_totals(const struct pipeline *p)
{
	struct totals t = {.work_known = true};
	const struct topology *topology = p->plan->topology;
	for (size_t i = 0; i < topology->stage_count; i++)
		add_stage(&t, topology->stages[i].schema->kind, &p->counters[i]);
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

static void print_json(const char *name, const struct totals *t, double seconds, bool failed)
{
	log_line(LOG_LEVEL_INFO, NULL, failed ? "failed" : "done",
		 "name=%s records_in=%ju bytes_in=%ju records_out=%ju bytes_out=%ju filtered=%ju "
		 "dropped=%ju truncated=%ju "
		 "split=%ju errors=%ju milliseconds=%ju",
		 name, (uintmax_t)t->records_in, (uintmax_t)t->bytes_in, (uintmax_t)t->records_out,
		 (uintmax_t)t->bytes_out, (uintmax_t)t->filtered,
		 (uintmax_t)t->lost[LOSS_LONG_LINE_DROPPED],
		 (uintmax_t)t->lost[LOSS_LONG_LINE_TRUNCATED],
		 (uintmax_t)t->lost[LOSS_LONG_LINE_SPLIT], (uintmax_t)t->errors,
		 (uintmax_t)(seconds * 1000));
}

static void print_text(const char *name, const struct totals *t, double seconds, bool failed)
{
	char in[16], out[16], rate[16];
	fprintf(stderr, "%s%s: in %" PRIu64 " records %s, out %" PRIu64 " records %s", name,
		failed ? " failed" : "", t->records_in, human_bytes((double)t->bytes_in, in),
		t->records_out, human_bytes((double)t->bytes_out, out));
	if (t->filtered)
		fprintf(stderr, ", filtered %" PRIu64, t->filtered);
	fprintf(stderr, ", dropped %" PRIu64, t->lost[LOSS_LONG_LINE_DROPPED]);
	for (size_t i = 0; i < LOSS_COUNT; i++)
		if (t->lost[i])
			fprintf(stderr, ", %s %" PRIu64, loss_names[i], t->lost[i]);
	if (t->errors)
		fprintf(stderr, ", errors %" PRIu64, t->errors);
	fprintf(stderr, ", %.2f s, %s/s\n", seconds,
		human_bytes(seconds > 0 ? (double)t->bytes_in / seconds : 0, rate));
}

void summary_print(const struct pipeline *p, double seconds, bool failed)
{
	struct totals t = summary_totals(p);
	const struct topology *topology = p->plan->topology;
	bool json = topology->log_format == LOG_FORMAT_JSON;
	(json ? print_json : print_text)(topology->name.bytes, &t, seconds, failed);
}

#include "daemon/summary.h"

#include <inttypes.h>
#include <string.h>

static void add_stage(struct totals *t, enum stage_kind kind, const struct stage_counters *c)
{
	uint64_t in = counter_get(&c->records_in), out = counter_get(&c->records_out);
	if (kind == STAGE_SOURCE) {
		t->records_in += in;
		t->bytes_in += counter_get(&c->bytes_in);
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
	struct totals t = {0};
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

void summary_print(const struct pipeline *p, double seconds, FILE *to)
{
	struct totals t = summary_totals(p);
	char in[16], out[16], rate[16];
	fprintf(to, "%s: in %" PRIu64 " records %s, out %" PRIu64 " records %s",
		p->plan->topology->name.bytes, t.records_in, human_bytes((double)t.bytes_in, in),
		t.records_out, human_bytes((double)t.bytes_out, out));
	if (t.filtered)
		fprintf(to, ", filtered %" PRIu64, t.filtered);
	fprintf(to, ", dropped %" PRIu64, t.lost[LOSS_LONG_LINE_DROPPED]);
	for (size_t i = 0; i < LOSS_COUNT; i++)
		if (t.lost[i])
			fprintf(to, ", %s %" PRIu64, loss_names[i], t.lost[i]);
	if (t.errors)
		fprintf(to, ", errors %" PRIu64, t.errors);
	fprintf(to, ", %.2f s, %s/s\n", seconds,
		human_bytes(seconds > 0 ? (double)t.bytes_in / seconds : 0, rate));
}

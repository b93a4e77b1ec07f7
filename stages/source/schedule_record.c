#include "stages/source/schedule_record.h"
#include "stages/time/time_write.h"

#include <string.h>

enum { TIME_TEXT_MAX = TIME_STEPS_MAX * TIME_RFC3339_MAX };

static bool is_known(const struct template_part *p)
{
	return p->kind == TEMPLATE_LITERAL || (p->kind != TEMPLATE_JSON && p->text.length == 4 &&
					       memcmp(p->text.bytes, "time", 4) == 0);
}

void schedule_record_check(const struct text *text, struct problems *problems)
{
	struct template_parts t;
	int r = template_parts_parse(&t, text, problems);
	for (size_t i = 0; r == 0 && i < t.count; i++)
		if (!is_known(&t.list[i]))
			problem_add(problems, t.list[i].text.at,
				    "the record of a schedule has {time} only, also as "
				    "{time:FORMAT}: when it was due");
	template_parts_release(&t);
}

int schedule_record_init(struct template_parts *t, const struct text *text)
{
	return template_parts_parse(t, text, NULL);
}

void schedule_record_release(struct template_parts *t)
{
	template_parts_release(t);
}

static size_t write_time(const struct template_part *p, int64_t wall_ns, char *to)
{
	static const struct zone utc;
	return p->kind == TEMPLATE_TIME ? time_write(p->time, &utc, wall_ns, to, TIME_TEXT_MAX)
					: time_write_rfc3339(wall_ns, to);
}

size_t schedule_record_write(const struct template_parts *t, int64_t wall_ns, uint8_t *to,
			     size_t room)
{
	size_t used = 0;
	for (size_t i = 0; i < t->count; i++) {
		const struct template_part *p = &t->list[i];
		char shown[TIME_TEXT_MAX];
		const char *bytes = shown;
		size_t length;
		if (p->kind == TEMPLATE_LITERAL) {
			bytes = p->text.bytes;
			length = p->text.length;
		} else {
			length = write_time(p, wall_ns, shown);
		}
		length = length < room - used ? length : room - used;
		memcpy(to + used, bytes, length);
		used += length;
	}
	return used;
}

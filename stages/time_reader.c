#include "stages/time_reader.h"

#include <assert.h>
#include <string.h>

const struct option time_option_table[] = {
    {"field", OPTION_TEXT, offsetof(struct time_options, field), .required = true, .min = 1,
     .doc = "The field that says when a record was made"},
    {"format", OPTION_TEXT, offsetof(struct time_options, format), .preset = "rfc3339", .min = 1,
     .doc = "How it says so: rfc3339, unix, unix_ms, unix_us, unix_ns, common_log, rfc3164, "
	    "rfc2822, or a pattern with strftime's conversions such as %Y-%m-%d %H:%M:%S,%f"},
    {"zone", OPTION_TEXT, offsetof(struct time_options, zone), .preset = "UTC", .min = 1,
     .doc = "The time zone of times that say no offset to UTC: UTC, local, an offset such as "
	    "+02:00, or a name such as Europe/Berlin"},
    {0},
};

void time_options_check(const struct time_options *o, struct problems *problems)
{
	struct time_format f;
	const char *why;
	size_t at;
	if (o->field.bytes &&
	    time_format_init(&f, o->format.bytes, o->format.length, TIME_TO_READ, &why, &at) < 0)
		problem_add(problems, text_place(&o->format, at), "%s", why);
}

int time_reader_open(struct time_reader *r, struct stage *s, const struct time_options *o)
{
	const char *why;
	size_t at;
	if (!o->field.bytes)
		return 0;
	int result = time_format_init(&r->format, o->format.bytes, o->format.length, TIME_TO_READ,
				      &why, &at);
	assert(result == 0 && "the topology was checked");
	result = zone_open(&r->zone, s->env, o->zone.bytes, o->zone.length);
	if (result < 0)
		env_say(s->env, SAY_ERROR, "time zone cannot be read", "zone=%s error=%s",
			text_shown(&o->zone, o->zone.bytes), strerror(-result));
	return result;
}

void time_reader_close(struct time_reader *r)
{
	zone_release(&r->zone);
}

#include "stages/framing_options.h"
#include "stages/intake.h"

#include <assert.h>
#include <string.h>

struct framing framing_from_options(const struct framing_options *o, const struct stage *s)
{
	assert(o->max_line >= 1 && o->max_line <= FRAMING_LINE_MAX);
	assert(o->delimiter.length >= 1 && o->delimiter.length <= DELIMITER_MAX);
	struct framing framing = {.max_line = o->max_line,
				  .on_long_line = (enum long_line)o->on_long_line,
				  .counters = s->counters,
				  .env = s->env};
	framing.delimiter.length = (uint8_t)o->delimiter.length;
	memcpy(framing.delimiter.bytes, o->delimiter.bytes, o->delimiter.length);
	return framing;
}

size_t framing_buffer_capacity(const struct framing_options *o,
			       const struct multiline_options *multiline)
{
	size_t stays = o->max_line;
	if (multiline)
		stays += multiline_record_max(multiline, o->max_line) + DELIMITER_MAX;
	return intake_capacity(stays, INTAKE_READ);
}

/* redact_value.h - values of fields without their secrets.
 *
 *   STRING   what it says, not as it is escaped; where that is a JSON object, as one
 *   numbers  their digits; where something is found in them, a string from then on
 *   MAP, LIST their strings and numbers
 *
 * Threads: the stage's. Memory: none. Layer: stages. */
#pragma once

#include "stages/json/json_scan.h"
#include "stages/secrets/redactor.h"

struct redact_texts {
	struct redactor redactor;
	struct json_plan plan; /* wants nothing: says only whether it is JSON */
	bool planned;
};

/* Text, which may be a JSON object. room: for what is on the way there; it is given back. What redactor_text() returns. */
int redact_text(struct redact_texts *t, const uint8_t *text, uint32_t length, struct scratch *room,
		struct writer *w);

/* NULL, and *v is what is left of it, in room if something was found; or why it cannot be (static), and it is as it was. */
const char *redact_value(struct redact_texts *t, struct value *v, struct scratch *room);

/* Of what redactor_text() returns below 0. */
const char *redact_reason(int result);

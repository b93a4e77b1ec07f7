/* schedule_record.h - the record of a tick: a template that knows when it was due, "{time}" or "{time:%F %T}", and nothing else.
 *
 * Threads: the stage's. Memory: malloc, schedule_record_release(). Layer: stages. */
#pragma once

#include "stages/encode/template_parts.h"

/* Adds what is wrong with it to problems. */
void schedule_record_check(const struct text *text, struct problems *problems);

/* The text outlives it. 0 or -ENOMEM; schedule_record_release() in any case. */
int schedule_record_init(struct template_parts *t, const struct text *text);
void schedule_record_release(struct template_parts *t);

/* Returns how many bytes were written, as many as there is room for. */
size_t schedule_record_write(const struct template_parts *t, int64_t wall_ns, uint8_t *to,
			     size_t room);

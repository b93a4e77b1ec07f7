/* field_names.h - names of fields as a topology gives them to `set`, `remove` and their like: paths, `user.id` is `id` within
 * `user`.
 *
 * Threads: any. Memory: none. Layer: stages. */
#pragma once

#include "conf/option.h"
#include "stages/fields.h"

/* `user.id` and `user.name.first` are within `user`. */
bool field_is_within(const char *name, size_t length, const char *above, size_t above_length);

/* Of fields that have a name. */
bool field_is_or_is_within(const struct field *f, const struct text *name);
bool field_is_among(const struct field *f, const struct text_list *names);

/* Adds what is wrong with names that one stage is to write: one that is no path, one that stands twice, one that is within
 * another. They stand so many bytes apart, in a text_list or as one side of a text_map. */
void field_names_check(const struct text *first, size_t count, size_t stride,
		       struct problems *problems);

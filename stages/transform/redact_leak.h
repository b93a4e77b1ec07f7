/* redact_leak.h - whether what `redact` hides would be written all the same: found in the body before it was redacted, held by another
 * field, or in a body that nobody redacts.
 *
 * Threads: any. Memory: none. Layer: stages. */
#pragma once

#include "conf/problems.h"
#include "stages/fields.h"

/* stage_type.check_fields */
void redact_check_fields(const void *options, const struct field_traffic *t, struct place at,
			 struct problems *problems);

/* path_name.h - a field's value as a part of a file's name: safe, whatever the value is.
 *
 *   web-1.example        itself
 *   ../../etc/passwd     _.______etc_passwd~3f2c90ab17e5        a hash of the whole, as two values are not to be one name
 *   (missing)            _missing
 *
 * Only A-Z a-z 0-9 . _ - are let through, and neither a dot nor a dash as the first one; what is not becomes `_`. A name that was changed,
 * or would be too long and is cut, or is empty, or reads `_missing`, has the hash behind it; there is no other `~`.
 *
 * Threads: any. Memory: none. Layer: stages. */
#pragma once

#include "stages/value.h"

enum { PATH_NAME_MAX = 80 }; /* bytes */

struct path_name {
	char text[PATH_NAME_MAX + 1];
};

/* Missing, null and errors are missing. scratch: for text with escapes; where that is too long for it only the hash tells. */
void path_name_of(struct path_name *n, const struct value *v, struct scratch scratch);

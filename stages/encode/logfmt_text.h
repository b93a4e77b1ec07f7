/* logfmt_text.h - a JSON object as logfmt: what stages/text/logfmt_scan.h, and github.com/go-logfmt/logfmt, read back.
 *
 *   {"level":"info","user":{"id":7,"name":"a b"},"tags":["x"],"took":null}
 *   level=info user.id=7 user.name="a b" tags="[\"x\"]" took=null
 *
 * Keys: blanks, control characters, `=`, `"` and U+FFFD become `_`, and so does a name without a character. Values stand between
 * quotes when they are empty, are the text null, or hold a blank, a control character, `=`, `"`, a backslash or U+FFFD; the
 * escapes are JSON's. Objects more than LOGFMT_DEPTH_MAX deep, lists and empty objects are text in JSON. Two fields whose keys
 * come out the same are both written.
 *
 * Threads: any. Memory: the scratch, for names with escapes. Layer: stages. */
#pragma once

#include "stages/encode/writer.h"
#include "stages/value.h"

enum { LOGFMT_DEPTH_MAX = 16 };

/* json: an object that json_scan() lets pass, from its brace on. Where there is no room in w or in the scratch, w is full. */
void logfmt_put_object(struct writer *w, const uint8_t *json, size_t length,
		       struct scratch scratch);

/* said.h - what the log says in between. Layer: tests. */
#pragma once

/* From here on stderr goes to a file. */
void said_begin(void);
/* Until here. How often these words were said. */
int said_end(const char *words);
/* All that was said, until the next said_begin(). */
const char *said_text(void);

/* fake_memory.h - what the fake stages of a test remember, across all that opens and closes them: what sinks got, where stages were cut
 * and where they failed.
 *
 * Threads: any. Memory: static, until fake_forget(). */
#pragma once

#include "stages/stage.h"
#include "tests/unit/daemon/fake_stages.h"

enum { FAKE_NUMBER = sizeof(uint64_t) }; /* bytes of a record */

uint64_t fake_number_at(const struct batch *b, uint32_t i);

/* Where a stage was cut, once for each epoch. */
void fake_note_cut(const char *id, uint64_t at);

/* Has the first, within `from` to `to`, of the multiples of `each` not been stumbled at yet? */
bool fake_stumbles(const char *id, uint64_t from, uint64_t to, uint64_t each);

/* A sink's: its state is what it has got so far, a struct collected. 0 or -ENOSPC. */
int fake_open(struct stage *s);
void fake_remember_number(struct collected *c, uint64_t number);
void fake_remember(struct collected *c, const struct batch *b);

/* fake_revive() was called. */
bool fake_all_live(void);

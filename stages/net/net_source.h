/* net_source.h - the hooks of a source whose state is a net_server.
 * Threads: the owner's. Memory: the stage's. Layer: stages. */
#pragma once

#include "stages/net/net_server.h"

void net_source_close(struct stage *s);
int net_source_step(struct stage *s, struct outlet *out);
int net_source_attend(struct stage *s);
int net_source_snapshot(struct stage *s, struct delta *d);
void net_source_committed(struct stage *s, uint64_t epoch);
int net_source_settle(struct stage *s);
int net_source_tell(const void *options, const struct delta *saved, struct teller *t);
/* For the hook of that name. */
const char *net_source_restart(const struct net_server_options *o, bool remembers);

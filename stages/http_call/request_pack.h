/* request_pack.h - a body compressed, on a helper thread where that takes a while.
 *
 *	request_pack_begin(p, env, kind, bytes, length)         0: begun or done
 *	r = request_pack_step(p)                                STEP_WAIT until STEP_DONE; or -errno
 *	p->bytes, p->length
 *
 * Threads: the owner's; the work itself on a helper's, which touches nothing else meanwhile. Memory: malloc, kept from body to
 * body. Layer: stages. */
#pragma once

#include "stages/env.h"
#include "stages/http_call/request_options.h"

struct request_pack {
	struct io_op op;
	enum request_compression kind;
	const uint8_t *from;
	size_t from_length;
	uint8_t *bytes;
	size_t length, room;
	int result;
};

/* from stays put until it is done. */
int request_pack_begin(struct request_pack *p, struct env *env, enum request_compression kind,
		       const uint8_t *from, size_t length);
int request_pack_step(struct request_pack *p);

/* Nothing is under way. */
void request_pack_release(struct request_pack *p);

/* Most that it takes for a body of so many bytes. */
size_t request_pack_footprint(enum request_compression kind, size_t length);

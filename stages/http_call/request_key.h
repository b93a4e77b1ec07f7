/* request_key.h - the Idempotency-Key of a request: the same whenever the same is sent again, by this process or the next one.
 *
 *	"out-5f3a0c11d2e94b7a-17-3-8d777f385d3dfec8815d20f7496026dc"
 *	 sink   whose          epoch, its request, XXH3-128 of the body
 *
 * Whose: without a state directory a number that this start drew; with one, the directory itself (its inode and when it was made),
 * so that what a crash makes necessary to send again has the key that it had, and nobody else's. Another composition has another
 * body, and so another key.
 *
 * Threads: the owner's. Memory: none. Layer: stages. */
#pragma once

#include "stages/stage.h"

enum { REQUEST_KEY_MAX = 256 };

struct request_keys {
	const char *sink;
	struct io_op op;
	struct io_status status;
	uint64_t whose;
	bool is_known;
	uint64_t epoch, next; /* of the requests in it */
};

void request_keys_init(struct request_keys *k, const struct stage *s);

/* STEP_DONE once it is known whose they are; STEP_WAIT before; -errno: the state directory cannot be looked at. */
int request_keys_step(struct request_keys *k, const struct stage *s);

/* What is sealed from now on belongs to that epoch. */
void request_keys_cut(struct request_keys *k, uint64_t epoch);

/* Of number n in the epoch; it is known whose they are. */
void request_key(const struct request_keys *k, uint64_t epoch, uint64_t n, const uint8_t *body,
		 size_t length, char key[REQUEST_KEY_MAX]);

#include "stages/http_call/request_key.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <xxhash.h>

void request_keys_init(struct request_keys *k, const struct stage *s)
{
	*k = (struct request_keys){.sink = s->id, .epoch = s->epoch};
	if (s->state_dir)
		return;
	k->whose = env_random(s->env);
	k->is_known = true;
}

static void on_status(struct io_op *op)
{
	struct request_keys *k = op->owner;
	const uint64_t made[] = {k->status.inode, (uint64_t)k->status.birth_ns};
	if (op->result < 0)
		return;
	k->whose = XXH3_64bits(made, sizeof made);
	k->is_known = true;
}

static void look(struct request_keys *k, const struct stage *s)
{
	k->op = (struct io_op){.code = IO_STAT,
			       .fd = AT_FDCWD,
			       .stat = {.path = s->state_dir, .into = &k->status},
			       .done = on_status,
			       .owner = k};
	io_submit(s->env->io, &k->op);
}

int request_keys_step(struct request_keys *k, const struct stage *s)
{
	if (k->is_known)
		return STEP_DONE;
	if (k->op.busy)
		return STEP_WAIT;
	if (k->op.done && k->op.result < 0 && k->op.result != -EINTR)
		return (int)k->op.result;
	look(k, s);
	return STEP_WAIT;
}

void request_keys_cut(struct request_keys *k, uint64_t epoch)
{
	k->epoch = epoch;
	k->next = 0;
}

void request_key(const struct request_keys *k, uint64_t epoch, uint64_t n, const uint8_t *body,
		 size_t length, char key[REQUEST_KEY_MAX])
{
	XXH128_hash_t hash = XXH3_128bits(body, length);
	snprintf(key, REQUEST_KEY_MAX,
		 "%.100s-%016" PRIx64 "-%" PRIu64 "-%" PRIu64 "-%016" PRIx64 "%016" PRIx64, k->sink,
		 k->whose, epoch, n, hash.high64, hash.low64);
}

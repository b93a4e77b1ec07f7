#include "stages/segments/segment_reader.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096, ATTEMPTS_MAX = 8 };

int segment_reader_init(struct segment_reader *r, struct env *env, const char *path, size_t room)
{
	*r = (struct segment_reader){.env = env, .path = path, .fd = -1, .room = room};
	r->bytes = malloc(room);
	return r->bytes ? 0 : -ENOMEM;
}

void segment_reader_release(struct segment_reader *r)
{
	assert(!r->op.busy);
	free(r->bytes);
	r->bytes = NULL;
}

void segment_reader_begin(struct segment_reader *r, int fd, uint64_t base, uint64_t at,
			  uint64_t salt)
{
	assert(!r->op.busy);
	r->fd = fd;
	r->base = base;
	r->at = r->limit = at;
	r->salt = salt;
	r->from = r->to = 0;
	r->lost = 0;
	r->has_asked = false;
	r->attempts = 0;
}

static void on_read(struct io_op *op)
{
	(void)op;
}

/* Up to the limit, as much as there is room for; carefully, where that failed. */
static void ask(struct segment_reader *r)
{
	memmove(r->bytes, r->bytes + r->from, r->to - r->from);
	r->to -= r->from;
	r->from = 0;
	uint64_t at = r->at + r->to, left = r->limit - at;
	size_t length = r->room - r->to;
	if (length > left)
		length = (size_t)left;
	if (r->attempts > 0 && length > PAGE - at % PAGE)
		length = (size_t)(PAGE - at % PAGE);
	r->op = (struct io_op){
	    .code = IO_READ,
	    .fd = r->fd,
	    .read = {.bytes = r->bytes + r->to, .length = length, .at = at},
	    .done = on_read,
	    .owner = r,
	};
	r->has_asked = true;
	io_submit(r->env->io, &r->op);
}

static void pass_over(struct segment_reader *r, size_t length)
{
	memset(r->bytes + r->to, 0, length);
	r->to += length;
	r->attempts = 0;
}

static void take_answer(struct segment_reader *r)
{
	int64_t n = r->op.result;
	r->has_asked = false;
	if (n == -EINTR || n == -EAGAIN)
		return;
	if (n > 0) {
		r->to += (size_t)n;
		r->attempts = 0;
	} else if (n == 0) {
		pass_over(r, r->op.read.length);
	} else if (++r->attempts > ATTEMPTS_MAX) {
		env_say(r->env, SAY_WARN, "segment cannot be read",
			"path=%s segment=%s offset=%ju error=%s", r->path,
			segment_label(r->base).text, (uintmax_t)r->op.read.at, strerror((int)-n));
		pass_over(r, r->op.read.length);
	}
}

static void lose(struct segment_reader *r, uint64_t bytes)
{
	if (r->lost == 0)
		r->lost_at = r->at;
	r->lost += bytes;
	r->at += bytes;
	r->from += (size_t)bytes;
}

/* The segment's own head, if it is one. */
static void pass_head(struct segment_reader *r)
{
	struct segment_head head;
	if (!segment_head_read(r->bytes + r->from, &head) || head.base != r->base) {
		lose(r, SEGMENT_HEAD);
		return;
	}
	r->at += SEGMENT_HEAD;
	r->from += SEGMENT_HEAD;
}

/* What remains is too short for anything. */
static int end_short(struct segment_reader *r)
{
	uint64_t left = r->limit - r->at;
	if (left > 0) {
		if (r->lost == 0)
			r->lost_at = r->at;
		r->lost += left;
		r->at = r->limit;
		r->from = r->to = 0;
	}
	return SEGMENT_ENDED;
}

/* What there is at r->at, of which r->bytes hold so many: how many more it takes to tell; 0: it was found, or lost. */
static int look(struct segment_reader *r, size_t held, struct segment_found_entry *e)
{
	const uint8_t *bytes = r->bytes + r->from;
	if (held < SEGMENT_ENTRY_HEAD)
		return SEGMENT_WAIT;
	if (!segment_entry_head_read(bytes, r->salt, r->base + r->at, &e->head) ||
	    segment_entry_bytes(e->head.length) > r->limit - r->at) {
		lose(r, SEGMENT_ALIGN);
		return SEGMENT_ENDED;
	}
	uint64_t length = segment_entry_bytes(e->head.length);
	if (length > r->room)
		return -EMSGSIZE;
	if (held < length)
		return SEGMENT_WAIT;
	if (!segment_entry_is_whole(bytes, r->salt, &e->head)) {
		lose(r, SEGMENT_ALIGN);
		return SEGMENT_ENDED;
	}
	e->payload = bytes + SEGMENT_ENTRY_HEAD;
	r->at += length;
	r->from += (size_t)length;
	return SEGMENT_FOUND;
}

int segment_reader_next(struct segment_reader *r, struct segment_found_entry *ret_entry)
{
	assert(r->fd >= 0);
	if (r->was_told)
		r->lost = 0;
	r->was_told = false;
	while (!r->op.busy) {
		if (r->has_asked)
			take_answer(r);
		size_t held = r->to - r->from;
		size_t least = r->at == 0 ? SEGMENT_HEAD : SEGMENT_ENTRY_HEAD;
		if (r->limit - r->at < least) {
			r->was_told = true;
			return end_short(r);
		}
		if (r->at == 0 && held >= SEGMENT_HEAD) {
			pass_head(r);
			continue;
		}
		int found = r->at == 0 ? SEGMENT_WAIT : look(r, held, ret_entry);
		r->was_told = found == SEGMENT_FOUND;
		if (found == SEGMENT_FOUND || found < 0)
			return found;
		if (found == SEGMENT_WAIT)
			ask(r);
	}
	return SEGMENT_WAIT;
}

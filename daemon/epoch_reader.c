#include "daemon/epoch_reader.h"
#include "stages/descriptor.h"
#include "stages/stage.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

const char epoch_log_name[] = "epochs";

/* Nothing to do: the next step sees that the operation is no longer busy. */
static void on_done(struct io_op *op)
{
	(void)op;
}

static void submit(struct epoch_reader *r)
{
	r->op.done = on_done;
	r->op.owner = r;
	io_submit(r->io, &r->op);
}

void epoch_reader_begin(struct epoch_reader *r, struct io *io, int directory, int flags,
			const char *name, struct epoch_map *map)
{
	*r = (struct epoch_reader){.io = io, .map = map, .name = name, .fd = -1};
	r->state = EPOCH_READER_OPEN;
	r->op = (struct io_op){
	    .code = IO_OPEN,
	    .fd = directory,
	    .open = {.path = epoch_log_name, .flags = flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY}};
	submit(r);
}

void epoch_reader_release(struct epoch_reader *r)
{
	assert(!r->op.busy);
	if (r->io)
		descriptor_close(r->io, &r->fd);
	free(r->bytes);
	free(r->newest_bytes);
	r->bytes = r->newest_bytes = NULL;
	r->capacity = 0;
}

static void end(struct epoch_reader *r, int result)
{
	free(r->bytes);
	r->bytes = NULL;
	r->capacity = 0;
	r->result = result;
	r->state = EPOCH_READER_DONE;
}

static void damaged(struct epoch_reader *r, uint64_t at, const char *reason)
{
	r->report.bad_at = at;
	r->report.reason = reason;
	end(r, -EBADMSG);
}

/* Nothing whole follows the newest whole record. A slot says whether something should, the length whether it began. */
static void end_of_records(struct epoch_reader *r)
{
	struct epoch_report *found = &r->report;
	bool missing = r->newest.appending > found->epoch;
	found->torn = missing || found->whole < found->length;
	found->torn_epoch = missing ? r->newest.appending : 0;
	end(r, 0);
}

/* What stands behind the newest whole record is none. */
static void no_record(struct epoch_reader *r, const char *reason)
{
	if (r->report.whole < r->newest.length)
		damaged(r, r->report.whole, reason);
	else
		end_of_records(r);
}

/* The file goes on being read at report.whole until `wanted` bytes from there are in. 0 or -ENOMEM. */
static int read_on(struct epoch_reader *r, enum epoch_reader_state state, uint64_t wanted)
{
	if (wanted > PTRDIFF_MAX)
		return -ENOMEM;
	if (wanted > r->capacity) {
		uint8_t *bytes = realloc(r->bytes, (size_t)wanted);
		if (!bytes)
			return -ENOMEM;
		r->bytes = bytes;
		r->capacity = (size_t)wanted;
	}
	r->state = state;
	r->wanted = (size_t)wanted;
	r->op = (struct io_op){.code = IO_READ,
			       .fd = r->fd,
			       .read = {.bytes = r->bytes + r->got,
					.length = r->wanted - r->got,
					.at = r->report.whole + r->got}};
	submit(r);
	return 0;
}

static void next_record(struct epoch_reader *r)
{
	uint64_t room = r->report.length - r->report.whole;
	r->got = 0;
	if (room < EPOCH_BLOCK) {
		no_record(r, "record cut short");
		return;
	}
	int e = read_on(r, EPOCH_READER_HEAD, EPOCH_BLOCK);
	if (e < 0)
		end(r, e);
}

static void after_open(struct epoch_reader *r, int64_t result)
{
	if (result == -ENOENT) {
		end(r, 0);
	} else if (result < 0) {
		end(r, (int)result);
	} else {
		r->fd = (int)result;
		r->state = EPOCH_READER_LOOK;
		r->op = (struct io_op){.code = IO_STAT, .fd = r->fd, .stat = {.into = &r->status}};
		submit(r);
	}
}

static void after_look(struct epoch_reader *r, int64_t result)
{
	if (result < 0) {
		end(r, (int)result);
		return;
	}
	r->report.length = r->status.size;
	if (r->report.length < EPOCH_FRONT) {
		damaged(r, r->report.length, "log cut short");
		return;
	}
	int e = read_on(r, EPOCH_READER_FRONT, EPOCH_FRONT);
	if (e < 0)
		end(r, e);
}

/* 0, or what it found. */
static int take_header(struct epoch_reader *r)
{
	struct epoch_header h;
	struct epoch_report *found = &r->report;
	found->reason = epoch_header_check(&h, r->bytes);
	if (found->reason)
		return -EBADMSG;
	memcpy(found->name, h.name, sizeof h.name);
	found->version = h.version;
	found->created_ns = h.created_ns;
	r->header_chain = r->chain = h.chain;
	if (h.version != EPOCH_FORMAT_VERSION)
		return -ENOTSUP;
	return r->name && strcmp(r->name, h.name) != 0 ? -EXDEV : 0;
}

/* 0 or -EBADMSG. */
static int take_slots(struct epoch_reader *r)
{
	unsigned good = 0;
	for (unsigned i = 0; i < 2; i++) {
		struct epoch_slot slot;
		const uint8_t *block = r->bytes + (size_t)(1 + i) * EPOCH_BLOCK;
		r->report.reason = epoch_slot_check(&slot, block, r->header_chain);
		if (r->report.reason)
			continue;
		if (good == 0 || slot.sequence > r->newest.sequence) {
			r->newest = slot;
			r->newest_index = i;
		}
		good++;
	}
	r->report.slot_torn = good < 2;
	if (good == 0)
		return -EBADMSG;
	r->report.reason = r->newest.length > EPOCH_FRONT ? NULL : "length in a slot";
	return r->report.reason ? -EBADMSG : 0;
}

static void after_front(struct epoch_reader *r)
{
	int e = take_header(r);
	if (e == 0) {
		r->report.bad_at = EPOCH_BLOCK;
		e = take_slots(r);
	}
	if (e < 0) {
		end(r, e);
		return;
	}
	r->report.bad_at = 0;
	r->report.whole = EPOCH_FRONT;
	next_record(r);
}

/* What must hold where the newest slot says that all was committed. */
static bool agrees_with_slot(const struct epoch_reader *r, uint64_t chain)
{
	uint64_t from = r->report.whole, to = from + r->head.length, mark = r->newest.length;
	if (to < mark || from >= mark)
		return true;
	return to == mark && r->head.epoch == r->newest.epoch && chain == r->newest.chain;
}

static void keep_newest(struct epoch_reader *r)
{
	free(r->newest_bytes);
	r->newest_bytes = r->bytes;
	r->newest_length = r->head.length;
	r->bytes = NULL;
	r->capacity = 0;
}

static void take_record(struct epoch_reader *r, uint64_t chain)
{
	int e = epoch_record_prepare(r->map, r->bytes, &r->head);
	if (e == -EBADMSG) {
		damaged(r, r->report.whole, "contents of a record");
		return;
	}
	if (e < 0) {
		end(r, e);
		return;
	}
	epoch_map_apply(r->map);
	keep_newest(r);
	r->chain = chain;
	r->report.epoch = r->head.epoch;
	r->report.wall_ns = r->head.wall_ns;
	r->report.whole += r->head.length;
	r->report.records++;
	next_record(r);
}

static void after_body(struct epoch_reader *r)
{
	uint64_t chain;
	const char *reason = epoch_record_check(r->bytes, &r->head, r->chain, &chain);
	if (reason)
		no_record(r, reason);
	else if (r->head.epoch <= r->report.epoch)
		damaged(r, r->report.whole, "epoch of a record");
	else if (!agrees_with_slot(r, chain))
		damaged(r, r->report.whole, "record other than the slot says");
	else
		take_record(r, chain);
}

static void after_head(struct epoch_reader *r)
{
	uint64_t room = r->report.length - r->report.whole;
	const char *reason = epoch_head_check(&r->head, r->bytes, room);
	if (reason) {
		no_record(r, reason);
	} else if (r->head.length == r->got) {
		after_body(r);
	} else {
		int e = read_on(r, EPOCH_READER_BODY, r->head.length);
		if (e < 0)
			end(r, e);
	}
}

static void (*const after_read[EPOCH_READER_STATES])(struct epoch_reader *r) = {
    [EPOCH_READER_FRONT] = after_front,
    [EPOCH_READER_HEAD] = after_head,
    [EPOCH_READER_BODY] = after_body,
};

/* Some of what was wanted has come, all of it, or nothing as the file is shorter than it was. */
static void after_some(struct epoch_reader *r, int64_t result)
{
	if (result < 0) {
		end(r, (int)result);
		return;
	}
	r->got += (size_t)result;
	if (r->got == r->wanted) {
		after_read[r->state](r);
	} else if (result > 0) {
		read_on(r, r->state, r->wanted);
	} else if (r->state == EPOCH_READER_FRONT) {
		damaged(r, r->got, "log cut short");
	} else {
		no_record(r, "record cut short");
	}
}

int epoch_reader_step(struct epoch_reader *r)
{
	if (r->state == EPOCH_READER_DONE)
		return r->result < 0 ? r->result : STEP_DONE;
	if (r->op.busy)
		return STEP_WAIT;
	int64_t result = r->op.result;
	if (result == -EINTR || result == -EAGAIN)
		submit(r);
	else if (r->state == EPOCH_READER_OPEN)
		after_open(r, result);
	else if (r->state == EPOCH_READER_LOOK)
		after_look(r, result);
	else
		after_some(r, result);
	return STEP_MORE;
}

#include "daemon/epoch_log.h"
#include "stages/descriptor.h"
#include "stages/space_wait.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

static const char new_name[] = "epochs.new";

/* Below 1 MiB, or 4 times what one record would take, it is not worth it. */
enum { COMPACT_BYTES = 1 << 20, COMPACT_FACTOR = 4 };

/* Nothing to do: the next step sees that the operation is no longer busy. */
static void on_done(struct io_op *op)
{
	(void)op;
}

static void submit(struct epoch_log *l)
{
	l->op.done = on_done;
	l->op.owner = l;
	io_submit(l->io, &l->op);
}

static void begin_unlink(struct epoch_log *l)
{
	l->op = (struct io_op){.code = IO_UNLINK, .fd = l->directory, .unlink = {.path = new_name}};
	submit(l);
}

static void begin_truncate(struct epoch_log *l)
{
	l->op = (struct io_op){.code = IO_TRUNCATE, .fd = l->fd, .truncate = {.length = l->length}};
	submit(l);
}

/* What is left of the span. */
static void write_on(struct epoch_log *l, int fd)
{
	l->op = (struct io_op){
	    .code = IO_WRITE, .fd = fd, .write = {.spans = &l->span, .count = 1, .at = l->span_at}};
	submit(l);
}

static void begin_write(struct epoch_log *l)
{
	write_on(l, l->fd);
}

static void begin_new_write(struct epoch_log *l)
{
	write_on(l, l->new_fd);
}

static void begin_sync(struct epoch_log *l)
{
	l->op = (struct io_op){.code = IO_DATASYNC, .fd = l->fd};
	submit(l);
}

static void begin_new_sync(struct epoch_log *l)
{
	l->op = (struct io_op){.code = IO_DATASYNC, .fd = l->new_fd};
	submit(l);
}

static void begin_new(struct epoch_log *l)
{
	int flags = O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY;
	l->op = (struct io_op){.code = IO_OPEN,
			       .fd = l->directory,
			       .open = {.path = new_name, .flags = flags, .mode = 0600}};
	submit(l);
}

static void begin_rename(struct epoch_log *l)
{
	l->op = (struct io_op){.code = IO_RENAME,
			       .fd = l->directory,
			       .rename = {.from = new_name, .to = epoch_log_name, .replace = true}};
	submit(l);
}

static void begin_directory(struct epoch_log *l)
{
	l->op = (struct io_op){.code = IO_SYNC, .fd = l->directory};
	submit(l);
}

static void (*const begin[EPOCH_LOG_STATES])(struct epoch_log *l) = {
    [EPOCH_LOG_UNLINK] = begin_unlink,
    [EPOCH_LOG_TRUNCATE] = begin_truncate,
    [EPOCH_LOG_REWRITE] = begin_write,
    [EPOCH_LOG_WRITE] = begin_write,
    [EPOCH_LOG_SLOT] = begin_write,
    [EPOCH_LOG_SYNC] = begin_sync,
    [EPOCH_LOG_NEW] = begin_new,
    [EPOCH_LOG_NEW_WRITE] = begin_new_write,
    [EPOCH_LOG_NEW_FRONT] = begin_new_write,
    [EPOCH_LOG_NEW_SYNC] = begin_new_sync,
    [EPOCH_LOG_RENAME] = begin_rename,
    [EPOCH_LOG_DIRECTORY] = begin_directory,
    [EPOCH_LOG_ABANDON] = begin_unlink,
};

static void go(struct epoch_log *l, enum epoch_log_state state)
{
	l->state = state;
	if (begin[state])
		begin[state](l);
}

static void set_span(struct epoch_log *l, const struct packer *p, uint64_t at)
{
	l->span = (struct iovec){.iov_base = p->bytes, .iov_len = p->length};
	l->span_at = at;
}

/* What was begun is over; the log goes on. */
static int finish(struct epoch_log *l)
{
	int r = l->failed ? l->failed : STEP_DONE;
	l->failed = 0;
	l->job = EPOCH_LOG_NONE;
	epoch_map_discard(&l->map);
	go(l, EPOCH_LOG_READY);
	return r;
}

static int fail(struct epoch_log *l, int64_t result)
{
	l->failed = (int)result;
	epoch_map_discard(&l->map);
	go(l, EPOCH_LOG_FAILED);
	return l->failed;
}

/* It is over without a change: what was written is taken back. */
static int give_up(struct epoch_log *l, int64_t result)
{
	l->failed = (int)result;
	if (l->job == EPOCH_LOG_OPENING)
		return fail(l, result);
	if (l->job == EPOCH_LOG_APPENDING) {
		l->ragged = true;
		go(l, EPOCH_LOG_TRUNCATE);
	} else {
		l->compact_above = l->length + COMPACT_BYTES;
		descriptor_close(l->io, &l->new_fd);
		go(l, EPOCH_LOG_ABANDON);
	}
	return STEP_MORE;
}

/* The slot that is not the newest, saying how far the log is committed. */
static int go_to_slot(struct epoch_log *l, uint64_t appending)
{
	unsigned index = 1 - l->newest_index;
	l->slot = (struct epoch_slot){.sequence = l->newest.sequence + 1,
				      .length = l->length,
				      .epoch = l->epoch,
				      .chain = l->chain,
				      .appending = appending};
	packer_clear(&l->blocks);
	epoch_slot_pack(&l->blocks, &l->slot, l->header_chain);
	assert(!l->blocks.error);
	set_span(l, &l->blocks, (uint64_t)(1 + index) * EPOCH_BLOCK);
	go(l, EPOCH_LOG_SLOT);
	return STEP_MORE;
}

/* The first chunk of the record, or the next, to where the last one ended. */
static int go_to_write(struct epoch_log *l, enum epoch_log_state state, uint64_t at)
{
	int r = record_writer_fill(&l->writer);
	if (r < 0)
		return give_up(l, r);
	set_span(l, &l->writer.chunk, at);
	go(l, state);
	return STEP_MORE;
}

static int go_to_new_front(struct epoch_log *l)
{
	struct epoch_slot s = {.length = EPOCH_FRONT + l->writer.head.length,
			       .epoch = l->writer.head.epoch,
			       .chain = l->writer.chain};
	epoch_slot_pack(&l->blocks, &s, l->header.chain);
	s.sequence = 1;
	epoch_slot_pack(&l->blocks, &s, l->header.chain);
	assert(!l->blocks.error && l->blocks.length == EPOCH_FRONT);
	l->slot = s;
	set_span(l, &l->blocks, 0);
	go(l, EPOCH_LOG_NEW_FRONT);
	return STEP_MORE;
}

/* The log goes on from what was read. */
static void take_over(struct epoch_log *l)
{
	struct epoch_reader *r = &l->reader;
	l->fd = r->fd;
	r->fd = -1;
	l->epoch = r->report.epoch;
	l->wall_ns = r->report.wall_ns;
	l->length = r->report.whole;
	l->ragged = r->report.whole < r->report.length;
	l->header_chain = r->header_chain;
	l->chain = r->chain;
	l->newest = r->newest;
	l->newest_index = r->newest_index;
	l->header.created_ns = r->report.created_ns;
}

static int step_reader(struct epoch_log *l)
{
	int r = epoch_reader_step(&l->reader);
	if (r != STEP_DONE && r >= 0)
		return r;
	l->report = l->reader.report;
	if (r < 0)
		return fail(l, r);
	take_over(l);
	go(l, EPOCH_LOG_UNLINK);
	return STEP_MORE;
}

static int go_to_rewrite(struct epoch_log *l)
{
	const struct epoch_reader *r = &l->reader;
	l->span = (struct iovec){.iov_base = r->newest_bytes, .iov_len = r->newest_length};
	l->span_at = l->length - r->newest_length;
	go(l, EPOCH_LOG_REWRITE);
	return STEP_MORE;
}

static int after_rewrite(struct epoch_log *l, int64_t result)
{
	(void)result;
	epoch_reader_release(&l->reader);
	return go_to_slot(l, 0);
}

static int after_unlink(struct epoch_log *l, int64_t result)
{
	if (result < 0 && result != -ENOENT)
		return fail(l, result);
	if (l->fd < 0)
		return finish(l);
	if (!l->ragged)
		return go_to_rewrite(l);
	go(l, EPOCH_LOG_TRUNCATE);
	return STEP_MORE;
}

static int after_truncate(struct epoch_log *l, int64_t result)
{
	if (result < 0 && l->failed == 0)
		return give_up(l, result);
	l->ragged = result < 0;
	if (l->failed)
		return finish(l);
	if (l->job == EPOCH_LOG_OPENING)
		return go_to_rewrite(l);
	return go_to_write(l, EPOCH_LOG_WRITE, l->length);
}

static int after_write(struct epoch_log *l, int64_t result)
{
	(void)result;
	if (!l->writer.ended)
		return go_to_write(l, EPOCH_LOG_WRITE, l->span_at);
	return go_to_slot(l, l->writer.head.epoch);
}

static int after_slot(struct epoch_log *l, int64_t result)
{
	(void)result;
	go(l, EPOCH_LOG_SYNC);
	return STEP_MORE;
}

/* The record that the writer made is the newest. */
static void note_record(struct epoch_log *l, uint64_t length)
{
	l->epoch = l->writer.head.epoch;
	l->wall_ns = l->writer.head.wall_ns;
	l->chain = l->writer.chain;
	l->length = length;
	epoch_map_apply(&l->map);
}

static int after_sync(struct epoch_log *l, int64_t result)
{
	(void)result;
	l->newest = l->slot;
	l->newest_index = 1 - l->newest_index;
	if (l->job == EPOCH_LOG_APPENDING) {
		note_record(l, l->length + l->writer.head.length);
		return finish(l);
	}
	go(l, EPOCH_LOG_DIRECTORY);
	return STEP_MORE;
}

static int after_new(struct epoch_log *l, int64_t result)
{
	l->new_fd = (int)result;
	return go_to_write(l, EPOCH_LOG_NEW_WRITE, EPOCH_FRONT);
}

static int after_new_write(struct epoch_log *l, int64_t result)
{
	(void)result;
	if (!l->writer.ended)
		return go_to_write(l, EPOCH_LOG_NEW_WRITE, l->span_at);
	return go_to_new_front(l);
}

static int after_new_front(struct epoch_log *l, int64_t result)
{
	(void)result;
	go(l, EPOCH_LOG_NEW_SYNC);
	return STEP_MORE;
}

static int after_new_sync(struct epoch_log *l, int64_t result)
{
	(void)result;
	go(l, EPOCH_LOG_RENAME);
	return STEP_MORE;
}

static int after_rename(struct epoch_log *l, int64_t result)
{
	(void)result;
	go(l, EPOCH_LOG_DIRECTORY);
	return STEP_MORE;
}

static int after_directory(struct epoch_log *l, int64_t result)
{
	(void)result;
	if (l->job == EPOCH_LOG_OPENING)
		return finish(l);
	descriptor_close(l->io, &l->fd);
	l->fd = l->new_fd;
	l->new_fd = -1;
	l->header_chain = l->header.chain;
	l->newest = l->slot;
	l->newest_index = 1;
	l->ragged = false;
	l->compact_above = 0;
	note_record(l, l->slot.length);
	return finish(l);
}

static int after_abandon(struct epoch_log *l, int64_t result)
{
	(void)result; /* a file too many, which the next one overwrites */
	return finish(l);
}

static int (*const after[EPOCH_LOG_STATES])(struct epoch_log *l, int64_t result) = {
    [EPOCH_LOG_UNLINK] = after_unlink,
    [EPOCH_LOG_TRUNCATE] = after_truncate,
    [EPOCH_LOG_REWRITE] = after_rewrite,
    [EPOCH_LOG_WRITE] = after_write,
    [EPOCH_LOG_SLOT] = after_slot,
    [EPOCH_LOG_SYNC] = after_sync,
    [EPOCH_LOG_NEW] = after_new,
    [EPOCH_LOG_NEW_WRITE] = after_new_write,
    [EPOCH_LOG_NEW_FRONT] = after_new_front,
    [EPOCH_LOG_NEW_SYNC] = after_new_sync,
    [EPOCH_LOG_RENAME] = after_rename,
    [EPOCH_LOG_DIRECTORY] = after_directory,
    [EPOCH_LOG_ABANDON] = after_abandon,
};

static bool is_writing(enum epoch_log_state state)
{
	return state == EPOCH_LOG_REWRITE || state == EPOCH_LOG_WRITE || state == EPOCH_LOG_SLOT ||
	       state == EPOCH_LOG_NEW_WRITE || state == EPOCH_LOG_NEW_FRONT;
}

static bool is_syncing(enum epoch_log_state state)
{
	return state == EPOCH_LOG_SYNC || state == EPOCH_LOG_NEW_SYNC ||
	       state == EPOCH_LOG_DIRECTORY;
}

/* Writes the rest; true if there is one. */
static bool wrote_some(struct epoch_log *l, int64_t result)
{
	size_t n = (size_t)result;
	assert(n <= l->span.iov_len);
	l->span.iov_base = (uint8_t *)l->span.iov_base + n;
	l->span.iov_len -= n;
	l->span_at += n;
	if (l->span.iov_len > 0)
		begin[l->state](l);
	return l->span.iov_len > 0;
}

/* Some errors are answers to unlinking and truncating; of the others, want of room alone is none of the disk's. A new
 * file that can't be opened is no harm to the old one. */
static int failed(struct epoch_log *l, int64_t result)
{
	enum epoch_log_state state = l->state;
	bool space = space_wait_applies(result);
	if (state == EPOCH_LOG_UNLINK || state == EPOCH_LOG_ABANDON)
		return after[state](l, result);
	/* What a sync says holds for all that was written before: there is no trying again. */
	if (is_syncing(state))
		return fail(l, space ? -EIO : result);
	if (state == EPOCH_LOG_TRUNCATE && space)
		return after_truncate(l, result);
	if (state == EPOCH_LOG_NEW || space)
		return give_up(l, result);
	return fail(l, result);
}

int epoch_log_step(struct epoch_log *l)
{
	if (l->state == EPOCH_LOG_READ)
		return step_reader(l);
	if (l->state == EPOCH_LOG_READY || l->state == EPOCH_LOG_FAILED || l->op.busy)
		return STEP_WAIT;
	int64_t result = l->op.result;
	if (result == -EINTR || result == -EAGAIN) {
		submit(l);
		return STEP_MORE;
	}
	if (is_writing(l->state) && result == 0)
		result = -EIO;
	if (result < 0)
		return failed(l, result);
	if (is_writing(l->state) && wrote_some(l, result))
		return STEP_MORE;
	return after[l->state](l, result);
}

int epoch_log_open(struct epoch_log *l, struct io *io, int directory, const char *name)
{
	*l = (struct epoch_log){.io = io, .directory = directory, .fd = -1, .new_fd = -1};
	l->reader.fd = -1;
	l->state = EPOCH_LOG_FAILED;
	if (strlen(name) > EPOCH_NAME_MAX)
		return l->failed = -ENAMETOOLONG;
	memcpy(l->header.name, name, strlen(name) + 1);
	l->failed = epoch_map_init(&l->map);
	if (l->failed == 0)
		l->failed = record_writer_init(&l->writer);
	if (l->failed == 0)
		l->failed = packer_reserve(&l->blocks, EPOCH_FRONT);
	if (l->failed < 0)
		return l->failed;
	l->job = EPOCH_LOG_OPENING;
	l->state = EPOCH_LOG_READ;
	epoch_reader_begin(&l->reader, io, directory, O_RDWR, l->header.name, &l->map);
	return 0;
}

/* The header of a new log whose first record is that epoch's. */
static void begin_header(struct epoch_log *l, uint64_t epoch, int64_t wall_ns)
{
	if (l->length == 0)
		l->header.created_ns = wall_ns;
	l->header.version = EPOCH_FORMAT_VERSION;
	l->header.base_epoch = epoch;
	packer_clear(&l->blocks);
	epoch_header_pack(&l->blocks, &l->header);
	assert(!l->blocks.error);
}

/* 0, or -ENOMEM and nothing is prepared. */
static int prepare_parts(struct epoch_log *l, const struct epoch_part *parts, size_t count)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < count; i++)
		r = epoch_map_prepare(&l->map, parts[i].id, strlen(parts[i].id),
				      delta_changes(parts[i].delta));
	return r;
}

int epoch_log_append(struct epoch_log *l, uint64_t epoch, int64_t wall_ns,
		     const struct epoch_part *parts, size_t count)
{
	if (l->state == EPOCH_LOG_FAILED)
		return l->failed;
	assert(l->state == EPOCH_LOG_READY && epoch > l->epoch);
	int r = prepare_parts(l, parts, count);
	if (r < 0)
		return r;
	bool first = l->length == 0;
	l->job = first ? EPOCH_LOG_CREATING : EPOCH_LOG_APPENDING;
	if (first)
		begin_header(l, epoch, wall_ns);
	record_writer_begin_parts(&l->writer, epoch, wall_ns, first ? l->header.chain : l->chain,
				  parts, count);
	if (first)
		go(l, EPOCH_LOG_NEW);
	else if (l->ragged)
		go(l, EPOCH_LOG_TRUNCATE);
	else
		go_to_write(l, EPOCH_LOG_WRITE, l->length);
	return 0;
}

bool epoch_log_is_large(const struct epoch_log *l)
{
	uint64_t least = l->compact_above > COMPACT_BYTES ? l->compact_above : COMPACT_BYTES;
	return l->length > least && l->length > COMPACT_FACTOR * record_snapshot_length(&l->map);
}

int epoch_log_compact(struct epoch_log *l)
{
	if (l->state == EPOCH_LOG_FAILED)
		return l->failed;
	assert(l->state == EPOCH_LOG_READY && l->length > 0);
	l->job = EPOCH_LOG_COMPACTING;
	begin_header(l, l->epoch, l->header.created_ns);
	record_writer_begin_snapshot(&l->writer, l->epoch, l->wall_ns, l->header.chain, &l->map);
	go(l, EPOCH_LOG_NEW);
	return 0;
}

bool epoch_log_is_busy(const struct epoch_log *l)
{
	return l->op.busy || l->reader.op.busy;
}

void epoch_log_release(struct epoch_log *l)
{
	assert(!epoch_log_is_busy(l));
	epoch_reader_release(&l->reader);
	descriptor_close(l->io, &l->new_fd);
	descriptor_close(l->io, &l->fd);
	epoch_map_release(&l->map);
	record_writer_release(&l->writer);
	packer_release(&l->blocks);
	l->state = EPOCH_LOG_FAILED;
}

/* segment_opening.c - a segment log's start: which files there are, which are not needed any more, and where the newest ends.
 *
 *   ABOVE -> MAKE -> SYNC_ABOVE -> DIRECTORY -> LIST -> STAT* -> REMOVE*
 *     -> HEAD_OPEN -> HEAD_READ (until one has a head: the log's salt)
 *     -> LAST_OPEN -> [SCAN] -> [CUT] -> [RENEW*] -> SYNC_LAST | REMOVE_LAST -> SYNC_NAMES -> OPEN
 *
 * All but the newest segment were on disk before the one behind them was made, so a crash can have torn the newest only, and the
 * newest only has a tail that no epoch calls durable. RENEW writes that over with itself, as much at a time as a buffer holds:
 * who wrote it may have ended on a sync that failed, after which the kernel counts the pages as clean, and another sync would
 * succeed without bringing them to the disk. */
#include "stages/descriptor.h"
#include "stages/segments/segment_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>

static void go(struct segment_log *l, enum segment_log_state state);

static void begin_open(struct segment_log *l, int directory, const char *path, int flags,
		       uint64_t resolve)
{
	steady_op_begin(
	    &l->opening,
	    (struct io_op){.code = IO_OPEN,
			   .fd = directory,
			   .open = {.path = path, .flags = flags | O_CLOEXEC, .resolve = resolve}});
}

static void begin_above(struct segment_log *l)
{
	begin_open(l, AT_FDCWD, l->options.state_dir, O_DIRECTORY, 0);
}

static void begin_make(struct segment_log *l)
{
	steady_op_begin(&l->opening,
			(struct io_op){.code = IO_MKDIR,
				       .fd = l->above,
				       .mkdir = {.path = l->options.name, .mode = 0700}});
}

/* One of an earlier run may not be durable either, so made or not. */
static void begin_sync_above(struct segment_log *l)
{
	steady_op_begin(&l->opening, (struct io_op){.code = IO_SYNC, .fd = l->above});
}

static void begin_directory(struct segment_log *l)
{
	begin_open(l, l->above, l->options.name, O_DIRECTORY | O_NOFOLLOW,
		   RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

static void begin_list(struct segment_log *l)
{
	steady_op_begin(&l->opening, (struct io_op){.code = IO_LIST,
						    .fd = l->directory,
						    .list = {.path = ".", .into = &l->listing}});
}

static void begin_stat(struct segment_log *l)
{
	segment_name(l->segments[l->at].base, l->opened);
	steady_op_begin(&l->opening,
			(struct io_op){.code = IO_STAT,
				       .fd = l->directory,
				       .stat = {.path = l->opened, .into = &l->status}});
}

static void begin_remove(struct segment_log *l)
{
	segment_name(l->segments[l->at].base, l->opened);
	steady_op_begin(
	    &l->opening,
	    (struct io_op){.code = IO_UNLINK, .fd = l->directory, .unlink = {.path = l->opened}});
}

static void begin_segment_open(struct segment_log *l)
{
	bool is_read = l->state == SEGMENTS_HEAD_OPEN;
	segment_name(l->segments[l->at].base, l->opened);
	begin_open(l, l->directory, l->opened,
		   (is_read ? O_RDONLY : O_RDWR) | O_NOFOLLOW | O_NOCTTY, 0);
}

static void begin_head_read(struct segment_log *l)
{
	steady_op_begin(&l->opening,
			(struct io_op){.code = IO_READ,
				       .fd = l->fd,
				       .read = {.bytes = l->buffers[0].bytes + l->head_read,
						.length = SEGMENT_HEAD - l->head_read,
						.at = l->head_read}});
}

static void begin_scan(struct segment_log *l)
{
	const struct segment *s = segment_last(l);
	segment_reader_begin(&l->reader, l->fd, s->base, 0, l->salt);
	l->reader.limit = s->length;
	l->is_torn = false;
}

static void begin_cut(struct segment_log *l)
{
	steady_op_begin(&l->opening,
			(struct io_op){.code = IO_TRUNCATE,
				       .fd = l->fd,
				       .truncate = {.length = segment_last(l)->length}});
}

static void begin_renew_read(struct segment_log *l)
{
	uint64_t left = segment_last(l)->length - l->renewed;
	l->to_renew = left < l->buffer_room ? (size_t)left : l->buffer_room;
	steady_op_begin(&l->opening, (struct io_op){.code = IO_READ,
						    .fd = l->fd,
						    .read = {.bytes = l->buffers[0].bytes,
							     .length = l->to_renew,
							     .at = l->renewed}});
}

static void begin_renew_write(struct segment_log *l)
{
	l->span = (struct iovec){l->buffers[0].bytes, l->to_renew};
	steady_op_begin(&l->opening,
			(struct io_op){.code = IO_WRITE,
				       .fd = l->fd,
				       .write = {.spans = &l->span, .count = 1, .at = l->renewed}});
}

static void begin_sync_last(struct segment_log *l)
{
	steady_op_begin(&l->opening, (struct io_op){.code = IO_DATASYNC, .fd = l->fd});
}

static void begin_sync_names(struct segment_log *l)
{
	steady_op_begin(&l->opening, (struct io_op){.code = IO_SYNC, .fd = l->directory});
}

static void (*const begin[SEGMENTS_STATES])(struct segment_log *l) = {
    [SEGMENTS_ABOVE] = begin_above,
    [SEGMENTS_MAKE] = begin_make,
    [SEGMENTS_SYNC_ABOVE] = begin_sync_above,
    [SEGMENTS_DIRECTORY] = begin_directory,
    [SEGMENTS_LIST] = begin_list,
    [SEGMENTS_STAT] = begin_stat,
    [SEGMENTS_REMOVE] = begin_remove,
    [SEGMENTS_HEAD_OPEN] = begin_segment_open,
    [SEGMENTS_HEAD_READ] = begin_head_read,
    [SEGMENTS_LAST_OPEN] = begin_segment_open,
    [SEGMENTS_SCAN] = begin_scan,
    [SEGMENTS_CUT] = begin_cut,
    [SEGMENTS_RENEW_READ] = begin_renew_read,
    [SEGMENTS_RENEW_WRITE] = begin_renew_write,
    [SEGMENTS_SYNC_LAST] = begin_sync_last,
    [SEGMENTS_REMOVE_LAST] = begin_remove,
    [SEGMENTS_SYNC_NAMES] = begin_sync_names,
};

static void go(struct segment_log *l, enum segment_log_state state)
{
	l->state = state;
	if (begin[state])
		begin[state](l);
}

/* ---- which files there are ---- */

static int by_base(const void *a, const void *b)
{
	const struct segment *x = a, *y = b;
	return x->base < y->base ? -1 : x->base > y->base;
}

/* Of two segments, one behind the other, one is more than half full. */
static int take_listing(struct segment_log *l)
{
	l->segment_room =
	    l->listing.count + 2 * (size_t)(l->options.max_bytes / l->segment_bytes) + 8;
	l->segments = calloc(l->segment_room, sizeof *l->segments);
	if (!l->segments)
		return -ENOMEM;
	for (size_t i = 0; i < l->listing.count; i++)
		if (segment_name_read(l->listing.entries[i].name,
				      &l->segments[l->segment_count].base))
			l->segment_count++;
	io_listing_release(&l->listing);
	qsort(l->segments, l->segment_count, sizeof *l->segments, by_base);
	return 0;
}

/* True, with l->at: there is one more that is not needed. Those at the end are forgotten from the last one on, so that what a crash
 * leaves of them is never in the middle. */
static bool is_removable(struct segment_log *l)
{
	const struct segment *last = segment_last(l);
	l->at = 0;
	if (!last)
		return false;
	if (l->options.cuts && last->base >= l->options.known_end) {
		l->at = l->segment_count - 1;
		return true;
	}
	return l->segment_count > 1 && l->segments[1].base <= l->options.from;
}

static void forget(struct segment_log *l, size_t at)
{
	l->segment_count--;
	memmove(l->segments + at, l->segments + at + 1,
		(l->segment_count - at) * sizeof *l->segments);
}

/* What a file holds of the positions of the one behind it is not its own. */
static void measure(struct segment_log *l)
{
	for (size_t i = 0; i + 1 < l->segment_count; i++) {
		struct segment *s = &l->segments[i];
		if (s->length > s[1].base - s->base)
			s->length = s[1].base - s->base;
	}
}

/* ---- where it ends ---- */

static uint64_t known_end(const struct segment_log *l)
{
	const struct segment_log_options *o = &l->options;
	return o->from > o->known_end ? o->from : o->known_end;
}

/* What is put next goes on in the newest segment, if it ends right there. */
static void end_at(struct segment_log *l, uint64_t end)
{
	const struct segment *last = segment_last(l);
	l->end = end > known_end(l) ? end : known_end(l);
	l->has_tail = last && l->has_head && l->end == last->base + last->length;
}

static void settle(struct segment_log *l)
{
	if (!l->has_tail)
		descriptor_close(l->env->io, &l->fd);
	l->written = l->durable = l->brought = l->sync_wanted = l->end;
	/* of whom nothing is remembered gets all that is there */
	bool begins = known_end(l) == 0 && l->segment_count > 0;
	l->read = l->trim_to = begins ? l->segments[0].base : l->options.from;
	l->is_named = true;
	for (size_t i = 0; i < l->segment_count; i++)
		l->bytes += l->segments[i].length;
	l->state = SEGMENTS_OPEN;
}

static void go_last(struct segment_log *l)
{
	if (l->salt == 0)
		l->salt = env_random(l->env) | 1;
	if (l->segment_count == 0) {
		end_at(l, 0);
		go(l, SEGMENTS_SYNC_NAMES);
		return;
	}
	l->at = l->segment_count - 1;
	go(l, SEGMENTS_LAST_OPEN);
}

static void go_renew(struct segment_log *l)
{
	go(l, l->renewed < segment_last(l)->length ? SEGMENTS_RENEW_READ : SEGMENTS_SYNC_LAST);
}

/* What cannot be read is damage, and stays. */
static void after_renew_read(struct segment_log *l, int64_t n)
{
	if (n <= 0) {
		l->renewed += l->to_renew;
		go_renew(l);
		return;
	}
	l->to_renew = (size_t)n;
	go(l, SEGMENTS_RENEW_WRITE);
}

static void after_renew_write(struct segment_log *l, int64_t n)
{
	l->renewed += (uint64_t)n;
	go_renew(l);
}

/* It ends there. */
static void cut_last(struct segment_log *l, uint64_t end)
{
	struct segment *last = segment_last(l);
	bool is_longer = end < last->base + last->length;
	if (is_longer)
		last->length = end - last->base;
	end_at(l, end);
	l->at = l->segment_count - 1;
	l->renewed = known_end(l) > last->base ? known_end(l) - last->base : 0;
	if (last->length == 0)
		go(l, SEGMENTS_REMOVE_LAST);
	else if (is_longer)
		go(l, SEGMENTS_CUT);
	else
		go_renew(l);
}

static void say_torn(struct segment_log *l)
{
	const struct segment *last = segment_last(l);
	l->torn_bytes = last->base + last->length - l->torn_at;
	env_say(l->env, SAY_WARN, "torn end of a segment cut off",
		"path=%s segment=%s offset=%ju bytes=%ju", l->path, segment_label(last->base).text,
		(uintmax_t)(l->torn_at - last->base), (uintmax_t)l->torn_bytes);
}

/* From there on nothing could be made of some bytes: torn, unless something behind it says that it had been on disk. */
static void note_broken(struct segment_log *l, uint64_t at)
{
	if (!l->is_torn)
		l->torn_at = at;
	l->is_torn = true;
}

static void note_found(struct segment_log *l, const struct segment_found_entry *e)
{
	uint64_t broken = l->reader.base + l->reader.lost_at;
	if (l->reader.lost > 0 && broken >= known_end(l))
		note_broken(l, broken);
	if (l->is_torn && e->head.durable > l->torn_at)
		l->is_torn = false;
}

/* All of it has been looked through. */
static void end_scan(struct segment_log *l)
{
	const struct segment *last = segment_last(l);
	uint64_t end = last->base + last->length;
	if (l->reader.lost > 0) {
		uint64_t broken = last->base + l->reader.lost_at;
		note_broken(l, broken > known_end(l) ? broken : known_end(l));
	}
	if (l->is_torn && l->torn_at < end) {
		say_torn(l);
		end = l->torn_at;
	}
	cut_last(l, end);
}

int segment_log_say_too_long(struct segment_log *l)
{
	env_say(l->env, SAY_ERROR, "segment holds more than there is room for",
		"path=%s segment=%s offset=%ju cure=%s", l->path,
		segment_label(l->reader.base).text, (uintmax_t)l->reader.at,
		"give max_line back the size that it had");
	l->failed = -EMSGSIZE;
	return l->failed;
}

static int scan(struct segment_log *l)
{
	struct segment_found_entry e;
	int found = segment_reader_next(&l->reader, &e);
	if (found == SEGMENT_WAIT)
		return STEP_WAIT;
	if (found < 0)
		return segment_log_say_too_long(l);
	if (found == SEGMENT_FOUND)
		note_found(l, &e);
	else
		end_scan(l);
	return STEP_MORE;
}

/* ---- one operation after the other ---- */

static int after_list(struct segment_log *l)
{
	if (take_listing(l) < 0)
		return segment_log_fail(l, "segments cannot be listed", -ENOMEM);
	l->at = 0;
	if (l->segment_count > 0)
		go(l, SEGMENTS_STAT);
	else
		go_last(l);
	return STEP_MORE;
}

static void go_remove(struct segment_log *l)
{
	if (is_removable(l)) {
		go(l, SEGMENTS_REMOVE);
	} else if (l->segment_count == 0) {
		go_last(l);
	} else {
		l->at = l->segment_count - 1;
		go(l, SEGMENTS_HEAD_OPEN);
	}
}

static void after_stat(struct segment_log *l)
{
	l->segments[l->at].length = l->status.size;
	if (++l->at < l->segment_count) {
		go(l, SEGMENTS_STAT);
		return;
	}
	measure(l);
	go_remove(l);
}

/* Without any head, nothing can be made of any entry. */
static void after_head(struct segment_log *l, int64_t n)
{
	struct segment_head head;
	if (n > 0)
		l->head_read += (size_t)n;
	if (n > 0 && l->head_read < SEGMENT_HEAD) {
		go(l, SEGMENTS_HEAD_READ);
		return;
	}
	bool is_head =
	    l->head_read == SEGMENT_HEAD && segment_head_read(l->buffers[0].bytes, &head);
	l->head_read = 0;
	descriptor_close(l->env->io, &l->fd);
	l->has_head = is_head && l->at == l->segment_count - 1;
	if (l->salt == 0 && is_head)
		l->salt = head.salt;
	if (is_head || l->at == 0) {
		go_last(l);
		return;
	}
	l->at--;
	go(l, SEGMENTS_HEAD_OPEN);
}

static void after_last_open(struct segment_log *l)
{
	if (l->options.cuts)
		cut_last(l, l->options.known_end);
	else
		go(l, SEGMENTS_SCAN);
}

/* Up to which files there are. */
static int go_on_in_directory(struct segment_log *l, int64_t result)
{
	switch (l->state) {
	case SEGMENTS_ABOVE:
		l->above = (int)result;
		go(l, SEGMENTS_MAKE);
		break;
	case SEGMENTS_MAKE:
		go(l, SEGMENTS_SYNC_ABOVE);
		break;
	case SEGMENTS_SYNC_ABOVE:
		go(l, SEGMENTS_DIRECTORY);
		break;
	case SEGMENTS_DIRECTORY:
		l->directory = (int)result;
		descriptor_close(l->env->io, &l->above);
		go(l, SEGMENTS_LIST);
		break;
	case SEGMENTS_LIST:
		return after_list(l);
	case SEGMENTS_STAT:
		after_stat(l);
		break;
	default:
		forget(l, l->at);
		go_remove(l);
	}
	return STEP_MORE;
}

/* From their heads to where the newest ends. */
static int go_on_in_files(struct segment_log *l, int64_t result)
{
	switch (l->state) {
	case SEGMENTS_HEAD_OPEN:
		l->fd = (int)result;
		go(l, SEGMENTS_HEAD_READ);
		break;
	case SEGMENTS_HEAD_READ:
		after_head(l, result);
		break;
	case SEGMENTS_LAST_OPEN:
		l->fd = (int)result;
		after_last_open(l);
		break;
	case SEGMENTS_CUT:
		go_renew(l);
		break;
	case SEGMENTS_RENEW_READ:
		after_renew_read(l, result);
		break;
	case SEGMENTS_RENEW_WRITE:
		after_renew_write(l, result);
		break;
	case SEGMENTS_SYNC_LAST:
		go(l, SEGMENTS_SYNC_NAMES);
		break;
	case SEGMENTS_REMOVE_LAST:
		forget(l, l->at);
		l->has_tail = false;
		go(l, SEGMENTS_SYNC_NAMES);
		break;
	default:
		settle(l);
	}
	return STEP_MORE;
}

static bool is_fine(const struct segment_log *l, int64_t result)
{
	bool removes = l->state == SEGMENTS_REMOVE || l->state == SEGMENTS_REMOVE_LAST;
	return result >= 0 || l->state == SEGMENTS_RENEW_READ ||
	       (l->state == SEGMENTS_MAKE && result == -EEXIST) || (removes && result == -ENOENT);
}

int segment_opening_step(struct segment_log *l)
{
	if (l->state == SEGMENTS_SCAN)
		return scan(l);
	if (!l->has_begun) {
		l->has_begun = true;
		go(l, SEGMENTS_ABOVE);
		return STEP_MORE;
	}
	int r = steady_op_step(&l->opening);
	if (r != STEP_DONE)
		return r;
	int64_t result = segment_take_result(&l->opening);
	if (is_fine(l, result))
		return l->state < SEGMENTS_HEAD_OPEN ? go_on_in_directory(l, result)
						     : go_on_in_files(l, result);
	bool syncs = l->opening.op.code == IO_SYNC || l->opening.op.code == IO_DATASYNC;
	segment_log_fail(l, "segments cannot be opened", result);
	l->failed = syncs ? -EIO : l->failed;
	return l->failed;
}

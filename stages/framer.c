#include "stages/framer.h"
#include "conf/units.h"
#include "stages/lines.h"

#include <assert.h>
#include <string.h>

enum { ROOM_MIN = 16 };

const char *const long_line_choices[] = {"truncate", "drop", "split", NULL};

void framer_init(struct framer *f)
{
	*f = (struct framer){.room = BATCH_RECORDS_MAX};
}

void framer_forget(struct framer *f)
{
	f->searched = 0;
}

static size_t find_lines(const struct delimiter *d, const uint8_t *bytes, size_t from, size_t to,
			 struct record *records, size_t room, size_t *ret_next)
{
	if (d->length == 1)
		return lines_find(bytes, from, to, d->bytes[0], records, room, ret_next);
	return lines_find_delimited(bytes, from, to, d, records, room, ret_next);
}

/* How many of `length` bytes without a delimiter cannot even be the beginning of one. */
static size_t without_partial(const struct framing *r, size_t length)
{
	size_t partial = r->delimiter.length - 1u;
	return length > partial ? length - partial : 0;
}

/* True if a line that has no delimiter within `length` bytes is a long one, wherever it ends. */
static bool is_surely_long(const struct framing *r, size_t length)
{
	return length >= r->max_line + r->delimiter.length;
}

bool framer_is_starved(const struct framer *f, const struct framing *r, size_t length)
{
	return f->skipping
		   ? length < r->delimiter.length
		   : !is_surely_long(r, length) && f->searched >= without_partial(r, length);
}

/* One is enough for who did not expect any; how many there were is counted. */
static void tell_first(const struct framing *r, const struct framer_place *place, size_t from)
{
	if (!r->env)
		return;
	for (size_t i = 0; i < LOSS_COUNT; i++)
		if (counter_get(&r->counters->lost[i]) > 0)
			return;
	char max_line[UNITS_TEXT_ROOM];
	units_print_size(max_line, r->max_line);
	const char *policy = long_line_choices[r->on_long_line];
	if (place->known)
		env_say(r->env, SAY_WARN, "line longer than max_line",
			"path=%s offset=%ju max_line=%s on_long_line=%s", place->path,
			(uintmax_t)(place->origin + from), max_line, policy);
	else
		env_say(r->env, SAY_WARN, "line longer than max_line",
			"path=%s max_line=%s on_long_line=%s", place->path, max_line, policy);
}

static void count_loss(const struct framing *r, enum loss loss, const struct framer_place *place,
		       size_t from)
{
	tell_first(r, place, from);
	counter_add(&r->counters->lost[loss], 1);
}

static void put_cut_record(struct batch *b, size_t from, size_t length)
{
	b->records[0] = (struct record){(uint32_t)from, (uint32_t)length};
	b->count = 1;
	b->bytes_total = length;
	b->unterminated = true;
}

/* The line at `from` is too long; `end` is where the next begins, or 0 if that is yet to be found. Returns what is
 * not consumed. */
static size_t cut_long_line(struct framer *f, const struct framing *r, struct batch *b, size_t from,
			    size_t end, const struct framer_place *place)
{
	f->searched = 0;
	if (r->on_long_line == LONG_LINE_SPLIT) {
		if (!f->in_split)
			count_loss(r, LOSS_LONG_LINE_SPLIT, place, from);
		f->in_split = true;
		put_cut_record(b, from, r->max_line);
		return from + r->max_line;
	}
	if (r->on_long_line == LONG_LINE_TRUNCATE) {
		count_loss(r, LOSS_LONG_LINE_TRUNCATED, place, from);
		put_cut_record(b, from, r->max_line);
	} else {
		count_loss(r, LOSS_LONG_LINE_DROPPED, place, from);
		counter_add(&r->counters->records_in, 1);
	}
	f->skipping = end == 0;
	return end ? end : from + r->max_line;
}

/* No delimiter in [from, to). */
static size_t frame_open_line(struct framer *f, const struct framing *r, struct batch *b,
			      size_t from, size_t to, bool ended, const struct framer_place *place)
{
	size_t length = to - from;
	if (!ended) {
		if (is_surely_long(r, length))
			return cut_long_line(f, r, b, from, 0, place);
		f->searched = (uint32_t)without_partial(r, length);
		return from;
	}
	f->searched = 0;
	if (length > r->max_line) {
		size_t next = cut_long_line(f, r, b, from, 0, place);
		return f->skipping ? to : next;
	}
	if (length == 0)
		return to;
	put_cut_record(b, from, length);
	f->in_split = true;
	return to;
}

/* The line whose beginning has been a record ends with nothing more: that is no record. */
static bool ends_here(const struct framer *f, const struct framing *r, const struct batch *b,
		      size_t from, size_t to)
{
	const struct delimiter *d = &r->delimiter;
	return f->in_split && to - from >= d->length &&
	       memcmp(b->bytes + from, d->bytes, d->length) == 0;
}

static size_t first_long(const struct record *records, size_t n, size_t max)
{
	size_t i = 0;
	while (i < n && records[i].length <= max)
		i++;
	return i;
}

/* Looks for fewer lines at once after a long one among those found, since those behind it were found for nothing. */
static void adapt_room(struct framer *f, size_t found, size_t kept)
{
	if (kept < found)
		f->room = (uint16_t)(kept < ROOM_MIN / 2 ? ROOM_MIN : kept * 2);
	else if (found == f->room)
		f->room = (uint16_t)(found * 2 < BATCH_RECORDS_MAX ? found * 2 : BATCH_RECORDS_MAX);
	if (f->room > BATCH_RECORDS_MAX)
		f->room = BATCH_RECORDS_MAX;
}

static size_t frame_lines(struct framer *f, const struct framing *r, struct batch *b, size_t from,
			  size_t to, bool ended, const struct framer_place *place)
{
	size_t next, skip = f->searched;
	if (ends_here(f, r, b, from, to)) {
		f->in_split = false;
		f->searched = 0;
		return from + r->delimiter.length;
	}
	size_t found =
	    find_lines(&r->delimiter, b->bytes, from + skip, to, b->records, f->room, &next);
	if (found == 0)
		return frame_open_line(f, r, b, from, to, ended, place);
	b->records[0].offset -= (uint32_t)skip;
	b->records[0].length += (uint32_t)skip;

	size_t kept = found;
	if (next - from > r->max_line)
		kept = first_long(b->records, found, r->max_line);
	bool all = found < f->room && kept == found;
	adapt_room(f, found, kept);
	if (kept == 0)
		return cut_long_line(f, r, b, from,
				     from + b->records[0].length + r->delimiter.length, place);
	if (kept < found)
		next = b->records[kept].offset;
	b->count = (uint32_t)kept;
	b->bytes_total = next - from - kept * r->delimiter.length;
	f->in_split = false;
	f->searched = all ? (uint32_t)without_partial(r, to - next) : 0;
	return next;
}

static size_t skip_line(struct framer *f, const struct framing *r, const struct batch *b,
			size_t from, size_t to, bool ended)
{
	struct record rest;
	size_t next;
	if (find_lines(&r->delimiter, b->bytes, from, to, &rest, 1, &next) == 1) {
		f->skipping = false;
		return next;
	}
	if (ended)
		return to;
	return from + without_partial(r, to - from);
}

size_t framer_fill(struct framer *f, const struct framing *r, struct batch *b, size_t from,
		   size_t to, bool ended, const struct framer_place *place)
{
	assert(b->count == 0 && from <= to && r->max_line > 0);
	assert(f->searched <= to - from);
	size_t first = from, before;
	bool was_skipping;
	do {
		before = from;
		was_skipping = f->skipping;
		from = f->skipping ? skip_line(f, r, b, from, to, ended)
				   : frame_lines(f, r, b, from, to, ended, place);
	} while (b->count == 0 && (from != before || was_skipping != f->skipping));
	assert(!ended || b->count > 0 || from == to);
	b->delimiter = r->delimiter;
	counter_add(&r->counters->records_in, b->count);
	counter_add(&r->counters->bytes_in, from - first);
	return from;
}

#include "stages/framer.h"
#include "conf/units.h"
#include "stages/joiner.h"
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
	f->joined = 0;
	f->open = (struct multiline_open){0};
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
	length -= f->joined;
	return f->skipping
		   ? length < r->delimiter.length
		   : !is_surely_long(r, length) && f->searched >= without_partial(r, length);
}

/* One is enough for who did not expect any; how many there were is counted. */
static void tell_first(const struct framing *r, const struct framer_place *place, size_t from)
{
	if (!r->env)
		return;
	for (size_t i = 0; i <= LOSS_LONG_LINE_SPLIT; i++)
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
	b->records[b->count++] = (struct record){(uint32_t)from, (uint32_t)length};
	b->bytes_total += length;
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

/* What is open from before may be one record more. */
static size_t most_lines(const struct framer *f, const struct framing *r, const struct batch *b)
{
	size_t left = BATCH_RECORDS_MAX - b->count - (r->multiline ? 1u : 0u);
	return f->room < left ? f->room : left;
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
	struct record *records = b->records + b->count;
	size_t room = most_lines(f, r, b);
	size_t found = find_lines(&r->delimiter, b->bytes, from + skip, to, records, room, &next);
	if (found == 0)
		return frame_open_line(f, r, b, from, to, ended, place);
	records[0].offset -= (uint32_t)skip;
	records[0].length += (uint32_t)skip;

	size_t kept = found;
	if (next - from > r->max_line)
		kept = first_long(records, found, r->max_line);
	bool all = found < room && kept == found;
	adapt_room(f, found, kept);
	if (kept == 0)
		return cut_long_line(f, r, b, from, from + records[0].length + r->delimiter.length,
				     place);
	if (kept < found)
		next = records[kept].offset;
	b->count += (uint32_t)kept;
	b->bytes_total += next - from - kept * r->delimiter.length;
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

/* Lines from `from` on, which nothing is open before. Returns where what is not consumed begins. */
static size_t fill_with_lines(struct framer *f, const struct framing *r, struct batch *b,
			      size_t from, size_t to, bool ended, const struct framer_place *place)
{
	size_t before;
	bool was_skipping;
	const uint32_t had = b->count;
	do {
		before = from;
		was_skipping = f->skipping;
		from = f->skipping ? skip_line(f, r, b, from, to, ended)
				   : frame_lines(f, r, b, from, to, ended, place);
	} while (b->count == had && (from != before || was_skipping != f->skipping));
	return from;
}

/* A part of a line longer than max_line. */
static bool is_piece(const struct batch *b, size_t to, bool ended)
{
	const struct record *line = &b->records[0];
	return b->unterminated && !(ended && line->offset + line->length == to);
}

/* What is open, from `from` on, and the lines that are known, if there are any. */
static struct record open_record(const struct framer *f, const struct framing *r, size_t from)
{
	uint32_t length = f->joined > 0 ? f->joined - r->delimiter.length : 0;
	return (struct record){(uint32_t)from, length};
}

/* The lines of the batch reach up to `next`. Returns where what is open then begins. */
static size_t join_lines(struct framer *f, const struct framing *r, struct batch *b,
			 struct record open, size_t next, bool is_alone, bool is_last)
{
	struct joiner j;
	uint32_t count = b->count;
	joiner_begin(&j, b, r->multiline, &f->open, open);
	if (count > 0 && b->records[0].offset != open.offset + f->joined)
		joiner_close(&j); /* something between was left out */
	for (uint32_t i = 0; i < count; i++) {
		if (i == 0 && is_alone)
			joiner_add_alone(&j, b->records[i]);
		else
			joiner_add(&j, b->records[i]);
	}
	if (is_last)
		joiner_close(&j);
	size_t begins = f->open.lines > 0 ? j.record.offset : next;
	f->joined = (uint32_t)(next - begins);
	joiner_end(&j);
	return begins;
}

/* What is skipped or dropped behind what is open ends that, too. */
static size_t fill_with_joined(struct framer *f, const struct framing *r, struct batch *b,
			       size_t from, size_t to, bool ended, const struct framer_place *place)
{
	size_t first, next = from + f->joined;
	do {
		first = next;
		struct record open = open_record(f, r, from);
		bool was_split = f->in_split;
		next = fill_with_lines(f, r, b, first, to, ended, place);
		bool is_rest = b->count > 0 && was_split && b->records[0].offset == first;
		bool is_alone = is_rest || (b->count > 0 && is_piece(b, to, ended));
		bool is_last = (ended && next == to) || (b->count == 0 && next != first);
		from = join_lines(f, r, b, open, next, is_alone, is_last);
	} while (b->count == 0 && next != first);
	return from;
}

size_t framer_fill(struct framer *f, const struct framing *r, struct batch *b, size_t from,
		   size_t to, bool ended, const struct framer_place *place)
{
	assert(b->count < BATCH_RECORDS_MAX && !b->unterminated && from <= to && r->max_line > 0);
	assert(f->joined + f->searched <= to - from && (b->count == 0 || !r->multiline));
	const uint32_t had = b->count;
	size_t next =
	    (r->multiline ? fill_with_joined : fill_with_lines)(f, r, b, from, to, ended, place);
	assert(!ended || b->count > had || next == to);
	b->delimiter = r->delimiter;
	counter_add(&r->counters->records_in, b->count - had);
	counter_add(&r->counters->bytes_in, next - from);
	return next;
}

size_t framer_close(struct framer *f, const struct framing *r, struct batch *b, size_t from)
{
	if (!framer_is_open(f))
		return from;
	b->records[0] = open_record(f, r, from);
	b->count = 1;
	b->bytes_total = b->records[0].length;
	b->delimiter = r->delimiter;
	size_t next = from + f->joined;
	f->joined = 0;
	f->open = (struct multiline_open){0};
	counter_add(&r->counters->records_in, 1);
	counter_add(&r->counters->bytes_in, next - from);
	return next;
}

#include "stages/net/net_framing.h"

#include <assert.h>
#include <string.h>

static const char *const methods[] = {"newline",         "nul", "octet_counting", "auto",
				      "length_prefixed", NULL};
static const char *const endians[] = {"big", "little", NULL};

#define AT(member) offsetof(struct net_method_options, member)

/* clang-format off */
#define METHOD_ROWS(preset_method)                                                                 \
	{"method", OPTION_CHOICE, AT(method), .preset = (preset_method), .choices = methods,   \
	 .doc = "newline: by `delimiter`; nul: a NUL behind each; octet_counting: a decimal length " \
		"and a blank before each (RFC 6587); auto: that, or a line, whichever each is; "   \
		"length_prefixed: a binary length before each"},                                   \
	{"length_bytes", OPTION_COUNT, AT(length_bytes), .preset = "4", .min = 1, .max = 4,        \
	 .doc = "length_prefixed: how many bytes the length has, 1, 2 or 4"},                      \
	{"endian", OPTION_CHOICE, AT(endian), .preset = "big", .choices = endians,             \
	 .doc = "length_prefixed: which of them comes first"},                                     \
	{0}
/* clang-format on */

const struct option net_method_table[] = {METHOD_ROWS("newline")};
const struct option net_syslog_method_table[] = {METHOD_ROWS("auto")};
const struct option net_octet_method_table[] = {METHOD_ROWS("octet_counting")};

void net_method_check(const struct net_method_options *o, struct place at,
		      struct problems *problems)
{
	if (o->length_bytes == 3)
		problem_add(problems, at, "`length_bytes: 3` is no length's; write 1, 2 or 4");
}

void net_framing_check(const struct net_framing_options *o, struct place at,
		       struct problems *problems)
{
	const struct text *delimiter = &o->lines.delimiter;
	bool is_default = delimiter->length == 1 && delimiter->bytes[0] == '\n';
	net_method_check(&o->framing, at, problems);
	if (o->framing.method != NET_NEWLINE && !is_default)
		problem_add(problems, delimiter->at,
			    "`delimiter` says nothing to `framing: %s`; it is for newline",
			    methods[o->framing.method]);
}

struct net_framing net_framing_from_options(const struct net_framing_options *o,
					    const struct stage *s)
{
	static const char newline[] = "\n";
	struct framing_options lines = o->lines;
	if (!lines.delimiter.bytes) /* of one that has no such option */
		lines.delimiter = (struct text){.bytes = newline, .length = 1};
	struct net_framing r = {.lines = framing_from_options(&lines, s),
				.method = (enum net_method)o->framing.method,
				.length_bytes = (unsigned)o->framing.length_bytes,
				.little_endian = o->framing.endian == 1};
	if (r.method == NET_NUL)
		r.lines.delimiter = (struct delimiter){.bytes = {0}, .length = 1};
	return r;
}

void net_framer_init(struct net_framer *f)
{
	framer_init(&f->lines);
	f->in_line = false;
}

/* ---- lengths ---- */

/* What the bytes at the beginning of a frame say. */
enum head {
	HEAD_SHORT, /* nothing yet */
	HEAD_COUNT, /* so many bytes behind so many of the head */
	HEAD_LINE,  /* it is none: a line */
	HEAD_WRONG,
};

struct head_of {
	enum head is;
	size_t head;
	uint64_t length;
	const char *why;
};

static const char no_length[] = "no frame length", too_long[] = "frame longer than max_line";

static struct head_of wrong(const char *why)
{
	return (struct head_of){.is = HEAD_WRONG, .why = why};
}

static struct head_of read_digits(const uint8_t *bytes, size_t length)
{
	struct head_of h = {.is = HEAD_SHORT};
	while (h.head < length && bytes[h.head] >= '0' && bytes[h.head] <= '9') {
		if (h.head == NET_OCTET_HEAD_MAX - 1)
			return wrong(too_long);
		h.length = h.length * 10 + (uint64_t)(bytes[h.head++] - '0');
	}
	if (h.head == length)
		return h;
	if (h.head == 0 || bytes[0] == '0' || bytes[h.head] != ' ')
		return wrong(no_length);
	h.head++;
	h.is = HEAD_COUNT;
	return h;
}

/* A length counts where a message of syslog follows it. */
static struct head_of read_either(const uint8_t *bytes, size_t length)
{
	struct head_of h = read_digits(bytes, length);
	if (h.is == HEAD_COUNT && h.head == length)
		h.is = HEAD_SHORT;
	else if (h.is == HEAD_WRONG || (h.is == HEAD_COUNT && bytes[h.head] != '<'))
		h = (struct head_of){.is = HEAD_LINE};
	return h;
}

static struct head_of read_binary(const struct net_framing *r, const uint8_t *bytes, size_t length)
{
	struct head_of h = {.is = HEAD_SHORT, .head = r->length_bytes};
	if (length < h.head)
		return h;
	h.is = HEAD_COUNT;
	for (unsigned i = 0; i < r->length_bytes; i++)
		h.length = h.length << 8 | bytes[r->little_endian ? h.head - 1 - i : i];
	return h;
}

static struct head_of read_head(const struct net_framing *r, const uint8_t *bytes, size_t length)
{
	struct head_of h = {.is = HEAD_LINE};
	if (r->method == NET_OCTET_COUNTING)
		h = read_digits(bytes, length);
	else if (r->method == NET_AUTO)
		h = read_either(bytes, length);
	else if (r->method == NET_LENGTH_PREFIXED)
		h = read_binary(r, bytes, length);
	return h.is == HEAD_COUNT && h.length > r->lines.max_line ? wrong(too_long) : h;
}

/* ---- frames ---- */

static void count(const struct net_framing *r, uint32_t records, size_t bytes)
{
	counter_add(&r->lines.counters->records_in, records);
	counter_add(&r->lines.counters->bytes_in, bytes);
}

static bool ends_at(const struct batch *b, size_t offset)
{
	const struct record *last = b->count > 0 ? &b->records[b->count - 1] : NULL;
	return last && last->offset + last->length == offset;
}

/* What is known of the length of the next record is no more needed, and a delimiter goes where it begins. */
static void part(const struct net_framing *r, const struct batch *b, size_t from)
{
	if (ends_at(b, from))
		b->buffer->bytes[from] = r->lines.delimiter.bytes[0];
}

size_t net_framing_part(const struct net_framing *r, const struct batch *b, size_t from)
{
	if (!ends_at(b, from) || b->unterminated)
		return from;
	part(r, b, from);
	return from + 1;
}

/* Senders of syslog count a line end that they write all the same. */
static uint32_t without_line_end(const struct net_framing *r, const uint8_t *bytes, uint64_t length)
{
	bool ends = r->method != NET_LENGTH_PREFIXED && length > 0 && bytes[length - 1] == '\n';
	return (uint32_t)length - ends;
}

static size_t take_counted(const struct net_framing *r, struct batch *b, size_t from, size_t to,
			   const char **ret_why)
{
	const size_t began = from;
	const uint32_t had = b->count;
	while (b->count < BATCH_RECORDS_MAX) {
		struct head_of h = read_head(r, b->bytes + from, to - from);
		*ret_why = h.why;
		if (h.is != HEAD_COUNT || h.length > to - from - h.head)
			break;
		part(r, b, from);
		uint32_t length = without_line_end(r, b->bytes + from + h.head, h.length);
		b->records[b->count++] = (struct record){(uint32_t)(from + h.head), length};
		b->bytes_total += length;
		from += h.head + (size_t)h.length;
	}
	b->delimiter = r->lines.delimiter;
	b->unterminated = b->count == BATCH_RECORDS_MAX;
	count(r, b->count - had, from - began);
	return from;
}

static bool is_open(const struct batch *b)
{
	return b->count < BATCH_RECORDS_MAX && !b->unterminated;
}

/* One line at most, as what follows it may be none. */
static size_t take_line(struct net_framer *f, const struct net_framing *r, struct batch *b,
			size_t from, size_t to, bool ended, const struct framer_place *place)
{
	const uint8_t *end = memchr(b->bytes + from, '\n', to - from);
	size_t line = end ? (size_t)(end + 1 - b->bytes) : to;
	size_t next = framer_fill(&f->lines, &r->lines, b, from, line, ended && !end, place);
	if (end && next == line)
		f->in_line = false;
	else if (next != from)
		f->in_line = true;
	return next;
}

static bool is_empty_line(const struct batch *b, size_t from)
{
	return b->bytes[from] == '\n';
}

static size_t take_either(struct net_framer *f, const struct net_framing *r, struct batch *b,
			  size_t from, size_t to, bool ended, const struct framer_place *place,
			  const char **ret_why)
{
	while (is_open(b) && from < to && !*ret_why) {
		size_t before = from;
		if (!f->in_line && is_empty_line(b, from)) {
			count(r, 0, 1);
			from++;
			continue;
		}
		struct head_of h = {.is = HEAD_LINE};
		if (!f->in_line)
			h = read_head(r, b->bytes + from, to - from);
		bool is_line = h.is == HEAD_LINE || (h.is == HEAD_SHORT && ended);
		if (is_line && ends_at(b, from)) { /* there is no room for a delimiter */
			b->unterminated = true;
			break;
		}
		from = is_line ? take_line(f, r, b, from, to, ended, place)
			       : take_counted(r, b, from, to, ret_why);
		if (from == before)
			break;
	}
	return from;
}

static size_t take_lines(struct net_framer *f, const struct net_framing *r, struct batch *b,
			 size_t from, size_t to, bool ended, const struct framer_place *place)
{
	for (uint32_t had; is_open(b);) {
		if (ended ? from == to : framer_is_starved(&f->lines, &r->lines, to - from))
			break;
		had = b->count;
		from = framer_fill(&f->lines, &r->lines, b, from, to, ended, place);
		if (b->count == had)
			break;
	}
	return from;
}

size_t net_framer_fill(struct net_framer *f, const struct net_framing *r, struct batch *b,
		       size_t from, size_t to, bool ended, const struct framer_place *place,
		       const char **ret_why)
{
	assert(is_open(b) && from <= to);
	*ret_why = NULL;
	switch (r->method) {
	case NET_NEWLINE:
	case NET_NUL:
		return take_lines(f, r, b, from, to, ended, place);
	case NET_AUTO:
		return take_either(f, r, b, from, to, ended, place, ret_why);
	case NET_OCTET_COUNTING:
	case NET_LENGTH_PREFIXED:
		break;
	}
	return take_counted(r, b, from, to, ret_why);
}

/* ---- in many pieces ---- */

/* The delimiter ends in the fresh bytes, whatever it begins in. */
static bool has_delimiter(const struct delimiter *d, const uint8_t *held, size_t held_length,
			  const uint8_t *fresh, size_t fresh_length)
{
	uint8_t seam[2 * DELIMITER_MAX];
	size_t before = held_length < d->length - 1u ? held_length : d->length - 1u;
	size_t behind = fresh_length < d->length - 1u ? fresh_length : d->length - 1u;
	if (memmem(fresh, fresh_length, d->bytes, d->length))
		return true;
	if (before > 0)
		memcpy(seam, held + held_length - before, before);
	if (behind > 0)
		memcpy(seam + before, fresh, behind);
	return memmem(seam, before + behind, d->bytes, d->length) != NULL;
}

bool net_framer_is_starved(const struct net_framer *f, const struct net_framing *r,
			   const uint8_t *held, size_t held_length, const uint8_t *fresh,
			   size_t fresh_length)
{
	struct head_of h = {.is = HEAD_LINE};
	size_t length = held_length + fresh_length;
	if (f->lines.skipping || f->lines.in_split)
		return false; /* it consumes what it can */
	if (held_length < NET_OCTET_HEAD_MAX + 1)
		return length == 0;
	if (!f->in_line)
		h = read_head(r, held, held_length);
	if (h.is == HEAD_COUNT)
		return length - h.head < h.length;
	bool long_line = length >= r->lines.max_line + r->lines.delimiter.length;
	return h.is == HEAD_LINE && !long_line &&
	       !has_delimiter(&r->lines.delimiter, held, held_length, fresh, fresh_length);
}

size_t net_framing_left_max(size_t max_line)
{
	return max_line + DELIMITER_MAX + NET_OCTET_HEAD_MAX + 1;
}

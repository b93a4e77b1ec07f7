#include "stages/home.h"
#include "stages/packer.h"
#include "stages/segments/batch_image.h"
#include "stages/segments/image_format.h"
#include "stages/segments/le_bytes.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

enum { PATH_IN_IMAGE_MAX = PATH_MAX };

void batch_image_reader_init(struct batch_image_reader *r, struct env *env,
			     const struct fields *fields, const char *source)
{
	*r = (struct batch_image_reader){.env = env, .fields = fields, .source = source};
}

void batch_image_reader_release(struct batch_image_reader *r)
{
	file_origin_let_go(r->origin);
	r->origin = NULL;
}

/* One image, taken apart: its head, and where its parts stand. */
struct parts {
	const uint8_t *head;
	uint32_t flags, count, runs, extent, bytes, beside;
	uint8_t delimiter;
	struct packed names, fields;
	const uint8_t *run_table, *lengths, *records;

	size_t column_count;
	int16_t columns[COLUMNS_MAX]; /* of the topology; -1: nobody speaks of it */
};

static int take_apart(struct parts *p, const uint8_t *bytes, size_t length)
{
	struct packed rest = packed_from(bytes, length);
	const uint8_t *h = p->head = packed_raw(&rest, IMAGE_HEAD);
	if (!h || le_get_u32(h + IMAGE_AT_MAGIC) != IMAGE_MAGIC)
		return -EBADMSG;
	p->flags = le_get_u32(h + IMAGE_AT_FLAGS);
	p->count = le_get_u32(h + IMAGE_AT_COUNT);
	p->runs = le_get_u32(h + IMAGE_AT_RUNS);
	p->extent = le_get_u32(h + IMAGE_AT_EXTENT);
	p->bytes = le_get_u32(h + IMAGE_AT_BYTES);
	p->beside = le_get_u32(h + IMAGE_AT_BESIDE);
	p->delimiter = h[IMAGE_AT_DELIMITER];
	uint32_t names = le_get_u32(h + IMAGE_AT_NAMES), fields = le_get_u32(h + IMAGE_AT_FIELDS);
	if (p->flags & ~(uint32_t)IMAGE_FLAGS || p->count > BATCH_RECORDS_MAX ||
	    p->runs > p->count || p->delimiter > DELIMITER_MAX)
		return -EBADMSG;
	p->names = packed_from(packed_raw(&rest, names), rest.broken ? 0 : names);
	p->run_table = packed_raw(&rest, (uint64_t)p->runs * IMAGE_RUN);
	p->lengths = packed_raw(&rest, (uint64_t)p->count * IMAGE_LENGTH);
	p->records = packed_raw(&rest, p->bytes);
	p->fields = packed_from(packed_raw(&rest, fields), rest.broken ? 0 : fields);
	return packed_is_whole(&rest) ? 0 : -EBADMSG;
}

/* ---- names ---- */

static bool is_text(const uint8_t *bytes, size_t length)
{
	return length <= PATH_IN_IMAGE_MAX && !memchr(bytes, '\0', length);
}

static bool is_same(const char *text, const uint8_t *bytes, size_t length)
{
	return text && strlen(text) == length && memcmp(text, bytes, length) == 0;
}

/* Who read it, and from which file; the file of the batch before, if it is that again. */
struct from {
	const uint8_t *source, *path;
	size_t source_length, path_length;
	uint64_t device, inode;
};

static int read_from(struct parts *p, struct from *f)
{
	*f = (struct from){.path = (const uint8_t *)""};
	if (p->flags & IMAGE_HAS_SOURCE)
		f->source = packed_bytes(&p->names, &f->source_length);
	if (p->flags & IMAGE_HAS_FILE) {
		f->device = packed_u64(&p->names);
		f->inode = packed_u64(&p->names);
		f->path = packed_bytes(&p->names, &f->path_length);
	}
	if (p->names.broken || !is_text(f->path, f->path_length) ||
	    (f->source && !is_text(f->source, f->source_length)))
		return -EBADMSG;
	return 0;
}

static bool is_origin(const struct file_origin *o, const struct from *f, bool is_ours)
{
	return o && o->device == f->device && o->inode == f->inode &&
	       is_same(o->path, f->path, f->path_length) &&
	       (is_ours || !f->source ? !o->source
				      : is_same(o->source, f->source, f->source_length));
}

static int make_origin(struct batch_image_reader *r, const struct from *f, bool is_ours)
{
	char path[PATH_IN_IMAGE_MAX + 1], source[PATH_IN_IMAGE_MAX + 1] = "";
	memcpy(path, f->path, f->path_length);
	path[f->path_length] = '\0';
	if (f->source)
		memcpy(source, f->source, f->source_length);
	source[f->source_length] = '\0';
	struct file_origin *o =
	    file_origin_new(path, is_ours || !f->source ? NULL : source, f->device, f->inode);
	if (!o)
		return -ENOMEM;
	file_origin_let_go(r->origin);
	r->origin = o;
	return 0;
}

static int take_origin(struct batch_image_reader *r, struct parts *p, struct batch *b)
{
	struct from f;
	int error = read_from(p, &f);
	if (error < 0)
		return error;
	bool is_ours = f.source && is_same(r->source, f.source, f.source_length);
	b->source = is_ours ? r->source : NULL;
	if (!(p->flags & IMAGE_HAS_FILE) && (is_ours || !f.source))
		return 0;
	if (!is_origin(r->origin, &f, is_ours))
		error = make_origin(r, &f, is_ours);
	if (error < 0)
		return error;
	b->origin = r->origin;
	file_origin_hold(b->origin);
	if (!is_ours && f.source)
		b->source = b->origin->source;
	return 0;
}

/* ---- columns ---- */

static int find_column(const struct fields *fields, uint8_t known, const uint8_t *name,
		       size_t length)
{
	for (size_t c = 0; fields && c < fields->count; c++) {
		const struct field *f = &fields->list[c];
		if (f->known == known && f->length == length &&
		    (length == 0 || memcmp(f->name, name, length) == 0))
			return (int)c;
	}
	return -1;
}

static int take_columns(const struct batch_image_reader *r, struct parts *p)
{
	uint64_t count = packed_varint(&p->names);
	struct column_set seen = {{0}};
	if (count > COLUMNS_MAX || (count > 0 && !(p->flags & IMAGE_HAS_ROWS)))
		return -EBADMSG;
	for (p->column_count = 0; p->column_count < count; p->column_count++) {
		size_t length;
		const uint8_t *known = packed_raw(&p->names, 1);
		const uint8_t *name = packed_bytes(&p->names, &length);
		if (p->names.broken)
			return -EBADMSG;
		int column = find_column(r->fields, *known, name, length);
		if (*known == FIELD_PLACES ||
		    (column >= 0 && column_set_has(&seen, (unsigned)column)))
			return -EBADMSG;
		if (column >= 0)
			column_set_add(&seen, (unsigned)column);
		p->columns[p->column_count] = (int16_t)column;
	}
	return packed_is_whole(&p->names) ? 0 : -EBADMSG;
}

/* ---- records ---- */

/* One run's, from `at` on in the buffer; *ret_length: of its bytes, up to the last one's end. */
static bool place_run(const struct parts *p, struct batch *b, uint32_t first, uint32_t count,
		      uint64_t at, uint64_t *ret_length)
{
	uint64_t from = at;
	for (uint32_t i = first; i < first + count; i++) {
		uint32_t length = le_get_u32(p->lengths + (size_t)i * IMAGE_LENGTH);
		if (at > p->extent || length > p->extent - at)
			return false;
		b->records[i] = (struct record){.offset = (uint32_t)at, .length = length};
		b->bytes_total += length;
		at += length;
		*ret_length = at - from;
		at += p->delimiter;
	}
	return true;
}

static int take_records(const struct parts *p, struct batch *b)
{
	uint64_t at = 0, copied = 0;
	uint32_t placed = 0;
	for (uint32_t i = 0; i < p->runs; i++) {
		const uint8_t *run = p->run_table + (size_t)i * IMAGE_RUN;
		uint32_t count = le_get_u32(run + 4);
		uint64_t length = 0;
		at += le_get_u32(run);
		if (count == 0 || count > p->count - placed ||
		    !place_run(p, b, placed, count, at, &length))
			return -EBADMSG;
		placed += count;
		bool is_open = placed == p->count && (p->flags & IMAGE_UNTERMINATED);
		length += is_open ? 0 : p->delimiter;
		if (length > p->extent - at || length > p->bytes - copied)
			return -EBADMSG;
		memcpy(b->buffer->bytes + at, p->records + copied, (size_t)length);
		at += length;
		copied += length;
	}
	b->count = placed;
	return placed == p->count && at == p->extent && copied == p->bytes ? 0 : -EBADMSG;
}

/* ---- fields ---- */

/* Where bytes go that a field has with it: behind the records, then into more buffers, of which there are enough. */
static uint8_t *keep_bytes(struct batch *b, struct home *h, struct scratch *room,
			   const uint8_t *bytes, size_t length)
{
	uint8_t *at = scratch_take(room, length);
	if (!at) {
		struct buffer *more = b->held_count < BATCH_HELD_MAX && length <= h->buffer_capacity
					  ? home_take_buffer(h)
					  : NULL;
		if (!more)
			return NULL;
		b->held[b->held_count++] = more;
		*room = (struct scratch){.at = more->bytes, .end = more->bytes + more->capacity};
		at = scratch_take(room, length);
	}
	if (length > 0)
		memcpy(at, bytes, length);
	return at;
}

static bool may_have_bytes(uint8_t type, uint8_t form)
{
	bool is_number = type == VALUE_INT || type == VALUE_UINT || type == VALUE_DOUBLE;
	bool is_text =
	    type == VALUE_STRING || type == VALUE_BYTES || type == VALUE_LIST || type == VALUE_MAP;
	return form == VALUE_DIGITS    ? is_number
	       : form == VALUE_ESCAPED ? type == VALUE_STRING
				       : is_text;
}

struct filling {
	struct parts *parts;
	struct batch *batch;
	struct home *home;
	struct scratch room;
	bool is_wanted; /* the column is one of the topology's */
};

static int take_beside(struct filling *f, struct value *v)
{
	struct packed *from = &f->parts->fields;
	size_t length;
	const uint8_t *bytes = packed_bytes(from, &length);
	if (from->broken || length > f->parts->beside)
		return -EBADMSG;
	f->parts->beside -= (uint32_t)length;
	v->length = (uint32_t)length;
	v->bytes = f->is_wanted ? keep_bytes(f->batch, f->home, &f->room, bytes, length) : bytes;
	return v->bytes ? 0 : -EMSGSIZE;
}

static int take_within(struct filling *f, struct value *v, const struct record *r)
{
	uint64_t offset = packed_varint(&f->parts->fields);
	uint64_t length = packed_varint(&f->parts->fields);
	if (offset > r->length || length > r->length - offset)
		return -EBADMSG;
	v->bytes = f->batch->bytes + r->offset + offset;
	v->length = (uint32_t)length;
	return 0;
}

static int take_number(struct filling *f, struct value *v)
{
	if (v->type == VALUE_MISSING || v->type == VALUE_NULL)
		return 0;
	if (v->type != VALUE_BOOL) {
		v->u = packed_u64(&f->parts->fields);
		return 0;
	}
	const uint8_t *is = packed_raw(&f->parts->fields, 1);
	v->b = is && *is;
	return 0;
}

static int take_value(struct filling *f, struct value *v, const struct record *r)
{
	const uint8_t *kind = packed_raw(&f->parts->fields, 1);
	if (!kind)
		return -EBADMSG;
	uint8_t type = *kind & IMAGE_TYPE_MASK;
	uint8_t form = *kind >> IMAGE_FORM_SHIFT & IMAGE_FORM_MASK;
	bool is_beside = *kind & IMAGE_BESIDE;
	*v = (struct value){.type = type, .form = form};
	if (type >= VALUE_TYPES || type == VALUE_ERROR || form > VALUE_DIGITS)
		return -EBADMSG;
	if (may_have_bytes(type, form))
		return is_beside ? take_beside(f, v) : take_within(f, v, r);
	return is_beside || form != VALUE_PLAIN ? -EBADMSG : take_number(f, v);
}

static int take_column(struct filling *f, int column)
{
	struct value passed_over;
	struct value *values = column >= 0 ? batch_column_unset(f->batch, (unsigned)column) : NULL;
	f->is_wanted = values;
	int r = 0;
	for (uint32_t i = 0; r == 0 && i < f->batch->count; i++)
		r = take_value(f, values ? &values[i] : &passed_over, &f->batch->records[i]);
	return r;
}

static int take_fields(struct parts *p, struct batch *b, struct home *h)
{
	struct filling f = {.parts = p,
			    .batch = b,
			    .home = h,
			    .room = {.at = b->buffer->bytes + p->extent,
				     .end = b->buffer->bytes + b->buffer->capacity}};
	int r = 0;
	if (p->flags & IMAGE_HAS_ROWS && b->count > 0)
		batch_give_rows(b);
	else if (p->column_count > 0)
		return -EBADMSG;
	for (size_t i = 0; r == 0 && i < p->column_count; i++)
		r = take_column(&f, p->columns[i]);
	if (r < 0)
		return r;
	return packed_is_whole(&p->fields) && p->beside == 0 ? 0 : -EBADMSG;
}

/* ---- the whole ---- */

/* How many buffers it may take: of two that follow one another, one is more than half full. */
static uint64_t buffers_for(const struct parts *p, const struct home *h)
{
	return 1 + (p->beside > 0 ? 1 + 2 * (uint64_t)p->beside / h->buffer_capacity : 0);
}

static void take_moment(const struct batch_image_reader *r, const struct parts *p, struct batch *b)
{
	uint64_t now = env_now_ns(r->env), read_ns = le_get_u64(p->head + IMAGE_AT_READ);
	bool is_ours = le_get_u64(p->head + IMAGE_AT_BOOT) == env_boot(r->env);
	b->wall_ns = (int64_t)le_get_u64(p->head + IMAGE_AT_WALL);
	b->read_ns = is_ours && read_ns < now ? read_ns : now;
}

static int fill(struct batch_image_reader *r, struct parts *p, struct batch *b, struct home *h)
{
	take_moment(r, p, b);
	b->delimiter.length = p->delimiter;
	memcpy(b->delimiter.bytes, p->head + IMAGE_AT_DELIMITER_BYTES, DELIMITER_MAX);
	b->unterminated = p->flags & IMAGE_UNTERMINATED;
	b->has_place = p->flags & IMAGE_HAS_PLACE;
	b->place = le_get_u64(p->head + IMAGE_AT_PLACE);
	int error = take_origin(r, p, b);
	if (error == 0)
		error = take_columns(r, p);
	if (error == 0)
		error = take_records(p, b);
	return error == 0 ? take_fields(p, b, h) : error;
}

int batch_image_read(struct batch_image_reader *r, struct home *h, const uint8_t *bytes,
		     size_t length, struct batch **ret_batch)
{
	struct parts p;
	int error = take_apart(&p, bytes, length);
	if (error < 0)
		return error;
	uint64_t buffers = buffers_for(&p, h);
	if (p.extent > h->buffer_capacity || buffers > h->buffer_count)
		return -EMSGSIZE;
	if (!home_offers(h, (size_t)buffers, 1))
		return -EAGAIN;
	struct buffer *buffer = home_take_buffer(h);
	struct batch *b = batch_new(h, buffer);
	buffer_let_go(buffer);
	error = fill(r, &p, b, h);
	if (error < 0)
		batch_free(&b);
	else
		*ret_batch = b;
	return error;
}

#include "stages/csv_headers.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* How keys begin. */
enum { KEY_HEADER = 'h', KEY_FILE = 'f' };

size_t csv_headers_memory(size_t files_max, size_t bytes_max)
{
	return files_max * (sizeof(struct csv_file) + 2 * sizeof(struct hash_node *)) + bytes_max;
}

/* ---- headers ---- */

static void let_go_of_header(struct csv_headers *h, struct csv_header *header)
{
	if (--header->files > 0)
		return;
	if (header->is_known)
		packer_u64(&h->removed, header->number);
	hash_index_remove(&h->by_names, &header->by_names);
	chain_unlink(&header->in_list);
	h->bytes -= header->footprint;
	free(header);
}

static void find_slots(const struct csv_headers *h, struct csv_header *header)
{
	for (size_t i = 0; i < header->count; i++) {
		struct csv_name *n = &header->names[i];
		if (n->length > 0)
			n->slot = h->rules.slot(h->rules.context, n->bytes, n->length);
	}
}

static void add_header(struct csv_headers *h, struct csv_header *header, uint64_t number)
{
	header->number = number;
	h->next_number = number >= h->next_number ? number + 1 : h->next_number;
	h->bytes += header->footprint;
	chain_append(&h->headers, &header->in_list);
	hash_index_add(&h->by_names, &header->by_names,
		       hash_bytes(header->packed, header->packed_length));
	find_slots(h, header);
}

static bool is_same_header(const struct csv_header *a, const struct csv_header *b)
{
	return a->packed_length == b->packed_length &&
	       memcmp(a->packed, b->packed, a->packed_length) == 0;
}

static struct csv_header *find_same(const struct csv_headers *h, const struct csv_header *like)
{
	struct hash_node *n =
	    hash_index_first(&h->by_names, hash_bytes(like->packed, like->packed_length));
	for (; n; n = hash_index_next(n)) {
		struct csv_header *header = chain_owner(n, struct csv_header, by_names);
		if (is_same_header(header, like))
			return header;
	}
	return NULL;
}

/* ---- files ---- */

static bool is_file(const struct file_origin *o)
{
	return o && o->length > 0;
}

static bool is_same_source(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* A file's device may have got another number. */
static uint64_t id_of(const char *source, const struct file_origin *origin)
{
	uint64_t of_source = hash_bytes(source ? source : "", source ? strlen(source) : 0);
	return is_file(origin) ? of_source ^ hash_bytes(&origin->inode, sizeof origin->inode)
			       : of_source;
}

static bool may_be_same(const struct csv_file *f, const struct batch *b)
{
	if (is_file(f->origin) != is_file(b->origin) || !is_same_source(f->source, b->source))
		return false;
	return !is_file(f->origin) || f->origin->inode == b->origin->inode;
}

static bool is_on_same_device(const struct csv_file *f, const struct batch *b)
{
	return !is_file(f->origin) || f->origin->device == b->origin->device;
}

static bool has_same_path(const struct csv_file *f, const struct batch *b)
{
	return f->origin->length == b->origin->length &&
	       memcmp(f->origin->path, b->origin->path, f->origin->length) == 0;
}

static struct csv_file *find_file(const struct csv_headers *h, const struct batch *b)
{
	struct hash_node *n = hash_index_first(&h->files, id_of(b->source, b->origin));
	struct csv_file *by_path = NULL;
	for (; n; n = hash_index_next(n)) {
		struct csv_file *f = chain_owner(n, struct csv_file, by_id);
		if (!may_be_same(f, b))
			continue;
		if (is_on_same_device(f, b))
			return f;
		by_path = has_same_path(f, b) ? f : by_path;
	}
	return by_path;
}

static void take_origin(struct csv_file *f, const struct batch *b)
{
	if (b->origin)
		file_origin_hold(b->origin);
	f->source = b->source;
	file_origin_let_go(f->origin);
	f->origin = b->origin;
}

static void forget_file(struct csv_headers *h, struct csv_file *f)
{
	hash_index_remove(&h->files, &f->by_id);
	let_go_of_header(h, f->header);
	file_origin_let_go(f->origin);
	f->header = NULL;
	f->origin = NULL;
	f->source = NULL;
	f->is_changed = true;
	chain_append(&h->unused, &f->by_use);
	h->count--;
}

/* Until there is room for one more, that takes so many bytes. */
static void make_room(struct csv_headers *h, size_t files, size_t bytes)
{
	while (h->count > 0 &&
	       (h->count + files > h->rules.files_max || h->bytes + bytes > h->rules.bytes_max)) {
		forget_file(h, chain_owner(chain_first(&h->by_use), struct csv_file, by_use));
		h->forgotten++;
	}
}

static void use_file(struct csv_headers *h, struct csv_file *f, struct csv_header *header)
{
	chain_append(&h->by_use, &f->by_use);
	hash_index_add(&h->files, &f->by_id, id_of(f->source, f->origin));
	f->header = header;
	header->files++;
	h->count++;
}

const struct csv_header *csv_headers_find(struct csv_headers *h, const struct batch *b)
{
	struct csv_file *f = find_file(h, b);
	if (!f)
		return NULL;
	chain_append(&h->by_use, &f->by_use);
	if (!is_on_same_device(f, b)) {
		take_origin(f, b);
		f->is_changed = true;
	}
	return f->header;
}

/* The one that files have already, with one more of them; or this one. */
static struct csv_header *share_header(struct csv_headers *h, struct csv_header *header)
{
	struct csv_header *same = find_same(h, header);
	make_room(h, 1, same ? 0 : header->footprint);
	same = find_same(h, header); /* it may just have been forgotten */
	if (same) {
		free(header);
		return same;
	}
	make_room(h, 1, header->footprint);
	add_header(h, header, h->next_number);
	return header;
}

const struct csv_header *csv_headers_learn(struct csv_headers *h, const struct batch *b,
					   const uint8_t *record, size_t length, uint8_t comma)
{
	struct csv_file *before = find_file(h, b);
	struct packer *p = &h->scratch;
	if (before)
		forget_file(h, before);
	packer_clear(p);
	csv_header_pack(p, record, length, comma, h->rules.strict);
	struct csv_header *header =
	    p->error ? NULL
		     : csv_header_make(p->bytes, p->length, h->rules.bytes_max, h->rules.strict);
	if (!header)
		return NULL;
	header = share_header(h, header);
	struct csv_file *f = chain_owner(chain_first(&h->unused), struct csv_file, by_use);
	take_origin(f, b);
	f->is_changed = true;
	use_file(h, f, header);
	return header;
}

/* ---- what was saved ---- */

/* Of a key: what it is of, and its number. */
static int read_key(const struct change *c, uint64_t *ret_number)
{
	struct packed key = packed_from(c->key, c->key_length);
	const uint8_t *kind = packed_raw(&key, 1);
	*ret_number = packed_u64(&key);
	if (c->removal || !packed_is_whole(&key) || (*kind != KEY_HEADER && *kind != KEY_FILE))
		return -EBADMSG;
	return *kind;
}

/* What is larger than anything may be now is made room for when all is there. */
static int load_header(struct csv_headers *h, const struct change *c, uint64_t number)
{
	if (csv_header_footprint(c->value, c->value_length) == SIZE_MAX || number == UINT64_MAX)
		return -EBADMSG;
	struct csv_header *header =
	    csv_header_make(c->value, c->value_length, SIZE_MAX, h->rules.strict);
	if (!header)
		return -ENOMEM;
	header->is_known = true;
	add_header(h, header, number);
	return 0;
}

static struct csv_header *numbered(const struct csv_headers *h, uint64_t number)
{
	for (struct chain *c = h->headers.next; c != &h->headers; c = c->next) {
		struct csv_header *header = chain_owner(c, struct csv_header, in_list);
		if (header->number == number)
			return header;
	}
	return NULL;
}

static int unpack_origin(struct csv_file *f, struct packed *from)
{
	int error = file_origin_unpack(from, &f->origin);
	if (error == 0) /* an empty id is none */
		f->source = *f->origin->source ? f->origin->source : NULL;
	return error;
}

static int load_file(struct csv_headers *h, const struct change *c, uint64_t number)
{
	struct packed value = packed_from(c->value, c->value_length);
	struct csv_file *f = number < h->list_count ? &h->list[number] : NULL;
	if (!f || f->header)
		return -EBADMSG;
	int r = unpack_origin(f, &value);
	if (r < 0)
		return r;
	struct csv_header *header = numbered(h, packed_varint(&value));
	if (!packed_is_whole(&value) || !header)
		return -EBADMSG;
	f->is_known = true;
	use_file(h, f, header);
	return 0;
}

static int load_all(struct csv_headers *h, const struct delta *saved, int kind)
{
	struct packed rest = delta_changes(saved);
	struct change c;
	int r = 0;
	while (r >= 0 && delta_next(&rest, &c)) {
		uint64_t number;
		r = read_key(&c, &number);
		if (r == kind)
			r = kind == KEY_HEADER ? load_header(h, &c, number)
					       : load_file(h, &c, number);
	}
	return r < 0 ? r : rest.broken ? -EBADMSG : 0;
}

static void drop_unused_headers(struct csv_headers *h)
{
	for (struct chain *c = h->headers.next, *next; c != &h->headers; c = next) {
		struct csv_header *header = chain_owner(c, struct csv_header, in_list);
		next = c->next;
		header->files++;
		let_go_of_header(h, header);
	}
}

/* As many places as there were: all that was saved has one. */
static int make_places(struct csv_headers *h, const struct delta *saved)
{
	struct packed rest = saved ? delta_changes(saved) : packed_from("", 0);
	struct change c;
	uint64_t number, most = h->rules.files_max;
	while (delta_next(&rest, &c))
		if (read_key(&c, &number) == KEY_FILE && number >= most)
			most = number + 1;
	if (most > CSV_FILES_MOST)
		return -EBADMSG;
	h->list = calloc(most, sizeof *h->list);
	if (!h->list)
		return -ENOMEM;
	h->list_count = most;
	for (size_t i = 0; i < most; i++) {
		chain_init(&h->list[i].by_use);
		chain_append(&h->unused, &h->list[i].by_use);
	}
	return 0;
}

int csv_headers_init(struct csv_headers *h, const struct csv_header_rules *rules,
		     const struct delta *saved)
{
	assert(rules->files_max > 0 && rules->files_max <= CSV_FILES_MOST);
	*h = (struct csv_headers){.rules = *rules};
	chain_init(&h->by_use);
	chain_init(&h->unused);
	chain_init(&h->headers);
	int r = hash_index_init(&h->files);
	if (r == 0)
		r = hash_index_init(&h->by_names);
	if (r == 0)
		r = make_places(h, saved);
	if (r == 0 && saved)
		r = load_all(h, saved, KEY_HEADER);
	if (r == 0 && saved)
		r = load_all(h, saved, KEY_FILE);
	if (r == 0) {
		drop_unused_headers(h);
		make_room(h, 0, 0);
	}
	return r;
}

void csv_headers_release(struct csv_headers *h)
{
	for (size_t i = 0; i < h->list_count; i++)
		file_origin_let_go(h->list[i].origin);
	for (struct chain *c = h->headers.next, *next; c && c != &h->headers; c = next) {
		next = c->next;
		free(chain_owner(c, struct csv_header, in_list));
	}
	free(h->list);
	hash_index_release(&h->files);
	hash_index_release(&h->by_names);
	packer_release(&h->scratch);
	packer_release(&h->removed);
	*h = (struct csv_headers){.list = NULL};
}

/* ---- snapshots ---- */

/* At the front of the scratch; returns its length. */
static size_t write_key(struct packer *p, uint8_t kind, uint64_t number)
{
	packer_clear(p);
	packer_raw(p, &kind, 1);
	packer_u64(p, number);
	return p->length;
}

static int say_header(struct csv_headers *h, struct csv_header *header, struct delta *d)
{
	if (header->is_known)
		return 0;
	size_t key = write_key(&h->scratch, KEY_HEADER, header->number);
	int r = h->scratch.error;
	if (r == 0)
		r = delta_put(d, h->scratch.bytes, key, header->packed, header->packed_length);
	header->is_known = r == 0;
	return r;
}

static int say_removed(struct csv_headers *h, struct delta *d)
{
	struct packed rest = packed_from(h->removed.bytes, h->removed.length);
	int r = h->removed.error;
	while (r == 0 && !packed_is_over(&rest)) {
		size_t key = write_key(&h->scratch, KEY_HEADER, packed_u64(&rest));
		r = h->scratch.error ? h->scratch.error : delta_remove(d, h->scratch.bytes, key);
	}
	if (r == 0)
		packer_clear(&h->removed);
	return r;
}

static void pack_file(struct packer *p, const struct csv_file *f)
{
	const struct file_origin *o = f->origin;
	packer_bytes(p, f->source ? f->source : "", f->source ? strlen(f->source) : 0);
	packer_u64(p, o ? o->device : 0);
	packer_u64(p, o ? o->inode : 0);
	packer_bytes(p, o ? o->path : "", o ? o->length : 0);
	packer_varint(p, f->header->number);
}

static int say_file(struct csv_headers *h, struct csv_file *f, uint64_t place, struct delta *d)
{
	struct packer *p = &h->scratch;
	if (!f->is_changed)
		return 0;
	size_t key = write_key(p, KEY_FILE, place);
	if (f->header)
		pack_file(p, f);
	int r = p->error;
	if (r == 0 && f->header)
		r = delta_put(d, p->bytes, key, p->bytes + key, p->length - key);
	else if (r == 0 && f->is_known)
		r = delta_remove(d, p->bytes, key);
	if (r < 0)
		return r;
	f->is_known = f->header;
	f->is_changed = false;
	return 0;
}

int csv_headers_snapshot(struct csv_headers *h, struct delta *d)
{
	int r = say_removed(h, d);
	for (struct chain *c = h->headers.next; r == 0 && c != &h->headers; c = c->next)
		r = say_header(h, chain_owner(c, struct csv_header, in_list), d);
	for (size_t i = 0; r == 0 && i < h->list_count; i++)
		r = say_file(h, &h->list[i], i, d);
	return r;
}

int csv_headers_told(const struct delta *saved, uint64_t *ret_files)
{
	struct packed rest = delta_changes(saved);
	struct change c;
	*ret_files = 0;
	while (delta_next(&rest, &c)) {
		uint64_t number;
		int r = read_key(&c, &number);
		if (r < 0)
			return r;
		*ret_files += r == KEY_FILE;
	}
	return rest.broken ? -EBADMSG : 0;
}

#include "stages/home.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* The mapping, in this order: buffers' bytes (each page-aligned), batches' columns (likewise), batches, struct buffers. */

enum { PAGE = 4096 };

static size_t round_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

static size_t batch_stride(void)
{
	return round_up(sizeof(struct batch), 64);
}

static size_t bytes_length(const struct home_size *size)
{
	return size->buffers * round_up(size->buffer_capacity, PAGE);
}

static size_t columns_stride(const struct home_size *size)
{
	return round_up(size->columns * BATCH_RECORDS_MAX * sizeof(struct value), PAGE);
}

static size_t batches_length(const struct home_size *size)
{
	return round_up(size->batches * batch_stride(), PAGE);
}

size_t home_footprint(const struct home_size *size)
{
	return bytes_length(size) + size->batches * columns_stride(size) + batches_length(size) +
	       round_up(size->buffers * sizeof(struct buffer), PAGE);
}

static void lay_out_buffers(struct home *h, uint8_t *bytes, struct buffer *heads, size_t capacity)
{
	for (size_t i = h->buffer_count; i-- > 0;) {
		heads[i] = (struct buffer){
		    .home = h, .bytes = bytes + i * round_up(capacity, PAGE), .capacity = capacity};
		heads[i].node.next = h->buffers;
		h->buffers = &heads[i].node;
	}
}

static void lay_out_batches(struct home *h, uint8_t *at, uint8_t *columns, size_t stride)
{
	for (size_t i = h->batch_count; i-- > 0;) {
		struct batch *b = (struct batch *)(void *)(at + i * batch_stride());
		b->node.next = h->batches;
		b->values = (struct value *)(void *)(columns + i * stride);
		h->batches = &b->node;
	}
}

int home_init(struct home *h, const struct home_size *size)
{
	assert(size->buffer_capacity <= UINT32_MAX && size->columns <= COLUMNS_MAX);
	memset(h, 0, sizeof *h);
	stack_init(&h->batches_back);
	stack_init(&h->buffers_back);

	size_t length = home_footprint(size);
	void *mapping =
	    mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mapping == MAP_FAILED)
		return -ENOMEM;
	h->mapping = mapping;
	h->mapping_length = length;
	h->buffer_count = size->buffers;
	h->buffer_capacity = size->buffer_capacity;
	h->batch_count = size->batches;

	uint8_t *bytes = mapping, *columns = bytes + bytes_length(size);
	uint8_t *batches = columns + size->batches * columns_stride(size);
	uint8_t *heads = batches + batches_length(size);
	lay_out_buffers(h, bytes, (struct buffer *)(void *)heads, size->buffer_capacity);
	lay_out_batches(h, batches, columns, columns_stride(size));
	return 0;
}

void home_release(struct home *h)
{
	if (!h->mapping)
		return;
	assert(home_is_whole(h));
	munmap(h->mapping, h->mapping_length);
	stack_release(&h->batches_back);
	stack_release(&h->buffers_back);
	memset(h, 0, sizeof *h);
}

/* Puts what has come back on top of the owner's own list: the last returned is the first reused, while its bytes are
 * still in the cache. Returns how many there were. */
static size_t collect(struct stack *back, struct stack_node **own)
{
	struct stack_node *first = stack_take_all(back);
	if (!first)
		return 0;
	size_t n = 1;
	struct stack_node *last = first;
	while (last->next) {
		last = last->next;
		n++;
	}
	last->next = *own;
	*own = first;
	return n;
}

static void collect_batches(struct home *h)
{
	size_t n = collect(&h->batches_back, &h->batches);
	assert(n <= h->batches_out);
	h->batches_out -= n;
}

static void collect_buffers(struct home *h)
{
	size_t n = collect(&h->buffers_back, &h->buffers);
	assert(n <= h->buffers_out);
	h->buffers_out -= n;
}

struct buffer *home_take_buffer(struct home *h)
{
	collect_buffers(h);
	struct buffer *b = (struct buffer *)h->buffers;
	if (!b)
		return NULL;
	h->buffers = b->node.next;
	h->buffers_out++;
	refcount_init(&b->references, 1);
	return b;
}

bool home_has_batches(struct home *h, size_t n)
{
	collect_batches(h);
	return h->batch_count - h->batches_out >= n;
}

bool home_has_buffers(struct home *h, size_t n)
{
	collect_buffers(h);
	return h->buffer_count - h->buffers_out >= n;
}

bool home_offers(struct home *h, size_t buffers, size_t batches)
{
	bool has = home_has_buffers(h, buffers) && home_has_batches(h, batches);
	h->buffers_wanted = has ? 0 : buffers;
	h->batches_wanted = has ? 0 : batches;
	return has;
}

bool home_is_awaited(struct home *h)
{
	return home_is_short(h) || !home_has_buffers(h, h->buffers_wanted) ||
	       !home_has_batches(h, h->batches_wanted);
}

bool home_is_short(struct home *h)
{
	collect_buffers(h);
	return !h->buffers || !home_has_batches(h, 1);
}

bool home_is_whole(struct home *h)
{
	collect_batches(h);
	collect_buffers(h);
	return h->batches_out == 0 && h->buffers_out == 0;
}

#include "stages/home.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* The mapping, in this order: buffers' bytes (each page-aligned), batches, struct buffers. */

enum { PAGE = 4096 };

static size_t round_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

static size_t batch_stride(void)
{
	return round_up(sizeof(struct batch), 64);
}

size_t home_footprint(size_t buffers, size_t buffer_capacity, size_t batches)
{
	return buffers * round_up(buffer_capacity, PAGE) +
	       round_up(batches * batch_stride(), PAGE) +
	       round_up(buffers * sizeof(struct buffer), PAGE);
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

static void lay_out_batches(struct home *h, uint8_t *at)
{
	for (size_t i = h->batch_count; i-- > 0;) {
		struct batch *b = (struct batch *)(void *)(at + i * batch_stride());
		b->node.next = h->batches;
		h->batches = &b->node;
	}
}

int home_init(struct home *h, size_t buffers, size_t buffer_capacity, size_t batches)
{
	assert(buffer_capacity <= UINT32_MAX);
	memset(h, 0, sizeof *h);
	stack_init(&h->batches_back);
	stack_init(&h->buffers_back);

	size_t length = home_footprint(buffers, buffer_capacity, batches);
	void *mapping =
	    mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mapping == MAP_FAILED)
		return -ENOMEM;
	h->mapping = mapping;
	h->mapping_length = length;
	h->buffer_count = buffers;
	h->buffer_capacity = buffer_capacity;
	h->batch_count = batches;

	uint8_t *bytes = mapping;
	uint8_t *batches_at = bytes + buffers * round_up(buffer_capacity, PAGE);
	uint8_t *heads_at = batches_at + round_up(batches * batch_stride(), PAGE);
	lay_out_buffers(h, bytes, (struct buffer *)(void *)heads_at, buffer_capacity);
	lay_out_batches(h, batches_at);
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

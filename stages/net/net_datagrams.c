#include "stages/net/net_datagrams.h"
#include "stages/net/net_server.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	SLOTS_MAX = 64,
	SLOTS_MIN = 4,
	RECEIVE_BYTES = 1 << 20, /* the slots of one receive, together */
	LONGEST =
	    256 *
	    1024, /* that there are: 64 KiB over UDP, what a sender's buffer holds (208 KiB) in a unix socket */
	CONTROL_ROOM = 64,
};

#define REST_NS 300000u /* datagrams that come one after the other are received together */

struct net_datagrams {
	struct io_op op;
	struct net_listener *from; /* that are being received; NULL: none are */
	uint8_t *place;
	size_t stride; /* of a slot */
	unsigned slots, asked;
	bool is_chatty;
	struct mmsghdr messages[SLOTS_MAX];
	struct iovec spans[SLOTS_MAX];
	struct io_address peers[SLOTS_MAX];
	_Alignas(8) uint8_t controls[SLOTS_MAX][CONTROL_ROOM];
};

static size_t longest(const struct net_server_options *o)
{
	return o->framing.lines.max_line < LONGEST ? o->framing.lines.max_line : LONGEST;
}

static size_t stride_of(const struct net_server_options *o)
{
	size_t name = o->peer.bytes ? NET_ADDRESS_ROOM : 0;
	size_t delimiter = o->framing.lines.delimiter.length;
	return longest(o) + (delimiter > 0 ? delimiter : 1) + name;
}

static unsigned slots_of(const struct net_server_options *o)
{
	size_t slots = RECEIVE_BYTES / stride_of(o);
	return slots < SLOTS_MIN ? SLOTS_MIN : slots > SLOTS_MAX ? SLOTS_MAX : (unsigned)slots;
}

size_t net_datagrams_capacity(const struct net_server_options *o)
{
	return 2 * slots_of(o) * stride_of(o);
}

size_t net_datagrams_memory(void)
{
	return sizeof(struct net_datagrams);
}

struct net_datagrams *net_datagrams_new(const struct net_server *n)
{
	struct net_datagrams *d = calloc(1, sizeof *d);
	if (!d)
		return NULL;
	d->stride = stride_of(n->options);
	d->slots = slots_of(n->options);
	return d;
}

void net_datagrams_free(struct net_datagrams *d)
{
	assert(!d || !d->op.busy);
	free(d);
}

/* ---- receiving ---- */

static void on_received(struct io_op *op)
{
	(void)op;
}

static void lay_out(const struct net_server *n, struct net_datagrams *d)
{
	for (unsigned i = 0; i < d->asked; i++) {
		d->spans[i] = (struct iovec){.iov_base = d->place + i * d->stride + n->name_room,
					     .iov_len = longest(n->options)};
		d->messages[i] = (struct mmsghdr){
		    .msg_hdr = {.msg_iov = &d->spans[i],
				.msg_iovlen = 1,
				.msg_name = d->peers[i].bytes,
				.msg_namelen = n->name_room > 0 ? sizeof d->peers[i].bytes : 0,
				.msg_control = d->controls[i],
				.msg_controllen = CONTROL_ROOM}};
	}
}

static struct net_listener *next_with_some(const struct net_server *n)
{
	for (size_t i = 0; i < n->listener_count; i++) {
		struct net_listener *l = &n->listeners[(n->next_datagrams + i) % n->listener_count];
		if (l->datagrams && l->fd >= 0 && l->has_come)
			return l;
	}
	return NULL;
}

/* The next ones go to the front of a buffer. STEP_WAIT: once there is one that is free. */
static int move_to_front(struct net_server *n)
{
	bool is_tried = n->intake.was_large;
	n->intake.was_large = true;
	return net_server_hand_on(n) || !is_tried ? STEP_MORE : STEP_WAIT;
}

static int receive(struct net_server *n, struct net_listener *l)
{
	struct net_datagrams *d = n->datagrams;
	size_t room;
	int r = net_intake_room(&n->intake, 0, &d->place, &room);
	room =
	    r < 0 ? 0 : (size_t)(n->intake.buffer->bytes + n->intake.buffer->capacity - d->place);
	if (r == -ENOBUFS || (r == 0 && room < SLOTS_MIN * d->stride))
		return move_to_front(n);
	if (r < 0)
		return STEP_WAIT;
	d->from = l;
	n->next_datagrams = (size_t)(l - n->listeners) + 1;
	d->asked = room / d->stride < d->slots ? (unsigned)(room / d->stride) : d->slots;
	lay_out(n, d);
	d->op = (struct io_op){.code = IO_RECEIVE,
			       .fd = l->fd,
			       .at_once = true,
			       .datagrams = {.messages = d->messages, .count = d->asked},
			       .done = on_received};
	io_submit(n->stage->env->io, &d->op);
	return STEP_WAIT;
}

/* ---- what came ---- */

static void note_drops(struct net_server *n, struct net_listener *l, struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		uint32_t drops;
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_RXQ_OVFL)
			continue;
		memcpy(&drops, CMSG_DATA(c), sizeof drops);
		uint32_t more = drops - l->kernel_drops;
		l->kernel_drops = drops;
		if (more == 0)
			continue;
		net_server_note(n, NET_KERNEL_DROPS, "datagrams dropped by the kernel", NULL,
				"they come faster than they are taken; receive_buffer may help");
		counter_add(&n->stage->counters->figures[NET_KERNEL_DROPS], more - 1);
	}
}

static size_t without_end(const uint8_t *bytes, size_t length)
{
	while (length > 0 && (bytes[length - 1] == '\n' || bytes[length - 1] == '\0'))
		length--;
	if (length > 0 && bytes[length - 1] == '\r')
		length--;
	return length;
}

/* Its record goes to `to`, behind its name: where what follows it may begin. */
static size_t take_datagram(struct net_server *n, struct batch *b, unsigned i, size_t to)
{
	struct net_datagrams *d = n->datagrams;
	const struct delimiter *delimiter = &n->framing.lines.delimiter;
	uint8_t *bytes = n->intake.buffer->bytes;
	const uint8_t *datagram = d->spans[i].iov_base;
	char name[NET_ADDRESS_ROOM] = "";
	size_t length = without_end(datagram, d->messages[i].msg_len), name_length = 0;
	if (d->messages[i].msg_hdr.msg_flags & MSG_TRUNC)
		counter_add(&n->stage->counters->lost[LOSS_LONG_LINE_TRUNCATED], 1);
	if (length == 0)
		return to;
	if (n->name_room > 0) {
		d->peers[i].length = d->messages[i].msg_hdr.msg_namelen;
		name_length = net_address_print(&d->peers[i], name);
	}
	memcpy(bytes + to, name, name_length);
	memmove(bytes + to + name_length, datagram, length);
	memcpy(bytes + to + name_length + length, delimiter->bytes, delimiter->length);
	b->records[b->count] = (struct record){(uint32_t)(to + name_length), (uint32_t)length};
	b->count++;
	b->bytes_total += length;
	net_intake_name(&n->intake, b->count - 1, bytes + to, (uint32_t)name_length);
	return to + name_length + length + delimiter->length;
}

static int take_all(struct net_server *n)
{
	struct net_datagrams *d = n->datagrams;
	unsigned count = (unsigned)d->op.result;
	struct batch *b = net_intake_batch(&n->intake, n->now_ns, n->wall_ns);
	if (!b)
		return STEP_WAIT;
	if (b->count + count > BATCH_RECORDS_MAX) {
		net_server_hand_on(n);
		return STEP_MORE;
	}
	size_t to = (size_t)(d->place - n->intake.buffer->bytes);
	uint32_t had = b->count;
	uint64_t bytes = 0;
	for (unsigned i = 0; i < count; i++) {
		bytes += d->messages[i].msg_len;
		note_drops(n, d->from, &d->messages[i].msg_hdr);
		to = take_datagram(n, b, i, to);
	}
	b->delimiter = n->framing.lines.delimiter;
	counter_add(&n->stage->counters->records_in, b->count - had);
	counter_add(&n->stage->counters->bytes_in, bytes);
	rate_gate_charge(&n->gate, n->stage->env, b->count - had, bytes);
	net_intake_keep(&n->intake, to, false);
	n->last_ns = n->now_ns;
	n->has_come = true;
	/* At a unix socket few are kept, and whoever sends waits. */
	d->is_chatty = count < d->asked && d->from->where.place != NET_UNIX;
	if (count < d->asked) /* that was all there is */
		d->from->has_come = false;
	d->from = NULL;
	return STEP_MORE;
}

/* Others may have taken them, or a sender is not there (ICMP): the socket is of use all the same. */
static void in_vain(struct net_server *n)
{
	n->datagrams->from->has_come = false;
	n->datagrams->from = NULL;
}

static void wait_for_more(struct net_server *n)
{
	for (size_t i = 0; i < n->listener_count; i++) {
		struct net_listener *l = &n->listeners[i];
		if (!l->datagrams || l->fd < 0 || l->has_come || l->waiting.busy || n->is_stopping)
			continue;
		n->last_ns = n->now_ns; /* nobody has looked since: something may lie there */
		net_listener_wait(l, n->stage->env);
	}
}

bool net_datagrams_are_on_their_way(const struct net_server *n)
{
	return n->datagrams && (n->datagrams->op.busy || n->datagrams->from);
}

bool net_datagrams_are_there(const struct net_server *n)
{
	return n->datagrams && next_with_some(n);
}

int net_datagrams_step(struct net_server *n)
{
	struct net_datagrams *d = n->datagrams;
	if (d->op.busy)
		return STEP_WAIT;
	if (d->from && d->op.result <= 0)
		in_vain(n);
	if (d->from)
		return take_all(n);
	struct net_listener *l = next_with_some(n);
	if (l)
		return receive(n, l);
	wait_for_more(n);
	if (d->is_chatty)
		env_rest_until(n->stage->env, n->now_ns + REST_NS);
	d->is_chatty = false;
	return STEP_WAIT;
}

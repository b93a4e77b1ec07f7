#include "stages/net/net_datagram_sink.h"
#include "stages/undelivered.h"

#include <errno.h>
#include <string.h>

#define AGAIN_NS 1000000u

void net_datagram_sink_open(struct net_datagram_sink *k, struct stage *s,
			    const struct text *address, const struct call_options *calls)
{
	struct net_address where;
	const char *why;
	calls_init(&k->calls, s, calls);
	net_address_parse(address->bytes, address->length, &where, &why);
	net_link_init(&k->link, s, &k->calls, &where, SOCK_DGRAM,
		      text_shown(address, address->bytes));
}

void net_datagram_sink_close(struct net_datagram_sink *k)
{
	net_link_release(&k->link);
	calls_release(&k->calls);
	batch_free(&k->batch);
}

static struct env *env_of(const struct net_datagram_sink *k)
{
	return k->link.stage->env;
}

static void on_sent(struct io_op *op)
{
	(void)op;
}

/* For those that are sent together next. */
static void pay(struct net_datagram_sink *k)
{
	struct rate_portion most = calls_portion(&k->calls);
	uint64_t bytes;
	if (most.records > DATAGRAMS_SENT)
		most.records = DATAGRAMS_SENT;
	k->paid = rate_portion_of(most, k->batch, k->next, &bytes);
	k->again_ns = calls_pay(&k->calls, k->paid, bytes);
}

static void send_next(struct net_datagram_sink *k)
{
	const struct batch *b = k->batch;
	unsigned n = 0;
	for (uint32_t i = k->next; n < k->paid; i++, n++) {
		k->spans[n] =
		    (struct iovec){.iov_base = (void *)(uintptr_t)(b->bytes + b->records[i].offset),
				   .iov_len = b->records[i].length};
		k->messages[n] =
		    (struct mmsghdr){.msg_hdr = {.msg_iov = &k->spans[n], .msg_iovlen = 1}};
	}
	k->send = (struct io_op){.code = IO_SEND,
				 .fd = k->link.fd,
				 .datagrams = {.messages = k->messages, .count = n},
				 .done = on_sent};
	k->is_sending = true;
	io_submit(env_of(k)->io, &k->send);
}

static void are_sent(struct net_datagram_sink *k, uint32_t count)
{
	for (uint32_t i = k->next; i < k->next + count; i++)
		k->stored.bytes += k->batch->records[i].length;
	k->stored.records += count;
	k->next += count;
	k->paid -= count;
}

static void batch_is_through(struct net_datagram_sink *k)
{
	k->stored.batches++;
	stored_note_read(&k->stored, k->batch->read_ns);
	batch_free(&k->batch);
	k->next = k->paid = 0;
}

/* The one that is next is too long for a datagram. */
static int leave_out(struct net_datagram_sink *k, struct inlet *in)
{
	uint64_t which[BATCH_RECORDS_MAX / 64] = {0};
	if (!inlet_may_hand_on(in))
		return STEP_WAIT;
	undelivered_mark(which, k->next);
	const struct undelivered u = {
	    .which = which, .reason = "longer than a datagram", .attempts = 1};
	int r = undelivered_settle(k->link.stage, in, k->batch, &u);
	if (r < 0)
		return r;
	k->is_sending = false;
	k->next++;
	k->paid--;
	return STEP_MORE;
}

/* UDP: somebody has said that nobody listens there; of which datagram is not known, and the next may find somebody. */
static int told_refused(struct net_datagram_sink *k)
{
	struct env *env = env_of(k);
	counter_add(&k->link.stage->counters->errors, 1);
	if (net_seldom(&k->seldom, env))
		env_say(env, SAY_WARN, "nobody listens there", "address=%s", k->link.shown);
	k->is_sending = false;
	return STEP_MORE;
}

static int failed(struct net_datagram_sink *k, struct inlet *in, int64_t error)
{
	bool is_unix = k->link.where.place == NET_UNIX;
	if (error == -EMSGSIZE)
		return leave_out(k, in);
	if (error == -ECONNREFUSED && !is_unix)
		return told_refused(k);
	k->is_sending = false;
	if (error == -ENOBUFS || error == -EAGAIN || error == -EINTR)
		k->again_ns = env_now_ns(env_of(k)) + AGAIN_NS;
	else
		net_link_break(&k->link, net_reason(error));
	return STEP_MORE;
}

static int work(struct net_datagram_sink *k, struct inlet *in)
{
	if (k->send.busy)
		return STEP_WAIT;
	if (k->is_sending && k->send.result <= 0)
		return failed(k, in, k->send.result);
	if (k->is_sending) {
		k->is_sending = false;
		net_link_is_of_use(&k->link);
		are_sent(k, (uint32_t)k->send.result);
	}
	if (k->batch && k->next == k->batch->count)
		batch_is_through(k);
	if (!k->batch)
		return STEP_WAIT;
	if (k->paid == 0)
		pay(k);
	if (k->again_ns > env_now_ns(env_of(k))) {
		env_wake_at(env_of(k), k->again_ns);
		return STEP_WAIT;
	}
	send_next(k);
	return STEP_WAIT;
}

static int give_up(struct net_datagram_sink *k, struct inlet *in)
{
	uint64_t which[BATCH_RECORDS_MAX / 64] = {0};
	if (!k->batch) {
		net_link_begin_anew(&k->link);
		return STEP_MORE;
	}
	if (!inlet_may_hand_on(in))
		return STEP_WAIT;
	for (uint32_t i = k->next; i < k->batch->count; i++)
		undelivered_mark(which, i);
	const struct undelivered u = {
	    .which = which, .reason = k->link.reason, .attempts = k->link.call.attempts};
	int r = undelivered_settle(k->link.stage, in, k->batch, &u);
	if (r < 0)
		return r;
	batch_is_through(k);
	net_link_begin_anew(&k->link); /* for the next one */
	return STEP_MORE;
}

static void end_connection(struct net_datagram_sink *k)
{
	io_cancel(env_of(k)->io, &k->send);
	if (k->send.busy)
		return;
	k->is_sending = false;
	net_link_broken(&k->link);
}

static int step(struct net_datagram_sink *k, struct inlet *in)
{
	if (!k->batch)
		k->batch = inlet_take(in);
	if (!k->batch && k->link.state == LINK_DOWN)
		return STEP_WAIT;
	int r = net_link_step(&k->link);
	if (k->link.state == LINK_BREAKING)
		end_connection(k);
	else if (k->link.state == LINK_GIVEN_UP)
		return give_up(k, in);
	else if (k->link.state == LINK_UP)
		return work(k, in);
	return r;
}

int net_datagram_sink_step(struct net_datagram_sink *k, struct inlet *in)
{
	int r = step(k, in);
	size_t batches = stored_count(&k->stored, k->link.stage->counters, env_now_ns(env_of(k)));
	inlet_done(in, batches);
	return r == STEP_WAIT && batches > 0 ? STEP_MORE : r;
}

int net_datagram_sink_finish(struct net_datagram_sink *k, struct inlet *in)
{
	int r = net_datagram_sink_step(k, in);
	return r == STEP_WAIT && !k->batch && !k->send.busy ? STEP_DONE : r;
}

int net_datagram_sink_let_go(struct net_datagram_sink *k)
{
	io_cancel(env_of(k)->io, &k->send);
	if (k->send.busy)
		return STEP_WAIT;
	batch_free(&k->batch);
	return STEP_DONE;
}

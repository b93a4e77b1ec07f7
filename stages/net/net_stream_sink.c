#include "stages/net/net_stream_sink.h"
#include "stages/undelivered.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

enum {
	SEAL = 256 * 1024,                  /* so much is sealed and written at a time */
	WIRE = SEAL + SEAL / 8 + 64 * 1024, /* with what TLS adds */
};

#define LOOK_MIN_NS 250000u
#define LOOK_MAX_NS 16000000u

/* ---- options ---- */

void net_stream_check(const struct net_stream_options *o, struct place at,
		      struct problems *problems)
{
	net_method_check(&o->framing, at, problems);
	if (o->await_reply.bytes && o->framing.method == NET_LENGTH_PREFIXED &&
	    o->framing.length_bytes < 4)
		problem_add(problems, o->await_reply.at,
			    "`await_reply` beside a short length, by which records may be left out "
			    "that nobody answers; write `length_bytes: 4`");
	if (o->tls_given)
		tls_options_check(&o->tls, false, at, problems);
}

size_t net_stream_memory(const struct net_stream_options *o)
{
	size_t tls = o->tls_given ? WIRE + 2 * SEAL + TLS_SESSION_BYTES : 0;
	return sizeof(struct net_stream_sink) + OUTBOX_BLOCK + tls;
}

const char *net_stream_guarantee(const struct net_stream_options *o)
{
	return o->await_reply.bytes
		   ? "at least once: what the peer has not answered is sent again"
		   : "at least once up to the peer's machine: what that has not acknowledged is "
		     "sent again; what the peer itself did not read before it ended is lost";
}

/* ---- opening and closing ---- */

/* The address stands for a name where there is none. */
static const char *name_for_tls(const struct net_stream_options *o, const struct net_address *a)
{
	const char *given = o->tls.server_name.bytes;
	return given || !o->tls.verify ? given : a->host;
}

static int open_tls(struct net_stream_sink *k, struct stage *s)
{
	char why[512];
	if (!k->options->tls_given)
		return 0;
	k->wire = malloc(WIRE);
	if (!k->wire)
		return -ENOMEM;
	int r = tls_context_init(&k->tls, &k->options->tls, false, why, sizeof why);
	if (r < 0)
		env_say(s->env, SAY_ERROR, "no TLS", "error=%s", why);
	return r;
}

int net_stream_open(struct net_stream_sink *k, struct stage *s, const struct net_stream_options *o,
		    const struct delimiter *delimiter)
{
	struct net_address where;
	const char *why;
	k->options = o;
	calls_init(&k->calls, s, &o->calls);
	net_address_parse(o->address.bytes, o->address.length, &where, &why);
	net_link_init(&k->link, s, &k->calls, &where, SOCK_STREAM,
		      text_shown(&o->address, o->address.bytes));
	k->link.reply = o->await_reply.bytes ? &o->await_reply : NULL;
	int r = net_outbox_init(&k->outbox, &o->framing, delimiter);
	const struct rate_portion portion = calls_portion(&k->calls);
	k->outbox.records_most = portion.records;
	k->outbox.bytes_most = portion.bytes;
	if (r == 0)
		r = open_tls(k, s);
	if (o->tls_given) {
		k->link.tls = &k->tls;
		k->link.server_name = name_for_tls(o, &k->link.where);
		k->link.handshake_timeout_ns = o->tls.handshake_timeout_ns;
	}
	return r;
}

void net_stream_close(struct net_stream_sink *k)
{
	net_link_release(&k->link);
	net_outbox_release(&k->outbox);
	calls_release(&k->calls);
	tls_context_release(&k->tls);
	free(k->wire);
}

/* ---- writing ---- */

static struct env *env_of(const struct net_stream_sink *k)
{
	return k->link.stage->env;
}

static void on_done(struct io_op *op)
{
	(void)op;
}

/* Of the spans so many bytes are seen to. */
static void advance(struct net_stream_sink *k, size_t bytes)
{
	struct net_outbox *o = &k->outbox;
	while (k->span < o->span_count && bytes >= o->spans[k->span].iov_len)
		bytes -= o->spans[k->span++].iov_len;
	if (bytes > 0) {
		struct iovec *span = &o->spans[k->span];
		span->iov_base = (uint8_t *)span->iov_base + bytes;
		span->iov_len -= bytes;
	}
}

/* The next part of the write as TLS. False: it cannot be. */
static bool seal(struct net_stream_sink *k)
{
	struct net_outbox *o = &k->outbox;
	struct tls_session *session = &k->link.session;
	while (k->span < o->span_count && tls_session_out_length(session) < SEAL) {
		const struct iovec *span = &o->spans[k->span];
		size_t most = span->iov_len < SEAL / 4 ? span->iov_len : SEAL / 4;
		ssize_t n = tls_session_write(session, span->iov_base, most);
		if (n <= 0)
			return false;
		advance(k, (size_t)n);
	}
	k->sealed =
	    (struct iovec){.iov_base = k->wire, .iov_len = tls_session_out(session, k->wire, WIRE)};
	return true;
}

static void submit_write(struct net_stream_sink *k, const struct iovec *spans, unsigned count)
{
	k->write = (struct io_op){.code = IO_WRITE,
				  .fd = k->link.fd,
				  .stream = true,
				  .write = {.spans = spans, .count = count},
				  .done = on_done};
	io_submit(env_of(k)->io, &k->write);
}

static void write_on(struct net_stream_sink *k)
{
	struct net_outbox *o = &k->outbox;
	if (!k->link.has_session)
		submit_write(k, o->spans + k->span, o->span_count - k->span);
	else if (k->sealed.iov_len > 0 || seal(k))
		submit_write(k, &k->sealed, 1);
	else
		net_link_break(&k->link, "broken TLS");
}

static void look_soon(struct net_stream_sink *k)
{
	k->look_at_ns = 0;
	k->look_delay_ns = LOOK_MIN_NS;
}

static bool is_through(const struct net_stream_sink *k)
{
	return k->span == k->outbox.span_count && k->sealed.iov_len == 0;
}

/* A part of the write is done. */
static void was_written(struct net_stream_sink *k)
{
	int64_t n = k->write.result;
	k->write.code = IO_CLOSE; /* it has been looked at */
	if (n < 0 && n != -EAGAIN && n != -EINTR) {
		net_link_break(&k->link, net_reason(n));
		return;
	}
	if (n <= 0)
		return;
	k->written += (uint64_t)n;
	k->moved_ns = env_now_ns(env_of(k));
	if (k->link.has_session) {
		k->sealed.iov_base = (uint8_t *)k->sealed.iov_base + n;
		k->sealed.iov_len -= (size_t)n;
	} else {
		advance(k, (size_t)n);
	}
	if (!is_through(k))
		return;
	k->is_writing = false;
	net_outbox_written(&k->outbox, k->written);
	look_soon(k);
}

/* The next record can't be told from others. STEP_WAIT: not yet; STEP_MORE, or -EBADMSG. */
static int leave_out(struct net_stream_sink *k, struct inlet *in)
{
	uint64_t which[BATCH_RECORDS_MAX / 64] = {0};
	uint32_t record;
	const struct batch *b = net_outbox_next(&k->outbox, &record);
	if (!b || !inlet_may_hand_on(in))
		return STEP_WAIT;
	undelivered_mark(which, record);
	const struct undelivered u = {.which = which, .reason = "longer than its length can tell"};
	int r = undelivered_settle(k->link.stage, in, b, &u);
	if (r < 0)
		return r;
	net_outbox_skip(&k->outbox, &k->stored);
	return STEP_MORE;
}

/* The next write. 0: there is none at the moment. */
static size_t make_write(struct net_stream_sink *k, bool *ret_refused)
{
	bool was_silent = k->outbox.records_kept == 0;
	size_t length = net_outbox_make(&k->outbox, ret_refused);
	if (length > 0)
		k->paid_ns = calls_pay(&k->calls, k->outbox.records, length);
	if (length > 0 && (was_silent || k->paid_ns > env_now_ns(env_of(k))))
		k->moved_ns = k->paid_ns; /* the peer has it from there on */
	k->is_writing = length > 0;
	k->span = 0;
	k->sealed.iov_len = 0;
	return length;
}

static int write_step(struct net_stream_sink *k, struct inlet *in)
{
	bool refused = false;
	if (k->write.busy)
		return STEP_WAIT;
	if (k->write.code == IO_WRITE)
		was_written(k);
	if (k->link.state != LINK_UP)
		return STEP_MORE;
	if (!k->is_writing && make_write(k, &refused) == 0)
		return refused ? leave_out(k, in) : STEP_WAIT;
	if (k->paid_ns > env_now_ns(env_of(k)))
		env_wake_at(env_of(k), k->paid_ns);
	else
		write_on(k);
	return STEP_WAIT;
}

/* ---- what the peer has ---- */

static void was_looked(struct net_stream_sink *k)
{
	uint64_t unread = k->look.result > 0 ? (uint64_t)k->look.result : 0;
	k->look.code = IO_CLOSE;
	if (k->look.result < 0)
		return;
	uint64_t taken = unread < k->look_written ? k->look_written - unread : 0;
	if (taken > k->seen_taken) {
		k->seen_taken = taken;
		k->moved_ns = env_now_ns(env_of(k));
		net_link_is_of_use(&k->link);
		k->look_delay_ns = LOOK_MIN_NS;
	} else if (k->look_delay_ns < LOOK_MAX_NS) {
		k->look_delay_ns *= 2;
	}
	k->look_at_ns = env_now_ns(env_of(k)) + k->look_delay_ns;
}

static void look(struct net_stream_sink *k)
{
	struct env *env = env_of(k);
	if (k->look.busy)
		return;
	if (k->look.code == IO_UNREAD)
		was_looked(k);
	net_outbox_taken_up_to(&k->outbox, k->seen_taken, &k->stored);
	if (k->outbox.writes_begun == k->outbox.writes_done)
		return;
	uint64_t at_ns = k->look_at_ns;
	if (at_ns < k->link.believed_at_ns)
		at_ns = k->link.believed_at_ns;
	if (env_now_ns(env) < at_ns) {
		env_wake_at(env, at_ns);
		return;
	}
	k->look_written = k->written; /* what is written from here on, it may have missed */
	k->look = (struct io_op){.code = IO_UNREAD, .fd = k->link.fd, .done = on_done};
	io_submit(env->io, &k->look);
}

static void count_answers(struct net_stream_sink *k)
{
	uint64_t records = k->link.replies / k->options->await_reply.length;
	if (records == k->answered)
		return;
	net_outbox_answered(&k->outbox, records - k->answered, &k->stored);
	k->answered = records;
	k->moved_ns = env_now_ns(env_of(k));
	net_link_is_of_use(&k->link);
}

static void take_notice(struct net_stream_sink *k)
{
	if (k->options->await_reply.bytes)
		count_answers(k);
	else
		look(k);
}

/* A peer that takes nothing is left for another try. */
static void watch_progress(struct net_stream_sink *k)
{
	uint64_t due_ns = k->moved_ns + k->options->write_timeout_ns;
	bool waits = k->is_writing || k->outbox.records_kept > 0;
	if (k->options->write_timeout_ns == 0 || !waits)
		return;
	if (env_now_ns(env_of(k)) < due_ns)
		env_wake_at(env_of(k), due_ns);
	else
		net_link_break(&k->link, "nothing was taken for write_timeout");
}

/* ---- the connection's states ---- */

static void begin_connection(struct net_stream_sink *k)
{
	k->is_up = true;
	k->is_writing = false;
	k->written = k->seen_taken = k->answered = 0;
	k->sealed.iov_len = 0;
	k->moved_ns = env_now_ns(env_of(k));
	look_soon(k);
}

/* Once nothing is under way on it, what the peer may not have is for the next one. */
static void end_connection(struct net_stream_sink *k)
{
	struct io *io = env_of(k)->io;
	io_cancel(io, &k->write);
	io_cancel(io, &k->look);
	if (k->write.busy || k->look.busy)
		return;
	if (k->is_up) {
		k->is_up = false;
		k->write.code = k->look.code = IO_CLOSE;
		net_outbox_rewind(&k->outbox);
	}
	net_link_broken(&k->link);
}

/* Attempts are used up: what is there goes the way of `on_error`, and no more is taken until that is done. */
static int give_up(struct net_stream_sink *k, struct inlet *in)
{
	uint64_t which[BATCH_RECORDS_MAX / 64];
	const struct batch *b = net_outbox_first(&k->outbox, which);
	struct stage *s = k->link.stage;
	if (!b) {
		net_link_begin_anew(&k->link);
		return STEP_MORE;
	}
	if (!inlet_may_hand_on(in))
		return STEP_WAIT;
	const struct undelivered u = {
	    .which = which, .reason = k->link.reason, .attempts = k->link.call.attempts};
	int r = undelivered_settle(s, in, b, &u);
	if (r < 0)
		return r;
	net_outbox_drop(&k->outbox, &k->stored);
	return STEP_MORE;
}

static void take(struct net_stream_sink *k, struct inlet *in)
{
	while (net_outbox_has_room(&k->outbox)) {
		struct batch *b = inlet_take(in);
		if (!b)
			return;
		net_outbox_put(&k->outbox, b);
	}
}

static int work(struct net_stream_sink *k, struct inlet *in)
{
	if (!k->is_up)
		begin_connection(k);
	int r = write_step(k, in);
	if (k->link.state != LINK_UP)
		return r;
	uint64_t kept = k->outbox.records_kept;
	take_notice(k);
	watch_progress(k);
	return r == STEP_WAIT && k->outbox.records_kept < kept ? STEP_MORE : r;
}

/* With nothing to send there is no need for a connection yet. */
static bool may_rest(const struct net_stream_sink *k)
{
	return k->link.state == LINK_DOWN && net_outbox_is_empty(&k->outbox);
}

/* What two parts of a step come to. */
static int further(int a, int b)
{
	return a < 0 || b == STEP_WAIT ? a : b;
}

int net_stream_step(struct net_stream_sink *k, struct inlet *in)
{
	if (k->link.state != LINK_GIVEN_UP)
		take(k, in);
	if (may_rest(k))
		return STEP_WAIT;
	int r = net_link_step(&k->link);
	if (k->link.state == LINK_BREAKING)
		end_connection(k);
	else if (k->link.state == LINK_GIVEN_UP)
		r = give_up(k, in);
	else if (k->link.state == LINK_UP)
		r = further(r, work(k, in));
	size_t batches = stored_count(&k->stored, k->link.stage->counters, env_now_ns(env_of(k)));
	inlet_done(in, batches);
	return r == STEP_WAIT && batches > 0 ? STEP_MORE : r;
}

int net_stream_finish(struct net_stream_sink *k, struct inlet *in)
{
	if (!k->has_ended) {
		int r = net_stream_step(k, in);
		if (r != STEP_WAIT || !net_outbox_is_empty(&k->outbox))
			return r;
		k->has_ended = true;
		net_link_end(&k->link);
	}
	return k->link.say.busy ? STEP_WAIT : STEP_DONE;
}

int net_stream_let_go(struct net_stream_sink *k)
{
	struct io *io = env_of(k)->io;
	io_cancel(io, &k->write);
	if (k->write.busy)
		return STEP_WAIT;
	net_outbox_release(&k->outbox);
	return STEP_DONE;
}

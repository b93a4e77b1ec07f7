#include "stages/net/net_link.h"
#include "stages/descriptor.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* So long a server gets to refuse our certificate after the handshake. */
static const uint64_t REFUSAL_NS = 500 * 1000 * 1000;

const char *net_reason(int64_t error)
{
	switch (error) {
	case -ECONNREFUSED:
		return "connection refused";
	case -ECONNRESET:
	case -EPIPE:
		return "connection reset";
	case -ETIMEDOUT:
		return "timeout";
	case -ENOENT:
		return "not found";
	case -EAGAIN:
		return "too many wait to be connected";
	case -EHOSTUNREACH:
	case -ENETUNREACH:
		return "unreachable";
	case -EACCES:
	case -EPERM:
		return "not permitted";
	case 0:
		return "closed by the peer";
	default:
		return "connection failed";
	}
}

void net_link_init(struct net_link *l, struct stage *s, struct calls *calls,
		   const struct net_address *where, int type, const char *shown)
{
	l->stage = s;
	l->calls = calls;
	l->where = *where;
	l->type = type;
	l->shown = shown;
	l->fd = -1;
	l->state = LINK_DOWN;
	call_init(&l->call, 0, 0);
}

static void drop_session(struct net_link *l)
{
	if (l->has_session)
		tls_session_release(&l->session);
	l->has_session = false;
}

/* What was opened and not looked at yet. */
static void take_socket(struct net_link *l)
{
	if (l->state == LINK_OPENING && l->op.result >= 0)
		l->fd = (int)l->op.result;
}

static bool is_under_way(const struct net_link *l)
{
	return l->state > LINK_DOWN && l->state < LINK_UP;
}

void net_link_release(struct net_link *l)
{
	if (!l->stage)
		return;
	assert(!l->op.busy && !l->read.busy && !l->say.busy);
	take_socket(l);
	if (is_under_way(l))
		calls_cancelled(l->calls, &l->call);
	drop_session(l);
	descriptor_close(l->stage->env->io, &l->fd);
}

/* ---- failing ---- */

static void begin_breaking(struct net_link *l)
{
	struct io *io = l->stage->env->io;
	l->state = LINK_BREAKING;
	io_cancel(io, &l->op);
	io_cancel(io, &l->read);
	io_cancel(io, &l->say);
}

/* Before it was up: the call has failed. */
static void failed(struct net_link *l, const char *reason)
{
	const struct call_failure why = {.reason = reason};
	l->reason = reason;
	l->overdue = false;
	take_socket(l);
	bool again = calls_failed(l->calls, &l->call, &why);
	begin_breaking(l);
	l->gives_up = !again;
}

/* What it said last says more than what it came to. */
static void tell_loss(struct net_link *l, const char *reason)
{
	bool has_words = l->has_session && l->session.reason[0];
	if (l->is_told || !net_seldom(&l->seldom_lost, l->stage->env))
		return;
	env_say(l->stage->env, SAY_WARN, "connection lost, reconnecting", "address=%s reason=%s",
		l->shown, has_words ? l->session.reason : reason);
	l->is_told = true;
}

/* One that the peer has used may be followed by the next at once; those of which it has taken nothing, as failures are. */
static void put_off(struct net_link *l)
{
	struct env *env = l->stage->env;
	if (!l->was_of_use)
		l->not_before_ns = env_now_ns(env) + retry_delay_ns(&l->calls->options->retry,
								    ++l->in_vain, env_random(env));
}

void net_link_break(struct net_link *l, const char *reason)
{
	if (l->state != LINK_UP)
		return;
	l->reason = reason;
	counter_add(&l->stage->counters->retries, 1);
	l->is_lost = true;
	tell_loss(l, reason);
	put_off(l);
	begin_breaking(l);
	call_init(&l->call, 0, 0);
}

void net_link_is_of_use(struct net_link *l)
{
	if (l->was_of_use)
		return;
	l->was_of_use = true;
	l->in_vain = 0;
	if (l->is_told)
		env_say(l->stage->env, SAY_INFO, "connected again", "address=%s", l->shown);
	l->is_lost = l->is_told = false;
}

void net_link_broken(struct net_link *l)
{
	if (l->state != LINK_BREAKING || l->op.busy || l->read.busy || l->say.busy)
		return;
	drop_session(l);
	descriptor_close(l->stage->env->io, &l->fd);
	l->state = l->gives_up ? LINK_GIVEN_UP : LINK_DOWN;
	l->gives_up = l->is_reading = false;
}

void net_link_begin_anew(struct net_link *l)
{
	assert(l->state == LINK_GIVEN_UP);
	call_init(&l->call, 0, 0);
	l->state = LINK_DOWN;
}

/* ---- what the peer says ---- */

static void on_done(struct io_op *op)
{
	(void)op;
}

static void submit(struct net_link *l, struct io_op *op, struct io_op what)
{
	*op = what;
	op->fd = what.fd ? what.fd : l->fd;
	op->done = on_done;
	io_submit(l->stage->env->io, op);
}

static void read_on(struct net_link *l)
{
	submit(l, &l->read,
	       (struct io_op){.code = IO_READ,
			      .stream = true,
			      .read = {.bytes = l->bytes, .length = sizeof l->bytes}});
	l->is_reading = true;
}

/* Counted as long as they are what they should be. False: they are not. */
static bool count_replies(struct net_link *l, const uint8_t *bytes, size_t length)
{
	const struct text *reply = l->reply;
	for (size_t i = 0; reply && i < length; i++, l->replies++)
		if (bytes[i] != (uint8_t)reply->bytes[l->replies % reply->length])
			return false;
	return true;
}

static const char *heard_sealed(struct net_link *l, size_t length)
{
	uint8_t plain[4096];
	ssize_t n;
	if (tls_session_take(&l->session, l->bytes, length) < 0)
		return "out of memory";
	if (l->state == LINK_SHAKING)
		return NULL;
	while ((n = tls_session_read(&l->session, plain, sizeof plain)) > 0)
		if (!count_replies(l, plain, (size_t)n))
			return "a reply that was not expected";
	return n == -EAGAIN ? NULL : n == 0 ? "closed by the peer" : "broken TLS";
}

/* NULL, or why the connection is of no more use. */
static const char *heard(struct net_link *l)
{
	int64_t n = l->read.result;
	l->is_reading = false;
	if (n == -EINTR || n == -EAGAIN)
		return NULL;
	if (n <= 0 && l->has_session)
		heard_sealed(l, 0); /* why may have come before, with the end of the handshake */
	if (n <= 0)
		return net_reason(n);
	if (l->has_session)
		return heard_sealed(l, (size_t)n);
	return count_replies(l, l->bytes, (size_t)n) ? NULL : "a reply that was not expected";
}

/* Listens on. False: it is of no more use, and that was seen to. */
static bool listen_on(struct net_link *l)
{
	const char *why = NULL;
	if (l->type == SOCK_DGRAM || l->read.busy)
		return true;
	if (l->is_reading)
		why = heard(l);
	if (!why) {
		read_on(l);
		return true;
	}
	if (l->state == LINK_UP)
		net_link_break(l, why);
	else
		failed(l, why);
	return false;
}

/* ---- getting there ---- */

static void came_up(struct net_link *l)
{
	calls_succeeded(l->calls, &l->call);
	l->state = LINK_UP;
	l->was_of_use = false;
	l->believed_at_ns = 0;
	l->replies = 0;
	if (l->has_session && tls_session_may_be_refused(&l->session))
		l->believed_at_ns = env_now_ns(l->stage->env) + REFUSAL_NS;
	if (!l->is_lost)
		env_say(l->stage->env, SAY_INFO, "connected", "address=%s", l->shown);
}

/* What the session wants said, before there is anything of the sink's. */
static void say(struct net_link *l)
{
	if (l->say.busy)
		return;
	size_t left = l->said.iov_len;
	if (left > 0 && l->say.result > 0) {
		l->said.iov_base = (uint8_t *)l->said.iov_base + l->say.result;
		l->said.iov_len = left -= (size_t)l->say.result;
	}
	if (left == 0) {
		left = tls_session_out(&l->session, l->saying, sizeof l->saying);
		l->said = (struct iovec){.iov_base = l->saying, .iov_len = left};
	}
	if (left > 0)
		submit(l, &l->say,
		       (struct io_op){.code = IO_WRITE,
				      .stream = true,
				      .write = {.spans = &l->said, .count = 1}});
}

static int shake_hands(struct net_link *l)
{
	if (l->read.busy && !l->session.is_open) { /* nothing new */
		say(l);
		return STEP_WAIT;
	}
	if (!listen_on(l))
		return STEP_MORE;
	int r = tls_session_handshake(&l->session);
	say(l);
	if (r == -EPROTO) {
		if (net_seldom(&l->seldom, l->stage->env))
			env_say(l->stage->env, SAY_WARN, "handshake failed", "address=%s reason=%s",
				l->shown, l->session.reason);
		failed(l, "TLS handshake failed");
		return STEP_MORE;
	}
	if (r == -EAGAIN)
		return STEP_WAIT;
	if (l->say.busy || l->said.iov_len > 0)
		return STEP_WAIT;
	came_up(l);
	return STEP_MORE;
}

static int connected(struct net_link *l)
{
	if (!l->tls) {
		came_up(l);
		return STEP_MORE;
	}
	if (tls_session_init(&l->session, l->tls, l->server_name) < 0) {
		failed(l, "out of memory");
		return STEP_MORE;
	}
	l->has_session = true;
	l->shaken_by_ns = env_now_ns(l->stage->env) + l->handshake_timeout_ns;
	l->said.iov_len = 0;
	l->state = LINK_SHAKING;
	return STEP_MORE;
}

static void open_next(struct net_link *l)
{
	const struct io_address *a = &l->found[l->next];
	l->state = LINK_OPENING;
	submit(l, &l->op,
	       (struct io_op){.code = IO_SOCKET,
			      .fd = -1,
			      .socket = {.family = net_address_family(a), .type = l->type}});
}

static int connect_next(struct net_link *l, const char *reason)
{
	descriptor_close(l->stage->env->io, &l->fd);
	if (l->next == l->found_count)
		failed(l, reason);
	else
		open_next(l);
	return STEP_MORE;
}

static void begin(struct net_link *l)
{
	l->next = 0;
	if (l->where.place != NET_HOST) {
		l->found[0] = l->where.address;
		l->found_count = 1;
		open_next(l);
		return;
	}
	l->state = LINK_RESOLVING;
	submit(l, &l->op,
	       (struct io_op){.code = IO_RESOLVE,
			      .fd = -1,
			      .resolve = {.host = l->where.host,
					  .port = l->where.port,
					  .type = l->type,
					  .into = l->found}});
}

static int try_to_begin(struct net_link *l)
{
	if (l->not_before_ns > env_now_ns(l->stage->env)) {
		env_wake_at(l->stage->env, l->not_before_ns);
		return STEP_WAIT;
	}
	enum call_answer answer = calls_try(l->calls, &l->call);
	if (answer == CALL_BREAKER_OPEN) {
		calls_cancelled(l->calls, &l->call);
		l->reason = "circuit breaker open";
		l->state = LINK_GIVEN_UP;
		return STEP_MORE;
	}
	if (answer == CALL_WAIT)
		return STEP_WAIT;
	begin(l);
	return STEP_MORE;
}

static const char *why_unresolved(int64_t result)
{
	switch (result) {
	case 0:
	case -ENOENT:
		return "no such host";
	case -EAGAIN:
		return "name not resolved at the moment";
	default:
		return "name cannot be looked up";
	}
}

static int resolved(struct net_link *l)
{
	if (l->op.result <= 0) {
		failed(l, why_unresolved(l->op.result));
		return STEP_MORE;
	}
	l->found_count = (unsigned)l->op.result;
	open_next(l);
	return STEP_MORE;
}

static int opened(struct net_link *l)
{
	if (l->op.result < 0) {
		l->next++;
		return connect_next(l, net_reason(l->op.result));
	}
	l->fd = (int)l->op.result;
	l->state = LINK_CONNECTING;
	submit(l, &l->op,
	       (struct io_op){.code = IO_CONNECT, .connect = {.address = &l->found[l->next++]}});
	return STEP_MORE;
}

static bool shakes_too_long(const struct net_link *l)
{
	if (l->state != LINK_SHAKING)
		return false;
	if (l->shaken_by_ns <= env_now_ns(l->stage->env))
		return true;
	env_wake_at(l->stage->env, l->shaken_by_ns);
	return false;
}

/* What takes too long is cancelled, and has failed when it is through, whatever came of it. */
static void look_at_clock(struct net_link *l)
{
	if (!is_under_way(l))
		return;
	if (!l->overdue && calls_overdue(l->calls, &l->call)) {
		l->overdue = true;
		io_cancel(l->stage->env->io, &l->op);
	}
	if (l->overdue && !l->op.busy)
		failed(l, "timeout");
	else if (shakes_too_long(l))
		failed(l, "no handshake within handshake_timeout");
}

int net_link_step(struct net_link *l)
{
	look_at_clock(l);
	if (l->op.busy)
		return STEP_WAIT;
	switch (l->state) {
	case LINK_DOWN:
		return try_to_begin(l);
	case LINK_RESOLVING:
		return resolved(l);
	case LINK_OPENING:
		return opened(l);
	case LINK_CONNECTING:
		return l->op.result < 0 ? connect_next(l, net_reason(l->op.result)) : connected(l);
	case LINK_SHAKING:
		return shake_hands(l);
	case LINK_UP:
		return listen_on(l) ? STEP_WAIT : STEP_MORE;
	case LINK_BREAKING:
	case LINK_GIVEN_UP:
		break;
	}
	return STEP_WAIT;
}

void net_link_end(struct net_link *l)
{
	if (l->state != LINK_UP || !l->has_session || l->say.busy)
		return;
	tls_session_end(&l->session);
	l->said.iov_len = 0;
	say(l);
}

#include "tests/sim/sim_caller.h"
#include "stages/descriptor.h"
#include "stages/policy/calls.h"
#include "tests/sim/sim_inode.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const char good[] = "ok\n";
enum { REPLY = sizeof good - 1, HEAD_ROOM = 32 };

struct caller_options {
	uint64_t port, at_once;
	bool keep;
	struct call_options calls;
};

#define AT(member) offsetof(struct caller_options, member)

static const struct option caller_table[] = {
    {"port", OPTION_COUNT, AT(port), .required = true, .max = 65535, .doc = "Where the server is"},
    {"at_once", OPTION_COUNT, AT(at_once), .preset = "1", .min = 1, .max = SIM_CALLER_CALLS_MAX,
     .doc = "Batches that are held at a time"},
    {"keep", OPTION_BOOL, AT(keep), .preset = "true", .doc = "Connections are used again"},
    CALL_OPTION_ROWS(AT(calls)),
    {0},
};

enum item_at { AT_REST, AT_GATE, OPENING, CONNECTING, SENDING, HEARING, CLOSING, STORED };

struct item {
	enum item_at at;
	struct batch *batch;
	struct call call;
	int fd; /* -1: none */
	struct io_op op;
	struct io_address to;
	struct iovec span;
	char *request;
	size_t length, sent, heard;
	char reply[REPLY];
	bool late;
	const char *reason;
};

struct caller {
	struct calls calls;
	struct item items[SIM_CALLER_CALLS_MAX]; /* a ring */
	size_t first, count;
};

/* ---- requests ---- */

static void make_request(struct item *i)
{
	const struct batch *b = i->batch;
	i->request = sim_alloc(HEAD_ROOM + b->bytes_total + b->count);
	i->length = (size_t)snprintf(i->request, HEAD_ROOM, "call %u\n", b->count);
	for (uint32_t k = 0; k < b->count; k++) {
		const struct record *r = &b->records[k];
		memcpy(i->request + i->length, b->bytes + r->offset, r->length);
		i->length += r->length;
		i->request[i->length++] = '\n';
	}
}

static void on_done(struct io_op *op)
{
	(void)op;
}

static void submit(struct stage *s, struct item *i, enum io_code code, enum item_at at)
{
	i->at = at;
	i->op.code = code;
	i->op.fd = i->fd;
	i->op.done = on_done;
	io_submit(s->env->io, &i->op);
}

static void open_socket(struct stage *s, struct item *i)
{
	i->op = (struct io_op){.socket = {.family = AF_INET, .type = SOCK_STREAM}};
	submit(s, i, IO_SOCKET, OPENING);
}

static void connect_to(struct stage *s, struct item *i)
{
	const struct caller_options *o = s->options;
	struct sockaddr_in in = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)o->port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	i->to.length = sizeof in;
	memcpy(i->to.bytes, &in, sizeof in);
	i->op = (struct io_op){.connect = {.address = &i->to}};
	submit(s, i, IO_CONNECT, CONNECTING);
}

static void send_rest(struct stage *s, struct item *i)
{
	i->span = (struct iovec){i->request + i->sent, i->length - i->sent};
	i->op = (struct io_op){.stream = true, .write = {.spans = &i->span, .count = 1}};
	submit(s, i, IO_WRITE, SENDING);
}

static void hear_rest(struct stage *s, struct item *i)
{
	i->op = (struct io_op){.stream = true,
			       .read = {.bytes = i->reply + i->heard, .length = REPLY - i->heard}};
	submit(s, i, IO_READ, HEARING);
}

/* ---- one call ---- */

static void begin(struct stage *s, struct item *i)
{
	i->sent = i->heard = 0;
	i->late = false;
	if (i->fd < 0)
		open_socket(s, i);
	else
		send_rest(s, i);
}

/* Its connection is closed. */
static void failed(struct stage *s, struct item *i)
{
	struct caller *c = s->state;
	i->fd = -1;
	bool again = calls_failed(&c->calls, &i->call, &(struct call_failure){.reason = i->reason});
	assert(again && "attempts are not limited");
	(void)again;
	i->at = AT_GATE;
}

static void fail(struct stage *s, struct item *i, const char *reason)
{
	i->reason = reason;
	if (i->fd < 0) {
		failed(s, i);
		return;
	}
	i->op = (struct io_op){0};
	submit(s, i, IO_CLOSE, CLOSING);
}

static void succeeded(struct stage *s, struct item *i)
{
	const struct caller_options *o = s->options;
	struct caller *c = s->state;
	calls_succeeded(&c->calls, &i->call);
	i->at = STORED;
	if (!o->keep)
		descriptor_close(s->env->io, &i->fd);
}

static void heard(struct stage *s, struct item *i, size_t n)
{
	i->heard += n;
	if (n == 0)
		fail(s, i, "closed by the server");
	else if (i->heard < REPLY)
		hear_rest(s, i);
	else if (memcmp(i->reply, good, REPLY) == 0)
		succeeded(s, i);
	else
		fail(s, i, "refused by the server");
}

static void sent(struct stage *s, struct item *i, size_t n)
{
	i->sent += n;
	if (i->sent < i->length)
		send_rest(s, i);
	else
		hear_rest(s, i);
}

/* The operation is through. */
static void go_on(struct stage *s, struct item *i)
{
	const int64_t r = i->op.result;
	if (i->at == OPENING && r >= 0)
		i->fd = (int)r;
	if (i->at == CLOSING)
		failed(s, i);
	else if (i->late)
		fail(s, i, "timeout");
	else if (r == -EINTR || r == -EAGAIN)
		io_submit(s->env->io, &i->op);
	else if (r < 0)
		fail(s, i, strerror((int)-r));
	else if (i->at == OPENING)
		connect_to(s, i);
	else if (i->at == CONNECTING)
		send_rest(s, i);
	else if (i->at == SENDING)
		sent(s, i, (size_t)r);
	else
		heard(s, i, (size_t)r);
}

static void watch(struct stage *s, struct item *i)
{
	struct caller *c = s->state;
	if (i->at != CLOSING && calls_overdue(&c->calls, &i->call)) {
		i->late = true;
		io_cancel(s->env->io, &i->op);
	}
}

/* True: something came of it. */
static bool step_item(struct stage *s, struct item *i)
{
	struct caller *c = s->state;
	if (i->at == STORED)
		return false;
	if (i->at == AT_GATE) {
		if (calls_try(&c->calls, &i->call) != CALL_BEGIN)
			return false;
		begin(s, i);
		return true;
	}
	if (!i->op.busy) {
		go_on(s, i);
		return true;
	}
	watch(s, i);
	return false;
}

/* ---- the sink ---- */

static int caller_open(struct stage *s)
{
	const struct caller_options *o = s->options;
	struct caller *c = s->state = sim_alloc(sizeof *c);
	for (size_t i = 0; i < SIM_CALLER_CALLS_MAX; i++)
		c->items[i].fd = -1;
	calls_init(&c->calls, s, &o->calls);
	return 0;
}

static struct item *item(struct caller *c, size_t number)
{
	return &c->items[(c->first + number) % SIM_CALLER_CALLS_MAX];
}

static bool take(struct stage *s, struct inlet *in)
{
	const struct caller_options *o = s->options;
	struct caller *c = s->state;
	struct batch *b = c->count < o->at_once ? inlet_take(in) : NULL;
	if (!b)
		return false;
	struct item *i = item(c, c->count++);
	i->batch = b;
	i->at = AT_GATE;
	make_request(i);
	call_init(&i->call, b->count, i->length);
	return true;
}

static void let_go(struct item *i)
{
	batch_free(&i->batch);
	free(i->request);
	i->request = NULL;
	i->at = AT_REST;
}

static bool is_stored(struct stage *s, struct inlet *in)
{
	struct caller *c = s->state;
	struct item *i = item(c, 0);
	if (c->count == 0 || i->at != STORED)
		return false;
	counter_add(&s->counters->records_out, i->batch->count);
	counter_add(&s->counters->bytes_out, i->length);
	let_go(i);
	c->first++;
	c->count--;
	inlet_done(in, 1);
	return true;
}

static int caller_step(struct stage *s, struct inlet *in)
{
	struct caller *c = s->state;
	bool moved = false;
	while (take(s, in))
		moved = true;
	for (size_t i = 0; i < c->count; i++)
		moved |= step_item(s, item(c, i));
	while (is_stored(s, in))
		moved = true;
	return moved ? STEP_MORE : STEP_WAIT;
}

static int caller_finish(struct stage *s, struct inlet *in)
{
	const struct caller *c = s->state;
	int r = caller_step(s, in);
	return c->count == 0 && r == STEP_WAIT ? STEP_DONE : r;
}

static int caller_let_go(struct stage *s)
{
	struct caller *c = s->state;
	bool busy = false;
	for (size_t i = 0; i < SIM_CALLER_CALLS_MAX; i++) {
		io_cancel(s->env->io, &c->items[i].op);
		busy |= c->items[i].op.busy;
	}
	if (busy)
		return STEP_WAIT;
	for (; c->count > 0; c->count--, c->first++) {
		struct item *i = item(c, 0);
		if (i->at != STORED)
			calls_cancelled(&c->calls, &i->call);
		if (i->at == OPENING && i->op.result >= 0)
			i->fd = (int)i->op.result;
		if (i->at == CLOSING)
			i->fd = -1;
		let_go(i);
	}
	return STEP_DONE;
}

static void caller_close(struct stage *s)
{
	struct caller *c = s->state;
	if (!c)
		return;
	caller_let_go(s);
	for (size_t i = 0; i < SIM_CALLER_CALLS_MAX; i++)
		descriptor_close(s->env->io, &c->items[i].fd);
	calls_release(&c->calls);
	free(c);
	s->state = NULL;
}

static const char *caller_guarantee(const void *options, bool stream, bool remembers)
{
	(void)options, (void)stream, (void)remembers;
	return "at least once";
}

const struct stage_type sim_caller_type = {
    .schema = {.kind = STAGE_SINK,
	       .name = "caller",
	       .summary = "makes each batch a call",
	       .options = caller_table,
	       .options_size = sizeof(struct caller_options)},
    .open = caller_open,
    .close = caller_close,
    .sink_step = caller_step,
    .sink_finish = caller_finish,
    .sink_let_go = caller_let_go,
    .guarantee = caller_guarantee,
};

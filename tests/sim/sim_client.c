#include "tests/sim/sim_client.h"

#include <stdio.h>
#include <string.h>

enum { PIECE = 120, BODY_MIN = 16, BODY_MAX = 90, TROUBLES = 4 };

#define MS UINT64_C(1000000)

static void make_line(struct sim_client *c, size_t number)
{
	static const char *const colours[] = {"red", "blue", "green", "grey"};
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	struct sim_line *l = &c->lines[number];
	size_t n = (size_t)snprintf(l->text, sizeof l->text, "c%u:%zu %s ", c->number, number,
				    colours[sim_below(&c->random, 4)]);
	size_t end = n + sim_between(&c->random, BODY_MIN, BODY_MAX);
	while (n < end)
		l->text[n++] = letters[sim_below(&c->random, sizeof letters - 1)];
	l->length = n;
}

void sim_client_init(struct sim_client *c, unsigned number, unsigned port, const char *reply,
		     struct sim_random random, struct sim_net *net, struct sim_story *story)
{
	*c = (struct sim_client){.number = number,
				 .port = port,
				 .reply = reply,
				 .random = random,
				 .net = net,
				 .story = story,
				 .fd = -1};
	c->count = sim_between(&c->random, 1, SIM_LINES_MAX);
	c->troubles = (unsigned)sim_below(&c->random, TROUBLES + 1);
	for (size_t i = 0; i < c->count; i++)
		make_line(c, i);
}

/* ---- connections ---- */

static void connect_again(struct sim_client *c, uint64_t now_ns)
{
	c->fd = sim_net_connect(c->net, c->port);
	if (c->fd < 0) {
		c->fd = -1;
		c->next_ns = now_ns + sim_below(&c->random, 300 * MS);
		return;
	}
	if (c->reply)
		c->next = c->answered;
	c->first = c->next;
	c->offset = c->reply_bytes = 0;
	sim_story_add(c->story, "client     %u connects, from line %zu on", c->number, c->next);
}

/* What he wrote of a line without getting to its end is another time's, if there is one. */
static void was_left(struct sim_client *c, uint64_t now_ns)
{
	c->fd = -1;
	c->offset = 0;
	c->next_ns = now_ns + sim_below(&c->random, 500 * MS);
}

static void make_trouble(struct sim_client *c, uint64_t now_ns)
{
	bool resets = sim_chance(&c->random, 600);
	c->troubles--;
	sim_story_add(c->story, "client     %u %s in line %zu, at %zu", c->number,
		      resets ? "resets" : "closes", c->next, c->offset);
	if (c->offset > 0 && !resets) {
		struct sim_line *l = &c->lines[c->next];
		l->torn = true;
		l->sent += c->offset == l->length; /* only its end is missing */
	}
	if (resets)
		sim_net_reset(c->net, c->fd);
	else
		sim_net_close(c->net, c->fd);
	was_left(c, now_ns);
}

/* ---- replies ---- */

static void hear(struct sim_client *c, const char *bytes, size_t length)
{
	size_t each = c->reply ? strlen(c->reply) : 0;
	for (size_t i = 0; i < length; i++, c->reply_bytes++)
		if (each == 0 || bytes[i] != c->reply[c->reply_bytes % each])
			c->wrong = "a client was sent what is no reply";
	size_t answered = c->first + (each ? c->reply_bytes / each : 0);
	if (answered > c->next)
		c->wrong = "a client was answered what he had not sent";
	if (answered > c->answered && c->reply)
		c->answered = answered;
}

static void listen_to(struct sim_client *c, uint64_t now_ns)
{
	char bytes[PIECE];
	ssize_t n = sim_net_read(c->net, c->fd, bytes, (size_t)sim_between(&c->random, 1, PIECE));
	if (n > 0) {
		hear(c, bytes, (size_t)n);
		return;
	}
	sim_net_close(c->net, c->fd);
	was_left(c, now_ns);
}

/* ---- sending ---- */

static bool has_more(const struct sim_client *c)
{
	return c->next < c->count;
}

static void send_piece(struct sim_client *c, uint64_t now_ns)
{
	char bytes[SIM_LINE_ROOM + 1];
	struct sim_line *l = &c->lines[c->next];
	memcpy(bytes, l->text, l->length);
	bytes[l->length] = '\n';
	size_t left = l->length + 1 - c->offset;
	size_t length = sim_chance(&c->random, 500) ? left : sim_between(&c->random, 1, left);
	ssize_t n = sim_net_write(c->net, c->fd, bytes + c->offset, length);
	if (n < 0) {
		sim_net_close(c->net, c->fd);
		was_left(c, now_ns);
		return;
	}
	c->offset += (size_t)n;
	if (c->offset <= l->length)
		return;
	l->sent++;
	c->next++;
	c->offset = 0;
}

static void send_some(struct sim_client *c, uint64_t now_ns)
{
	for (uint64_t n = sim_between(&c->random, 1, 8); n > 0; n--)
		if (c->fd >= 0 && has_more(c) && sim_net_is_writable(c->net, c->fd))
			send_piece(c, now_ns);
}

bool sim_client_is_content(const struct sim_client *c)
{
	return c->reply ? c->answered == c->count : !has_more(c);
}

/* ---- what he does ---- */

static bool hears(const struct sim_client *c)
{
	return c->fd >= 0 && sim_net_is_readable(c->net, c->fd);
}

static bool says(const struct sim_client *c)
{
	return c->fd >= 0 && has_more(c) && sim_net_is_writable(c->net, c->fd);
}

static void converse(struct sim_client *c, uint64_t now_ns)
{
	if (c->troubles > 0 && sim_chance(&c->random, 60)) {
		make_trouble(c, now_ns);
		return;
	}
	if (says(c))
		send_some(c, now_ns);
	if (hears(c) && sim_chance(&c->random, 700))
		listen_to(c, now_ns);
	bool silent = sim_chance(&c->random, 50);
	if (c->fd >= 0)
		c->next_ns = now_ns + sim_below(&c->random, silent ? 3000 * MS : 20 * MS);
	if (c->fd >= 0 && sim_client_is_content(c) && sim_chance(&c->random, 500)) {
		sim_net_close(c->net, c->fd);
		was_left(c, now_ns);
	}
}

void sim_client_act(struct sim_client *c, uint64_t now_ns)
{
	if (now_ns < c->next_ns)
		return;
	if (c->fd >= 0)
		converse(c, now_ns);
	else if (!c->rests && !sim_client_is_content(c))
		connect_again(c, now_ns);
}

uint64_t sim_client_next_ns(const struct sim_client *c, uint64_t now_ns)
{
	bool connects = c->fd < 0 && !c->rests && !sim_client_is_content(c);
	bool leaves = c->fd >= 0 && sim_client_is_content(c);
	if (!connects && !leaves && !hears(c) && !says(c))
		return UINT64_MAX;
	return c->next_ns < now_ns ? now_ns : c->next_ns;
}

/* ---- what came of it ---- */

struct sim_line *sim_client_find(struct sim_client *c, const uint8_t *bytes, size_t length,
				 bool *ret_whole)
{
	for (size_t i = 0; i < c->count; i++) {
		struct sim_line *l = &c->lines[i];
		*ret_whole = length == l->length;
		bool may_be = *ret_whole || (l->torn && length < l->length);
		if (may_be && memcmp(l->text, bytes, length) == 0)
			return l;
	}
	return NULL;
}

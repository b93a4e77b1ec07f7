/* sim_client.h - somebody who sends lines to a source that listens, in pieces, over one connection after the other.
 *
 *   connect -> what was not answered, from the first such line on -> ... -> reset, closed in mid-line, or left by the program -> connect
 *
 * With replies he counts them: so many lines, of those sent on this connection, need not be sent again. Without, he sends each
 * once, and on the next connection goes on behind what he had written.
 *
 * Every line says whose it is and its number, and is unlike any other.
 *
 * Threads: one. Memory: its own. Layer: tests. */
#pragma once

#include "tests/sim/sim_net.h"

enum { SIM_LINES_MAX = 40, SIM_LINE_ROOM = 160 };

struct sim_line {
	char text[SIM_LINE_ROOM]; /* without its newline */
	size_t length;
	unsigned sent; /* how often: whole */
	bool torn;     /* a connection was closed within it: what came of it is a line, too */
	unsigned got;  /* in the sink being checked */
};

struct sim_client {
	unsigned number, port;
	struct sim_random random;
	struct sim_net *net;
	struct sim_story *story;
	const char *reply; /* NULL: there is none */

	struct sim_line lines[SIM_LINES_MAX];
	size_t count;
	size_t answered; /* of them, from the first on */

	int fd;      /* -1: not connected */
	size_t next; /* line to be sent, and how much of it was */
	size_t offset;
	size_t first;       /* line sent on this connection */
	size_t reply_bytes; /* that came on it */
	uint64_t next_ns;
	unsigned troubles; /* he may make yet */
	bool rests;        /* connects no more */
	size_t reached;    /* in the sink being checked: the last line + 1 that has come */
	const char *wrong; /* NULL: nothing */
};

void sim_client_init(struct sim_client *c, unsigned number, unsigned port, const char *reply,
		     struct sim_random random, struct sim_net *net, struct sim_story *story);
void sim_client_act(struct sim_client *c, uint64_t now_ns);
/* When he does something next; UINT64_MAX: when something comes. */
uint64_t sim_client_next_ns(const struct sim_client *c, uint64_t now_ns);
/* All was sent, and answered if there are answers. */
bool sim_client_is_content(const struct sim_client *c);

/* The line of these bytes, or that they are what is left of: *ret_whole. NULL: there is none. */
struct sim_line *sim_client_find(struct sim_client *c, const uint8_t *bytes, size_t length,
				 bool *ret_whole);

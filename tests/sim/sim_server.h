/* sim_server.h - a server that a sink sends to, well or in some bad mood, and what it has been sent.
 *
 *   mood    WELL      accepts, reads, answers
 *           DOWN      nobody listens; connections are reset, and with them is lost what was on its way
 *           DEAF      accepts nobody        STALLED  reads nothing          MUTE  reads, and answers later
 *           SLOW      a few bytes now and then           REFUSING  answers "no"      LOSSY  resets, and leaves out answers
 *
 * Moods follow each other by chance until sim_server_get_well(), and again when a process begins. What is asked of it as a whole it holds, be it answered or not:
 * so whoever does not hear that sends it again.
 *
 * Or it speaks lines, each of which it holds as it comes, and answers each if there is something to answer. Then it reads one connection
 * after the other, as they came, and goes down or resets one only when it has read what had landed on its machine.
 *
 * From what it sees it judges the policies of who calls (struct sim_limits): how many calls are open at a time, how much has come
 * since that process began, and how often somebody knocks while it is down.
 *
 * Threads: one. Memory: its own. Layer: tests. */
#pragma once

#include "tests/sim/sim_inode.h"
#include "tests/sim/sim_net.h"

enum sim_mood {
	SIM_WELL,
	SIM_DOWN,
	SIM_DEAF,
	SIM_STALLED,
	SIM_MUTE,
	SIM_SLOW,
	SIM_REFUSING,
	SIM_LOSSY,
	SIM_MOODS,
};

/* What its callers have to keep to; 0: no limit. */
struct sim_limits {
	uint64_t calls_at_once;
	uint64_t records_rate, records_burst;
	uint64_t failures, reset_ns; /* the breaker's */
	bool must_answer;            /* without an answer they wait for ever */
};

struct sim_link {
	int fd;                /* -1: none */
	struct sim_bytes text; /* not taken yet */
	bool in_call;          /* begun and not answered */
	bool is_past;          /* of a process that is gone */
	bool forgets;          /* there will be no answer */
	uint64_t owed;         /* answers that follow */
	uint64_t number;       /* one larger than that of any before */
	const char *answer;    /* what is left of it; NULL: none is due */
	uint64_t answer_ns;
};

enum { SIM_LINKS_MAX = 32 };

struct sim_server {
	unsigned port;
	bool lines;        /* it speaks no calls */
	const char *reply; /* to each line; NULL: none */
	struct sim_limits limits;
	struct sim_random random;
	struct sim_net *net;
	struct sim_story *story;

	enum sim_mood mood;
	bool is_well; /* as long as this process runs */
	int listener; /* -1: none */
	uint64_t mood_ends_ns, next_ns;
	struct sim_link links[SIM_LINKS_MAX];

	uint64_t accepted;
	struct sim_bytes held;         /* lines, as they came */
	uint64_t records;              /* of the process that runs, called */
	uint64_t began_ns;             /* when it began */
	uint64_t refusals, refused_ns; /* in a row; when the last one was */
	bool may_double;               /* somebody was not answered */
	const char *wrong;             /* what was not kept to; NULL: nothing */
};

void sim_server_init(struct sim_server *s, unsigned port, struct sim_random random,
		     struct sim_net *net, struct sim_story *story);
void sim_server_release(struct sim_server *s);

void sim_server_act(struct sim_server *s, uint64_t now_ns);
/* When it does something next; UINT64_MAX: when something comes. */
uint64_t sim_server_next_ns(const struct sim_server *s, uint64_t now_ns);
void sim_server_get_well(struct sim_server *s, uint64_t now_ns);

/* A process begins; has ended, or was killed: before its connections end. */
void sim_server_process_begins(struct sim_server *s, uint64_t now_ns);
void sim_server_process_ends(struct sim_server *s);
/* Nobody is there any more: it reads whatever has come. */
void sim_server_finish(struct sim_server *s, uint64_t now_ns);
/* Somebody has tried to connect. */
void sim_server_knocked(struct sim_server *s, bool refused, uint64_t now_ns);

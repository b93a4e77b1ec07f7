/* sim_peers.h - those outside that a simulated topology talks to: in some worlds it has sinks that call servers (sim_server.h), or
 * send them lines, under policies by chance, and a source that clients (sim_client.h) send lines to.
 *
 * All its chance is its own, so that worlds without peers are what they would be without it.
 *
 * Threads: one. Memory: its own. Layer: tests. */
#pragma once

#include "tests/sim/sim_client.h"
#include "tests/sim/sim_server.h"
#include "tests/sim/sim_shape.h"

enum { SIM_SERVERS_MAX = 2, SIM_CLIENTS_MAX = 3 };

struct sim_peers {
	bool on; /* in this world */
	struct sim_random random;
	struct sim_story *story;
	struct sim_net net;
	struct sim_server servers[SIM_SERVERS_MAX];
	size_t sinks[SIM_SERVERS_MAX]; /* whose they are, in the shape */
	size_t server_count;

	struct sim_client clients[SIM_CLIENTS_MAX];
	size_t client_count;
	size_t source;                 /* that they send to, in the shape */
	bool is_lasting;               /* what was answered is there after a crash, too */
	bool has_begun, was_disturbed; /* a process was killed, or begun anew */
};

/* Adds to the shape. The story, whose clock is theirs, outlives them. */
void sim_peers_init(struct sim_peers *p, uint64_t seed, struct shape *shape,
		    struct sim_story *story, bool once);
void sim_peers_release(struct sim_peers *p);

void sim_peers_act(struct sim_peers *p);
/* When one of them does something next; UINT64_MAX: when something comes. */
uint64_t sim_peers_next_ns(const struct sim_peers *p);
/* From here on nobody fails any more. */
void sim_peers_get_well(struct sim_peers *p);
/* How much has come to them: it goes on as long as something comes. */
uint64_t sim_peers_progress(const struct sim_peers *p);

/* The program begins; has ended; is killed, or stops with the machine. */
void sim_peers_process_begins(struct sim_peers *p);
void sim_peers_process_ends(struct sim_peers *p);
void sim_peers_process_is_killed(struct sim_peers *p, bool crash);

/* The last process has ended: servers read what is left. */
void sim_peers_finish(struct sim_peers *p);
/* All clients have sent what they had to, and heard that it is there. */
bool sim_peers_are_content(const struct sim_peers *p);

/* What somebody did that he may not; NULL: nothing. */
const char *sim_peers_wrong(const struct sim_peers *p);
/* The one behind that sink; NULL: it is none of those. */
const struct sim_server *sim_peers_server(const struct sim_peers *p, size_t sink);

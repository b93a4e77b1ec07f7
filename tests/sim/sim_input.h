/* sim_input.h - those who write what sluice reads: files that grow, are rotated, truncated and deleted.
 *
 *   stream: what one writer wrote from the beginning of a file to its end or truncation; the unit of order
 *
 * Every line says its stream and number, and is unlike any other; so is every record that is made of a part of one.
 * What sluice cannot know of is not done to it. If it will not be interrupted, a file is renamed, truncated or deleted
 * only when all that its source was given has been read, and, truncated, grows past its old end only when that has been
 * noticed. If it may be (`careful`), files are renamed out of their source's sight once a record tells of them, and
 * truncated or deleted only when all has been read and committed, as what is gone cannot be read again; then they grow as
 * they like.
 *
 * Nor does anybody write to a file that may be removed at any moment: who was silent for some seconds leaves it, for a new
 * one where the source takes any name.
 *
 * Threads: one. Memory: its own. Layer: tests. */
#pragma once

#include "tests/sim/sim_run.h"
#include "tests/sim/sim_shape.h"

struct sim_stream {
	size_t source; /* in shape.stages */
	char path[64]; /* now */
	int fd;        /* -1: its writer has gone */
	char *text;
	size_t length, room, offset; /* offset: where the next byte goes in the file */
	size_t whole;                /* up to the last newline */
	unsigned lines;
	char *unfinished; /* the rest of a line, still to be written; NULL: none */
	bool named, wants_successor;
	bool known;            /* a record of the epoch log tells of it */
	uint64_t leaves_ns;    /* its writer goes on under the new name until then */
	uint64_t written_ns;   /* when it was written to last; 0: before anything else happened */
	uint64_t successor_ns; /* when the file that takes its name appears */
	size_t below;          /* truncated and maybe not noticed: stay smaller than that; 0: no */
	uint64_t noticed;      /* how many truncations the source will have counted then */
};

struct sim_input {
	const struct shape *shape;
	struct sim_fs *fs;
	struct sim_story *story;
	struct sim_random random;
	struct sim_stream *streams;
	size_t count;
	unsigned long_lines; /* per mille */
	unsigned renames;
	uint64_t truncations[SHAPE_SOURCES_MAX];
	uint64_t now_ns;
	bool once;
	bool careful;     /* the program will be interrupted */
	bool wants_quiet; /* sim_input_destroy() is due as soon as all is committed */
};

void sim_input_init(struct sim_input *in, const struct shape *shape, struct sim_fs *fs,
		    struct sim_story *story, struct sim_random random, bool once);
void sim_input_release(struct sim_input *in);

/* The files that are there at the start. */
void sim_input_begin(struct sim_input *in);
/* Writers write, rotate, truncate, delete or begin anew: one thing. */
void sim_input_act(struct sim_input *in, const struct pipeline *p, uint64_t now_ns);
/* All that was written has been read and committed: one file is truncated or deleted. */
void sim_input_destroy(struct sim_input *in, uint64_t now_ns);
/* Every line gets its end, save maybe some last ones. True when nothing is left to be done. */
bool sim_input_finish(struct sim_input *in, const struct pipeline *p, uint64_t now_ns);
/* All that was written, save lines without an end, has been read. */
bool sim_input_is_read(const struct sim_input *in, const struct pipeline *p);
/* By all sources since the pipeline was built. */
uint64_t sim_input_bytes_read(const struct sim_input *in, const struct pipeline *p);
/* The program has ended or been killed, and begins anew. */
void sim_input_restarted(struct sim_input *in);
/* So has the machine: writers open their files again, save those that had them under another name. */
void sim_input_reopen(struct sim_input *in);

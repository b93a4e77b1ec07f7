/* file_reader.h - reads the files of a file_set, one at a time, each for as long as is fair, into batches.
 *
 *   PICK --> OPEN --> OPENING --> LOOKING --> FILL <---> READING        FILL: room, or decompress what was read
 *    ^  \___ is open already ______________/  ^  \                      READING: a read is under way
 *    |                                        |   v
 *    |   others wait, and it has had its turn +- FRAME --> (batches)
 *    +<---------------------------------------|   | at the end, for now or for good
 *    |                                            v
 *    |  with what is remembered: PICK, LOOKING -> HEAD -> TAIL -> FILL   (file_checking.h)
 *    |                                            |
 *    +<-- rests: nothing more for now ---------- END --> CHECKING: shorter? -> SHORTER -> FILL
 *    |                                            |         |       gone, or quiet without a name? -+
 *    +<-- FINISH: what has no delimiter, too <----+---------+---------------------------------------+
 *           then closed and removed
 *
 *   from            event                                      to
 *   PICK            a file is ready                            OPEN, FILL
 *   OPEN            a descriptor less must do                  closes the most idle file first
 *   OPENING         too many open                              OPEN, or PICK after a pause
 *                   interrupted                                OPEN
 *                   other error                                stuck, PICK
 *   LOOKING         another file than the one known            begins it anew, or leaves it to whom it belongs
 *   HEAD, TAIL      not what was read before                   DIFFERS: FILL, from the beginning
 *   LOOKING, DIFFERS, CHECKING   it is shorter                 SHORTER: FILL, from the beginning or at its end
 *   READING         bytes                                      FRAME, FILL (compressed)
 *                   nothing                                    END
 *                   error                                      stuck, PICK
 *   FILL            damaged                                    stuck, PICK
 *   FILL            draining, a stream                         MEASURING: how much it holds; FILL until that was read
 *   END             draining                                   FINISH
 *   END, READING    a record of several lines has waited       QUIET: it is handed on as it is; then FILL (a stream), END
 *
 * Draining: only the streams that are open have their turns, each a last one, for nobody could read what is lost with
 * their descriptors. It ends whoever goes on writing to them. Regular files can be read again, and are left as they are.
 *
 * Without `follow` each file is read to the end it had when it was opened, and what has no delimiter there is a record. With it, a line without
 * its delimiter waits: nothing is kept of it but where it begins (and, while no other file has had a turn, its bytes).
 *
 * Threads: the owner's. Memory: a buffer of the home, a decompressor once a compressed file is met. Layer: stages. */
#pragma once

#include "stages/intake.h"
#include "stages/source/file_identity.h"
#include "stages/source/file_set.h"
#include "stages/source/unpacker.h"

enum compression { COMPRESSION_AUTO, COMPRESSION_NONE, COMPRESSION_ZSTD, COMPRESSION_GZIP };

enum file_reader_at {
	READER_PICK,
	READER_OPEN,
	READER_OPENING,
	READER_LOOKING,
	READER_HEAD,
	READER_TAIL,
	READER_DIFFERS,
	READER_SHORTER,
	READER_FILL,
	READER_MEASURING,
	READER_READING,
	READER_FRAME,
	READER_END,
	READER_CHECKING,
	READER_QUIET,
	READER_FINISH,
};

struct file_reader {
	struct stage *stage;
	struct file_set *set;
	const struct framing *framing;
	enum compression compression;
	bool follow;
	bool draining;

	struct intake intake;
	struct unpacker unpacker;

	enum file_reader_at at;
	struct tracked_file *file;    /* CURRENT; NULL in PICK */
	struct tracked_file *carried; /* whose bytes the intake holds; NULL: nobody's */
	unsigned reads;               /* this turn's that brought bytes */
	bool progressed;              /* something was handed on this turn */
	bool at_end;                  /* when what was read is framed */
	bool grew;                    /* its end lies further than the last time */
	struct io_op op;
	char *opening; /* the path that is opened, or was last: the file may be renamed meanwhile */
	struct io_status stat;
	uint8_t sample[HEAD_BYTES]; /* of the file, for comparison */
	size_t sampled, sample_length;

	struct chain paused; /* streams that nobody writes to */
	struct chain
	    unfinished; /* with a record of several lines that is open; the first has waited longest */
	uint64_t quiet_ns; /* how long that waits */
	size_t open_max;
	bool said_too_many;
	uint64_t retry_ns, next_tick_ns, slice_end_ns;
};

/* stage, set, framing, compression, follow and quiet_ns are set; the rest is zero. */
void file_reader_start(struct file_reader *r);
/* No operation may be under way. Closes and removes every file of the set. One of all zeros is safe to release. */
void file_reader_release(struct file_reader *r);

/* STEP_MORE, maybe with a batch, the caller's; STEP_WAIT; below 0: failed, having said why. */
int file_reader_step(struct file_reader *r, struct batch **ret_batch);

/* From here on it drains. May be called again. */
void file_reader_drain(struct file_reader *r);

/* Nothing is left to drain; an operation may be under way all the same. */
bool file_reader_is_drained(const struct file_reader *r);

/* Nothing is being read and nothing is waiting to be. */
bool file_reader_is_idle(const struct file_reader *r);

/* When it wants to be stepped again, should nothing happen before: monotonic ns. */
uint64_t file_reader_next_ns(const struct file_reader *r);

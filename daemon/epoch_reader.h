/* epoch_reader.h - reads an epoch log from its beginning to its end, checks it, and gathers what it remembers.
 *
 *   OPEN --> LOOK --> FRONT --> HEAD --> BODY --> DONE
 *     |                          ^        |
 *     | no such file             +--------+  record by record
 *     +--> DONE
 *
 * What it finds:
 *   result     report
 *   0          epoch == 0                 fresh: there is no log
 *   0          epoch                      recovered; torn: the record after it was cut off as it was written
 *   -EBADMSG   bad_at, reason             damaged: what had been committed is no longer whole
 *   -EXDEV     name                       the log of another topology
 *   -ENOTSUP   version                    made by a newer sluice
 *   other                                 it could not be read
 *
 * It changes nothing on disk. On an error the map holds what was read so far and is good for nothing.
 *
 * Threads: the owner's. Memory: two records, while it reads. Layer: daemon. */
#pragma once

#include "daemon/epoch_format.h"
#include "stages/io.h"

struct epoch_report {
	uint64_t epoch;     /* of the newest whole record */
	int64_t wall_ns;    /* and when it was committed, since 1970 */
	int64_t created_ns; /* since 1970 */
	size_t records;
	uint64_t length; /* of the file */
	uint64_t whole;  /* of it up to the end of the newest whole record */

	bool torn;           /* there was, or should be, a record after it */
	uint64_t torn_epoch; /* 0: not known */
	bool slot_torn;      /* one of the slots was; nothing is lost by that */

	uint64_t bad_at;               /* -EBADMSG: offset */
	const char *reason;            /* a phrase, static */
	uint64_t version;              /* of the format */
	char name[EPOCH_NAME_MAX + 1]; /* the topology's */
};

enum epoch_reader_state {
	EPOCH_READER_OPEN,
	EPOCH_READER_LOOK,
	EPOCH_READER_FRONT,
	EPOCH_READER_HEAD,
	EPOCH_READER_BODY,
	EPOCH_READER_DONE,
	EPOCH_READER_STATES,
};

struct epoch_reader {
	struct io *io;
	struct epoch_map *map;
	const char *name; /* the topology it must be of; NULL: any */
	struct epoch_report report;
	int fd; /* -1: none */

	/* when it is done, for who goes on writing */
	uint64_t header_chain, chain; /* of the header, of the newest whole record */
	struct epoch_slot newest;     /* slot ... */
	unsigned newest_index;        /* ... and which */
	uint8_t *newest_bytes;        /* the newest whole record's; until it is released */
	size_t newest_length;

	/* within */
	enum epoch_reader_state state;
	struct io_op op;
	struct io_status status;
	int result;
	uint8_t *bytes; /* the front or the record being read */
	size_t capacity, got, wanted;
	struct epoch_head head;
};

extern const char epoch_log_name[]; /* in its directory */

/* Begins. flags: O_RDONLY, or O_RDWR for who goes on writing. The map is empty; it, directory and name outlive r. */
void epoch_reader_begin(struct epoch_reader *r, struct io *io, int directory, int flags,
			const char *name, struct epoch_map *map);

/* STEP_MORE, STEP_WAIT while an operation is under way, STEP_DONE, or what it found. */
int epoch_reader_step(struct epoch_reader *r);

/* Nothing may be under way. Closes fd, unless it was taken: set to -1. Also of what is all zero but for fd. */
void epoch_reader_release(struct epoch_reader *r);

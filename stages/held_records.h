/* held_records.h - the beginnings of records that a transform has seen and waits for the rest of: one for each file (or other stream)
 * whose last record is open. Their bytes are copied, so that no batch waits with them.
 *
 *	pool   [ chunk ][ chunk ][ chunk ] ...      a record's bytes, chunk after chunk; free ones in a list
 *
 *   in the snapshot:  key  its number in the table     value  source, device, inode, path, where it stands, lines, phase, bytes
 *
 * Threads: the owner's. Memory: all taken by held_records_init(). Layer: stages. */
#pragma once

#include "stages/batch.h"
#include "stages/chain.h"
#include "stages/delta.h"
#include "stages/multiline.h"

enum { HELD_CHUNK = 4096 - sizeof(void *), HELD_MAX = 1024 };

struct held_chunk {
	struct held_chunk *next;
	uint8_t bytes[HELD_CHUNK];
};

struct held_record {
	struct chain by_age; /* while it is held; the first was added to longest ago */
	struct held_chunk *first, *last;
	size_t length;
	struct multiline_open open;
	const char *source;         /* NULL: none is known */
	struct file_origin *origin; /* NULL: it is no file */
	struct delimiter delimiter;
	uint64_t place, end; /* of its first byte, and one past its last, in its file */
	bool has_place;
	uint64_t touched_ns, read_ns;
	int64_t wall_ns;
	bool is_known;   /* to whoever keeps the snapshots */
	bool is_changed; /* since the last one */
};

struct held_records {
	struct held_record *list; /* HELD_MAX */
	struct chain by_age;
	size_t count;
	struct held_chunk *pool, *free;
	size_t free_count;
};

/* Room for so many bytes, and for what was saved (NULL: nothing), which is held then. 0; -ENOMEM; -EBADMSG: these bytes are not
 * from here. held_records_release() in any case. */
int held_records_init(struct held_records *h, size_t bytes, const struct delta *saved,
		      uint64_t now_ns);
void held_records_release(struct held_records *h);

/* What init takes for that. */
size_t held_records_memory(size_t bytes);

/* That of the file or source which the batch is from; NULL. */
struct held_record *held_records_find(const struct held_records *h, const struct batch *b);

/* How long the longest one is; 0: none is held. */
size_t held_records_longest(const struct held_records *h);

/* The one that was added to longest ago; NULL: none is held. */
struct held_record *held_records_oldest(const struct held_records *h);

/* There is no place for one more, besides those that are held. */
bool held_records_are_full(const struct held_records *h);

/* A new one, of the batch's file, empty. NULL: there are too many. */
struct held_record *held_records_add(struct held_records *h, const struct batch *b);

/* There is room for so many bytes more of any one record. */
bool held_records_has_room(const struct held_records *h, size_t bytes);
/* There must be room. */
void held_record_append(struct held_records *h, struct held_record *r, const void *bytes,
			size_t length);
void held_record_copy(const struct held_record *r, uint8_t *to);

/* It was added to, at that time. */
void held_records_touch(struct held_records *h, struct held_record *r, uint64_t now_ns);

/* Says of the batch, in whose buffer the record stands first, where it is from. */
void held_record_describe(const struct held_record *r, struct batch *b);

void held_records_remove(struct held_records *h, struct held_record *r);

/* What has changed since the last time. 0 or -ENOMEM. */
int held_records_snapshot(struct held_records *h, struct delta *d);

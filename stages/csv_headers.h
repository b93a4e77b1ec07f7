/* csv_headers.h - which file has which header: what a parser of comma-separated values has to know of each file in the middle of which
 * it goes on, also after a crash.
 *
 *   files      a.csv  b.csv  c.csv         the one that was asked for longest ago is forgotten when there are too many
 *                 \   /        |
 *   headers      id,user     id,at         once for all files that have the same; so many bytes together
 *
 *   in the snapshot:  'h' number   names, as csv_header.h packs them
 *                     'f' place    source, device, inode, path, number of its header
 *
 * A file is its inode on its device, for each source by itself; where the device's number is another after a start of the machine,
 * by its path. What comes from no file is of its source.
 *
 * Threads: the owner's. Memory: files when it begins, headers as they come, csv_headers_memory() in all; csv_headers_release().
 * Layer: stages. */
#pragma once

#include "stages/batch.h"
#include "stages/csv_header.h"
#include "stages/delta.h"

enum { CSV_FILES_MOST = 16384 };

/* The slot of that name; -1: nobody wants it. */
typedef int csv_slot(void *context, const uint8_t *name, size_t length);

struct csv_header_rules {
	uint32_t files_max; /* 1 to CSV_FILES_MOST */
	size_t bytes_max;   /* of headers */
	bool strict;
	csv_slot *slot;
	void *context;
};

struct csv_file {
	struct chain by_use; /* or among those that are free */
	struct hash_node by_id;
	const char *source;         /* NULL: none is known */
	struct file_origin *origin; /* NULL: it is no file */
	struct csv_header *header;  /* NULL: the place is free */
	bool is_known;              /* to whoever keeps the snapshots */
	bool is_changed;            /* since the last one */
};

struct csv_headers {
	struct csv_header_rules rules;
	struct csv_file *list;
	size_t list_count;
	struct chain by_use, unused;
	struct hash_index files;
	size_t count; /* of files */
	struct chain headers;
	struct hash_index by_names;
	size_t bytes; /* of headers */
	uint64_t next_number;
	struct packer scratch, removed; /* removed: numbers of headers that no file has any more */
	uint64_t forgotten;             /* files, for want of room */
};

/* What is known then is what was saved (NULL: nothing). 0; -ENOMEM; -EBADMSG: that is not from here. csv_headers_release() in any
 * case. */
int csv_headers_init(struct csv_headers *h, const struct csv_header_rules *rules,
		     const struct delta *saved);
void csv_headers_release(struct csv_headers *h);

size_t csv_headers_memory(size_t files_max, size_t bytes_max);

/* That of the batch's file, until the next call of any; NULL: it is not known. */
const struct csv_header *csv_headers_find(struct csv_headers *h, const struct batch *b);

/* It begins with this record; what was known of it is not so any more. NULL: out of memory, and it has none. */
const struct csv_header *csv_headers_learn(struct csv_headers *h, const struct batch *b,
					   const uint8_t *record, size_t length, uint8_t comma);

/* What has changed since the last time. 0 or -ENOMEM. */
int csv_headers_snapshot(struct csv_headers *h, struct delta *d);

/* Of how many files something was saved. 0 or -EBADMSG. */
int csv_headers_told(const struct delta *saved, uint64_t *ret_files);

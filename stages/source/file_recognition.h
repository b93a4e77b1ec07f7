/* file_recognition.h - which position a file has that was found: what it is called tells nothing.
 *
 *   the same device, inode, birth time            it is the one
 *   another device, the same path                 mounted anew, where births are told
 *   another device and path, in a search          by its birth, or by its samples
 *
 * Threads: the owner's. Memory: that of the positions it makes. Layer: stages. */
#pragma once

#include "stages/source/file_positions.h"

/* The file at path, of which st tells, has been read before; NULL: not as far as is known. A device may have another
 * number each time it is mounted: where all else is the same, the path too, so is the file. In a search, when no file is
 * where it was left, inode and birth time do; without birth times the inode, if no file of this run is on the device of
 * that number. Its samples tell in the end. */
struct file_position *recognition_find(struct file_positions *p, const struct io_status *st,
				       const char *path);
/* f gets the position of its file, of which st tells, and goes on there; if there is none, a new one. It is remembered
 * from now on, for it may be renamed before anything is read of it. 0 or -ENOMEM. */
int recognition_attach(struct file_positions *p, struct tracked_file *f,
		       const struct io_status *st);
/* The first walk is over. Files of the set that seemed to be new get the positions that they had under another device's
 * number: to be called once, before any of them is read. */
void recognition_begin_search(struct file_positions *p, const struct file_set *set);

/* file_notes.h - what a file source tells the operator, in one place so that it is always counted, too.
 * Threads: the owner's. Memory: none. Layer: stages. */
#pragma once

#include "stages/stage.h"

/* The path as it may be shown: which pattern it comes from is not known, so one secret hides them all. */
const char *file_notes_path(const struct stage *s, const char *path);

/* error: -errno. */
void file_notes_unreadable(struct stage *s, const char *path, int error);

/* A pattern's wildcards match it, and it is no regular file. */
void file_notes_passed_over(struct stage *s, const char *path);

void file_notes_no_writer(struct stage *s, const char *path);

/* at: offset in the file as it is stored. */
void file_notes_damaged(struct stage *s, const char *path, uint64_t at, const char *why);

void file_notes_truncated(struct stage *s, const char *path, uint64_t from, uint64_t to);

/* It begins as it did and is shorter. from: how far it was read; to: its size. */
void file_notes_lost_its_end(struct stage *s, const char *path, uint64_t from, uint64_t to);

/* Truncated, and grown past what was read since; or another file in its place. from: how far it was read. */
void file_notes_rewritten(struct stage *s, const char *path, uint64_t from, uint64_t size);

/* Some of it was read in an earlier run, and maybe not all. at: offset in the file as it is stored. */
void file_notes_gone(struct stage *s, const char *path, uint64_t at);

/* It was wholly stored. */
void file_notes_removed(struct stage *s, const char *path, uint64_t size);

/* ... and yet so many bytes came to it then that nobody reads any more. */
void file_notes_removed_too_soon(struct stage *s, const char *path, uint64_t bytes);

/* It should have been. error: -errno. */
void file_notes_not_removed(struct stage *s, const char *path, int error);

void file_notes_too_many_open(struct stage *s, size_t open, int error);

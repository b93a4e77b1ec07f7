/* file_looking.h - how a file_finder looks at one path, and makes its file_set right about it (the table in
 * file_finder.h).
 *
 *   looking_begin -> STAT --> reconcile ---> OTHER: where does the name lead that the file was known by?
 *                                       \--> WATCH: what a link leads to may lie elsewhere
 *
 * Threads: the owner's. Memory: the path at hand. Layer: stages. */
#pragma once

#include "stages/source/file_finder.h"

bool looking_is_wanted(const struct file_finder *f, const char *path);

/* Nothing may be looked at already. 0 or -ENOMEM. */
int looking_begin(struct file_finder *f, const char *path, bool is_literal, bool may_be_link);
/* st tells of a file that is not in the set, and that is to be read whether the patterns match path or not. 1 or
 * -ENOMEM. */
int looking_adopt(struct file_finder *f, const char *path, const struct io_status *st);
/* f->op is done. 0 or -ENOMEM. */
int looking_done(struct file_finder *f);

/* No name leads to it: its turn comes, and then it is read on until it is quiet. */
void looking_set_adrift(struct file_finder *f, struct tracked_file *t);

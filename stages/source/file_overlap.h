/* file_overlap.h - would a source with these patterns read that file, whichever way either is written?
 *
 *   pattern   logs/ ** /x*.log      base logs, which resolves to  /srv/app/logs
 *   file      ../app/logs/a/x1.log             which resolves to  /srv/app/logs/a/x1.log
 *   asked     does logs/a/x1.log match?
 *
 * Not seen: a link to a directory that a wildcard, not the base, leads through, when the file is written another way.
 *
 * Threads: any. Memory: none kept. Layer: stages. */
#pragma once

#include "stages/file_claim.h"

/* The patterns have been checked. 0 or -ENOMEM. */
int file_overlap_answer(const struct text_list *paths, const struct text_list *exclude,
			file_resolve *resolve, struct file_question *questions, size_t count);

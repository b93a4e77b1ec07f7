/* path_match.h - whether a path is one that a path_template makes, at whatever moment.
 *
 *   /srv/%Y-%m-%d/%H.log     /srv/2026-11-21/07.log   yes
 *                            /srv/2026-02-30/07.log   no: there is no such day
 *                            /srv/2026-11-21/old.log  no
 *
 * Threads: any. Memory: none. Layer: stages. */
#pragma once

#include "stages/path_template.h"

/* True if there is a moment, in the years from 1000 to 9999, at which the template makes exactly this. */
bool path_matches(const struct path_template *t, const char *path);

/* True if it may be a directory on the way to such a path. */
bool path_leads_to_match(const struct path_template *t, const char *path);

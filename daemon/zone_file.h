/* zone_file.h - the files that describe the machine's time zones, as stages/time/zone.h reads them.
 *
 *	Europe/Berlin   /usr/share/zoneinfo/Europe/Berlin
 *	local           /etc/localtime
 *
 * A name leads down from /usr/share/zoneinfo only: it has no `..` or `.` in it and begins with no slash. Links there are followed, as
 * systems have them.
 *
 * Threads: any; blocks. Memory: the caller's. Layer: daemon. */
#pragma once

#include "conf/problems.h"
#include "conf/topology.h"
#include "stages/env.h"

/* What env_read_zone() promises. */
int zone_file_read(struct env *e, const char *name, uint8_t *bytes, size_t room,
		   size_t *ret_length);

/* Of every stage that names a zone, whether there is one. 0, -EINVAL with problems added, -ENOMEM. */
int zone_files_check(const struct topology *t, struct problems *problems);

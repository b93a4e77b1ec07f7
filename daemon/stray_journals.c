#include "daemon/stray_journals.h"
#include "daemon/listing.h"
#include "daemon/log.h"
#include "daemon/orphans.h"
#include "daemon/status.h"
#include "stages/journal.h"

#include <stdio.h>
#include <string.h>

/* Where the last of its segments ends, and the first begins. */
static int measure(int directory, const char *journal, uint64_t *ret_from, uint64_t *ret_end)
{
	struct io_listing files = {.count = 0};
	int r = listing_read(directory, journal, &files);
	uint64_t from = UINT64_MAX, end = 0;
	for (size_t i = 0; r == 0 && i < files.count; i++) {
		uint64_t base;
		struct io_status status;
		char file[2 * NAME_MAX];
		if (!segment_name_read(files.entries[i].name, &base))
			continue;
		snprintf(file, sizeof file, "%s/%s", journal, files.entries[i].name);
		r = (int)status_read(directory, file, &status);
		from = base < from ? base : from;
		if (r == 0 && base + status.size > end)
			end = base + status.size;
	}
	io_listing_release(&files);
	*ret_from = from;
	*ret_end = end;
	return r;
}

/* How many bytes nobody has taken; heads of entries and segments, too. All of them, where nothing is remembered of that, or nothing
 * that can be understood. Or -errno. */
static int64_t waiting(const struct epoch_map *map, int directory, const char *journal,
		       const char *stage)
{
	struct journal_remembered known = {.position = 0};
	struct delta saved = {.count = 0};
	uint64_t from = 0, end = 0;
	int r = epoch_map_copy(map, stage, &saved);
	if (r == 0 && journal_recall(&saved, &known) < 0)
		known.position = 0;
	delta_release(&saved);
	if (r == 0)
		r = measure(directory, journal, &from, &end);
	if (r < 0)
		return r;
	if (known.position < from)
		known.position = from;
	return end > known.position ? (int64_t)(end - known.position) : 0;
}

static void say(const char *stage, const char *path, const char *journal, int64_t bytes)
{
	const char *type = stage, *name = strchr(stage, ':');
	int length = (int)(name - type);
	if (bytes != 0)
		log_line(LOG_LEVEL_WARN, NULL,
			 "records wait in the journal of a source that is no more",
			 "source=%s type=%.*s directory=%s/%s bytes=%lld cure=%s", name + 1, length,
			 type, path, journal, (long long)bytes,
			 "give the source its name and type back to go on with them, or delete the "
			 "directory");
	else
		log_line(LOG_LEVEL_INFO, NULL, "journal of a source that is no more can be deleted",
			 "source=%s type=%.*s directory=%s/%s", name + 1, length, type, path,
			 journal);
}

static int look_at(const struct topology *t, const struct epoch_map *map, int directory,
		   const char *path, const char *journal)
{
	char stage[NAME_MAX + 1];
	if (!journal_stage(journal, stage, sizeof stage))
		return 0;
	int there = orphans_has_stage(t, stage);
	if (there != 0)
		return there < 0 ? there : 0;
	int64_t bytes = waiting(map, directory, journal, stage);
	if (bytes < 0)
		return (int)bytes;
	say(stage, path, journal, bytes);
	return 0;
}

int stray_journals_warn(const struct topology *t, const struct epoch_map *map, int directory,
			const char *path)
{
	struct io_listing names;
	int r = listing_read(directory, ".", &names);
	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < names.count; i++)
		r = look_at(t, map, directory, path, names.entries[i].name);
	io_listing_release(&names);
	return r;
}

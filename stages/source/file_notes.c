#include "stages/source/file_notes.h"

#include <inttypes.h>
#include <string.h>

const char *file_notes_path(const struct stage *s, const char *path)
{
	const struct text_list *exclude, *paths = NULL;
	if (s->type && s->type->patterns)
		paths = s->type->patterns(s->options, &exclude);
	return paths ? text_list_shown(paths, path) : path;
}

void file_notes_unreadable(struct stage *s, const char *path, int error)
{
	counter_add(&s->counters->errors, 1);
	env_say(s->env, SAY_ERROR, "file unreadable", "path=%s error=%s", file_notes_path(s, path),
		strerror(-error));
}

void file_notes_passed_over(struct stage *s, const char *path)
{
	env_say(s->env, SAY_INFO, "passed over", "path=%s reason=%s", file_notes_path(s, path),
		"wildcards take regular files only");
}

void file_notes_no_writer(struct stage *s, const char *path)
{
	env_say(s->env, SAY_INFO, "waiting for a writer", "path=%s", file_notes_path(s, path));
}

void file_notes_damaged(struct stage *s, const char *path, uint64_t at, const char *why)
{
	counter_add(&s->counters->errors, 1);
	env_say(s->env, SAY_ERROR, "file damaged", "path=%s offset=%" PRIu64 " error=%s",
		file_notes_path(s, path), at, why);
}

void file_notes_truncated(struct stage *s, const char *path, uint64_t from, uint64_t to)
{
	counter_add(&s->counters->truncations, 1);
	env_say(s->env, SAY_WARN, "file truncated",
		"path=%s from=%" PRIu64 " to=%" PRIu64 " action=%s", file_notes_path(s, path), from,
		to, "reading it from its beginning");
}

void file_notes_lost_its_end(struct stage *s, const char *path, uint64_t from, uint64_t to)
{
	counter_add(&s->counters->truncations, 1);
	env_say(s->env, SAY_WARN, "file lost its end",
		"path=%s read=%" PRIu64 " size=%" PRIu64 " action=%s", file_notes_path(s, path),
		from, to, "going on at the end that it has now");
}

void file_notes_rewritten(struct stage *s, const char *path, uint64_t from, uint64_t size)
{
	counter_add(&s->counters->truncations, 1);
	env_say(s->env, SAY_WARN, "file written anew",
		"path=%s read=%" PRIu64 " size=%" PRIu64 " action=%s", file_notes_path(s, path),
		from, size, "reading it from its beginning");
}

void file_notes_gone(struct stage *s, const char *path, uint64_t at)
{
	counter_add(&s->counters->errors, 1);
	env_say(s->env, SAY_WARN, "file gone", "path=%s offset=%" PRIu64 " action=%s",
		file_notes_path(s, path), at, "going on without what may have come after that");
}

void file_notes_removed(struct stage *s, const char *path, uint64_t size)
{
	counter_add(&s->counters->removals, 1);
	env_say(s->env, SAY_INFO, "file removed, all of it is stored", "path=%s bytes=%" PRIu64,
		file_notes_path(s, path), size);
}

void file_notes_removed_too_soon(struct stage *s, const char *path, uint64_t bytes)
{
	counter_add(&s->counters->errors, 1);
	env_say(s->env, SAY_WARN, "file was written to as it was removed",
		"path=%s lost_bytes=%" PRIu64, file_notes_path(s, path), bytes);
}

void file_notes_not_removed(struct stage *s, const char *path, int error)
{
	counter_add(&s->counters->errors, 1);
	env_say(s->env, SAY_WARN, "file cannot be removed, leaving it", "path=%s error=%s",
		file_notes_path(s, path), strerror(-error));
}

void file_notes_too_many_open(struct stage *s, size_t open, int error)
{
	env_say(s->env, SAY_WARN, "too many open files", "open=%zu error=%s action=%s", open,
		strerror(-error), "closing idle ones and retrying");
}

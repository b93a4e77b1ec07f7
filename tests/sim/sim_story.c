#include "tests/sim/sim_story.h"
#include "tests/sim/sim_inode.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINES = 2000, LINE_ROOM = 256 };

const struct sim_story *sim_current_story;

void sim_story_init(struct sim_story *s, bool told, const uint64_t *now_ns)
{
	*s = (struct sim_story){.told = told, .now_ns = now_ns};
	if (told)
		s->lines = sim_alloc(LINES * sizeof *s->lines);
}

void sim_story_release(struct sim_story *s)
{
	free(s->lines);
	s->lines = NULL;
	s->told = false;
}

void sim_story_digest(struct sim_story *s, uint64_t a, uint64_t b)
{
	s->digest = (s->digest ^ a) * UINT64_C(0x9e3779b97f4a7c15);
	s->digest = (s->digest ^ (s->digest >> 29) ^ b) * UINT64_C(0xbf58476d1ce4e5b9);
}

void sim_story_add_va(struct sim_story *s, const char *format, va_list args)
{
	if (!s->told)
		return;
	char *line = s->lines[s->count++ % LINES];
	int n = snprintf(line, LINE_ROOM, "%12.6f ", (double)*s->now_ns / 1e9);
	vsnprintf(line + n, LINE_ROOM - (size_t)n, format, args);
}

void sim_story_add(struct sim_story *s, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	sim_story_add_va(s, format, args);
	va_end(args);
}

void sim_story_print(const struct sim_story *s, int fd)
{
	uint64_t first = s->count > LINES ? s->count - LINES : 0;
	for (uint64_t i = first; s->lines && i < s->count; i++) {
		const char *line = s->lines[i % LINES];
		ssize_t ignored = write(fd, line, strlen(line));
		ignored = write(fd, "\n", 1);
		(void)ignored;
	}
}

#include "tests/unit/daemon/fake_memory.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SINKS_MAX = 8, STAGES_MAX = 16 };

static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static struct collected all[SINKS_MAX];
static struct cuts all_cuts[STAGES_MAX];
static struct counter all_live;

/* Cuts */

void fake_note_cut(const char *id, uint64_t at)
{
	pthread_mutex_lock(&all_lock);
	struct cuts *c = all_cuts;
	while (c->id[0] && strcmp(c->id, id) != 0)
		c++;
	snprintf(c->id, sizeof c->id, "%s", id);
	if (c->count < FAKE_CUTS_MAX)
		c->at[c->count++] = at;
	pthread_mutex_unlock(&all_lock);
}

const struct cuts *fake_cuts(const char *id)
{
	for (size_t i = 0; i < STAGES_MAX; i++)
		if (strcmp(all_cuts[i].id, id) == 0)
			return &all_cuts[i];
	cr_assert_fail("%s was never cut", id);
	return NULL;
}

/* Failures */

/* How far a stage of that name has come in failing, however often it is opened. */
static struct stumbled {
	char id[32];
	uint64_t at;
} all_stumbled[STAGES_MAX];

bool fake_stumbles(const char *id, uint64_t from, uint64_t to, uint64_t each)
{
	if (each == 0)
		return false;
	uint64_t at = (from + each - 1) / each * each;
	bool first = false;
	pthread_mutex_lock(&all_lock);
	struct stumbled *s = all_stumbled;
	while (s->id[0] && strcmp(s->id, id) != 0)
		s++;
	snprintf(s->id, sizeof s->id, "%s", id);
	if (at > 0 && at <= to && at > s->at) {
		s->at = at;
		first = true;
	}
	pthread_mutex_unlock(&all_lock);
	return first;
}

/* What sinks got */

int fake_open(struct stage *s)
{
	pthread_mutex_lock(&all_lock);
	for (size_t i = 0; i < SINKS_MAX && !s->state; i++) {
		if (all[i].id[0] && strcmp(all[i].id, s->id) != 0)
			continue;
		snprintf(all[i].id, sizeof all[i].id, "%s", s->id);
		s->state = &all[i];
	}
	pthread_mutex_unlock(&all_lock);
	return s->state ? 0 : -ENOSPC;
}

uint64_t fake_number_at(const struct batch *b, uint32_t i)
{
	uint64_t number;
	memcpy(&number, b->bytes + b->records[i].offset, FAKE_NUMBER);
	return number;
}

void fake_remember_number(struct collected *c, uint64_t number)
{
	if (c->count == c->room) {
		c->room = (c->room + 1) * 2;
		c->numbers = reallocarray(c->numbers, c->room, FAKE_NUMBER);
		cr_assert_not_null(c->numbers);
	}
	c->numbers[c->count++] = number;
	counter_set(&c->shown_count, c->count);
}

void fake_remember(struct collected *c, const struct batch *b)
{
	for (uint32_t i = 0; i < b->count; i++)
		fake_remember_number(c, fake_number_at(b, i));
}

uint64_t fake_count(const char *id)
{
	uint64_t count = 0;
	pthread_mutex_lock(&all_lock);
	for (size_t i = 0; i < SINKS_MAX; i++)
		if (strcmp(all[i].id, id) == 0)
			count = counter_get(&all[i].shown_count);
	pthread_mutex_unlock(&all_lock);
	return count;
}

void fake_revive(void)
{
	counter_set(&all_live, 1);
}

bool fake_all_live(void)
{
	return counter_get(&all_live) != 0;
}

const struct collected *fake_collected(const char *id)
{
	for (size_t i = 0; i < SINKS_MAX; i++)
		if (strcmp(all[i].id, id) == 0)
			return &all[i];
	cr_assert_fail("no sink %s has been opened", id);
	return NULL;
}

void fake_forget(void)
{
	for (size_t i = 0; i < SINKS_MAX; i++)
		free(all[i].numbers);
	memset(all, 0, sizeof all);
	for (size_t i = 0; i < STAGES_MAX; i++) {
		all_cuts[i].id[0] = '\0';
		all_cuts[i].count = 0;
	}
	memset(all_stumbled, 0, sizeof all_stumbled);
	counter_set(&all_live, 0);
}

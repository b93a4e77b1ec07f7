#include "stages/transform/aggregate_state.h"

#include <errno.h>
#include <xxhash.h>

static struct group_shape shape_of(const struct aggregate_options *o,
				   const struct aggregate_plan *plan)
{
	return (struct group_shape){.max = o->max_groups,
				    .tallies = plan->tally_count,
				    .sketch_of = plan->sketch_of,
				    .sketches = plan->sketch_count};
}

size_t aggregate_state_memory(const struct aggregate_options *o, const struct aggregate_plan *plan)
{
	struct group_shape shape = shape_of(o, plan);
	return window_groups_memory(&shape);
}

static void hash_text(XXH3_state_t *h, const char *bytes, size_t length)
{
	uint64_t head = length;
	XXH3_64bits_update(h, &head, sizeof head);
	XXH3_64bits_update(h, bytes, length);
}

/* What the groups that are remembered depend on. */
static int take_fingerprint(struct aggregate_state *a, const struct aggregate_options *o,
			    const struct aggregate_plan *plan)
{
	XXH3_state_t *h = XXH3_createState();
	if (!h)
		return -ENOMEM;
	XXH3_64bits_reset(h);
	XXH3_64bits_update(h, &o->window_ns, sizeof o->window_ns);
	XXH3_64bits_update(h, &a->by_count, sizeof a->by_count);
	for (size_t i = 0; i < o->by.count; i++)
		hash_text(h, o->by.items[i].bytes, o->by.items[i].length);
	for (unsigned i = 0; i < plan->tally_count; i++) {
		const struct planned_tally *t = &plan->tallies[i];
		int kind[2] = {t->is_of_numbers, plan->sketch_of[i]};
		hash_text(h, t->field, t->length);
		XXH3_64bits_update(h, kind, sizeof kind);
	}
	a->fingerprint = XXH3_64bits_digest(h);
	XXH3_freeState(h);
	return 0;
}

int aggregate_state_init(struct aggregate_state *a, const struct aggregate_options *o,
			 const struct aggregate_plan *plan)
{
	struct group_shape shape = shape_of(o, plan);
	a->watermark = (struct watermark){.window_ns = o->window_ns, .grace_ns = o->grace_ns};
	a->by_count = o->by.count;
	int r = take_fingerprint(a, o, plan);
	return r < 0 ? r : window_groups_init(&a->groups, &shape);
}

void aggregate_state_release(struct aggregate_state *a)
{
	window_groups_release(&a->groups);
}

/* ---- epochs ---- */

static void pack_state(const struct aggregate_state *a, struct packer *p)
{
	packer_u64(p, a->fingerprint);
	packer_varint(p, a->watermark.has_seen);
	packer_u64(p, (uint64_t)a->watermark.seen_ns);
}

struct noted {
	uint64_t fingerprint;
	bool has_seen;
	int64_t seen_ns;
	size_t groups;
};

/* 0 or -EBADMSG. *ret_is_there: something is remembered. */
static int unpack_state(const struct delta *saved, struct noted *ret_noted, bool *ret_is_there)
{
	const uint8_t *state;
	size_t length;
	int r = window_groups_state(saved, &state, &length, &ret_noted->groups);
	*ret_is_there = r == 0 && state;
	if (!*ret_is_there)
		return r;
	struct packed p = packed_from(state, length);
	ret_noted->fingerprint = packed_u64(&p);
	uint64_t has_seen = packed_varint(&p);
	ret_noted->has_seen = has_seen;
	ret_noted->seen_ns = (int64_t)packed_u64(&p);
	return packed_is_whole(&p) && has_seen <= 1 ? 0 : -EBADMSG;
}

int aggregate_state_snapshot(struct aggregate_state *a, struct delta *d)
{
	struct packer state = {.bytes = NULL};
	if (!a->has_news)
		return 0;
	pack_state(a, &state);
	int r = state.error ? state.error : window_groups_snapshot(&a->groups, &state, d);
	packer_release(&state);
	a->has_news = false;
	return r;
}

/* Nobody can tell what groups say that were counted for other functions. */
static int refuse_change(const struct stage *s, const struct noted *noted)
{
	env_say(s->env, SAY_ERROR,
		"groups that are open were counted by another `window`, `by` or "
		"`fields`",
		"groups=%zu would_do=%s", noted->groups,
		"the options as they were, until these are given out; or another name for this "
		"stage, which leaves them out");
	return -EINVAL;
}

static bool have_keys(const struct aggregate_state *a)
{
	for (struct chain *c = a->groups.open.next; c != &a->groups.open; c = c->next) {
		const struct window_group *g = chain_owner(c, struct window_group, link);
		int64_t start_ns;
		if (!watermark_window(&a->watermark, g->start_ns, &start_ns) ||
		    start_ns != g->start_ns ||
		    !group_key_is_whole(g->key, g->key_length, a->by_count))
			return false;
	}
	return true;
}

int aggregate_state_load(struct aggregate_state *a, const struct stage *s)
{
	const struct aggregate_options *o = s->options;
	struct noted noted = {0};
	bool is_there = false;
	int r = s->saved ? unpack_state(s->saved, &noted, &is_there) : 0;
	if (r < 0 || !is_there)
		return r;
	if (noted.groups > 0 && noted.fingerprint != a->fingerprint)
		return refuse_change(s, &noted);
	a->watermark.has_seen = noted.has_seen;
	a->watermark.seen_ns = noted.seen_ns;
	r = window_groups_load(&a->groups, s->saved);
	if (r == 0 && !have_keys(a))
		r = -EBADMSG;
	if (r == -ENOSPC)
		env_say(s->env, SAY_ERROR, "more groups are open than `max_groups`",
			"groups=%zu max_groups=%ju", noted.groups, (uintmax_t)o->max_groups);
	return r;
}

int aggregate_state_tell(const void *options, const struct delta *saved, struct teller *t)
{
	const struct aggregate_options *o = options;
	struct watermark w = {.grace_ns = o->grace_ns};
	struct noted noted = {0};
	bool is_there;
	int r = unpack_state(saved, &noted, &is_there);
	if (r < 0 || !is_there)
		return r;
	teller_thing(t, "state", "groups");
	teller_number(t, "open", noted.groups);
	w.seen_ns = noted.seen_ns;
	if (noted.has_seen)
		teller_moment(t, "watermark", watermark_ns(&w));
	return 0;
}

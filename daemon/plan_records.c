#include "daemon/plan_records.h"

#include <errno.h>
#include <stdlib.h>

/* Fields */

static int refuse_fields(const struct plan *p, size_t stage, int error, struct problems *problems)
{
	if (error != -E2BIG)
		return error;
	problem_add(problems, p->topology->stages[stage].at,
		    "more than %d fields are spoken of, up to this stage; a batch has no more",
		    COLUMNS_MAX);
	return -EINVAL;
}

static void add_all(struct column_set *to, const struct column_set *from)
{
	for (size_t i = 0; i < COLUMNS_MAX / 64; i++)
		to->bits[i] |= from->bits[i];
}

/* Who reads a stage needs what it reads itself, and what is needed of what it hands on. */
static void find_needed(struct plan *p, const struct field_uses *uses)
{
	size_t n = p->topology->stage_count;
	for (size_t i = n; i-- > 0;)
		for (size_t r = i + 1; r < n; r++) {
			if (!plan_reads(p, r, i))
				continue;
			add_all(&p->needed[i], &uses[r].reads);
			add_all(&p->needed[i], &p->needed[r]);
			p->needs_all[i] |= uses[r].reads_all || p->needs_all[r];
		}
}

static bool sends_dead_letters(const struct topology_stage *s)
{
	return s->on_error == ON_ERROR_DEAD_LETTER;
}

/* What a sink hands on is what it got, before that was encoded for it. */
static void read_unencoded(const struct topology_stage *s, struct field_uses *uses)
{
	if (s->schema->kind == STAGE_SINK &&
	    (sends_dead_letters(s) || s->on_error == ON_ERROR_FALL_BACK))
		fields_read_known(uses, FIELD_UNENCODED);
}

static bool is_dead_letter(const struct plan *p, const struct topology_input *input)
{
	return input->output == OUTPUT_FAILED &&
	       sends_dead_letters(&p->topology->stages[input->stage]);
}

static bool gets_dead_letters(const struct plan *p, size_t stage)
{
	const struct topology_stage *s = &p->topology->stages[stage];
	for (size_t k = 0; k < s->input_count; k++)
		if (is_dead_letter(p, &s->inputs[k]))
			return true;
	return false;
}

/* What dead letters say of themselves, if somebody writes out all that they have. */
static int speak_of_dead_letters(struct plan *p, const struct field_uses *uses,
				 struct column_set *ret_columns)
{
	struct field_uses own = {.fields = &p->fields, .object = -1};
	bool wanted = false;
	for (size_t i = 0; i < p->topology->stage_count; i++)
		wanted |= uses[i].reads_all && gets_dead_letters(p, i);
	if (wanted)
		fields_write_dead_letter(&own);
	*ret_columns = own.writes;
	return own.error;
}

/* Inputs stand before their readers. */
static void find_written(struct plan *p, const struct field_uses *uses,
			 const struct column_set *of_dead_letters)
{
	for (size_t i = 0; i < p->topology->stage_count; i++) {
		const struct topology_stage *s = &p->topology->stages[i];
		for (size_t k = 0; k < s->input_count; k++) {
			size_t from = s->inputs[k].stage;
			add_all(&p->written[i], &uses[from].writes);
			add_all(&p->written[i], &p->written[from]);
			if (is_dead_letter(p, &s->inputs[k]))
				add_all(&p->written[i], of_dead_letters);
		}
	}
}

static int ask_for_fields(struct plan *p, struct field_uses *uses, struct problems *problems)
{
	for (size_t i = 0; i < p->topology->stage_count; i++) {
		const struct stage_type *type = plan_type(p, i);
		uses[i] = (struct field_uses){.fields = &p->fields, .object = -1};
		if (type->fields)
			type->fields(p->topology->stages[i].options, &uses[i]);
		read_unencoded(&p->topology->stages[i], &uses[i]);
		p->objects[i] = uses[i].object;
		if (uses[i].error)
			return refuse_fields(p, i, uses[i].error, problems);
	}
	return 0;
}

static int check_fields(const struct plan *p, struct problems *problems)
{
	size_t before = problems_total(problems);
	for (size_t i = 0; i < p->topology->stage_count; i++) {
		const struct stage_type *type = plan_type(p, i);
		const struct topology_stage *s = &p->topology->stages[i];
		const struct field_traffic traffic = {.fields = &p->fields,
						      .above = &p->written[i],
						      .below = &p->needed[i],
						      .all_below = p->needs_all[i]};
		if (type->check_fields)
			type->check_fields(s->options, &traffic, s->at, problems);
	}
	return problems_total(problems) > before ? -EINVAL : 0;
}

int plan_fields(struct plan *p, struct problems *problems)
{
	size_t n = p->topology->stage_count;
	struct field_uses *uses = calloc(n, sizeof *uses);
	p->needed = calloc(n, sizeof *p->needed);
	p->needs_all = calloc(n, sizeof *p->needs_all);
	p->written = calloc(n, sizeof *p->written);
	p->objects = calloc(n, sizeof *p->objects);
	bool all = uses && p->needed && p->needs_all && p->written && p->objects;
	struct column_set of_dead_letters;
	int r = all ? ask_for_fields(p, uses, problems) : -ENOMEM;
	if (r == 0)
		r = refuse_fields(p, n - 1, speak_of_dead_letters(p, uses, &of_dead_letters),
				  problems);
	if (r == 0) {
		find_needed(p, uses);
		find_written(p, uses, &of_dead_letters);
		r = check_fields(p, problems);
	}
	free(uses);
	return r;
}

/* Copies */

/* How many batches fan-out makes, at most, of one that reaches each stage; readers stand behind, so backwards. Who has
 * several outputs may send a part of the batch to each; a sink hands on what it could not store in one of its own. */
static int count_clones(struct plan *p)
{
	size_t n = p->topology->stage_count;
	size_t *clones = calloc(n, sizeof *clones);
	if (!clones)
		return -ENOMEM;
	for (size_t i = n; i-- > 0;) {
		size_t readers = 0;
		for (size_t r = i + 1; r < n; r++) {
			size_t times = plan_times_read(p, r, i);
			readers += times;
			clones[i] += p->fused[r] ? times * clones[r] : 0;
		}
		clones[i] += readers ? readers - 1 : 0;
		const struct stage_type *type = plan_type(p, i);
		bool hands_on = type->schema.kind == STAGE_SINK && readers > 0;
		clones[i] +=
		    type->splits || type->transform_due || hands_on || plan_keeps_copies(p, i) ? 1
											       : 0;
		if (clones[i] > PLAN_TIMES_MAX)
			clones[i] = PLAN_TIMES_MAX; /* refused below; sums must not overflow */
	}
	for (size_t g = 0; g < p->group_count; g++)
		p->groups[g].clones_max = clones[p->groups[g].head];
	free(clones);
	return 0;
}

static int refuse_too_many_clones(const struct plan *p, struct problems *problems)
{
	int result = 0;
	for (size_t g = 0; g < p->group_count; g++) {
		if (p->groups[g].clones_max < PLAN_TIMES_MAX)
			continue;
		const struct topology_stage *head = &p->topology->stages[p->groups[g].head];
		problem_add(problems, head->at,
			    "`%s` would hand on each batch in more than %d copies, over all ways "
			    "to the sinks; no memory would do, fewer branches would",
			    head->id.bytes, PLAN_TIMES_MAX);
		result = -EINVAL;
	}
	return result;
}

int plan_clones(struct plan *p, struct problems *problems)
{
	int r = count_clones(p);
	return r == 0 ? refuse_too_many_clones(p, problems) : r;
}

/* Text that is made */

size_t plan_largest_input(const struct plan *p)
{
	size_t capacity = 0;
	for (size_t i = 0; i < p->topology->stage_count; i++) {
		const struct stage_type *type = plan_type(p, i);
		if (!type->buffer_capacity)
			continue;
		size_t c = type->buffer_capacity(p->topology->stages[i].options);
		capacity = c > capacity ? c : capacity;
	}
	return capacity;
}

/* Of the stage itself, for one batch. */
static size_t scratch_of(const struct plan *p, size_t stage, size_t *ret_capacity)
{
	const struct stage_type *type = plan_type(p, stage);
	*ret_capacity = 0;
	if (!type->scratch)
		return 0;
	return type->scratch(p->topology->stages[stage].options, plan_largest_input(p),
			     p->needs_all[stage], ret_capacity);
}

static void widen_scratch(struct plan *p, size_t stage, size_t capacity)
{
	for (size_t g = 0; g < p->group_count; g++)
		if (plan_hosts(p, g, stage) && p->groups[g].scratch_capacity < capacity)
			p->groups[g].scratch_capacity = capacity;
}

/* How many buffers the stages take, at most, of one batch that reaches each; as clones are counted. */
static int count_scratch(struct plan *p)
{
	size_t n = p->topology->stage_count;
	size_t *scratch = calloc(n, sizeof *scratch);
	if (!scratch)
		return -ENOMEM;
	for (size_t i = n; i-- > 0;) {
		size_t capacity;
		scratch[i] = scratch_of(p, i, &capacity);
		widen_scratch(p, i, capacity);
		for (size_t r = i + 1; r < n; r++)
			scratch[i] += p->fused[r] ? plan_times_read(p, r, i) * scratch[r] : 0;
		if (scratch[i] > PLAN_TIMES_MAX)
			scratch[i] = PLAN_TIMES_MAX; /* no memory would do */
	}
	for (size_t g = 0; g < p->group_count; g++)
		p->groups[g].scratch_max = scratch[p->groups[g].head];
	free(scratch);
	return 0;
}

/* A batch holds what was made of it until it is stored, whatever queues it goes through. */
static int refuse_too_many_held(const struct plan *p, struct problems *problems)
{
	size_t n = p->topology->stage_count, capacity;
	size_t *held = calloc(n, sizeof *held);
	int result = held ? 0 : -ENOMEM;
	for (size_t i = 0; i < n && result == 0; i++) {
		const struct topology_stage *s = &p->topology->stages[i];
		for (size_t k = 0; k < s->input_count; k++)
			held[i] =
			    held[s->inputs[k].stage] > held[i] ? held[s->inputs[k].stage] : held[i];
		held[i] += scratch_of(p, i, &capacity);
		if (held[i] <= BATCH_HELD_MAX)
			continue;
		problem_add(problems, s->at,
			    "more than %d stages make text of a record, one after the other, up to "
			    "this one; do more in fewer",
			    BATCH_HELD_MAX);
		result = -EINVAL;
	}
	free(held);
	return result;
}

int plan_texts(struct plan *p, struct problems *problems)
{
	int r = refuse_too_many_held(p, problems);
	return r == 0 ? count_scratch(p) : r;
}

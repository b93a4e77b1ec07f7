/* plan_records.h - what the stages of a plan do with records: which fields they speak of, how many copies and how much text
 * they make.
 *
 * Threads: one, that of plan_make(). Memory: the plan's. Layer: daemon. */
#pragma once

#include "daemon/plan.h"

/* Asks each stage, and works out what is needed of each and written above it. 0; -EINVAL with a problem added; -ENOMEM. */
int plan_fields(struct plan *p, struct problems *problems);

/* How many copies each group makes of one batch. The groups are there. 0; -EINVAL with a problem added: more than any memory would do
 * for; -ENOMEM. */
int plan_clones(struct plan *p, struct problems *problems);

/* The capacity of the largest buffer that a source has. */
size_t plan_largest_input(const struct plan *p);

/* How many buffers, of which size, each group has to have for one batch. The groups are there. 0, -EINVAL with a problem added,
 * -ENOMEM. */
int plan_texts(struct plan *p, struct problems *problems);

/* fake_types.h - the fake stages (fake_stages.h says what each does), for their catalog. */
#pragma once

#include "stages/stage.h"

/* fake_sources.c */
extern const struct stage_type fake_numbers_type;

/* fake_transforms.c */
extern const struct stage_type fake_odd_type;
extern const struct stage_type fake_labour_type;
extern const struct stage_type fake_parts_type;
extern const struct stage_type fake_late_type;
extern const struct stage_type fake_breaks_type;
extern const struct stage_type fake_naps_type;

/* fake_sinks.c */
extern const struct stage_type fake_collect_type;
extern const struct stage_type fake_picky_type;
extern const struct stage_type fake_nothing_type;

/* fake_ailing_sinks.c */
extern const struct stage_type fake_stuck_type;
extern const struct stage_type fake_moody_type;

extern const struct option fake_no_options[];

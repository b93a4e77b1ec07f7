/* file_source.h - the file source without its outlet, for tests that have none.
 * Threads: the instance's. Layer: stages. */
#pragma once

#include "conf/option.h"
#include "stages/framing_options.h"
#include "stages/stage.h"

struct file_source_options {
	struct text_list paths, exclude;
	uint64_t read_from;       /* 0: beginning, 1: end */
	uint64_t compression;     /* enum compression */
	uint64_t ignore_older_ns; /* 0: off */
	uint64_t remove_after_ns; /* 0: off */
	struct framing_options framing;
	bool joins; /* `multiline` is given */
	struct multiline_options multiline;
};

/* As stage_type.source_step, save that the batch is handed back: *ret_batch is the caller's, or NULL. */
int file_source_next(struct stage *s, struct batch **ret_batch);

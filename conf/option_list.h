/* option_list.h - option tables for people to read: `sluice list STAGE`.
 *
 *   sink file: writes records to files
 *
 *     path         text                  required  Where to write
 *     compression  none or zstd          none      ...
 *       level      count, 1 to 19        3         ...
 *
 * Threads: one. Memory: none. Errors are the stream's: ask ferror(). Layer: conf. */
#pragma once

#include "conf/schema.h"

#include <stdio.h>

/* What one stage is and everything that may stand under it, the common keys first. */
void option_list_stage(const struct stage_schema *schema, FILE *to);

/* One table, each line indented by so many spaces. */
void option_list_table(const struct option *table, unsigned indent, FILE *to);

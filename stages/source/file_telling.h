/* file_telling.h - what a file source remembers, told. Threads: any. Layer: stages. */
#pragma once

#include "stages/stage.h"

/* As stage_type.tell. */
int file_source_tell(const void *options, const struct delta *saved, struct teller *t);

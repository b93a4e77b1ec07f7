/* resolve.h - where a path leads, whether or not there is anything yet.
 *
 * Threads: any. Memory: the caller's. Layer: daemon. */
#pragma once

#include "stages/file_claim.h"

/* realpath(3), but names that are not there stay as they are written, and a link to what is not there is followed. */
file_resolve resolve;

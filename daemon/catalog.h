/* catalog.h - this build's stages, as conf wants to see them. Threads: any, after the first call. Layer: daemon. */
#pragma once

#include "conf/schema.h"

const struct stage_catalog *catalog(void);

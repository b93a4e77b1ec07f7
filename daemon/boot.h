/* boot.h - which start of the machine this is: what was written and not synced survives a process, but not that.
 *
 * Source: /proc/sys/kernel/random/boot_id (random(4)), which the kernel makes once. Threads: any. Layer: daemon. */
#pragma once

#include <stdint.h>

/* Never the same for two starts; 0: not known, as where there is no /proc. Blocks the first time. */
uint64_t boot_number(void);

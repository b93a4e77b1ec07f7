/* cpus.h - how many CPUs this process may use: those of its affinity (taskset, cpusets), or fewer where its control
 * group has a quota (CPUQuota=, a container's limit).
 *
 * Threads: any. Memory: none. Blocks on procfs and cgroupfs for a moment. Layer: daemon. */
#pragma once

/* At least 1. */
unsigned cpus_available(void);

/* The quota of the control group (v2) at `path` below `root` and of all above it, in CPUs, rounded up; 0: none. */
unsigned cpus_in_quota(const char *root, const char *path);

#include "daemon/cpus.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned in_affinity(void)
{
	cpu_set_t ours;
	if (sched_getaffinity(0, sizeof ours, &ours) == 0)
		return (unsigned)CPU_COUNT(&ours);
	long online = sysconf(_SC_NPROCESSORS_ONLN); /* more than the set has room for */
	return online > 0 ? (unsigned)online : 1;
}

/* "QUOTA PERIOD" in microseconds, or "max PERIOD". 0: no quota. */
static unsigned read_quota(const char *limit)
{
	char *end;
	unsigned long long quota = strtoull(limit, &end, 10);
	unsigned long long period = *end == ' ' ? strtoull(end, &end, 10) : 0;
	if (quota == 0 || period == 0)
		return 0;
	unsigned long long cpus = (quota - 1) / period + 1;
	return cpus < UINT_MAX ? (unsigned)cpus : 0;
}

/* The root has no such file. */
static unsigned quota_of(const char *directory)
{
	char name[PATH_MAX + 16], limit[64];
	snprintf(name, sizeof name, "%s/cpu.max", directory);
	FILE *f = fopen(name, "re");
	if (!f)
		return 0;
	unsigned cpus = fgets(limit, sizeof limit, f) ? read_quota(limit) : 0;
	fclose(f);
	return cpus;
}

unsigned cpus_in_quota(const char *root, const char *path)
{
	char directory[PATH_MAX];
	unsigned least = 0;
	int length = snprintf(directory, sizeof directory, "%s%s", root, path);
	if (length < 0 || (size_t)length >= sizeof directory)
		return 0;
	for (size_t end = (size_t)length; end >= strlen(root); end--) {
		if (directory[end] != '/' && directory[end] != '\0')
			continue;
		directory[end] = '\0';
		unsigned cpus = quota_of(directory);
		if (cpus > 0 && (least == 0 || cpus < least))
			least = cpus;
	}
	return least;
}

static unsigned in_own_quota(void)
{
	char line[PATH_MAX + 16];
	unsigned cpus = 0;
	FILE *f = fopen("/proc/self/cgroup", "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof line, f)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "0::", 3) == 0) /* v2's */
			cpus = cpus_in_quota("/sys/fs/cgroup", line + 3);
	}
	fclose(f);
	return cpus;
}

unsigned cpus_available(void)
{
	unsigned cpus = in_affinity(), quota = in_own_quota();
	return quota > 0 && quota < cpus ? quota : cpus;
}

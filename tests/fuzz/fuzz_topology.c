/* fuzz_topology.c - any bytes as a topology: loaded and planned, or refused with a reason, and nothing else.
 * Layer: tests, libFuzzer. */
#include "daemon/catalog.h"
#include "daemon/plan.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static const char *variable(const char *name)
{
	return name[0] == 'H' ? "a value" : NULL;
}

static int topology_file(const uint8_t *bytes, size_t length, char path[64])
{
	int fd = memfd_create("topology", MFD_CLOEXEC);
	if (fd < 0 || write(fd, bytes, length) != (ssize_t)length)
		abort();
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	char path[64];
	int fd = topology_file(bytes, length, path);
	const char *files[] = {path};
	struct topology_request request = {.files = files,
					   .file_count = 1,
					   .catalog = catalog(),
					   .variable = variable,
					   .bytes_max = 8 << 20};
	struct problems problems;
	struct topology t;
	struct plan plan = {.group_count = 0};
	problems_init(&problems);
	int r = topology_load(&t, &request, &problems);
	if (r == 0)
		r = plan_make(&plan, &t, 2, &problems);
	assert(r == 0 || problems.count > 0);
	plan_release(&plan);
	topology_release(&t);
	problems_release(&problems);
	close(fd);
	return 0;
}

#include "tests/unit/stages/scratch.h"

#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void need(bool holds, const char *path)
{
	if (holds)
		return;
	perror(path);
	abort();
}

void scratch_make(char path[static SCRATCH_PATH_MAX], const char *name)
{
	const char *parent = access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp";
	int length = snprintf(path, SCRATCH_PATH_MAX, "%s/sluice-%s-XXXXXX", parent, name);
	need(length < SCRATCH_PATH_MAX && mkdtemp(path), path);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	(void)status;
	(void)kind;
	(void)where;
	return remove(path);
}

void scratch_remove(const char *path)
{
	need(nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0, path);
}

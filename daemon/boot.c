#include "daemon/boot.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>
#include <xxhash.h>

static uint64_t number;

static void read_number(void)
{
	char id[64];
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	ssize_t n = read(fd, id, sizeof id);
	if (n > 0)
		number = XXH3_64bits(id, (size_t)n);
	close(fd);
}

uint64_t boot_number(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, read_number);
	return number;
}

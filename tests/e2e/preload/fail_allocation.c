/* fail_allocation.c - a library to be preloaded: the allocation number $FAIL_ALLOCATION returns NULL, all others succeed.
 * How many there were is written to $COUNT_ALLOCATIONS when the program ends by itself.
 *
 * Anonymous mappings count, too. Threads: any. Layer: tests, glibc. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *old, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

static atomic_ulong made;
static unsigned long fails_at;

static bool fails(void)
{
	bool now = atomic_fetch_add(&made, 1) + 1 == fails_at;
	if (now)
		errno = ENOMEM;
	return now;
}

void *malloc(size_t bytes)
{
	return fails() ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
	return fails() ? NULL : __libc_calloc(count, bytes);
}

void *realloc(void *old, size_t bytes)
{
	return fails() ? NULL : __libc_realloc(old, bytes);
}

void *reallocarray(void *old, size_t count, size_t bytes)
{
	size_t total;
	if (__builtin_mul_overflow(count, bytes, &total)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(old, total);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
	return fails() ? NULL : __libc_memalign(alignment, bytes);
}

int posix_memalign(void **ret, size_t alignment, size_t bytes)
{
	void *p = aligned_alloc(alignment, bytes);
	if (!p)
		return ENOMEM;
	*ret = p;
	return 0;
}

void *mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset)
{
	if (flags & MAP_ANONYMOUS && fails())
		return MAP_FAILED;
	return (void *)syscall(SYS_mmap, at, length, protection, flags, fd, offset);
}

static void __attribute__((constructor)) begin(void)
{
	const char *n = getenv("FAIL_ALLOCATION");
	fails_at = n ? atomic_load(&made) + strtoul(n, NULL, 10) : 0;
	unsetenv("LD_PRELOAD");
}

static void __attribute__((destructor)) end(void)
{
	const char *path = getenv("COUNT_ALLOCATIONS");
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
	char text[24];
	int length = snprintf(text, sizeof text, "%lu\n", (unsigned long)atomic_load(&made));
	if (fd < 0 || write(fd, text, (size_t)length) != length)
		return;
	close(fd);
}

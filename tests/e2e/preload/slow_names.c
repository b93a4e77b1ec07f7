/* slow_names.c - for LD_PRELOAD: looking up a name that begins with `slow` takes 20 s. */
#include <netdb.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		struct addrinfo **result)
{
	(void)service, (void)hints, (void)result;
	const struct timespec long_time = {.tv_sec = 20};
	if (node && strncmp(node, "slow", 4) == 0)
		nanosleep(&long_time, NULL);
	return EAI_NONAME;
}

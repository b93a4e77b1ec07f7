#include "daemon/notify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* A path, or with '@' a name in the abstract namespace. 0 or the address' length. */
static socklen_t address_of(const char *name, struct sockaddr_un *address)
{
	size_t length = strlen(name);
	if ((name[0] != '/' && name[0] != '@') || length >= sizeof address->sun_path)
		return 0;
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(address->sun_path, name, length);
	if (name[0] == '@')
		address->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

static int open_socket(const char *name)
{
	struct sockaddr_un address;
	socklen_t length = address_of(name, &address);
	if (length == 0)
		return -1;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, length) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static uint64_t number_in(const char *variable)
{
	const char *text = getenv(variable);
	return text ? strtoull(text, NULL, 10) : 0;
}

/* It may be meant for another process of the same unit. */
static uint64_t watchdog_ns(void)
{
	uint64_t process = number_in("WATCHDOG_PID");
	if (process != 0 && process != (uint64_t)getpid())
		return 0;
	return number_in("WATCHDOG_USEC") * 1000;
}

void notify_begin(struct notify *n)
{
	const char *name = getenv("NOTIFY_SOCKET");
	n->socket = name ? open_socket(name) : -1;
	n->watchdog_ns = notify_is_on(n) ? watchdog_ns() : 0;
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

void notify_end(struct notify *n)
{
	if (notify_is_on(n))
		close(n->socket);
	n->socket = -1;
}

static void tell(const struct notify *n, const char *text)
{
	if (notify_is_on(n))
		send(n->socket, text, strlen(text), MSG_NOSIGNAL);
}

void notify_ready(const struct notify *n)
{
	tell(n, "READY=1");
}

void notify_reloading(const struct notify *n)
{
	struct timespec now;
	char text[64];
	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
		 (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	tell(n, text);
}

void notify_stopping(const struct notify *n)
{
	tell(n, "STOPPING=1");
}

void notify_alive(const struct notify *n)
{
	tell(n, "WATCHDOG=1");
}

void notify_waiting(const struct notify *n)
{
	tell(n, "WATCHDOG=1\nEXTEND_TIMEOUT_USEC=30000000");
}

void notify_status(const struct notify *n, const char *format, ...)
{
	char text[256] = "STATUS=";
	va_list args;
	va_start(args, format);
	vsnprintf(text + strlen("STATUS="), sizeof text - strlen("STATUS="), format, args);
	va_end(args);
	tell(n, text);
}

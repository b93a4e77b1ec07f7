/* notify_listener.c - a service manager as far as sd_notify(3) goes: prints every datagram that comes to a socket.
 *
 *	notify_listener SOCKET
 *
 * Each on a line of its own, newlines within as spaces, before it the milliseconds since the one before. Until it is killed.
 *
 * Threads: one. Layer: tests. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (argc != 2 || strlen(argv[1]) >= sizeof address.sun_path)
		return 2;
	memcpy(address.sun_path, argv[1], strlen(argv[1]));
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0) {
		perror(argv[1]);
		return 1;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	char text[4096];
	ssize_t n;
	int64_t before = now_ms();
	while ((n = recv(fd, text, sizeof text - 1, 0)) >= 0) {
		text[n] = '\0';
		for (char *at = text; (at = strchr(at, '\n')); at++)
			*at = ' ';
		int64_t now = now_ms();
		printf("%jd %s\n", (intmax_t)(now - before), text);
		before = now;
	}
	return 1;
}

#include "daemon/signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const struct {
	const char *name;
	uint32_t number;
	bool may_be_ignored;
} heard[] = {
    {"SIGTERM", SIGTERM, false},
    {"SIGINT", SIGINT, true},
    {"SIGHUP", SIGHUP, true},
    {"SIGUSR1", SIGUSR1, false},
};
enum { HEARD_COUNT = sizeof heard / sizeof heard[0] };

void signals_hold_back(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static bool is_ignored(int number)
{
	struct sigaction now;
	return sigaction(number, NULL, &now) == 0 && !(now.sa_flags & SA_SIGINFO) &&
	       now.sa_handler == SIG_IGN;
}

int signals_open(void)
{
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < HEARD_COUNT; i++)
		if (!heard[i].may_be_ignored || !is_ignored((int)heard[i].number))
			sigaddset(&set, (int)heard[i].number);
	if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
		return -EINVAL;
	signal(SIGPIPE, SIG_IGN);
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

uint32_t signals_take(int fd)
{
	struct signalfd_siginfo info;
	return read(fd, &info, sizeof info) == (ssize_t)sizeof info ? info.ssi_signo : 0;
}

const char *signals_name(uint32_t number)
{
	for (size_t i = 0; i < HEARD_COUNT; i++)
		if (heard[i].number == number)
			return heard[i].name;
	return "?";
}

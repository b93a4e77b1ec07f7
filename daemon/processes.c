#include "daemon/processes.h"
#include "daemon/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STANDARD = 3 };

/* All that the child needs, found beforehand: between vfork() and exec it may do little more than system calls. */
struct birth {
	const struct io_op *op;
	char **environment;
	int given
	    [STANDARD]; /* none of them below STANDARD, so that none is overwritten before it is taken */
	int ours[STANDARD]; /* our ends of its pipes; -1: none */
	int told[2];        /* a pipe: what the child could not do, as an errno; nothing: it runs */
	pid_t parent;
	sigset_t mask; /* as it was before */
};

/* Those that run: a group's number is its own until its process is reaped. */
static struct {
	pthread_mutex_t lock;
	pid_t *pids;
	size_t count, room;
} running = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Without memory one may outlive us; it is told to end when we do. */
static void note_running(pid_t pid)
{
	pthread_mutex_lock(&running.lock);
	if (running.count == running.room) {
		size_t room = running.room ? 2 * running.room : 16;
		pid_t *more = reallocarray(running.pids, room, sizeof *more);
		if (more) {
			running.pids = more;
			running.room = room;
		}
	}
	if (running.count < running.room)
		running.pids[running.count++] = pid;
	pthread_mutex_unlock(&running.lock);
}

/* Before it is reaped. */
static void note_ended(pid_t pid)
{
	pthread_mutex_lock(&running.lock);
	for (size_t i = 0; i < running.count; i++)
		if (running.pids[i] == pid) {
			running.pids[i] = running.pids[--running.count];
			break;
		}
	if (running.count == 0) {
		free(running.pids);
		running.pids = NULL;
		running.room = 0;
	}
	pthread_mutex_unlock(&running.lock);
}

void processes_kill_all(void)
{
	pthread_mutex_lock(&running.lock);
	for (size_t i = 0; i < running.count; i++)
		kill(-running.pids[i], SIGKILL);
	pthread_mutex_unlock(&running.lock);
}

/* The environment */

/* What systemd told us, and nobody else. */
static bool is_ours_alone(const char *variable)
{
	static const char *const ours[] = {"NOTIFY_SOCKET=", "WATCHDOG_USEC=", "WATCHDOG_PID="};
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		if (strncmp(variable, ours[i], strlen(ours[i])) == 0)
			return true;
	return false;
}

static bool is_among(const char *variable, const char *const *more)
{
	size_t name = strcspn(variable, "=") + 1;
	for (; *more; more++)
		if (strncmp(*more, variable, name) == 0)
			return true;
	return false;
}

static size_t count_of(const char *const *list)
{
	size_t n = 0;
	while (list[n])
		n++;
	return n;
}

/* Ours with `more` of it. */
static char **make_environment(const char *const *more)
{
	static const char *const none[] = {NULL};
	const char *const *ours = (const char *const *)environ;
	if (!more)
		more = none;
	size_t n = 0, room = count_of(ours) + count_of(more) + 1;
	const char **all = calloc(room, sizeof *all);
	if (!all)
		return NULL;
	for (; *ours; ours++)
		if (!is_ours_alone(*ours) && !is_among(*ours, more))
			all[n++] = *ours;
	while (*more)
		all[n++] = *more++;
	return (char **)(uintptr_t)all;
}

/* The child */

static void __attribute__((noreturn)) give_up(const struct birth *b)
{
	int error = errno;
	ssize_t ignored = write(b->told[1], &error, sizeof error);
	(void)ignored;
	_exit(127);
}

/* By the system call, as libc refuses the two signals that it keeps for itself; all zero is the default of any. */
static void forget_signals(void)
{
	static const unsigned long as_usual[8];
	sigset_t none;
	for (int n = 1; n < NSIG; n++)
		syscall(SYS_rt_sigaction, n, as_usual, NULL, (size_t)(NSIG - 1) / 8);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void __attribute__((noreturn)) be_born(const struct birth *b)
{
	const struct io_op *op = b->op;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != b->parent) /* it ended before that was said */
		_exit(127);
	setpgid(0, 0);
	for (int i = 0; i < STANDARD; i++)
		if (dup2(b->given[i], i) < 0)
			give_up(b);
	syscall(SYS_close_range, STANDARD, ~0u, CLOSE_RANGE_CLOEXEC);
	if (op->spawn.directory && chdir(op->spawn.directory) < 0)
		give_up(b);
	forget_signals();
	execvpe(op->spawn.arguments[0], (char **)(uintptr_t)op->spawn.arguments, b->environment);
	give_up(b);
}

/* The parent */

/* The number is none of the standard ones. 0 or -errno. */
static int take(int fd, int *ret_fd)
{
	int taken = fcntl(fd, F_DUPFD_CLOEXEC, STANDARD);
	if (taken < 0)
		return -errno;
	*ret_fd = taken;
	return 0;
}

static void close_both(const int *ends)
{
	for (int i = 0; i < 2; i++)
		if (ends[i] >= 0)
			close(ends[i]);
}

static int make_pipe(int *ret_reads, int *ret_writes)
{
	int made[2];
	if (pipe2(made, O_CLOEXEC) < 0)
		return -errno;
	int r = take(made[0], ret_reads);
	if (r == 0)
		r = take(made[1], ret_writes);
	close_both(made);
	return r;
}

static int make_pipe_for(struct birth *b, int which)
{
	int r = which == STDIN_FILENO ? make_pipe(&b->given[which], &b->ours[which])
				      : make_pipe(&b->ours[which], &b->given[which]);
	if (r == 0 && fcntl(b->ours[which], F_SETFL, O_NONBLOCK) < 0)
		r = -errno;
	return r;
}

static int take_descriptors(struct birth *b)
{
	const int wanted[STANDARD] = {b->op->spawn.input, b->op->spawn.output, b->op->spawn.errors};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), r = null < 0 ? -errno : 0;
	for (int i = 0; i < STANDARD && r == 0; i++)
		r = wanted[i] == IO_PIPE ? make_pipe_for(b, i)
					 : take(wanted[i] < 0 ? null : wanted[i], &b->given[i]);
	if (null >= 0)
		close(null);
	return r;
}

static int birth_init(struct birth *b, const struct io_op *op)
{
	*b = (struct birth){.op = op,
			    .given = {-1, -1, -1},
			    .ours = {-1, -1, -1},
			    .told = {-1, -1},
			    .parent = getpid()};
	b->environment = make_environment(op->spawn.environment);
	int r = b->environment ? take_descriptors(b) : -ENOMEM;
	return r < 0 ? r : make_pipe(&b->told[0], &b->told[1]);
}

static void birth_release(struct birth *b)
{
	for (int i = 0; i < STANDARD; i++)
		close_both((int[]){b->given[i], b->ours[i]});
	close_both(b->told);
	free(b->environment);
}

/* The child runs in our memory until it has become the program, as a copy of what maps all of it would take long; so no handler of
 * ours may run there: all signals are held back meanwhile. */
static pid_t have_child(struct birth *b)
{
	sigset_t all;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &b->mask);
	pid_t pid = vfork(); // NOLINT(clang-analyzer-security.insecureAPI.vfork)
	if (pid == 0)
		be_born(b); // NOLINT(clang-analyzer-unix.Vfork)
	int error = errno;
	pthread_sigmask(SIG_SETMASK, &b->mask, NULL);
	return pid < 0 ? -error : pid;
}

/* 0: it runs, or -errno. */
static int hear_of_it(struct birth *b)
{
	int error = 0;
	ssize_t n;
	close(b->told[1]);
	b->told[1] = -1;
	while ((n = read(b->told[0], &error, sizeof error)) < 0 && errno == EINTR)
		continue;
	return n == (ssize_t)sizeof error ? -error : 0;
}

static void reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
}

static int64_t spawn(struct birth *b, pid_t *ret_pid)
{
	pid_t pid = have_child(b);
	if (pid < 0)
		return pid;
	int64_t r = hear_of_it(b);
	if (r == 0)
		r = or_errno(syscall(SYS_pidfd_open, pid, 0)); /* close-on-exec by itself */
	if (r < 0) {
		kill(pid, SIGKILL);
		reap(pid);
		return r;
	}
	note_running(pid);
	*ret_pid = pid;
	return r;
}

/* Our ends become the op's. */
static void hand_over(struct birth *b, struct io_op *op)
{
	int *into[STANDARD] = {&op->spawn.input, &op->spawn.output, &op->spawn.errors};
	for (int i = 0; i < STANDARD; i++)
		if (b->ours[i] >= 0) {
			*into[i] = b->ours[i];
			b->ours[i] = -1;
		}
}

int64_t processes_spawn(struct io_op *op)
{
	struct birth b;
	int64_t r = birth_init(&b, op);
	if (r == 0)
		r = spawn(&b, &op->spawn.pid);
	if (r >= 0)
		hand_over(&b, op);
	birth_release(&b);
	return r;
}

/* As waitpid(2) would have said it. */
static int status_of(const siginfo_t *info)
{
	if (info->si_code == CLD_EXITED)
		return (info->si_status & 0xff) << 8;
	return info->si_status | (info->si_code == CLD_DUMPED ? 0x80 : 0);
}

/* Looked at before it is reaped: until then its number is nobody else's, nor its group's. */
int64_t processes_await(const struct io_op *op)
{
	siginfo_t info = {.si_pid = 0};
	if (waitid(P_PIDFD, (id_t)op->fd, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
		return -errno;
	if (info.si_pid == 0)
		return -EAGAIN;
	note_ended(info.si_pid);
	if (op->await.left)
		kill(-info.si_pid, op->await.left);
	if (waitid(P_PIDFD, (id_t)op->fd, &info, WEXITED | WNOHANG) < 0)
		return -errno;
	return status_of(&info);
}

int64_t processes_signal(const struct io_op *op)
{
	if (op->signal.group > 0)
		return or_errno(kill(-op->signal.group, op->signal.number));
	return or_errno(syscall(SYS_pidfd_send_signal, op->fd, op->signal.number, NULL, 0));
}

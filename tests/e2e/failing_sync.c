/* failing_sync.c - runs a command whose disk fails when it is told to: while there is such a file, each fsync(2) and
 * fdatasync(2) of the command's main thread fails with EIO. Other threads' go through, and so do io_uring's.
 *
 *	failing_sync FILE COMMAND ARGUMENT...     exit code: the command's; 77 where that is refused here
 *
 *   the command --fork--> a judge: asked by the kernel about each of these calls (seccomp_unotify(2)), it ends with the
 *                         command, which keeps its process id
 *
 * Layer: tests. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { REFUSED_HERE = 77 };

/* A message that carries one descriptor beside its one byte. */
struct envelope {
	struct msghdr message;
	struct iovec span;
	char byte;
	alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
};

static void envelope_init(struct envelope *e)
{
	memset(e, 0, sizeof *e);
	e->span = (struct iovec){.iov_base = &e->byte, .iov_len = 1};
	e->message = (struct msghdr){.msg_iov = &e->span,
				     .msg_iovlen = 1,
				     .msg_control = e->control,
				     .msg_controllen = sizeof e->control};
}

static int send_descriptor(int socket, int fd)
{
	struct envelope e;
	envelope_init(&e);
	struct cmsghdr *header = CMSG_FIRSTHDR(&e.message);
	*header = (struct cmsghdr){
	    .cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
	memcpy(CMSG_DATA(header), &fd, sizeof fd);
	return sendmsg(socket, &e.message, 0) == 1 ? 0 : -1;
}

/* -1: none came. */
static int receive_descriptor(int socket)
{
	struct envelope e;
	int fd;
	envelope_init(&e);
	if (recvmsg(socket, &e.message, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&e.message))
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&e.message)), sizeof fd);
	return fd;
}

/* The calls ask whoever has the descriptor that comes back. */
static int have_syncs_ask(void)
{
	struct sock_filter filter[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fdatasync, 1, 0),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fsync, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
			    &program);
}

/* A thread's id is the process's where it is the main one. One that has been killed meanwhile wants no answer. */
static void judge_one(int listener, pid_t command, const char *file)
{
	struct seccomp_notif asked = {.id = 0};
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) < 0)
		return;
	struct seccomp_notif_resp answer = {.id = asked.id};
	if ((pid_t)asked.pid == command && access(file, F_OK) == 0)
		answer.error = -EIO;
	else
		answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

/* Holds nothing of the command's open, so that who waits for the end of its output sees it. */
static void judge(int socket, pid_t command, const char *file)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		close(fd);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	struct pollfd polled = {.fd = receive_descriptor(socket), .events = POLLIN};
	while (polled.fd >= 0 && getppid() == command) {
		if (poll(&polled, 1, -1) < 0 && errno != EINTR)
			return;
		if (polled.revents & POLLIN)
			judge_one(polled.fd, command, file);
		else if (polled.revents & (POLLHUP | POLLERR))
			return;
	}
}

int main(int argc, char **argv)
{
	int ends[2];
	pid_t command = getpid();
	if (argc < 3) {
		fputs("usage: failing_sync FILE COMMAND ARGUMENT...\n", stderr);
		return 2;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return REFUSED_HERE;
	pid_t child = fork();
	if (child == 0) {
		close(ends[1]);
		judge(ends[0], command, argv[1]);
		_exit(0);
	}
	int listener = child < 0 ? -1 : have_syncs_ask();
	if (listener < 0 || send_descriptor(ends[1], listener) < 0)
		return REFUSED_HERE;
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
